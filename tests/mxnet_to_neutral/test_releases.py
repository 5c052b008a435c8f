"""Small files that MXNet 0.9.5 to 2.0 wrote, in ``fixtures``: every container version and era of symbols."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
from mxnet_to_neutral.arrays import read_arrays
from mxnet_to_neutral.symbol import read_symbol
from neutral_to_mxnet import restore

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if (path / "truth.json").is_file())


def writer() -> Any:
    """Return the script that made the files, for the values of their arrays."""
    spec = importlib.util.spec_from_file_location("write_fixtures", FIXTURES / "write_fixtures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = writer()


def first_record(path: Path) -> int:
    """Return the first word of the first array, which tells the version of its record."""
    return int(struct.unpack_from("<I", path.read_bytes(), 24)[0])


def test_every_version_of_a_container_and_every_era_of_symbols_is_here() -> None:
    assert RELEASES == ["0.11.0", "0.9.5-2", "1.9.1", "2.0.0beta1"]
    assert first_record(FIXTURES / "0.9.5-2" / "net-0001.params") in (1, 2, 4), "V0: the number of dimensions"
    assert first_record(FIXTURES / "0.11.0" / "net-0001.params") == 0xF993FAC8, "V1"
    assert first_record(FIXTURES / "1.9.1" / "net-0001.params") == 0xF993FAC9, "V2"
    assert first_record(FIXTURES / "1.9.1" / "npshape.params") == 0xF993FACA, "V3"
    assert (FIXTURES / "2.0.0beta1" / "arrays.npz").read_bytes()[:4] == b"PK\3\4"
    assert (FIXTURES / "2.0.0beta1" / "traced-0000.params").read_bytes()[:4] == b"PK\3\4"
    assert (FIXTURES / "2.0.0beta1" / "array.npy").read_bytes()[:6] == b"\x93NUMPY"
    for release in RELEASES:
        nodes = json.loads((FIXTURES / release / "net-symbol.json").read_text())["nodes"]
        key = "attr" if release.startswith("0.") else "attrs"
        assert any(key in node for node in nodes)


@pytest.mark.parametrize("release", RELEASES)
def test_arrays_of_every_dtype_have_their_values(release: str) -> None:
    compared = []
    for array in read_arrays(FIXTURES / release / "dtypes.params").arrays:
        dtype = array.name[len("a:") :]
        expected = SCRIPT.values(dtype, (2, 3), dtype)
        stored = array.tensor().numpy()
        assert stored.dtype == expected.dtype and np.array_equal(stored, expected), array.name
        compared.append(dtype)
    assert len(compared) >= 5 and (release < "1" or {"int8", "int64", "bool"} < set(compared))
    unnamed = read_arrays(FIXTURES / release / "list.params")
    assert not unnamed.named
    for index, array in enumerate(unnamed.arrays):
        assert np.array_equal(array.tensor().numpy(), SCRIPT.values(str(index), (index + 1, 2)))


def test_sparse_half_and_scalar_arrays_have_their_values() -> None:
    folder = FIXTURES / "1.9.1"
    expected = SCRIPT.values("sparse", (5, 3)) * (np.arange(5) % 2)[:, None]
    sparse = read_arrays(folder / "sparse.params").arrays
    assert {array.storage for array in sparse} == {"row_sparse", "csr"}
    for array in sparse:
        assert np.array_equal(array.tensor().numpy(), expected)
    (half,) = read_arrays(folder / "bfloat16.params").arrays
    widened = (half.tensor().numpy().astype(np.uint32) << 16).view(np.float32)
    assert half.dtype == "BF16" and np.array_equal(widened, SCRIPT.values("b", (2, 3)))
    shapes = {array.name: array.tensor().numpy() for array in read_arrays(folder / "npshape.params").arrays}
    assert shapes["scalar"].shape == () and shapes["scalar"] == 0.5 and shapes["empty"].shape == (0, 2)


def test_the_zip_archives_of_mxnet_2_have_their_values() -> None:
    folder = FIXTURES / "2.0.0beta1"
    arrays = {array.name: array.tensor().numpy() for array in read_arrays(folder / "arrays.npz").arrays}
    assert set(arrays) == {"float32", "int8"}
    assert all(np.array_equal(array, SCRIPT.values(name, (2, 3), name)) for name, array in arrays.items())
    (single,) = read_arrays(folder / "array.npy").arrays
    assert np.array_equal(single.tensor().numpy(), SCRIPT.values("array", (2, 3)))
    with mxnet_to_neutral.read(folder / "traced") as store:
        (layer,) = store.layers.values()
        assert (layer.kind, layer.typed_by) == ("linear", "graph")
        assert store.tensors[layer.tensors["weight"]].shape == (3, 4)


@pytest.mark.parametrize("release", RELEASES)
def test_a_network_of_every_era_is_typed_by_its_graph_and_restored(release: str, tmp_path: Path) -> None:
    with mxnet_to_neutral.read(FIXTURES / release / "net") as store:
        kinds = {name: layer.kind for name, layer in store.layers.items()}
        assert kinds == {"conv": "convolution", "bn": "batch_norm", "act": "prelu", "fc": "linear"}
        assert all(layer.typed_by == "graph" for layer in store.layers.values())
        assert np.array_equal(store["conv.weight"], SCRIPT.values("conv_weight", (4, 3, 3, 3)))
        assert store.layers["bn"].attributes["scale"] is False
        restored = restore(store, tmp_path)
    for path in restored:
        assert path.read_bytes() == (FIXTURES / release / path.name).read_bytes()


@pytest.mark.parametrize("release", RELEASES)
def test_a_network_of_every_era_computes_what_its_release_computed(release: str) -> None:
    torch = pytest.importorskip("torch")
    from neutral_to_torch import build

    truth = json.loads((FIXTURES / release / "truth.json").read_text())["output"]
    with mxnet_to_neutral.read(FIXTURES / release / "net") as store, torch.no_grad():
        output = build(store)(torch.from_numpy(SCRIPT.values("data", SCRIPT.DATA)))
    np.testing.assert_allclose(output.numpy(), truth, rtol=1e-5, atol=1e-6)
    assert np.ptp(truth) > 0.1, "a network that tells one wrong weight"


def test_a_loop_is_a_subgraph() -> None:
    symbol = read_symbol(FIXTURES / "1.9.1" / "loop-symbol.json")
    (loop,) = [node for node in symbol.nodes if node.operator == "_foreach"]
    assert len(loop.subgraphs) == 1

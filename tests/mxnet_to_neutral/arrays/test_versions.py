"""The files that fifteen MXNet releases wrote, against their true values, and the hostile ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mxnet_to_neutral.arrays import Array, read_arrays
from neutral.dtypes import NUMPY_DTYPE
from neutral.errors import FormatError, NeutralError, SourceError
from neutral.tensor import Tensor

np = pytest.importorskip("numpy")

VERSIONS = (
    *("0.9.5.post2", "0.10.0", "0.11.0", "0.12.0"),
    *("1.0.0", "1.2.0", "1.3.1", "1.4.1", "1.5.1", "1.6.0", "1.7.0.post2", "1.8.0.post0", "1.9.1"),
    *("2.0.0a0", "2.0.0b1"),
)


def elements(stored: Tensor | None, order: str = "C") -> Any:
    assert stored is not None
    raw = b"".join(map(bytes, stored.chunks()))
    array = np.frombuffer(raw, NUMPY_DTYPE[stored.dtype]).reshape(stored.shape, order=order)
    if stored.dtype == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def values(array: Array) -> Any:
    """The array in full, as plain as can be."""
    data = elements(array.data, "F" if array.fortran_order else "C")
    if array.storage == "dense":
        return data
    array.check_indices()
    full = np.zeros(array.shape, data.dtype)
    if array.storage == "row_sparse":
        full[elements(array.indices)] = data
    else:
        starts, columns = elements(array.indptr), elements(array.indices)
        for row in range(array.shape[0]):
            here = slice(starts[row], starts[row + 1])
            full[row, columns[here]] = data[here]
    return full


def true_values(folder: Path) -> dict[str, dict[str, Any]]:
    """By file and name. Recorded inputs and outputs of networks are left out."""
    truth: dict[str, dict[str, Any]] = {}
    with np.load(folder / "truth.npz") as archive:
        for key in archive.files:
            file, name = key.split("|", 1)
            if (folder / file).is_file() and not name.startswith("#"):
                name = {"": "0", "b(float32 values)": "b"}.get(name, name) if "npx" in file or "bf16" in file else name
                truth.setdefault(file, {})[name.replace("%2F", "/")] = archive[key]
    return truth


@pytest.mark.parametrize("version", VERSIONS)
def test_all_arrays_of_a_release_have_their_true_values(shared_data: Path, version: str) -> None:
    folder = shared_data / "versions" / version
    compared = 0
    for name, truth in true_values(folder).items():
        path = folder / name
        file = read_arrays(path)
        assert file.notes == ()
        arrays = {array.name: array for array in file.arrays}
        for key, expected in truth.items():
            if name.startswith("rnn_") and key not in arrays:  # inputs and outputs of the layer
                continue
            array = values(arrays[key])
            assert array.dtype == expected.dtype
            assert array.shape == expected.shape == arrays[key].shape
            assert array.tobytes() == expected.tobytes()
            if arrays[key].dtype != "BF16":
                assert arrays[key].tensor().numpy().tobytes() == expected.tobytes()
            compared += 1
    assert compared >= 27


@pytest.mark.parametrize("version", VERSIONS)
def test_every_file_of_a_release_is_read_or_named(shared_data: Path, version: str) -> None:
    for path in (shared_data / "versions" / version).iterdir():
        if path.suffix in (".params", ".npy") or path.name.startswith("npx"):
            file = read_arrays(path)
            for array in file.arrays:
                array.check_indices()
        elif path.suffix == ".states":
            with pytest.raises(SourceError, match="pickle"):
                read_arrays(path)
        elif path.suffix == ".json":
            with pytest.raises(SourceError, match="JSON"):
                read_arrays(path)


@pytest.mark.parametrize("version", ["0.9.5.post2", "0.10.0", "0.11.0"])
def test_arrays_never_made_are_read_as_such(shared_data: Path, version: str) -> None:
    file = read_arrays(shared_data / "versions" / version / "none.params")
    assert "none" in {array.storage for array in file.arrays}


def test_the_fixture_of_upstream(shared_data: Path) -> None:
    path = shared_data / "versions" / "upstream" / "legacy_ndarray.v0"
    file = read_arrays(path)
    assert len(file.arrays) == 6 and not file.named
    for array in file.arrays:
        assert elements(array.data).tolist() == list(range(128))


READ = {"ok", "rsp_ok", "v3_in_legacy", "dim_0_v0", "dim_0_v2", "dev_gpu", "bool_2", "dtype_8"}
NOTED = {"trailing", "reserved", "dev_0", "dev_77"}
FOUND_BY_THE_INDEX_CHECK = {"rsp_idx_oob", "rsp_idx_neg", "csr_idx_oob", "csr_indptr_oob"}


def test_hostile_files_each_have_their_outcome(shared_data: Path) -> None:
    for path in sorted((shared_data / "versions" / "adversarial").glob("*.params")):
        if path.stem in READ | NOTED | FOUND_BY_THE_INDEX_CHECK:
            file = read_arrays(path)
            assert bool(file.notes) == (path.stem in NOTED), path.stem
            if path.stem in FOUND_BY_THE_INDEX_CHECK:
                with pytest.raises(FormatError, match="outside"):
                    file.arrays[0].check_indices()
            else:
                file.arrays[0].check_indices()
        else:
            with pytest.raises(SourceError if path.stem == "empty" else FormatError):
                read_arrays(path)


def test_real_checkpoints_are_read_whole(shared_data: Path) -> None:
    paths = sorted((shared_data / "real").rglob("*.params"))
    assert paths
    for path in paths:
        file = read_arrays(path)
        assert file.arrays
        for array in file.arrays:
            array.check_indices()


def test_pickles_of_real_projects_are_never_loaded(shared_data: Path) -> None:
    for path in (shared_data / "real").rglob("*.states"):
        with pytest.raises(NeutralError, match="never loaded"):
            read_arrays(path)

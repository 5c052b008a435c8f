"""Networks that MXNet quantised, in floating point here and with 8-bit integers in MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral
import neutral_to_mxnet
import neutral_to_torch
from reader.checkpoints import SymbolBuilder
from shared_data import shared_data_folder

STEP = 1 / 127
"""The step of an int8 tensor whose range is its largest magnitude, in units of that."""


@pytest.mark.parametrize("calibration", ["naive", "none"])
@pytest.mark.parametrize(
    ("network", "fused", "tensors"), [("dense", False, 7), ("dense", True, 7), ("residual", True, 14)]
)
def test_the_difference_is_rounding(
    mxnet: Any, tmp_path: Path, record_property: Any, network: str, fused: bool, calibration: str, tensors: int
) -> None:
    """No more than if every quantised tensor (weights, biases, activations) moved the output by half a step of its own:
    the layers hardly amplify, so what int8 rounds is all that there is. Measured: 1 to 3 % of the output's scale."""
    if not mxnet.call("quantised:is_exact"):
        pytest.skip("MXNet's int8 kernels saturate on this processor, which lacks VNNI: its outputs are no reference")
    shape = (4, 3, 8, 8) if network == "residual" else (4, 10)
    data = np.random.RandomState(1).uniform(-1, 1, shape).astype("float32")
    prefix = str(tmp_path / "net")
    arguments = {"network": network, "prefix": prefix, "data": data, "calibration": calibration, "fused": fused}
    expected = mxnet.call("quantised:run", **arguments)
    store = mxnet_to_neutral.read(prefix)
    with torch.no_grad():
        actual = neutral_to_torch.build(store)(torch.from_numpy(data)).numpy()
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    record_property("error against int8, of scale", float(error))
    assert 0 < error <= tensors * STEP / 2
    assert any("quantised to 8-bit integers" in note for note in store.notes)


def test_integers_are_kept_and_weights_are_what_they_stand_for(tmp_path: Path, sample: Path) -> None:
    store = mxnet_to_neutral.read(str(sample / "quant"))
    weight = store.tensors["fc0.weight"].numpy()
    integers = store.tensors["source.arg:fc0_weight_quantize"].numpy()
    ends = [store.tensors[f"source.arg:fc0_weight_quantize_{end}"].numpy()[0] for end in ("min", "max")]
    assert integers.dtype == np.int8
    np.testing.assert_array_equal(weight, integers.astype("float32") * (np.abs(ends).max() / np.float32(127)))
    assert store.layers["fc0"].source.origins["weight"].rule == "dequantize"
    with np.load(sample / "truth.npz") as truth:
        original = truth["modcp-0003.params|arg:fc0_weight"]
    assert np.abs(weight - original).max() <= np.abs(original).max() * STEP / 2 * 1.001


def test_the_files_come_back(tmp_path: Path, sample: Path) -> None:
    target = tmp_path / "quant.safetensors"
    mxnet_to_neutral.read(str(sample / "quant")).save(target)
    with neutral.open(target) as store:
        neutral_to_mxnet.restore(store, tmp_path)
    for name in ("quant-0000.params", "quant-symbol.json"):
        assert (tmp_path / name).read_bytes() == (sample / name).read_bytes()


@pytest.fixture
def sample() -> Path:
    folder = shared_data_folder() / "versions" / "1.9.1"
    if not folder.is_dir():
        pytest.skip("the folder of real data is not here; set NEUTRAL_TEST_DATA")
    return folder


def test_real_quantised_graphs_have_no_opaque_node() -> None:
    files = sorted((shared_data_folder() / "real/gluon-cv/model_zoo/quantized").glob("*.json"))
    if not files:
        pytest.skip("the folder of real data is not here; set NEUTRAL_TEST_DATA")
    for file in files:
        graph = mxnet_to_neutral.read(str(file)).graph
        assert graph is not None
        assert {"convolution", "batch_norm"} <= {node.kind for node in graph.nodes}
        assert "opaque" not in {node.kind for node in graph.nodes}


def opaque_reasons(symbol: SymbolBuilder, folder: Path, *heads: int) -> dict[str, str]:
    """Return the reasons of the opaque nodes by name."""
    (folder / "model-symbol.json").write_text(symbol.json(*heads), encoding="utf-8")
    graph = mxnet_to_neutral.read(folder / "model-symbol.json").graph
    assert graph is not None
    return {node.name: node.attributes["reason"] for node in graph.nodes if node.kind == "opaque"}


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("_contrib_dequantize", {}),
        ("_contrib_requantize", {}),
        ("_contrib_quantized_act", {"act_type": "relu"}),
        ("_contrib_quantized_pooling", {"kernel": "(2, 2)"}),
        ("_contrib_quantized_flatten", {}),
    ],
)
def test_integers_that_are_an_input_are_refused(tmp_path: Path, operator: str, attributes: dict[str, str]) -> None:
    """The model would take them for the real numbers that they stand for."""
    symbol = SymbolBuilder()
    head = symbol.add(operator, "it", ["x", "low", "high"], **attributes)
    if operator != "_contrib_dequantize":
        head = symbol.add("_contrib_dequantize", "real", [(head, output) for output in range(3)])
    assert opaque_reasons(symbol, tmp_path, head) == {
        "it": "its integers 'x' are an input of the model, and no real numbers"
    }


def test_integers_and_ranges_that_are_outputs_are_refused(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    head = symbol.add("_contrib_quantize_v2", "it", ["x"], out_type="int8")
    reasons = opaque_reasons(symbol, tmp_path, head)
    assert reasons == {"it": "its integers are an output of the model, and here they are real numbers"}
    ends = symbol.add("elemwise_add", "sum", [(head, 1), (head, 2)])
    reasons = opaque_reasons(symbol, tmp_path, ends)
    assert reasons == {"it": "the range of its integers is an input of 'sum', and here there are no integers"}

"""Shapes are inferred from weights, attributes and declared inputs, and back from the weights of convolutions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mxnet_to_neutral.inference.shapes import infer_shapes, shape_at
from mxnet_to_neutral.symbol import parse_symbol
from mxnet_to_neutral.symbol.model import Entry
from reader.checkpoints import SymbolBuilder


def inferred(symbol: SymbolBuilder, arrays: dict[str, tuple[int, ...]], output: int = 0) -> Any:
    """Return the shape of an output of the symbol's last node, with arrays of these shapes stored."""
    heads = [index for index, node in enumerate(symbol.nodes) if node["op"] != "null"]
    parsed = parse_symbol(symbol.json(*heads), "model-symbol.json")

    def array(entry: Entry) -> Any:
        name = parsed.nodes[entry.node].name
        return SimpleNamespace(shape=arrays[name]) if name in arrays else None

    return shape_at(parsed, infer_shapes(parsed, array, "model-symbol.json"), Entry(parsed.heads[-1].node, output))


@pytest.mark.parametrize(
    ("operator", "attributes", "expected"),
    [
        ("slice", {"begin": "(0, 2)", "end": "(None, 8)"}, (None, 6, 6, 7)),
        ("slice", {"begin": "(None, None, 5)", "end": "(None, None, 0)", "step": "(1, 1, -2)"}, (None, 8, 3, 7)),
        ("slice_axis", {"axis": "-3", "begin": "-3", "end": "None"}, (None, 3, 6, 7)),
        ("SliceChannel", {"num_outputs": "4"}, (None, 2, 6, 7)),
        ("SliceChannel", {"num_outputs": "8", "squeeze_axis": "True"}, (None, 6, 7)),
        ("Pad", {"mode": "edge", "pad_width": "(0, 0, 0, 0, 1, 2, 0, 1)"}, (None, 8, 9, 8)),
        ("transpose", {"axes": "(0, 2, 3, 1)"}, (None, 6, 7, 8)),
        ("transpose", {}, (7, 6, 8, None)),
        ("expand_dims", {"axis": "-1"}, (None, 8, 6, 7, 1)),
        ("Flatten", {}, (None, 336)),
        ("Reshape", {"shape": "(0, -4, 2, -1, -2)"}, (None, 2, 4, 6, 7)),
        ("Reshape", {"shape": "(0, -1)"}, (None, None)),
        ("Reshape", {"shape": "(0, -3, 0)"}, (None, 48, 7)),
        ("Reshape", {"shape": "(0, 0, 0, 0, 0)"}, None),
        ("Pooling", {"kernel": "(2, 2)"}, (None, 8, None, None)),
        ("Pooling", {"kernel": "(2, 2)", "layout": "NHWC"}, (None, None, None, 7)),
        ("FullyConnected", {"num_hidden": "5"}, (None, 5)),
        ("FullyConnected", {"num_hidden": "5", "flatten": "False"}, (None, 8, 6, 5)),
        ("UpSampling", {"scale": "2", "sample_type": "nearest"}, (None, 8, 12, 14)),
        ("tile", {"reps": "(1, 2, 1, 1)"}, None),
        ("transpose", {"axes": "nonsense"}, None),
    ],
)
def test_rules_of_shapes(operator: str, attributes: dict[str, str], expected: Any) -> None:
    symbol = SymbolBuilder()
    symbol.add(operator, "out", [symbol.variable("data", __shape__="(0, 8, 6, 7)")], **attributes)
    assert inferred(symbol, {}) == expected


def test_only_equal_outputs_have_a_shape() -> None:
    symbol = SymbolBuilder()
    symbol.add("BatchNorm", "norm", ["data", "gamma", "beta", "mean", "var"], output_mean_var="True")
    assert inferred(symbol, {"data": (2, 8)}) == (2, 8)
    assert inferred(symbol, {"data": (2, 8)}, output=1) is None


def test_concatenations_and_sums() -> None:
    symbol = SymbolBuilder()
    data = symbol.variable("data")
    convolutions = [
        symbol.add("Convolution", f"conv{i}", [data, f"weight{i}"], kernel="(1, 1)", num_filter=f"{i + 4}")
        for i in range(2)
    ]
    symbol.add("Concat", "all", convolutions, dim="1", num_args="2")
    assert inferred(symbol, {}) == (None, 9, None, None)
    symbol.add("add_n", "sum", [convolutions[0], data], num_args="2")
    assert inferred(symbol, {"data": (2, 4, 3, 3)}) == (2, 4, 3, 3)
    assert inferred(symbol, {"data": (2, 5, 3, 3)}) is None  # a contradiction


def test_an_input_has_the_channels_of_the_convolutions_that_use_it() -> None:
    symbol = SymbolBuilder()
    active = symbol.add("Activation", "active", ["data"], act_type="relu")
    symbol.add("Convolution", "conv0", [active, "weight0"], kernel="(1, 1)", num_filter="4", num_group="2")
    symbol.add("Deconvolution", "conv1", [active, "weight1"], kernel="(1, 1)", num_filter="4")
    symbol.add("identity", "copy", [active])
    assert inferred(symbol, {"weight0": (4, 3, 1, 1)}) == (None, 6, None, None)
    assert inferred(symbol, {"weight1": (6, 4, 1, 1)}) == (None, 6, None, None)
    assert inferred(symbol, {"weight0": (4, 3, 1, 1), "weight1": (5, 4, 1, 1)}) is None
    assert inferred(symbol, {}) is None

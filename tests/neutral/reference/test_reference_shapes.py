"""Shapes without arithmetic are those of an evaluation, and sizes of inputs are found where a network demands them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neutral import reference
from neutral.errors import MismatchError, UsageError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.store import Store
from neutral.tensor import from_numpy

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shapes"


def one_layer(kind: str, attributes: dict[str, Any], weight: tuple[int, ...], shape: tuple[int, ...]) -> Store:
    layer = Layer("n", kind, attributes, {"weight": "n.weight"})
    graph = Graph((Input("x", shape),), (Node("n", kind, (Value("x"),), attributes, layer="n"),), (Value("n"),))
    return Store({"n": layer}, {"n.weight": from_numpy(np.ones(weight, np.float32))}, graph)


def convolution(kind: str, **changes: Any) -> dict[str, Any]:
    further = {"output_padding": (1, 0), "output_size": None} if kind != "convolution" else {}
    common = {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
    return {"out_channels": 6, **common, "layout": "channels_first", **further, **changes}


@pytest.mark.parametrize(
    ("kind", "attributes", "weight", "shape"),
    [
        ("convolution", convolution("convolution"), (6, 2, 3, 2), (2, 4, 9, 8)),
        ("convolution", convolution("convolution", layout="channels_last"), (6, 2, 3, 2), (2, 9, 8, 4)),
        ("transposed_convolution", convolution("transposed"), (4, 3, 3, 2), (2, 4, 5, 6)),
        ("transposed_convolution", convolution("transposed", output_size=(9, 17)), (4, 3, 3, 2), (1, 4, 5, 6)),
        ("transposed_convolution", convolution("transposed", layout="channels_last"), (4, 3, 3, 2), (2, 5, 6, 4)),
        ("linear", {"out_features": 5, "flatten": True}, (5, 12), (2, 3, 4)),
        ("linear", {"out_features": 5, "flatten": False}, (5, 4), (2, 3, 4)),
    ],
)
def test_kinds_that_are_not_computed_have_the_shape_of_the_computation(
    kind: str, attributes: dict[str, Any], weight: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    store = one_layer(kind, attributes, weight, shape)
    computed = reference.run(store, {"x": np.ones(shape, np.float32)})["n"]
    assert reference.output_shapes(store, {"x": shape})[Value("n")] == computed.shape


@pytest.mark.parametrize(
    ("kind", "attributes", "weight", "shape"),
    [
        ("convolution", convolution("convolution"), (6, 2, 3, 2), (2, 3, 9, 8)),
        ("convolution", convolution("convolution"), (6, 2, 3, 2), (2, 4, 9)),
        ("convolution", convolution("convolution"), (6, 2, 3, 2), (2, 4, 9, 1)),
        ("transposed_convolution", convolution("transposed"), (4, 3, 3, 2), (2, 5, 5, 6)),
        ("linear", {"out_features": 5, "flatten": True}, (5, 12), (2, 3, 3)),
    ],
)
def test_shapes_on_which_a_layer_cannot_run_are_refused(
    kind: str, attributes: dict[str, Any], weight: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    with pytest.raises(MismatchError, match="node 'n'"):
        reference.output_shapes(one_layer(kind, attributes, weight, shape), {"x": shape})


def example() -> Store:
    reader = pytest.importorskip("mxnet_to_neutral")
    store: Store = reader.read(str(EXAMPLE / "shapes"))
    return store


def test_every_value_of_a_network_has_the_shape_of_the_evaluation() -> None:
    with example() as store:
        seen = {}
        data = np.zeros((2, 1, 24, 24), np.float32)
        reference.run(store, {"data": data}, observe=lambda value, array: seen.update({value: array.shape}))
        shapes = reference.output_shapes(store, {"data": data.shape})
    assert shapes == {Value("data"): data.shape, **seen} and len(seen) == 28


def test_the_size_that_a_linear_layer_demands_is_found() -> None:
    with example() as store:
        shapes = reference.runnable_input_shapes(store, 2)
        assert shapes is not None and shapes["data"][:2] == (2, 1)
        reference.run(store, {"data": np.zeros(shapes["data"], np.float32)})
        assert reference.known_input_shapes(store, 1) == {}
        assert reference.runnable_input_shapes(store, 1, {"data": (1, 1, 24, 24)}) == {"data": (1, 1, 24, 24)}
        assert reference.runnable_input_shapes(store, 1, {"data": (1, 1, 100, 100)}) is None


def test_an_input_of_any_rank_gets_the_features_of_the_linear_layer() -> None:
    store = one_layer("linear", {"out_features": 5, "flatten": True}, (5, 12), (2, 3))
    assert store.graph is not None
    free = Store(store.layers, store.tensors, Graph((Input("x"),), store.graph.nodes, store.graph.outputs))
    assert reference.runnable_input_shapes(free, 2) == {"x": (2, 12)}


def test_an_input_without_a_shape_is_named() -> None:
    store = one_layer("linear", {"out_features": 5, "flatten": True}, (5, 12), (2, 3))
    with pytest.raises(UsageError, match="no shape is given for the inputs x"):
        reference.output_shapes(store, {})
    with pytest.raises(UsageError, match="no graph"):
        reference.output_shapes(Store({}, {}), {})

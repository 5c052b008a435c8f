"""Shapes of all values of a graph, without the arithmetic of convolutions and linear layers."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from neutral.dtypes import NUMPY_DTYPE
from neutral.errors import MismatchError, UsageError
from neutral.graph import Node, Value
from neutral.reference.evaluate import Evaluator
from neutral.reference.registry import Array
from neutral.reference.selection import check_functions
from neutral.rewriting import reachable
from neutral.store import Store
from neutral.values import numeric_values

Shape = Sequence[int]

LARGE = 1 << 12
"""Floating arrays with more elements are stood in for by one element: their values decide no shape."""


def output_shapes(store: Store, inputs: Mapping[str, Shape]) -> dict[Value, tuple[int, ...]]:
    """Return the shape of every input and of every value that the outputs depend on.

    The graph is evaluated on zeros by the reference functions; convolutions and linear layers are not computed, and
    large tensors are not read.

    Args:
        store: A store with a graph.
        inputs: The shape of each input by name.

    Returns:
        Shapes by value, in execution order.

    Raises:
        UsageError: If the store has no graph, or an input has no shape.
        MismatchError: If the network cannot run on inputs of these shapes.
        UnsupportedError: If a kind has no reference function.

    Example:
        >>> from neutral.graph import Graph, Input
        >>> nodes = (Node("y", "flatten", (Value("x"),), {}),)
        >>> output_shapes(Store({}, {}, Graph((Input("x"),), nodes, (Value("y"),))), {"x": (2, 3, 4)})
        {Value(node='x', output=0): (2, 3, 4), Value(node='y', output=0): (2, 12)}
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, only layers: it has no shapes.")
    missing = [item.name for item in store.graph.inputs if item.name not in inputs]
    if missing:
        raise UsageError(f"no shape is given for the inputs {', '.join(missing)}.")
    nodes, _ = reachable(store.graph.nodes, store.graph.outputs)
    check_functions(nodes)
    values = {
        Value(item.name): _zeros(inputs[item.name], "float32" if item.dtype in (None, "bfloat16") else str(item.dtype))
        for item in store.graph.inputs
    }
    shapes = {value: array.shape for value, array in values.items()}

    def observe(value: Value, array: Array) -> None:
        shapes[value] = array.shape

    with np.errstate(all="ignore"):
        _ShapeEvaluator(store).nodes(nodes, values, store.graph.outputs, observe=observe)
    return shapes


class _ShapeEvaluator(Evaluator):
    """An evaluator in which large arrays have one element that is repeated."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, None, np.random.default_rng(0))

    def tensors(self, layer: str | None) -> dict[str, Array]:
        if layer is None:
            return {}
        stored = {role: self.store.tensors[key] for role, key in self.store.layers[layer].tensors.items()}
        return {
            role: _zeros(tensor.shape, "float32" if tensor.dtype == "BF16" else NUMPY_DTYPE[tensor.dtype])
            if tensor.size > LARGE
            else numeric_values(tensor)
            for role, tensor in stored.items()
        }

    def node(self, node: Node, values: Mapping[Value, Array]) -> list[Array]:
        return [_reduced(np.asarray(array)) for array in super().node(node, values)]

    def _apply(
        self, node: Node, operands: Sequence[Any], dtypes: Sequence[np.dtype[Any]], tensors: Mapping[str, Array]
    ) -> list[Array]:
        shape_of = _SHAPES.get(node.kind)
        if shape_of is None:
            return super()._apply(node, operands, dtypes, tensors)
        shape = shape_of(node, operands[0].shape, tensors["weight"].shape)
        if any(extent < 1 for extent in shape):
            raise MismatchError(f"node {node.name!r} ({node.kind}) has an output of shape {shape} for these inputs.")
        return [_zeros(shape, operands[0].dtype)]


def _zeros(shape: Shape, dtype: Any) -> Array:
    return np.broadcast_to(np.zeros((), dtype), tuple(shape))


def _reduced(array: Array) -> Array:
    if array.dtype.kind != "f" or array.size <= LARGE:
        return array
    return np.broadcast_to(array[(0,) * array.ndim], array.shape)


def _split(node: Node, shape: Shape) -> tuple[int, int, list[int]]:
    """Return samples, channels and spatial extents of an input; raise MismatchError for another rank."""
    if len(shape) != 2 + len(node.attributes["kernel_size"]):
        raise MismatchError(f"node {node.name!r} ({node.kind}) cannot be computed from an array of shape {shape}.")
    if node.attributes.get("layout", "channels_first") == "channels_last":
        return shape[0], shape[-1], list(shape[1:-1])
    return shape[0], shape[1], list(shape[2:])


def _joined(node: Node, samples: int, channels: int, sizes: Sequence[int]) -> tuple[int, ...]:
    if node.attributes.get("layout", "channels_first") == "channels_last":
        return (samples, *sizes, channels)
    return (samples, channels, *sizes)


def _convolution(node: Node, shape: Shape, weight: Shape) -> tuple[int, ...]:
    samples, channels, extents = _split(node, shape)
    names = ("kernel_size", "stride", "padding", "dilation")
    kernel, stride, padding, dilation = (node.attributes[name] for name in names)
    wanted = math.prod(weight[1:]) // math.prod(kernel) * node.attributes["groups"]
    if channels != wanted:
        raise MismatchError(f"node {node.name!r} ({node.kind}) takes {wanted} channels; its input has {channels}.")
    sizes = [
        (extent + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        for axis, extent in enumerate(extents)
    ]
    return _joined(node, samples, weight[0], sizes)


def _transposed_convolution(node: Node, shape: Shape, weight: Shape) -> tuple[int, ...]:
    samples, channels, extents = _split(node, shape)
    if channels != weight[0]:
        raise MismatchError(f"node {node.name!r} ({node.kind}) takes {weight[0]} channels; its input has {channels}.")
    names = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    kernel, stride, padding, dilation, surplus = (node.attributes[name] for name in names)
    sizes = [
        (extent - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - 2 * padding[axis] + surplus[axis]
        for axis, extent in enumerate(extents)
    ]
    return _joined(node, samples, node.attributes["out_channels"], node.attributes["output_size"] or sizes)


def _linear(node: Node, shape: Shape, weight: Shape) -> tuple[int, ...]:
    rows = tuple(shape[:1]) if node.attributes["flatten"] else tuple(shape[:-1])
    features = math.prod(shape[1:]) if node.attributes["flatten"] else shape[-1] if shape else 1
    if features != weight[1]:
        raise MismatchError(f"node {node.name!r} ({node.kind}) takes {weight[1]} features; its input has {features}.")
    return (*rows, weight[0])


_SHAPES: dict[str, Callable[[Node, Shape, Shape], tuple[int, ...]]] = {
    "convolution": _convolution,
    "deformable_convolution": _convolution,
    "transposed_convolution": _transposed_convolution,
    "linear": _linear,
}
"""Kinds that are not computed: the shape of their output, from those of the input and of the weight."""

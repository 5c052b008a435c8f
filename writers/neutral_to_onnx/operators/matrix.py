"""Products of matrices and tensors."""

from __future__ import annotations

from functools import reduce
from string import ascii_lowercase
from typing import Sequence

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import NeedsShape, rule


@rule("matmul", single=True)
def matmul(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    return node.op("MatMul", x, y)


def _contracted(
    node: NodeContext, x: OnnxValue, y: OnnxValue, axes: Sequence[int], other_axes: Sequence[int]
) -> OnnxValue:
    """Sum the product over pairs of axes."""
    first = list(ascii_lowercase[: node.rank(x)])
    second = list(ascii_lowercase[len(first) : len(first) + node.rank(y)])
    for axis, other in zip(axes, other_axes):
        second[other] = first[axis]
    rest = [letter for letter in (*first, *second) if (letter in first) != (letter in second)]
    return node.op("Einsum", x, y, equation=f"{''.join(first)},{''.join(second)}->{''.join(rest)}")


@rule("tensordot", single=True)
def tensordot(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    axis, other = node.axis(node["axis"], x), node.axis(node["other_axis"], y)
    if axis == node.rank(x) - 1 and other == 0 and node.rank(y) <= 2:
        result = node.op("MatMul", x, y)
    else:
        result = _contracted(node, x, y, [axis], [other])
    return node.reshape(result, [1]) if node["at_least_1d"] and node.rank(x) == node.rank(y) == 1 else result


@rule("contract", single=True)
def contract(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    return _contracted(node, x, y, node["axes"], node["other_axes"])


@rule("dot", single=True)
def dot(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    if 0 in (node.rank(x), node.rank(y)):
        return node.op("Mul", x, y)
    return node.op("MatMul", x, y) if node.rank(y) <= 2 else _contracted(node, x, y, [-1], [-2])


@rule("einsum", single=True)
def einsum(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    return node.op("Einsum", *node.promoted(*inputs), equation=node["subscripts"].replace(" ", ""))


@rule("kronecker", single=True)
def kronecker(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    rank = max(node.rank(x), node.rank(y))
    x, y = (node.reshape(item, [*[1] * (rank - node.rank(item)), *node.extents(item)]) for item in (x, y))
    sizes = []
    for first, second in zip(node.extents(x), node.extents(y)):
        if not isinstance(first, int) or not isinstance(second, int):
            raise NeedsShape("its extents depend on the input")
        sizes.append(first * second)
    rows = node.op("Unsqueeze", x, node.ints([2 * axis + 1 for axis in range(rank)])) if rank else x
    columns = node.op("Unsqueeze", y, node.ints([2 * axis for axis in range(rank)])) if rank else y
    return node.reshape(node.op("Mul", rows, columns), sizes)


@rule("cross", single=True)
def cross(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    axis = node["axis"]
    first, second = (
        [node.op("Gather", value, node.ints(number), axis=axis) for number in range(3)] for value in node.promoted(x, y)
    )
    parts = []
    for number in range(3):
        i, j = (number + 1) % 3, (number + 2) % 3
        parts.append(node.op("Sub", node.op("Mul", first[i], second[j]), node.op("Mul", first[j], second[i])))
    return node.op("Concat", *parts, axis=axis)


@rule("khatri_rao", single=True)
def khatri_rao(node: NodeContext, *inputs: OnnxValue) -> OnnxValue:
    def product(a: OnnxValue, b: OnnxValue) -> OnnxValue:
        both = node.op("Mul", node.op("Unsqueeze", a, node.ints(1)), node.op("Unsqueeze", b, node.ints(0)))
        return node.reshape(both, [-1, node.extent(a, 1)])

    return reduce(product, node.promoted(*inputs))

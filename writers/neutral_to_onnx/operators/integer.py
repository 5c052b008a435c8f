"""Elementwise arithmetic of integers."""

from __future__ import annotations

from neutral.operators.dtypes import integer_range
from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import Unsupported, refuse, rule

refuse(
    "its algorithm has as many steps as the numbers decide, and no standard operator computes it",
    "greatest_common_divisor",
    "least_common_multiple",
)

_BITWISE = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor"}


@rule(*_BITWISE)
def bitwise(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    op_type = _BITWISE[node.node.kind]
    if x.dtype == "bool":
        return node.op(op_type, x, y)
    if node.opset < 18:
        raise Unsupported(f"Bitwise{op_type} needs opset 18")
    return node.op(f"Bitwise{op_type}", x, y)


@rule("bitwise_not")
def bitwise_not(node: NodeContext, x: OnnxValue) -> OnnxValue:
    if x.dtype == "bool":
        return node.op("Not", x)
    least, greatest = integer_range(x.dtype)
    return node.op("Sub", node.like(-1 if least else greatest, x), x)


@rule("shift_left", "shift_right")
def shift(node: NodeContext, x: OnnxValue, y: OnnxValue) -> OnnxValue:
    x, y = node.promoted(x, y)
    wide = "int64" if x.dtype != "int32" else "int32"
    dtype, x, y = x.dtype, node.cast(x, wide), node.cast(y, wide)
    factor = node.op("Pow", node.like(2, x), y)
    if node.node.kind == "shift_left":
        return node.cast(node.op("Mul", x, factor), dtype)
    return node.cast(node.op("Div", node.op("Sub", x, node.op("Mod", x, factor)), factor), dtype)

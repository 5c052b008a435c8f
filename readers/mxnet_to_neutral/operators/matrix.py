"""Products of two values of the graph: src/operator/tensor/dot.cc, la_op.cc, contrib/krprod.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("dot")
def dot(context: NodeContext) -> Operand:
    """The last axis of the first with the first axis of the second, whatever their ranks; transposed, the others."""
    context.attributes.ignore("forward_stype")
    return context.node(
        "tensordot",
        context.input(0),
        context.input(1),
        axis=0 if context.attributes.bool("transpose_a", False) else -1,
        other_axis=-1 if context.attributes.bool("transpose_b", False) else 0,
        at_least_1d=not context.numpy_shape,
    )


@rule("batch_dot")
def batch_dot(context: NodeContext) -> Operand:
    context.attributes.ignore("forward_stype")
    return _matmul(context, context.input(0), context.input(1))


def _matmul(context: NodeContext, left: Operand, right: Operand) -> Operand:
    if context.attributes.bool("transpose_a", False):
        left = context.node("swap_axes", left, axis=-2, other_axis=-1)
    if context.attributes.bool("transpose_b", False):
        right = context.node("swap_axes", right, axis=-2, other_axis=-1)
    return context.node("matmul", left, right)


@rule("_linalg_gemm", "_linalg_gemm2")
def gemm(context: NodeContext) -> Operand:
    """alpha * left @ right (+ beta * added), where the attribute axis says which axis holds the rows."""
    axis = context.attributes.int("axis", -2)

    def rows_inside(value: Operand) -> Operand:
        return value if axis == -2 else context.node("move_axis", value, source=axis, destination=-2)

    value = _matmul(context, rows_inside(context.input(0)), rows_inside(context.input(1)))
    alpha = context.attributes.float("alpha", 1.0)
    if alpha != 1:
        value = context.node("multiply", value, alpha)
    if axis != -2:
        value = context.node("move_axis", value, source=-2, destination=axis)
    if context.operator == "_linalg_gemm":
        added, beta = context.input(2), context.attributes.float("beta", 1.0)
        value = context.node("add", value, added if beta == 1 else context.node("multiply", added, beta))
    return value


@rule("khatri_rao")
def khatri_rao(context: NodeContext) -> Operand:
    return context.input(0) if context.count == 1 else context.node("khatri_rao", *context.inputs())

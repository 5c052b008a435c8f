"""Rules for products of tensors: src/operator/tensor/dot.cc, la_op.cc, contrib/krprod.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("dot")
def dot(context: NodeContext) -> Operand:
    """Convert ``dot``: contract the last axis of the first input with the first axis of the second, at any rank.

    ``transpose_a`` and ``transpose_b`` select the opposite axes.
    """
    context.attributes.ignore("forward_stype")
    return context.node(
        "tensordot",
        context.input(0),
        context.input(1),
        axis=0 if context.attributes.bool("transpose_a", False) else -1,
        other_axis=-1 if context.attributes.bool("transpose_b", False) else 0,
        at_least_1d=True,
    )


@rule("batch_dot")
def batch_dot(context: NodeContext) -> Operand:
    """Convert ``batch_dot``: a matrix product per sample."""
    context.attributes.ignore("forward_stype")
    return _matmul(context, context.input(0), context.input(1))


def _matmul(context: NodeContext, left: Operand, right: Operand) -> Operand:
    """Multiply matrices, transposed as ``transpose_a`` and ``transpose_b`` say."""
    if context.attributes.bool("transpose_a", False):
        left = context.node("swap_axes", left, axis=-2, other_axis=-1)
    if context.attributes.bool("transpose_b", False):
        right = context.node("swap_axes", right, axis=-2, other_axis=-1)
    return context.node("matmul", left, right)


@rule("_linalg_gemm", "_linalg_gemm2")
def gemm(context: NodeContext) -> Operand:
    """Convert ``_linalg_gemm`` and ``_linalg_gemm2``: ``alpha * A @ B``, for the former ``+ beta * C``.

    The attribute ``axis`` says which axis of the inputs holds the rows.
    """
    axis = context.attributes.int("axis", -2)

    def with_rows_second_to_last(value: Operand) -> Operand:
        return value if axis == -2 else context.node("move_axis", value, source=axis, destination=-2)

    value = _matmul(context, with_rows_second_to_last(context.input(0)), with_rows_second_to_last(context.input(1)))
    alpha = context.attributes.float("alpha", 1.0)
    if alpha != 1:
        value = context.node("multiply", value, alpha)
    if axis != -2:
        value = context.node("move_axis", value, source=-2, destination=axis)
    if context.operator == "_linalg_gemm":
        addend, beta = context.input(2), context.attributes.float("beta", 1.0)
        value = context.node("add", value, addend if beta == 1 else context.node("multiply", addend, beta))
    return value


@rule("khatri_rao")
def khatri_rao(context: NodeContext) -> Operand:
    """Convert ``khatri_rao``: the column-wise Kronecker product."""
    return context.input(0) if context.count == 1 else context.node("khatri_rao", *context.inputs())

"""Products of two values of the graph: src/operator/tensor/dot.cc, la_op.cc, contrib/krprod.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("dot")
def dot(op: Op) -> Operand:
    """The last axis of the first with the first axis of the second, whatever their ranks; transposed, the others."""
    op.attributes.ignore("forward_stype")
    return op.node(
        "tensordot",
        op.input(0),
        op.input(1),
        axis=0 if op.attributes.bool("transpose_a", False) else -1,
        other_axis=-1 if op.attributes.bool("transpose_b", False) else 0,
        at_least_1d=not op.numpy_shape,
    )


@rule("batch_dot")
def batch_dot(op: Op) -> Operand:
    op.attributes.ignore("forward_stype")
    return _matmul(op, op.input(0), op.input(1))


def _matmul(op: Op, left: Operand, right: Operand) -> Operand:
    if op.attributes.bool("transpose_a", False):
        left = op.node("swap_axes", left, axis=-2, other_axis=-1)
    if op.attributes.bool("transpose_b", False):
        right = op.node("swap_axes", right, axis=-2, other_axis=-1)
    return op.node("matmul", left, right)


@rule("_linalg_gemm", "_linalg_gemm2")
def gemm(op: Op) -> Operand:
    """alpha * left @ right (+ beta * added), where the attribute axis says which axis holds the rows."""
    axis = op.attributes.int("axis", -2)

    def rows_inside(value: Operand) -> Operand:
        return value if axis == -2 else op.node("move_axis", value, source=axis, destination=-2)

    value = _matmul(op, rows_inside(op.input(0)), rows_inside(op.input(1)))
    alpha = op.attributes.float("alpha", 1.0)
    if alpha != 1:
        value = op.node("multiply", value, alpha)
    if axis != -2:
        value = op.node("move_axis", value, source=-2, destination=axis)
    if op.operator == "_linalg_gemm":
        added, beta = op.input(2), op.attributes.float("beta", 1.0)
        value = op.node("add", value, added if beta == 1 else op.node("multiply", added, beta))
    return value


@rule("khatri_rao")
def khatri_rao(op: Op) -> Operand:
    return op.input(0) if op.count == 1 else op.node("khatri_rao", *op.inputs())

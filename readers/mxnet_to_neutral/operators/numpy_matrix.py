"""Products in NumPy mode: src/operator/numpy/np_dot.cc, np_matmul_op.cc, np_tensordot_op.cc, np_einsum_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import INTEGERS, dtype_of
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_np_dot", "_npi_dot")
def dot(op: Op) -> Operand:
    return op.node("dot", op.input(0), op.input(1))


@rule("_npi_matmul")
def matmul(op: Op) -> Operand:
    return op.node("matmul", op.input(0), op.input(1))


@rule("_npi_tensordot")
def tensordot(op: Op) -> Operand:
    axes, others = op.attributes.ints("a_axes_summed"), op.attributes.ints("b_axes_summed")
    if len(axes) != len(others):
        op.refuse(f"axes {axes} and {others} differ in number")
    return op.node("contract", op.input(0), op.input(1), axes=axes, other_axes=others)


@rule("_npi_tensordot_int_axes")
def tensordot_of_count(op: Op) -> Operand:
    count = op.attributes.int("axes", minimum=0)
    axes, others = tuple(range(-count, 0)), tuple(range(count))
    return op.node("contract", op.input(0), op.input(1), axes=axes, other_axes=others)


@rule("_npi_einsum")
def einsum(op: Op) -> Operand:
    op.attributes.ignore("optimize")
    if any(dtype_of(op, index) in INTEGERS for index in range(op.count)):
        op.refuse("an einsum of integers")
    return op.node("einsum", *op.inputs(), subscripts=op.attributes.str("subscripts", ""))


@rule("_npi_kron")
def kronecker(op: Op) -> Operand:
    return op.node("kronecker", op.input(0), op.input(1))


@rule("_npi_cross")
def cross(op: Op) -> Operand:
    axes = {op.attributes.int(name, -1) for name in ("axisa", "axisb", "axisc")}
    if len(axes) > 1:
        op.refuse(f"axes {sorted(axes)} that differ")
    return op.node("cross", op.input(0), op.input(1), axis=axes.pop())

"""Products in NumPy mode: src/operator/numpy/np_dot.cc, np_matmul_op.cc, np_tensordot_op.cc, np_einsum_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand
from neutral.operators.dtypes import INTEGERS


@rule("_np_dot", "_npi_dot")
def dot(context: NodeContext) -> Operand:
    return context.node("dot", context.input(0), context.input(1))


@rule("_npi_matmul")
def matmul(context: NodeContext) -> Operand:
    return context.node("matmul", context.input(0), context.input(1))


@rule("_npi_tensordot")
def tensordot(context: NodeContext) -> Operand:
    axes, others = context.attributes.ints("a_axes_summed"), context.attributes.ints("b_axes_summed")
    if len(axes) != len(others):
        context.refuse(f"axes {axes} and {others} differ in number")
    return context.node("contract", context.input(0), context.input(1), axes=axes, other_axes=others)


@rule("_npi_tensordot_int_axes")
def tensordot_of_count(context: NodeContext) -> Operand:
    count = context.attributes.int("axes", minimum=0)
    axes, others = tuple(range(-count, 0)), tuple(range(count))
    return context.node("contract", context.input(0), context.input(1), axes=axes, other_axes=others)


@rule("_npi_einsum")
def einsum(context: NodeContext) -> Operand:
    context.attributes.ignore("optimize")
    if any(context.dtype(index) in INTEGERS for index in range(context.count)):
        context.refuse("an einsum of integers")
    return context.node("einsum", *context.inputs(), subscripts=context.attributes.str("subscripts", ""))


@rule("_npi_kron")
def kronecker(context: NodeContext) -> Operand:
    return context.node("kronecker", context.input(0), context.input(1))


@rule("_npi_cross")
def cross(context: NodeContext) -> Operand:
    axes = {context.attributes.int(name, -1) for name in ("axisa", "axisb", "axisc")}
    if len(axes) > 1:
        context.refuse(f"axes {sorted(axes)} that differ")
    return context.node("cross", context.input(0), context.input(1), axis=axes.pop())

"""Rules for products in NumPy mode.

MXNet's sources: src/operator/numpy/np_dot.cc, np_matmul_op.cc, np_tensordot_op.cc, np_einsum_op.cc.
"""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand
from neutral.operators.dtypes import INTEGERS

_MOST_AXES = 32
"""The axes that an array of MXNet or NumPy has at most."""


@rule("_np_dot", "_npi_dot")
def dot(context: NodeContext) -> Operand:
    """Convert ``np.dot``."""
    return context.node("dot", context.input(0), context.input(1))


@rule("_npi_matmul")
def matmul(context: NodeContext) -> Operand:
    """Convert ``np.matmul``."""
    return context.node("matmul", context.input(0), context.input(1))


@rule("_npi_tensordot")
def tensordot(context: NodeContext) -> Operand:
    """Convert ``np.tensordot`` over pairs of axes.

    Raises:
        Refusal: The numbers of axes differ.
    """
    axes, second_axes = context.attributes.ints("a_axes_summed"), context.attributes.ints("b_axes_summed")
    if len(axes) != len(second_axes):
        context.refuse(f"axes {axes} and {second_axes} differ in number")
    return context.node("contract", context.input(0), context.input(1), axes=axes, other_axes=second_axes)


@rule("_npi_tensordot_int_axes")
def tensordot_by_count(context: NodeContext) -> Operand:
    """Convert ``np.tensordot`` over a number of axes: the last of the first input with the first of the second.

    Raises:
        Refusal: No array has so many axes.
    """
    count = context.attributes.int("axes")
    if count > _MOST_AXES:
        context.refuse(f"axes {count}, more than an array can have: {_MOST_AXES}")
    axes, second_axes = tuple(range(-count, 0)), tuple(range(count))
    return context.node("contract", context.input(0), context.input(1), axes=axes, other_axes=second_axes)


@rule("_npi_einsum")
def einsum(context: NodeContext) -> Operand:
    """Convert ``np.einsum``.

    Raises:
        Refusal: An input has an integer dtype.
    """
    context.attributes.ignore("optimize")
    if any(context.dtype(index) in INTEGERS for index in range(context.count)):
        context.refuse("an einsum of integers")
    return context.node("einsum", *context.inputs(), subscripts=context.attributes.str("subscripts", ""))


@rule("_npi_kron")
def kronecker(context: NodeContext) -> Operand:
    """Convert ``np.kron``."""
    return context.node("kronecker", context.input(0), context.input(1))


@rule("_npi_cross")
def cross(context: NodeContext) -> Operand:
    """Convert ``np.cross``.

    Raises:
        Refusal: ``axisa``, ``axisb`` and ``axisc`` differ, or the first operand has more axes than the second.
    """
    first, second = context.shape(0), context.shape(1)
    if first is not None and second is not None and len(first) > len(second):
        context.refuse("a first operand of more axes than the second, whose products MXNet misplaces")
    axes = {context.attributes.int(name, -1) for name in ("axisa", "axisb", "axisc")}
    if len(axes) > 1:
        context.refuse(f"axes {sorted(axes)} that differ")
    return context.node("cross", context.input(0), context.input(1), axis=axes.pop())

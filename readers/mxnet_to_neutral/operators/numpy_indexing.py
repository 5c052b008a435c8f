"""Rules for indexing in NumPy mode.

MXNet's sources: src/operator/tensor/index_add_forward.cc, tensor/ravel.cc, contrib/boolean_mask.cc,
numpy/np_nonzero_op.cc, numpy/np_constraint_check.cc.
"""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_npx_index_add", "_npx_index_update")
def index_add(context: NodeContext) -> Operand:
    """Convert ``npx.index_add`` and ``npx.index_update``: add to elements, or replace them, by index tuples."""
    return context.node(context.operator[len("_npx_") :], context.input(0), context.input(1), context.input(2))


@rule("_contrib_boolean_mask")
def boolean_mask(context: NodeContext) -> Operand:
    """Convert ``_contrib_boolean_mask``: the slices of an axis where a mask is True."""
    return context.node("boolean_mask", context.input(0), context.input(1), axis=context.attributes.int("axis", 0))


@rule("_npx_nonzero")
def nonzero(context: NodeContext) -> Operand:
    """Convert ``npx.nonzero``: the indices of elements other than 0, as rows."""
    return context.node("nonzero", context.input(0))


@rule("_npi_unravel_index")
def unravel_index(context: NodeContext) -> Operand:
    """Convert ``np.unravel_index``: index tuples from flat indices."""
    return context.node("unravel_index", context.input(0), shape=context.attributes.ints("shape"))


@rule("_npx_constraint_check")
def constraint_check(context: NodeContext) -> Operand:
    """Convert ``npx.constraint_check``: whether all elements are true. The error of MXNet is left out."""
    context.attributes.ignore("msg")
    return context.node("all", context.input(0), axes=None, exclude=False, keepdim=False, at_least_1d=False)


@rule("_npi_advanced_indexing")
def advanced_index(context: NodeContext) -> Operand:
    """Convert indexing by a tensor: positions of the first axis, or a mask of it.

    Raises:
        Refusal: The dtype of the index is unknown.
    """
    dtype = context.dtype(1)
    if dtype is None:
        context.refuse("the dtype of the index is not declared: it holds positions, or is a mask of bools")
    if dtype == "bool":
        return context.node("boolean_mask", context.input(0), context.input(1), axis=0)
    return context.node("take", context.input(0), context.input(1), axis=0, out_of_range="error")


@rule("_npi_advanced_indexing_multiple")
def advanced_index_tuple(context: NodeContext) -> Operand:
    """Convert indexing by a tuple of tensors, which MXNet stacks."""
    return context.node("gather_nd", context.input(0), context.input(1))


@rule("_npi_boolean_mask_assign_scalar", "_npi_boolean_mask_assign_tensor")
def mask_update(context: NodeContext) -> Operand:
    """Convert the assignment of a number or a tensor to the elements that a mask chooses."""
    is_number = context.operator.endswith("_scalar")
    value = context.attributes.float("value") if is_number else context.input(2)
    axis = context.attributes.int("start_axis", 0, minimum=0)
    return context.node("mask_update", context.input(0), context.input(1), value, axis=axis)


@rule("_npi_insert_scalar", "_npi_insert_slice", "_npi_insert_tensor")
def insert(context: NodeContext) -> Operand:
    """Convert ``np.insert`` before a position, a slice of positions or a tensor of positions.

    Raises:
        Refusal: There is no position.
    """
    number = context.attributes.optional_float("val", None)
    position = context.attributes.optional_int("int_ind", None)
    bounds = tuple(context.attributes.optional_int(name, None) for name in ("start", "stop", "step"))
    is_slice, has_tensor = context.operator.endswith("_slice"), context.operator.endswith("_tensor")
    if context.operator.endswith("_scalar") and position is None:
        context.refuse("the position int_ind is missing")
    if is_slice and bounds[2] in (None, 0):
        context.refuse(f"step {bounds[2]}")
    value = context.input(1) if number is None else number
    positions = [context.input(2 if number is None else 1)] if has_tensor else []
    return context.node(
        "insert",
        context.input(0),
        value,
        *positions,
        axis=context.attributes.optional_int("axis", None),
        position=None if is_slice or has_tensor else position,
        slice=bounds if is_slice else None,
    )


@rule("_npi_diag_indices_from")
def diagonal_indices(context: NodeContext) -> Operand:
    """Convert ``np.diag_indices_from``."""
    return context.node("diagonal_indices", context.input(0))

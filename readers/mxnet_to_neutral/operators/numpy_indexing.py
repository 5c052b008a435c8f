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

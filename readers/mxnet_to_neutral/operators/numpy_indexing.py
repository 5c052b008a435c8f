"""Indexing in NumPy mode: src/operator/tensor/index_add_forward.cc, contrib/boolean_mask.cc, numpy/np_nonzero_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_npx_index_add", "_npx_index_update")
def index_add(context: NodeContext) -> Operand:
    return context.node(context.operator[len("_npx_") :], context.input(0), context.input(1), context.input(2))


@rule("_contrib_boolean_mask")
def boolean_mask(context: NodeContext) -> Operand:
    return context.node("boolean_mask", context.input(0), context.input(1), axis=context.attributes.int("axis", 0))


@rule("_npx_nonzero")
def nonzero(context: NodeContext) -> Operand:
    return context.node("nonzero", context.input(0))


@rule("_npi_unravel_index")
def unravel_index(context: NodeContext) -> Operand:
    return context.node("unravel_index", context.input(0), shape=context.attributes.ints("shape"))


@rule("_npx_constraint_check")
def constraint_check(context: NodeContext) -> Operand:
    """What it raises where the constraint is broken is left out."""
    context.attributes.ignore("msg")
    return context.node("all", context.input(0), axes=None, exclude=False, keepdim=False, at_least_1d=False)

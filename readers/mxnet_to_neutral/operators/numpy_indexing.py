"""Indexing in NumPy mode: src/operator/tensor/index_add_forward.cc, contrib/boolean_mask.cc, numpy/np_nonzero_op.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("_npx_index_add", "_npx_index_update")
def index_add(op: Op) -> Operand:
    return op.node(op.operator[len("_npx_") :], op.input(0), op.input(1), op.input(2))


@rule("_contrib_boolean_mask")
def boolean_mask(op: Op) -> Operand:
    return op.node("boolean_mask", op.input(0), op.input(1), axis=op.attributes.int("axis", 0))


@rule("_npx_nonzero")
def nonzero(op: Op) -> Operand:
    return op.node("nonzero", op.input(0))


@rule("_npi_unravel_index")
def unravel_index(op: Op) -> Operand:
    return op.node("unravel_index", op.input(0), shape=op.attributes.ints("shape"))


@rule("_npx_constraint_check")
def constraint_check(op: Op) -> Operand:
    """What it raises where the constraint is broken is left out."""
    op.attributes.ignore("msg")
    return op.node("all", op.input(0), axes=None, exclude=False, keepdim=False, at_least_1d=False)

"""Rules for sparse operators as dense ones: src/operator/tensor/cast_storage.cc, sparse_retain.cc, square_sum.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand
from neutral.operators.dtypes import INTEGERS


@rule("cast_storage")
def cast_storage(context: NodeContext) -> Operand:
    """Convert ``cast_storage`` to the identity: a graph does not say how tensors are stored."""
    context.attributes.ignore("stype")
    return context.node("identity", context.input(0))


@rule("_sparse_retain")
def retain(context: NodeContext) -> Operand:
    """Convert ``_sparse_retain``: keep the rows at the indices and set the others to 0."""
    rows = context.node("take", context.input(0), context.input(1), axis=0, out_of_range="error")
    return context.node("index_copy", context.node("full_like", context.input(0), value=0.0), context.input(1), rows)


@rule("_square_sum")
def square_sum(context: NodeContext) -> Operand:
    """Convert ``_square_sum``: the sum of squares, of integers in their own dtype, in which it may overflow."""
    total = context.node(
        "sum",
        context.node("square", context.input(0)),
        axes=context.attributes.ints_or_none("axis", None) or None,
        exclude=context.attributes.bool("exclude", False),
        keepdim=context.attributes.bool("keepdims", False),
        at_least_1d=True,
    )
    dtype = context.dtype(0)
    return context.node("cast", total, dtype=dtype) if dtype in INTEGERS else total

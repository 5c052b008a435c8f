"""Operators on sparse storage, by what they give when all is dense: src/operator/tensor/cast_storage.cc,
sparse_retain.cc, square_sum.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("cast_storage")
def cast_storage(context: NodeContext) -> Operand:
    """How a tensor is stored is no matter of the graph."""
    context.attributes.ignore("stype")
    return context.node("identity", context.input(0))


@rule("_sparse_retain")
def retain(context: NodeContext) -> Operand:
    """The rows at the indices, and 0 in place of the others."""
    rows = context.node("take", context.input(0), context.input(1), axis=0, out_of_range="error")
    return context.node("index_copy", context.node("full_like", context.input(0), value=0.0), context.input(1), rows)


@rule("_square_sum")
def square_sum(context: NodeContext) -> Operand:
    return context.node(
        "sum",
        context.node("square", context.input(0)),
        axes=context.attributes.ints_or_none("axis", None) or None,
        exclude=context.attributes.bool("exclude", False),
        keepdim=context.attributes.bool("keepdims", False),
        at_least_1d=not context.numpy_shape,
    )

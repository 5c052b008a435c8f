"""Operators on sparse storage, by what they give when all is dense: src/operator/tensor/cast_storage.cc,
sparse_retain.cc, square_sum.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("cast_storage")
def cast_storage(op: Op) -> Operand:
    """How a tensor is stored is no matter of the graph."""
    op.attributes.ignore("stype")
    return op.node("identity", op.input(0))


@rule("_sparse_retain")
def retain(op: Op) -> Operand:
    """The rows at the indices, and 0 in place of the others."""
    rows = op.node("take", op.input(0), op.input(1), axis=0, out_of_range="error")
    return op.node("index_copy", op.node("full_like", op.input(0), value=0.0), op.input(1), rows)


@rule("_square_sum")
def square_sum(op: Op) -> Operand:
    return op.node(
        "sum",
        op.node("square", op.input(0)),
        axes=op.attributes.ints_or_none("axis", None) or None,
        exclude=op.attributes.bool("exclude", False),
        keepdim=op.attributes.bool("keepdims", False),
        at_least_1d=not op.numpy_shape,
    )

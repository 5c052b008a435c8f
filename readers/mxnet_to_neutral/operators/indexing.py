"""Rules for sorting and indexing.

MXNet's sources: src/operator/tensor/ordering_op.cc, indexing_op.cc, ravel.cc, contrib/index_copy.cc.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.creation import dtype
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


def _operand_and_axis(context: NodeContext) -> tuple[Operand, int]:
    """Return the operand and the axis of a sort; without an axis the input is flattened."""
    axis = context.attributes.optional_int("axis", -1)
    if axis is None:
        return context.node("reshape", context.input(0), shape=(-1,), from_end=False), 0
    return context.input(0), axis


def _indices(context: NodeContext, value: Value) -> Operand:
    """Return the indices that a sort gives as its second output, in the dtype of MXNet's."""
    return context.node("cast", Value(value.node, 1), dtype=dtype(context))


@rule("sort")
def sort(context: NodeContext) -> Operand:
    """Convert ``sort``."""
    value, axis = _operand_and_axis(context)
    return context.node("sort", value, axis=axis, descending=not context.attributes.bool("is_ascend", True))


@rule("argsort")
def argsort(context: NodeContext) -> Operand:
    """Convert ``argsort``: the indices that sort an axis."""
    value, axis = _operand_and_axis(context)
    descending = not context.attributes.bool("is_ascend", True)
    return _indices(context, context.node("sort", value, axis=axis, descending=descending))


@rule("topk")
def top_k(context: NodeContext) -> Operand | Sequence[Operand]:
    """Convert ``topk``: the largest or smallest elements of an axis.

    Returns:
        Values, indices, both, or a mask of the input's shape, by ``ret_typ``.
    """
    result = context.attributes.str("ret_typ", "indices", choices=("value", "indices", "mask", "both"))
    count = context.attributes.int("k", 1)
    value, axis = _operand_and_axis(context)
    options: dict[str, Any] = {
        "axis": axis,
        "count": count if count > 0 else None,
        "largest": not context.attributes.bool("is_ascend", False),
    }
    context.attributes.ignore("dtype")
    if result == "mask":
        mask = context.node("top_k_mask", value, **options)
        if value == context.input(0):
            return mask
        return context.node("reshape_like", mask, context.input(0), start=0, end=None, like_start=0, like_end=None)
    top = context.node("top_k", value, **options)
    if result == "both":
        return [top, _indices(context, top)]
    return top if result == "value" else _indices(context, top)


@rule("take")
def take(context: NodeContext) -> Operand:
    """Convert ``take``: elements of an axis by index; indices out of range are clipped, wrapped, or errors."""
    mode = context.attributes.str("mode", "clip", choices=("clip", "wrap", "raise"))
    return context.node(
        "take",
        context.input(0),
        context.input(1),
        axis=context.attributes.int("axis", 0),
        out_of_range={"clip": "clamp", "wrap": "wrap", "raise": "error"}[mode],
    )


@rule("batch_take")
def batch_take(context: NodeContext) -> Operand:
    """Convert ``batch_take``: one element of each row."""
    return context.node("pick", context.input(0), context.input(1), axis=-1, keepdim=False, out_of_range="clamp")


@rule("gather_nd")
def gather_nd(context: NodeContext) -> Operand:
    """Convert ``gather_nd``: elements or slices by index tuples."""
    return context.node("gather_nd", context.input(0), context.input(1))


@rule("scatter_nd")
def scatter_nd(context: NodeContext) -> Operand:
    """Convert ``scatter_nd``: a tensor of zeros with elements set by index tuples."""
    return context.node("scatter_nd", context.input(0), context.input(1), shape=context.attributes.ints("shape"))


@rule("_contrib_index_copy")
def index_copy(context: NodeContext) -> Operand:
    """Convert ``_contrib_index_copy``: replace rows by index."""
    return context.node("index_copy", *context.inputs())


@rule("one_hot")
def one_hot(context: NodeContext) -> Operand:
    """Convert ``one_hot``."""
    return context.node(
        "one_hot",
        context.input(0),
        depth=context.attributes.int("depth"),
        on_value=context.attributes.float("on_value", 1.0),
        off_value=context.attributes.float("off_value", 0.0),
        dtype=dtype(context),
    )


@rule("_ravel_multi_index", "_unravel_index")
def ravel(context: NodeContext) -> Operand:
    """Convert ``_ravel_multi_index`` and ``_unravel_index``: flat indices from index tuples, and the reverse."""
    positions, shape = context.input(0), context.attributes.ints("shape")
    if context.operator == "_ravel_multi_index":
        return context.node("ravel_index", positions, shape=shape)
    declared = context.shape(0)
    if context.version < (2,) and (declared is None or len(declared) != 1):  # MXNet 1 gives a matrix
        positions = context.node("reshape", positions, shape=(-1,), from_end=False)
    return context.node("unravel_index", positions, shape=shape)

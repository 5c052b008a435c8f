"""Sorting and indexing: src/operator/tensor/ordering_op.cc, indexing_op.cc, ravel.cc, contrib/index_copy.cc."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.creation import dtype
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


def _along(op: Op) -> tuple[Operand, int]:
    """The input and the axis of a sort; without an axis MXNet makes the input 1-D."""
    axis = op.attributes.optional_int("axis", -1)
    if axis is None:
        return op.node("reshape", op.input(0), shape=(-1,), from_end=False), 0
    return op.input(0), axis


def _positions(op: Op, value: Value) -> Operand:
    """The second output of a sort, in the dtype that MXNet gives."""
    return op.node("cast", Value(value.node, 1), dtype=dtype(op))


@rule("sort")
def sort(op: Op) -> Operand:
    value, axis = _along(op)
    return op.node("sort", value, axis=axis, descending=not op.attributes.bool("is_ascend", True))


@rule("argsort")
def argsort(op: Op) -> Operand:
    value, axis = _along(op)
    descending = not op.attributes.bool("is_ascend", True)
    return _positions(op, op.node("sort", value, axis=axis, descending=descending))


@rule("topk")
def top_k(op: Op) -> Operand | Sequence[Operand]:
    result = op.attributes.str("ret_typ", "indices", choices=("value", "indices", "mask", "both"))
    count = op.attributes.int("k", 1)
    value, axis = _along(op)
    options: dict[str, Any] = {
        "axis": axis,
        "count": count if count > 0 else None,
        "largest": not op.attributes.bool("is_ascend", False),
    }
    op.attributes.ignore("dtype")
    if result == "mask":
        mask = op.node("top_k_mask", value, **options)
        if value == op.input(0):
            return mask
        return op.node("reshape_like", mask, op.input(0), start=0, end=None, like_start=0, like_end=None)
    top = op.node("top_k", value, **options)
    if result == "both":
        return [top, _positions(op, top)]
    return top if result == "value" else _positions(op, top)


@rule("take")
def take(op: Op) -> Operand:
    mode = op.attributes.str("mode", "clip", choices=("clip", "wrap", "raise"))
    return op.node(
        "take",
        op.input(0),
        op.input(1),
        axis=op.attributes.int("axis", 0),
        out_of_range={"clip": "clamp", "wrap": "wrap", "raise": "error"}[mode],
    )


@rule("batch_take")
def batch_take(op: Op) -> Operand:
    return op.node("pick", op.input(0), op.input(1), axis=-1, keepdim=False, out_of_range="clamp")


@rule("gather_nd")
def gather_nd(op: Op) -> Operand:
    return op.node("gather_nd", op.input(0), op.input(1))


@rule("scatter_nd")
def scatter_nd(op: Op) -> Operand:
    return op.node("scatter_nd", op.input(0), op.input(1), shape=op.attributes.ints("shape", minimum=1))


@rule("_contrib_index_copy")
def index_copy(op: Op) -> Operand:
    return op.node("index_copy", *op.inputs())


@rule("one_hot")
def one_hot(op: Op) -> Operand:
    return op.node(
        "one_hot",
        op.input(0),
        depth=op.attributes.int("depth", minimum=1),
        on_value=op.attributes.float("on_value", 1.0),
        off_value=op.attributes.float("off_value", 0.0),
        dtype=dtype(op),
    )


@rule("_ravel_multi_index", "_unravel_index")
def ravel(op: Op) -> Operand:
    kind = "ravel_index" if op.operator == "_ravel_multi_index" else "unravel_index"
    return op.node(kind, op.input(0), shape=op.attributes.ints("shape"))

"""Padded sequences: src/operator/sequence_mask.cc, sequence_last.cc, sequence_reverse.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("SequenceMask")
def sequence_mask(op: Op) -> Operand:
    axis, value = _axis(op), op.attributes.float("value", 0.0)
    lengths = _lengths(op)
    return op.input(0) if lengths is None else op.node("sequence_mask", op.input(0), lengths, axis=axis, value=value)


@rule("SequenceLast")
def sequence_last(op: Op) -> Operand:
    return op.node("sequence_last", op.input(0), _lengths(op), axis=_axis(op))


@rule("SequenceReverse")
def sequence_reverse(op: Op) -> Operand:
    if _axis(op):
        op.refuse("axis 1, which MXNet cannot compute")
    return op.node("sequence_reverse", op.input(0), _lengths(op))


def _lengths(op: Op) -> Operand:
    """The input of lengths; a length that is given without being asked for has no effect."""
    return op.input(1) if op.attributes.bool("use_sequence_length", False) else None


def _axis(op: Op) -> int:
    axis = op.attributes.int("axis", 0)
    if axis not in (0, 1):
        op.refuse(f"axis {axis}: the axis of time is 0 or 1")
    return axis

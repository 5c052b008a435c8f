"""Rules for padded sequences: src/operator/sequence_mask.cc, sequence_last.cc, sequence_reverse.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand


@rule("SequenceMask")
def sequence_mask(context: NodeContext) -> Operand:
    """Convert ``SequenceMask``: replace the steps beyond each sequence's length.

    Raises:
        Refusal: The axis of time is not 0 or 1.
    """
    axis, value = _axis(context), context.attributes.float("value", 0.0)
    lengths = _lengths(context)
    return (
        context.input(0)
        if lengths is None
        else context.node("sequence_mask", context.input(0), lengths, axis=axis, value=value)
    )


@rule("SequenceLast")
def sequence_last(context: NodeContext) -> Operand:
    """Convert ``SequenceLast``: the last step of each sequence.

    Raises:
        Refusal: The axis of time is not 0 or 1.
    """
    return context.node("sequence_last", context.input(0), _lengths(context), axis=_axis(context))


@rule("SequenceReverse")
def sequence_reverse(context: NodeContext) -> Operand:
    """Convert ``SequenceReverse``: reverse the steps within each sequence's length.

    Raises:
        Refusal: The axis of time is not 0.
    """
    if _axis(context):
        context.refuse("axis 1, which MXNet cannot compute")
    return context.node("sequence_reverse", context.input(0), _lengths(context))


def _lengths(context: NodeContext) -> Operand:
    """Return the input of lengths, None unless ``use_sequence_length`` is set; MXNet ignores it then."""
    return context.input(1) if context.attributes.bool("use_sequence_length", False) else None


def _axis(context: NodeContext) -> int:
    """Return the axis of time."""
    axis = context.attributes.int("axis", 0)
    if axis not in (0, 1):
        context.refuse(f"axis {axis}: the axis of time is 0 or 1")
    return axis

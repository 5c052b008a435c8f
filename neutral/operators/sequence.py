"""Operators on padded sequences: a batch of them has an axis of time, and each may have a length of its own.

Lengths are numbers of any dtype, one a sample; a fraction is cut off.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_TIME_AXIS = Attribute("axis", "int", "The axis of time, 0 or 1; the other of these two is the batch.")

OPERATORS = (
    Operator(
        "sequence_mask",
        "The input, of shape (time, batch, ...) or (batch, time, ...), with value at every position of a sample that is "
        "not before its length.",
        inputs=("input", "lengths"),
        attributes=(_TIME_AXIS, Attribute("value", "float", "What the positions after a sample's end get.")),
        family="sequence",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "sequence_last",
        "For each sample its position length - 1 of the axis of time, which goes: (batch, ...). Lengths are at least 1. "
        "Without them it is the last position.",
        inputs=("input", "lengths?"),
        attributes=(_TIME_AXIS,),
        family="sequence",
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "sequence_reverse",
        "The input, of shape (time, batch, ...), with each sample's positions before its length in reverse order; those "
        "after it stay. Without lengths all positions are reversed.",
        inputs=("input", "lengths?"),
        family="sequence",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
        layout_only=True,
    ),
)

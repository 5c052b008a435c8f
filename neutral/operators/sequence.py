"""Operators on batches of padded sequences, which have a time axis and optionally a length for each sample.

Lengths are numbers of any dtype, one for each sample, truncated towards zero.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_TIME_AXIS = Attribute(
    "axis", "int", "The time axis, 0 or 1; the other one of these two is the batch axis.", minimum=0, maximum=1
)

OPERATORS = (
    Operator(
        "sequence_mask",
        "The input, of shape (time, batch, ...) or (batch, time, ...), with the positions of each sample from its "
        "length on replaced by value.",
        inputs=("input", "lengths"),
        attributes=(_TIME_AXIS, Attribute("value", "float", "The value of the positions past the end of a sample.")),
        family="sequence",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "sequence_last",
        "For each sample, its position length - 1 of the time axis, which is removed: (batch, ...). Lengths are "
        "at least 1. If lengths is absent, the last position.",
        inputs=("input", "lengths?"),
        attributes=(_TIME_AXIS,),
        family="sequence",
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "sequence_reverse",
        "The input, of shape (time, batch, ...), with the positions of each sample before its length in reverse "
        "order; later positions are unchanged. If lengths is absent, all positions are reversed.",
        inputs=("input", "lengths?"),
        family="sequence",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
        layout_only=True,
    ),
)

"""Dropout."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

OPERATORS = (
    Operator(
        "dropout",
        "In training, output = 0 with probability p, else input / (1 - p), each drawn for itself; otherwise output = "
        "input. Along shared_axes all elements share one draw.",
        attributes=(
            Attribute("p", "float", "The probability of dropping an element."),
            Attribute("shared_axes", "ints", "The axes along which a draw is shared; not negative."),
            Attribute("always", "bool", "Whether elements are dropped outside training too."),
        ),
        family="dropout",
        random=True,
        elementwise=True,
        inference_identity=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
)

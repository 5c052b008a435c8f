"""Dropout."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

OPERATORS = (
    Operator(
        "dropout",
        "In training, output = 0 with probability p, else input / (1 - p), drawn independently for each element; "
        "outside of training, output = input. All elements along shared_axes share one draw.",
        attributes=(
            Attribute("p", "float", "The probability of setting an element to 0.", minimum=0, maximum=1),
            Attribute("shared_axes", "ints", "The axes along which elements share one draw; not negative.", minimum=0),
            Attribute("always", "bool", "True if elements are dropped outside of training too."),
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

"""Activations, learned and fixed."""

from __future__ import annotations

from neutral.operators.catalogue import Operator, Role

OPERATORS = (
    Operator(
        "prelu",
        "output = input where input > 0, else weight*input. One slope for all, or one for each channel; channels "
        "are axis 1 (axis 0 of a 1-D input).",
        roles=(Role("weight", "(channels,) or (1,)", "The slope of the negative side."),),
        family="activation",
    ),
)

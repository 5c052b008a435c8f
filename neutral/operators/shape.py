"""Operators that move elements and compute none."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

OPERATORS = (
    Operator("flatten", "All axes but the first are made one: (N, everything).", family="shape"),
    Operator(
        "concatenate",
        "The inputs one after the other along an axis; their other extents are equal.",
        inputs=("*inputs",),
        attributes=(Attribute("axis", "int", "The axis; negative counts from the end."),),
        family="shape",
    ),
)

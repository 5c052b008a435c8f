"""Products of matrices and tensors that are both values of the graph."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.shape import AT_LEAST_1D

OPERATORS = (
    Operator(
        "matmul",
        "The matrix product of the last two axes; the axes before them broadcast.",
        inputs=("input", "other"),
        family="matrix",
    ),
    Operator(
        "tensordot",
        "The sum over one axis of the input and one of the other, of equal extent; the output has the input's remaining "
        "axes, then the other's.",
        inputs=("input", "other"),
        attributes=(
            Attribute("axis", "int", "The axis of the input; negative counts from the end."),
            Attribute("other_axis", "int", "The axis of the other; negative counts from the end."),
            AT_LEAST_1D,
        ),
        family="matrix",
    ),
    Operator(
        "khatri_rao",
        "Of matrices with the same number of columns the product column by column: output[i*rows(b) + j, k] = "
        "a[i, k] * b[j, k], and so on with the next matrix.",
        inputs=("*inputs",),
        family="matrix",
    ),
)

"""Products of matrices and tensors that are both values of the graph."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.shape import AT_LEAST_1D

OPERATORS = (
    Operator(
        "matmul",
        "The matrix product of the last two axes; the axes before them broadcast. A vector is a row on the left and a column "
        "on the right, and its axis of extent 1 is not in the output.",
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
        "contract",
        "The sum over some axes of the input and as many of the other, in pairs of equal extent; the output has the input's "
        "remaining axes, then the other's.",
        inputs=("input", "other"),
        attributes=(
            Attribute("axes", "ints", "The axes of the input; negative ones count from the end."),
            Attribute("other_axes", "ints", "The axes of the other; negative ones count from the end."),
        ),
        family="matrix",
    ),
    Operator(
        "dot",
        "The sum over the input's last axis and the other's last but one (of a vector its only one); the output has the "
        "input's remaining axes, then the other's. With a number, the product.",
        inputs=("input", "other"),
        family="matrix",
    ),
    Operator(
        "einsum",
        "The sum of products that the subscripts describe, as numpy.einsum does.",
        inputs=("*inputs",),
        attributes=(Attribute("subscripts", "str", "Such as ij,jk->ik."),),
        family="matrix",
    ),
    Operator("kronecker", "The Kronecker product.", inputs=("input", "other"), family="matrix"),
    Operator(
        "cross",
        "The cross product of vectors in three dimensions along an axis; the other axes broadcast.",
        inputs=("input", "other"),
        attributes=(Attribute("axis", "int", "The axis; negative counts from the end."),),
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

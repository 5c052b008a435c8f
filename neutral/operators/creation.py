"""Tensors computed from attributes, or from the shape of another tensor."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")

DTYPE = Attribute("dtype", "str", "The dtype of the output.", choices=DTYPES)

_PROGRESSION = (
    Attribute("start", "float", "The first number."),
    Attribute("step", "float", "The difference between neighbouring numbers."),
    Attribute("repeat", "int", "The number of times in a row that each number occurs.", minimum=1),
)

OPERATORS = (
    Operator(
        "full",
        "A tensor whose elements all have one value.",
        inputs=(),
        attributes=(
            Attribute("shape", "ints", "The shape of the output.", minimum=0),
            Attribute("value", "float", "The value of every element."),
            DTYPE,
        ),
        family="creation",
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="attribute",
    ),
    Operator(
        "full_like",
        "A tensor whose elements all have one value, with the shape and dtype of the input.",
        attributes=(Attribute("value", "float", "The value of every element."),),
        family="creation",
        shape_operands=0,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "arange",
        "The 1-D progression start, start + step, start + 2*step, ... of count numbers, each repeated `repeat` "
        "times in a row.",
        inputs=(),
        attributes=(
            *_PROGRESSION,
            Attribute("count", "int", "The number of numbers, not counting repetitions.", minimum=0),
            DTYPE,
        ),
        family="creation",
        dtype_rule="attribute",
        rank_rule=1,
    ),
    Operator(
        "arange_like",
        "The progression start, start + step, ..., each number repeated `repeat` times in a row, in the dtype of "
        "the input. It is 1-D and as long as an axis of the input, or fills the shape of the input in row-major "
        "order. The last number occurs fewer times if repeat does not divide the number of elements.",
        attributes=(
            *_PROGRESSION,
            Attribute(
                "axis",
                "int",
                "The axis; a negative axis counts from the end. None: the output has the shape of the input.",
                optional=True,
            ),
        ),
        family="creation",
        shape_operands=0,
        dtype_rule="same",
        rank_rule=lambda node: node.rank() if node["axis"] is None else 1,
    ),
    Operator(
        "eye",
        "A matrix whose elements are 1 where column = row + offset, else 0.",
        inputs=(),
        attributes=(
            Attribute("rows", "int", "The number of rows.", minimum=0),
            Attribute("columns", "int", "The number of columns.", minimum=0),
            Attribute("offset", "int", "The diagonal of ones: 0 is the main diagonal, positive numbers are above it."),
            DTYPE,
        ),
        family="creation",
        dtype_rule="attribute",
        rank_rule=2,
    ),
    Operator(
        "lower_triangle_indices",
        "The rows and the columns, as int64 vectors, of a matrix's elements on a diagonal and below, row by row.",
        inputs=(),
        attributes=(
            Attribute("rows", "int", "The rows of the matrix.", minimum=0),
            Attribute("columns", "int", "The columns of the matrix.", minimum=0),
            Attribute("offset", "int", "The diagonal: 0 is the main diagonal, positive numbers are above it."),
        ),
        outputs=("row_indices", "column_indices"),
        family="creation",
        rank_rule=lambda node: (1, 1),
        dtype_rule="int64",
    ),
    Operator(
        "index_array",
        "The indices of every position of the input along some axes, as int64 of shape (*input.shape, number of axes).",
        attributes=(
            Attribute("axes", "ints", "The axes; negative axes count from the end. None: all axes.", optional=True),
        ),
        family="creation",
        rank_rule=lambda node: node.changed(1),
        shape_operands=0,
        dtype_rule="int64",
    ),
    Operator(
        "diagonal",
        "For an input with two or more axes, take the elements where the index along other_axis equals the index "
        "along axis plus offset; they form a new last axis that replaces the two. For a 1-D input, return the "
        "square matrix with its elements on that diagonal and 0 elsewhere.",
        attributes=(
            Attribute("offset", "int", "The diagonal: 0 is the main diagonal, positive numbers are above it."),
            Attribute("axis", "int", "The axis of rows; a negative axis counts from the end."),
            Attribute("other_axis", "int", "The axis of columns; a negative axis counts from the end."),
        ),
        family="creation",
        dtype_rule="same",
        rank_rule=lambda node: 2 if node.rank() == 1 else node.changed(-1),
    ),
)

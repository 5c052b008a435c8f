"""Tensors made from attributes, or from another tensor's shape."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")

DTYPE = Attribute("dtype", "str", "The dtype of the output.", choices=DTYPES)

_PROGRESSION = (
    Attribute("start", "float", "The first number."),
    Attribute("step", "float", "The difference of neighbours."),
    Attribute("repeat", "int", "How often in a row each number stands."),
)

OPERATORS = (
    Operator(
        "full",
        "A tensor of one value.",
        inputs=(),
        attributes=(Attribute("shape", "ints", "The shape."), Attribute("value", "float", "The value."), DTYPE),
        family="creation",
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="attribute",
    ),
    Operator(
        "full_like",
        "A tensor of one value, with the shape and dtype of the input.",
        attributes=(Attribute("value", "float", "The value."),),
        family="creation",
        shape_operands=0,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "arange",
        "1-D: start, start + step, start + 2*step, ..., count numbers, each repeat times in a row.",
        inputs=(),
        attributes=(*_PROGRESSION, Attribute("count", "int", "How many numbers, repetitions aside."), DTYPE),
        family="creation",
        dtype_rule="attribute",
        rank_rule=1,
    ),
    Operator(
        "arange_like",
        "start, start + step, ..., each repeat times in a row, in the dtype of the input: as many as an axis has "
        "positions, 1-D, or as many as the input has elements, in row-major order in its shape. The last number stands "
        "less often where repeat does not divide that.",
        attributes=(
            *_PROGRESSION,
            Attribute("axis", "int", "The axis; negative counts from the end. None: the whole shape.", optional=True),
        ),
        family="creation",
        shape_operands=0,
        dtype_rule="same",
        rank_rule=lambda node: node.rank() if node["axis"] is None else 1,
    ),
    Operator(
        "eye",
        "A matrix that is 1 where column = row + offset and 0 elsewhere.",
        inputs=(),
        attributes=(
            Attribute("rows", "int", "Its rows."),
            Attribute("columns", "int", "Its columns."),
            Attribute("offset", "int", "Distance of the ones from the diagonal, positive above it."),
            DTYPE,
        ),
        family="creation",
        dtype_rule="attribute",
        rank_rule=2,
    ),
    Operator(
        "index_array",
        "For every position of the input its own indices along axes, as int64: shape (*input.shape, number of axes).",
        attributes=(
            Attribute("axes", "ints", "The axes; negative ones count from the end. None: all.", optional=True),
        ),
        family="creation",
        rank_rule=lambda node: node.changed(1),
        shape_operands=0,
        dtype_rule="int64",
    ),
    Operator(
        "diagonal",
        "Of an input with two or more axes the elements where index along other_axis = index along axis + offset, as a "
        "new last axis in place of the two. Of a 1-D input the square matrix that has its elements there and is 0 "
        "elsewhere.",
        attributes=(
            Attribute("offset", "int", "Distance from the main diagonal."),
            Attribute("axis", "int", "The axis of rows; negative counts from the end."),
            Attribute("other_axis", "int", "The axis of columns; negative counts from the end."),
        ),
        family="creation",
        dtype_rule="same",
        rank_rule=lambda node: 2 if node.rank() == 1 else node.changed(-1),
    ),
)

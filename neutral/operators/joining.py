"""Operators that join tensors along an axis, and split one: they move elements and compute none."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.operators.declarations import AXIS, Attribute, Operator
from neutral.operators.ranks import RankContext, RankRule


def _at_least(axes: int) -> RankRule:
    """Return the larger of the first operand's rank and ``axes``."""

    def rule(node: RankContext) -> int | None:
        rank = node.rank()
        return None if rank is None else max(rank, axes)

    return rule


def _count_horizontal_parts(attributes: Mapping[str, Any], operands: int) -> int:
    """Return the number of outputs of ``hsplit``: a number of parts, or one part more than positions."""
    indices = attributes["indices"]
    return int(attributes["parts"]) if indices is None else len(indices) + 1


OPERATORS = (
    Operator(
        "concatenate",
        "Concatenate the inputs along an axis; all other extents are equal.",
        inputs=("*inputs",),
        attributes=(AXIS,),
        family="arrangement",
        rank_rule="same",
        dtype_rule="promote",
        associative=True,
    ),
    Operator(
        "stack",
        "Stack the inputs, which have equal shapes, along a new axis.",
        inputs=("*inputs",),
        attributes=(
            Attribute(
                "axis", "int", "The index of the new axis in the output; a negative index counts from the output's end."
            ),
        ),
        family="arrangement",
        dtype_rule="promote",
        rank_rule=lambda node: node.changed(1),
    ),
    Operator(
        "split",
        "Split the input along an axis into parts of equal extent.",
        attributes=(
            AXIS,
            Attribute("parts", "int", "The number of parts; it divides the extent of the axis.", minimum=1),
        ),
        outputs=("*parts",),
        output_rule=lambda attributes, operands: attributes["parts"],
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "uneven_split",
        "Split the input along an axis into parts; the first (extent mod parts) parts have one position more than "
        "the others.",
        attributes=(AXIS, Attribute("parts", "int", "The number of parts.", minimum=1)),
        outputs=("*parts",),
        output_rule=lambda attributes, operands: attributes["parts"],
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "split_at",
        "Split the input along an axis at given positions: the first part ends before indices[0], the second "
        "before indices[1], and so on; the last part ends at the end of the axis.",
        attributes=(
            AXIS,
            Attribute("indices", "ints", "The first position of the second part and of each later part."),
        ),
        outputs=("*parts",),
        output_rule=lambda attributes, operands: len(attributes["indices"]) + 1,
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "unbind",
        "Return one output for each position of an axis; the outputs lack that axis.",
        attributes=(AXIS, Attribute("parts", "int", "The extent of the axis.", minimum=1)),
        outputs=("*parts",),
        output_rule=lambda attributes, operands: attributes["parts"],
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
    ),
    Operator(
        "hsplit",
        "Split the input along axis 1 (a vector along axis 0) into parts of equal extent, or at indices as "
        "split_at does.",
        attributes=(
            Attribute("parts", "int", "The number of equal parts; None: split at indices.", optional=True, minimum=1),
            Attribute(
                "indices",
                "ints",
                "The first position of the second part and of each later part; None: split into equal parts.",
                optional=True,
            ),
        ),
        outputs=("*parts",),
        output_rule=_count_horizontal_parts,
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    *(
        Operator(
            kind, meaning, inputs=("*inputs",), family="arrangement", rank_rule=_at_least(axes), dtype_rule="promote"
        )
        for kind, axes, meaning in (
            (
                "vstack",
                2,
                "Concatenate the inputs along axis 0; a vector (n,) is taken as (1, n) and a 0-D input as (1, 1).",
            ),
            (
                "hstack",
                1,
                "Concatenate the inputs along axis 1; vectors are concatenated along axis 0, and a 0-D "
                "input is taken as (1,).",
            ),
            (
                "dstack",
                3,
                "Concatenate the inputs along axis 2; a matrix (m, n) is taken as (m, n, 1) and a vector (n,) as "
                "(1, n, 1).",
            ),
            ("column_stack", 2, "Concatenate the inputs along axis 1; a vector (n,) is taken as a column (n, 1)."),
        )
    ),
)

"""Operators that select or replace a part of a tensor by ranges of positions."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

SLICE = (
    Attribute("axes", "ints", "The axes to slice; negative axes count from the end. All other axes are kept whole."),
    Attribute("starts", "optional_ints", "The first position, for each of the axes.", same_length_as="axes"),
    Attribute("ends", "optional_ints", "The position to stop before, for each of the axes.", same_length_as="axes"),
    Attribute(
        "steps",
        "ints",
        "The step, for each of the axes; not 0. A negative step selects positions in reverse order.",
        same_length_as="axes",
    ),
)

SLICE_MEANING = (
    "starts[i]:ends[i]:steps[i] along axes[i], with the semantics of a Python slice: negative positions count "
    "from the end, positions out of range are clamped, and None stands for the first or last position in the "
    "direction of the step."
)

OPERATORS = (
    Operator(
        "slice",
        f"Select a part of the input: {SLICE_MEANING}",
        attributes=SLICE,
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "slice_assign",
        f"Replace a part of the input by value, which has the part's shape or is a number. The part is {SLICE_MEANING}",
        inputs=("input", "value"),
        attributes=SLICE,
        family="arrangement",
        rank_rule="same",
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "slice_like",
        "Keep the first positions along some axes, as many as like has there. Only the shape of like matters.",
        inputs=("input", "like"),
        attributes=(
            Attribute(
                "axes",
                "ints",
                "The axes; negative axes count from the end of the input, and the axis of like is then the one "
                "with the same index from the front. None: all axes, and both operands have the same rank.",
                optional=True,
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
        shape_operands=1,
    ),
    Operator(
        "crop",
        "Cut a rectangle out of images (N, C, H, W), either of the given size or of the height and width of like.",
        inputs=("input", "like?"),
        attributes=(
            Attribute("size", "ints", "Height and width of the rectangle; None: those of like.", optional=True),
            Attribute(
                "offset",
                "ints",
                "Row and column of the first pixel; None: centred, at row (H - height) // 2 and column (W - "
                "width) // 2.",
                optional=True,
            ),
        ),
        family="arrangement",
        shape_operands=1,
        layout_only=True,
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)

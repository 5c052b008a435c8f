"""Operators that join, split, repeat and pad tensors: they move elements and compute none."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext, RankRule

AXIS = Attribute("axis", "int", "The axis; a negative axis counts from the end.")

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


def _tiled_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return None if rank is None else max(rank, len(node["repeats"]))


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
    Operator(
        "pad",
        "Add positions at both ends of the axes. Mode constant fills them with the value, edge repeats the "
        "outermost position, and reflect mirrors the input without repeating the outermost position.",
        attributes=(
            Attribute("mode", "str", "How the added positions are filled.", choices=("constant", "edge", "reflect")),
            Attribute(
                "before", "ints", "The number of positions added before the first one, for each axis.", minimum=0
            ),
            Attribute(
                "after",
                "ints",
                "The number of positions added after the last one, for each axis.",
                minimum=0,
                same_length_as="before",
            ),
            Attribute("value", "float", "The fill value of mode constant."),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: len(node["before"]),
        dtype_rule="same",
    ),
    Operator(
        "tile",
        "Repeat the whole input along each axis. The shorter of repeats and the input's shape is padded with "
        "leading 1s.",
        attributes=(Attribute("repeats", "ints", "The number of repetitions, for each axis.", minimum=0),),
        family="arrangement",
        layout_only=True,
        rank_rule=_tiled_rank,
        dtype_rule="same",
    ),
    Operator(
        "repeat",
        "Repeat every position of an axis several times in a row.",
        attributes=(
            Attribute("repeats", "int", "The number of repetitions.", minimum=0),
            Attribute(
                "axis",
                "int",
                "The axis; a negative axis counts from the end. None: the input is flattened to 1-D first.",
                optional=True,
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: 1 if node["axis"] is None else node.rank(),
        dtype_rule="same",
    ),
    Operator(
        "flip",
        "Reverse the order of the positions along some axes.",
        attributes=(
            Attribute("axes", "ints", "The axes; negative axes count from the end. None: all axes.", optional=True),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "broadcast_to",
        "Broadcast the input to a shape: axes of extent 1 are repeated, and missing leading axes are added.",
        attributes=(
            Attribute(
                "shape",
                "ints",
                "The output's extents; the last ones belong to the input's axes. 0 keeps the extent of the input.",
                minimum=0,
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="same",
    ),
    Operator(
        "broadcast_axes",
        "Repeat some axes of extent 1 to given extents.",
        attributes=(
            Attribute("axes", "ints", "The axes; negative axes count from the end."),
            Attribute(
                "sizes", "ints", "The extent of the output, for each of the axes.", minimum=0, same_length_as="axes"
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "broadcast_like",
        "Repeat axes of extent 1 to the extents of like. Only the shape of like matters.",
        inputs=("input", "like"),
        attributes=(
            Attribute(
                "axes",
                "ints",
                "The axes of the input; None: all axes, and both operands have the same rank.",
                optional=True,
            ),
            Attribute(
                "like_axes",
                "ints",
                "The axis of like, for each of the axes; None if axes is None.",
                optional=True,
                same_length_as="axes",
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
        shape_operands=1,
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
    Operator(
        "roll",
        "Shift the positions along some axes towards the end; positions shifted past the end reappear at the front.",
        attributes=(
            Attribute(
                "shifts",
                "ints",
                "The number of positions to shift by, for each of the axes; negative numbers shift towards the front.",
                same_length_as="axes",
            ),
            Attribute(
                "axes",
                "ints",
                "The axes; negative axes count from the end. None: the input is flattened to 1-D, shifted and put "
                "back into its shape.",
                optional=True,
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
        keeps_shape=True,
    ),
    *(
        Operator(
            kind,
            f"Set the elements {where} a diagonal of the last two axes to 0.",
            attributes=(
                Attribute("offset", "int", "The diagonal: 0 is the main diagonal, positive numbers are above it."),
            ),
            family="arrangement",
            keeps_shape=True,
            layout_only=True,
            rank_rule="same",
            dtype_rule="same",
        )
        for kind, where in (("lower_triangle", "above"), ("upper_triangle", "below"))
    ),
    Operator(
        "difference",
        "Subtract from each position along an axis the position before it, so that the axis has one position "
        "fewer; this is done several times.",
        attributes=(AXIS, Attribute("times", "int", "The number of repetitions.", minimum=0)),
        family="arrangement",
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "extract_patches",
        "Extract the windows of a convolution over (N, C, H, W), with zero padding, as (N, C*kh*kw, L): column l "
        "holds the l-th window in row-major order, its elements ordered by channel, then row, then column of the "
        "window.",
        attributes=(
            Attribute("kernel_size", "ints", "Height and width of the window.", minimum=1),
            Attribute(
                "stride",
                "ints",
                "The step of the window, for each spatial axis.",
                minimum=1,
                same_length_as="kernel_size",
            ),
            Attribute(
                "dilation",
                "ints",
                "The distance between neighbouring elements of the window, for each spatial axis.",
                minimum=1,
                same_length_as="kernel_size",
            ),
            Attribute(
                "padding",
                "ints",
                "The number of zeros added at both ends, for each spatial axis.",
                minimum=0,
                same_length_as="kernel_size",
            ),
        ),
        family="arrangement",
        operand_rank=4,
        rank_rule=3,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "add_patches",
        "The transpose of extract_patches: add the windows (N, C*kh*kw, L) up at their positions, giving (N, C, "
        "*output_size).",
        attributes=(
            Attribute("output_size", "ints", "Height and width of the output."),
            Attribute("kernel_size", "ints", "Height and width of the window.", minimum=1),
            Attribute(
                "stride",
                "ints",
                "The step of the window, for each spatial axis.",
                minimum=1,
                same_length_as="kernel_size",
            ),
            Attribute(
                "dilation",
                "ints",
                "The distance between neighbouring elements of the window, for each spatial axis.",
                minimum=1,
                same_length_as="kernel_size",
            ),
            Attribute(
                "padding",
                "ints",
                "The number of positions removed at both ends, for each spatial axis.",
                minimum=0,
                same_length_as="kernel_size",
            ),
        ),
        family="arrangement",
        operand_rank=3,
        rank_rule=4,
        dtype_rule="same",
    ),
)

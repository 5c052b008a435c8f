"""Operators that repeat, pad, move and broadcast the elements of a tensor, and that extract its windows."""

from __future__ import annotations

from neutral.operators.declarations import AXIS, Attribute, Operator
from neutral.operators.ranks import RankContext


def _tiled_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return None if rank is None else max(rank, len(node["repeats"]))


OPERATORS = (
    Operator(
        "pad",
        "Add positions at both ends of the axes. Mode constant fills them with the value, edge repeats the "
        "outermost position, reflect mirrors the input without repeating the outermost position, symmetric mirrors it "
        "with that position, and maximum and minimum repeat the extreme element along the axis, axis by axis.",
        attributes=(
            Attribute(
                "mode",
                "str",
                "How the added positions are filled.",
                choices=("constant", "edge", "reflect", "symmetric", "maximum", "minimum"),
            ),
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

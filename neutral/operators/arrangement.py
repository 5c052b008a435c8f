"""Operators that join, cut, repeat and pad: they move elements and compute none."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext, RankRule

AXIS = Attribute("axis", "int", "The axis; negative counts from the end.")

SLICE = (
    Attribute("axes", "ints", "The axes that are cut; negative ones count from the end. The others stay whole."),
    Attribute("starts", "optional_ints", "For each of the axes the first position."),
    Attribute("ends", "optional_ints", "For each of the axes the position to stop before."),
    Attribute("steps", "ints", "For each of the axes the step, not 0; a negative one goes backwards."),
)

SLICE_MEANING = (
    "starts[i]:ends[i]:steps[i] along axes[i], as a slice of Python: negative positions count from the end, those beyond "
    "an end are moved to it, None is the end that the step comes from or goes to."
)


def _tiled_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return None if rank is None else max(rank, len(node["repeats"]))


def _at_least(axes: int) -> RankRule:
    """The larger of the first operand's rank and ``axes``."""

    def rule(node: RankContext) -> int | None:
        rank = node.rank()
        return None if rank is None else max(rank, axes)

    return rule


OPERATORS = (
    Operator(
        "concatenate",
        "The inputs one after the other along an axis; their other extents are equal.",
        inputs=("*inputs",),
        attributes=(AXIS,),
        family="arrangement",
        rank_rule="same",
        dtype_rule="promote",
        associative=True,
    ),
    Operator(
        "stack",
        "The inputs, all of one shape, one after the other along a new axis.",
        inputs=("*inputs",),
        attributes=(Attribute("axis", "int", "Place of the new axis; negative counts from the output's end."),),
        family="arrangement",
        dtype_rule="promote",
        rank_rule=lambda node: node.changed(1),
    ),
    Operator(
        "split",
        "The input cut along an axis into parts of equal extent.",
        attributes=(AXIS, Attribute("parts", "int", "The number of parts; it divides the extent.")),
        outputs=("*parts",),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "uneven_split",
        "The input cut along an axis into parts: the first (extent mod parts) have one position more than the rest.",
        attributes=(AXIS, Attribute("parts", "int", "The number of parts.")),
        outputs=("*parts",),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "split_at",
        "The input cut along an axis: the first part ends before indices[0], the next before indices[1], the last at the "
        "end of the axis.",
        attributes=(AXIS, Attribute("indices", "ints", "Where the second and later parts begin.")),
        outputs=("*parts",),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "unbind",
        "Every position of an axis as an output of its own, without that axis.",
        attributes=(AXIS, Attribute("parts", "int", "The axis's extent.")),
        outputs=("*parts",),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: node.changed(-1),
        dtype_rule="same",
    ),
    Operator(
        "hsplit",
        "The input cut along axis 1, of a vector along axis 0, into parts of equal extent or at indices as in split_at.",
        attributes=(
            Attribute("parts", "int", "The number of equal parts; None where indices say it.", optional=True),
            Attribute("indices", "ints", "Where the second and later parts begin, or None.", optional=True),
        ),
        outputs=("*parts",),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "slice",
        f"A part of the input: {SLICE_MEANING}",
        attributes=SLICE,
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "slice_assign",
        f"The input with a part of it replaced by value, which has the part's shape or is a number: {SLICE_MEANING}",
        inputs=("input", "value"),
        attributes=SLICE,
        family="arrangement",
        rank_rule="same",
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "slice_like",
        "The first positions along some axes, as many as the other input has; only the other's shape matters.",
        inputs=("input", "like"),
        attributes=(
            Attribute(
                "axes",
                "ints",
                "The axes; negative ones count from the end of the input, and then the same number from the front is the "
                "other's axis. None: all, and both have the same number of axes.",
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
        "A rectangle of an image (N, C, H, W), of the given size or of that of the other input, of which only the "
        "height and width matter.",
        inputs=("input", "like?"),
        attributes=(
            Attribute("size", "ints", "Height and width; None where the other input gives them.", optional=True),
            Attribute(
                "offset",
                "ints",
                "Row and column of its first pixel; None: in the middle, (H - height) // 2 and (W - width) // 2.",
                optional=True,
            ),
        ),
        family="arrangement",
        shape_operands=1,
        layout_only=True,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "pad",
        "Positions added at the ends of the axes: constant has the value there, edge repeats the outermost position, "
        "reflect mirrors the input without repeating the outermost position.",
        attributes=(
            Attribute("mode", "str", "What is added.", choices=("constant", "edge", "reflect")),
            Attribute("before", "ints", "How many before the first position, for each axis."),
            Attribute("after", "ints", "How many behind the last position, for each axis."),
            Attribute("value", "float", "The value of mode constant."),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: len(node["before"]),
        dtype_rule="same",
    ),
    Operator(
        "tile",
        "The whole input several times along each axis; the shorter of repeats and the input's shape gets 1s in front.",
        attributes=(Attribute("repeats", "ints", "How often along each axis."),),
        family="arrangement",
        layout_only=True,
        rank_rule=_tiled_rank,
        dtype_rule="same",
    ),
    Operator(
        "repeat",
        "Every position of an axis several times in a row.",
        attributes=(
            Attribute("repeats", "int", "How often."),
            Attribute(
                "axis", "int", "The axis; negative counts from the end. None: of the input made 1-D.", optional=True
            ),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: 1 if node["axis"] is None else node.rank(),
        dtype_rule="same",
    ),
    Operator(
        "flip",
        "The positions of some axes in reverse order.",
        attributes=(
            Attribute("axes", "ints", "The axes; negative ones count from the end. None: all.", optional=True),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
        keeps_shape=True,
    ),
    Operator(
        "broadcast_to",
        "Axes of extent 1 repeated to the extents of shape; axes that the input lacks are new in front.",
        attributes=(
            Attribute("shape", "ints", "The extents, the last ones for the input's axes; 0 keeps the input's."),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule=lambda node: len(node["shape"]),
        dtype_rule="same",
    ),
    Operator(
        "broadcast_axes",
        "Some axes of extent 1 repeated to the given extents.",
        attributes=(
            Attribute("axes", "ints", "The axes; negative ones count from the end."),
            Attribute("sizes", "ints", "The extent of each of them."),
        ),
        family="arrangement",
        layout_only=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "broadcast_like",
        "Axes of extent 1 repeated to the extents of the other input, of which only the shape matters.",
        inputs=("input", "like"),
        attributes=(
            Attribute("axes", "ints", "The axes; None: all, and both have the same number.", optional=True),
            Attribute("like_axes", "ints", "For each the axis of the other input; None as axes.", optional=True),
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
                "The inputs below each other along axis 0; a vector of n counts as (1, n), a number as (1, 1).",
            ),
            ("hstack", 1, "The inputs beside each other along axis 1; vectors and numbers one after the other."),
            (
                "dstack",
                3,
                "The inputs behind each other along axis 2; a matrix (m, n) counts as (m, n, 1), a vector of n as (1, n, 1).",
            ),
            ("column_stack", 2, "The inputs beside each other along axis 1; a vector of n counts as a column (n, 1)."),
        )
    ),
    Operator(
        "roll",
        "The positions of some axes moved towards the end; those that would leave it come in at the front.",
        attributes=(
            Attribute("shifts", "ints", "For each of the axes how far; negative ones move towards the front."),
            Attribute(
                "axes",
                "ints",
                "The axes; negative ones count from the end. None: of the input made 1-D, and put back into its shape.",
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
            f"The input with zeros in place of what is {where} a diagonal of its last two axes.",
            attributes=(Attribute("offset", "int", "The diagonal: 0 is the main one, positive ones are above it."),),
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
        "Along an axis each position less the one before it, several times over.",
        attributes=(AXIS, Attribute("times", "int", "How often.")),
        family="arrangement",
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "extract_patches",
        "(N, C, H, W) becomes (N, C*kh*kw, L): column l holds the window of a convolution at its l-th position, rows "
        "ordered by channel, then row, then column of the window; zeros around the image.",
        attributes=(
            Attribute("kernel_size", "ints", "Height and width of the window."),
            Attribute("stride", "ints", "Step of the window in each dimension."),
            Attribute("dilation", "ints", "Distance of neighbouring taps in each dimension."),
            Attribute("padding", "ints", "Zeros added at both ends of each dimension."),
        ),
        family="arrangement",
        rank_rule=3,
        dtype_rule="same",
        layout_only=True,
    ),
    Operator(
        "add_patches",
        "The transpose of extract_patches: (N, C*kh*kw, L) becomes (N, C, *output_size), the sum of all windows, each "
        "at its position.",
        attributes=(
            Attribute("output_size", "ints", "Height and width of the output."),
            Attribute("kernel_size", "ints", "Height and width of the window."),
            Attribute("stride", "ints", "Step of the window in each dimension."),
            Attribute("dilation", "ints", "Distance of neighbouring taps in each dimension."),
            Attribute("padding", "ints", "Zeros that are cut off again at both ends of each dimension."),
        ),
        family="arrangement",
        rank_rule=4,
        dtype_rule="same",
    ),
)

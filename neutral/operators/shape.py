"""Operators that change the shape of a tensor or the order of its axes."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext

AT_LEAST_1D = Attribute("at_least_1d", "bool", "True if a result without axes gets the shape (1,).")


def _axes(doc: str, optional: bool = False) -> Attribute:
    return Attribute("axes", "ints", f"{doc} Negative axes count from the end.", optional=optional)


def _reshaped_rank(node: RankContext) -> int | None:
    shape, rank = node["shape"], node.rank()
    if -2 not in shape:
        return len(shape)
    before = (shape[::-1] if node["from_end"] else shape).index(-2)
    return None if rank is None else len(shape) - 1 + max(rank - before, 0)


def _reshaped_like_rank(node: RankContext) -> int | None:
    whole = (node["start"], node["end"], node["like_start"], node["like_end"]) == (0, None, 0, None)
    return node.rank(1) if whole else None


def _at_least_rank(node: RankContext) -> int | None:
    rank = node.rank()
    return None if rank is None else max(rank, int(node["dims"]))


def _squeezed_rank(node: RankContext) -> int | None:
    axes, rank = node["axes"], node.rank()
    return None if axes is None or rank is None else max(rank - len(axes), int(node["at_least_1d"]))


OPERATORS = (
    Operator(
        "flatten",
        "Merge all axes except the first: (N, everything). A 1-D input becomes (N, 1).",
        family="shape",
        rank_rule=2,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "reshape",
        "Give the elements, in row-major order, another shape. Each number of shape is an extent or a code: n > 0 "
        "is the extent n; 0 copies the input's extent at the same position; -1 (at most one) is inferred from the "
        "number of elements; -2 (at most one) copies all axes of the input from the same position on. Positions "
        "count from the first axis, or, if from_end, from the last axis backwards, and every number other than -2 "
        "takes up one axis of the input.",
        attributes=(
            Attribute("shape", "ints", "The extents and codes.", minimum=-2),
            Attribute("from_end", "bool", "True if positions count from the end."),
        ),
        family="shape",
        rank_rule=_reshaped_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "merge_axes",
        "Merge the neighbouring axes axis, axis + 1, ..., axis + count - 1 into one, in row-major order.",
        attributes=(
            Attribute("axis", "int", "The first of the axes; a negative axis counts from the end."),
            Attribute("count", "int", "The number of axes that are merged."),
        ),
        family="shape",
        rank_rule=lambda node: node.changed(1 - node["count"]),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "split_axis",
        "Split an axis into several axes of the extents sizes, in row-major order. One of the sizes may be -1, "
        "which is inferred from the extent of the axis.",
        attributes=(
            Attribute("axis", "int", "The axis; a negative axis counts from the end."),
            Attribute("sizes", "ints", "The extents of the new axes.", minimum=-1),
        ),
        family="shape",
        rank_rule=lambda node: node.changed(len(node["sizes"]) - 1),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "reshape_to",
        "Give the elements, in row-major order, the shape that an operand holds as numbers. Each is an extent or a code, and "
        "takes up the next axis of the input: n > 0 is the extent n; 0 copies the axis; -1 (at most one) is inferred from the "
        "number of elements; -2 copies all axes that are left; -3 merges two axes; -4 splits the axis into the next two numbers, "
        "one of which may be -1.",
        inputs=("input", "shape"),
        family="shape",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "reshape_like",
        "Reshape the input: the axes start to end (excluded) are replaced by the axes like_start to like_end "
        "(excluded) of like, in row-major order. Only the shape of like matters. Negative numbers count from the "
        "end; None stands for the position after the last axis.",
        inputs=("input", "like"),
        attributes=(
            Attribute("start", "int", "The first axis that is replaced."),
            Attribute(
                "end", "int", "The first axis after those; None: the position after the last axis.", optional=True
            ),
            Attribute("like_start", "int", "The first axis of like that is taken."),
            Attribute(
                "like_end", "int", "The first axis after those; None: the position after the last axis.", optional=True
            ),
        ),
        family="shape",
        shape_operands=1,
        rank_rule=_reshaped_like_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "transpose",
        "Permute the axes: axis i of the output is axis axes[i] of the input.",
        attributes=(_axes("The permutation; None: all axes in reverse order.", optional=True),),
        family="shape",
        rank_rule=lambda node: len(node["axes"]) if node["axes"] else node.rank(),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "swap_axes",
        "Exchange two axes.",
        attributes=(
            Attribute("axis", "int", "The first axis; a negative axis counts from the end."),
            Attribute("other_axis", "int", "The second axis; a negative axis counts from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "move_axis",
        "Move one axis to another index; all other axes keep their order.",
        attributes=(
            Attribute("source", "int", "The index of the axis in the input; a negative index counts from the end."),
            Attribute(
                "destination", "int", "The index of the axis in the output; a negative index counts from the end."
            ),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "move_axes",
        "Move several axes to other indices; all other axes keep their order.",
        attributes=(
            Attribute("sources", "ints", "The indices of the axes in the input; negative indices count from the end."),
            Attribute(
                "destinations",
                "ints",
                "The indices of the axes in the output; negative indices count from the end.",
                same_length_as="sources",
            ),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "rotate90",
        "Rotate the input by multiples of 90 degrees in the plane of two axes, in the direction from the first "
        "axis to the second.",
        attributes=(
            Attribute("quarters", "int", "The number of rotations by 90 degrees."),
            Attribute("axis", "int", "The first axis; a negative axis counts from the end."),
            Attribute("other_axis", "int", "The second axis; a negative axis counts from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "at_least",
        "Add axes of extent 1 to an input with fewer than dims axes. A 0-D input becomes (1,), (1, 1) or (1, 1, "
        "1), a vector (n,) becomes (1, n) or (1, n, 1), and a matrix (m, n) becomes (m, n, 1).",
        attributes=(
            Attribute("dims", "int", "The smallest number of axes of the output, from 1 to 3.", minimum=1, maximum=3),
        ),
        family="shape",
        rank_rule=_at_least_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "unsqueeze",
        "Add an axis of extent 1.",
        attributes=(
            Attribute(
                "axis", "int", "The index of the new axis in the output; a negative index counts from the output's end."
            ),
        ),
        family="shape",
        rank_rule=lambda node: node.changed(1),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "squeeze",
        "Remove axes of extent 1.",
        attributes=(_axes("The axes; None: all axes of extent 1.", optional=True), AT_LEAST_1D),
        family="shape",
        rank_rule=_squeezed_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "depth_to_space",
        "Rearrange (N, C, H, W) to (N, C/size^2, H*size, W*size): channel (i*size + j)*C/size^2 + c at position "
        "(y, x) becomes channel c at position (y*size + i, x*size + j).",
        attributes=(Attribute("size", "int", "The height and width of the block that a position becomes.", minimum=1),),
        family="shape",
        operand_rank=4,
        rank_rule=4,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "space_to_depth",
        "The inverse of depth_to_space: rearrange (N, C, H, W) to (N, C*size^2, H/size, W/size).",
        attributes=(
            Attribute("size", "int", "The height and width of the block that becomes one position.", minimum=1),
        ),
        family="shape",
        operand_rank=4,
        rank_rule=4,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "shape",
        "The shape of the input, as a 1-D tensor of int64.",
        family="shape",
        shape_operands=0,
        dtype_rule="int64",
        rank_rule=1,
    ),
    Operator(
        "size",
        "The number of elements of the input, as int64 of shape (1,).",
        family="shape",
        shape_operands=0,
        dtype_rule="int64",
        rank_rule=1,
    ),
)

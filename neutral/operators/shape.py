"""Operators that give the same elements another shape, or another order of axes."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext

AT_LEAST_1D = Attribute(
    "at_least_1d", "bool", "Whether a result that would have no axis left has the shape (1,) instead."
)


def _axes(doc: str, optional: bool = False) -> Attribute:
    return Attribute("axes", "ints", f"{doc} Negative ones count from the end.", optional=optional)


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
        "All axes but the first are made one: (N, everything).",
        family="shape",
        rank_rule=2,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "reshape",
        "The elements in row-major order under another shape. Each number of shape gives an extent: n > 0 is n; 0 is the "
        "input's extent at the same position; -1 (at most one) is what makes the number of elements right; -2 (at most "
        "one) stands for all axes of the input from the same position on. Positions count from the first axis, or with "
        "from_end from the last axis backwards, and every number other than -2 takes up one axis of the input.",
        attributes=(
            Attribute("shape", "ints", "The extents as above."),
            Attribute("from_end", "bool", "Whether positions count from the end."),
        ),
        family="shape",
        rank_rule=_reshaped_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "merge_axes",
        "Neighbouring axes are made one, in row-major order: axis, axis + 1, ... axis + count - 1.",
        attributes=(
            Attribute("axis", "int", "The first of the axes; negative counts from the end."),
            Attribute("count", "int", "How many axes are made one."),
        ),
        family="shape",
        rank_rule=lambda node: node.changed(1 - node["count"]),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "split_axis",
        "One axis becomes several of the extents sizes, in row-major order. One size may be -1: what is left.",
        attributes=(
            Attribute("axis", "int", "The axis; negative counts from the end."),
            Attribute("sizes", "ints", "The extents that it becomes."),
        ),
        family="shape",
        rank_rule=lambda node: node.changed(len(node["sizes"]) - 1),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "reshape_like",
        "The axes start to end (excluded) of the input are replaced by the axes like_start to like_end (excluded) of the "
        "other input, in row-major order; only the other's shape matters. None is one beyond the last axis, and negative "
        "numbers count from the end.",
        inputs=("input", "like"),
        attributes=(
            Attribute("start", "int", "First axis that is replaced."),
            Attribute("end", "int", "First axis behind them.", optional=True),
            Attribute("like_start", "int", "First axis that is taken."),
            Attribute("like_end", "int", "First axis behind them.", optional=True),
        ),
        family="shape",
        shape_operands=1,
        rank_rule=_reshaped_like_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "transpose",
        "Axis i of the output is axis axes[i] of the input.",
        attributes=(_axes("The permutation; None: all axes in reverse order.", optional=True),),
        family="shape",
        rank_rule=lambda node: len(node["axes"]) if node["axes"] else node.rank(),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "swap_axes",
        "Two axes change places.",
        attributes=(
            Attribute("axis", "int", "One axis; negative counts from the end."),
            Attribute("other_axis", "int", "The other axis; negative counts from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "move_axis",
        "One axis goes to another place; the others keep their order.",
        attributes=(
            Attribute("source", "int", "Where the axis is; negative counts from the end."),
            Attribute("destination", "int", "Where it is in the output; negative counts from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "move_axes",
        "Several axes go to other places; the others keep their order.",
        attributes=(
            Attribute("sources", "ints", "Where the axes are; negative ones count from the end."),
            Attribute("destinations", "ints", "Where they are in the output; negative ones count from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "rotate90",
        "The input turned by quarters in the plane of two axes, in the direction from the first to the second.",
        attributes=(
            Attribute("quarters", "int", "How many quarters."),
            Attribute("axis", "int", "The first axis; negative counts from the end."),
            Attribute("other_axis", "int", "The second axis; negative counts from the end."),
        ),
        family="shape",
        rank_rule="same",
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "at_least",
        "Axes of extent 1 for an input with fewer than dims axes. A number becomes (1,), (1, 1) or (1, 1, 1), a vector of n "
        "becomes (1, n) or (1, n, 1), a matrix of (m, n) becomes (m, n, 1).",
        attributes=(Attribute("dims", "int", "The least number of axes, from 1 to 3."),),
        family="shape",
        rank_rule=_at_least_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "unsqueeze",
        "A new axis of extent 1.",
        attributes=(Attribute("axis", "int", "Its place in the output; negative counts from the output's end."),),
        family="shape",
        rank_rule=lambda node: node.changed(1),
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "squeeze",
        "Axes of extent 1 are left out.",
        attributes=(_axes("The axes; None: all that have extent 1.", optional=True), AT_LEAST_1D),
        family="shape",
        rank_rule=_squeezed_rank,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "depth_to_space",
        "(N, C, H, W) becomes (N, C/size^2, H*size, W*size): channel (i*size + j)*C/size^2 + c of position (y, x) goes "
        "to channel c of position (y*size + i, x*size + j).",
        attributes=(Attribute("size", "int", "Edge of the block that a position becomes."),),
        family="shape",
        rank_rule=4,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "space_to_depth",
        "The inverse of depth_to_space: (N, C, H, W) becomes (N, C*size^2, H/size, W/size).",
        attributes=(Attribute("size", "int", "Edge of the block that becomes one position."),),
        family="shape",
        rank_rule=4,
        layout_only=True,
        dtype_rule="same",
    ),
    Operator(
        "shape",
        "The extents of the input's axes, as a 1-D tensor of int64.",
        family="shape",
        shape_operands=0,
        dtype_rule="int64",
        rank_rule=1,
    ),
    Operator(
        "size",
        "The number of elements of the input, int64 of shape (1,).",
        family="shape",
        shape_operands=0,
        dtype_rule="int64",
        rank_rule=1,
    ),
)

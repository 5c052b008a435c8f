"""Operators that give the same elements another shape, or another order of axes."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

AT_LEAST_1D = Attribute(
    "at_least_1d", "bool", "Whether a result that would have no axis left has the shape (1,) instead."
)


def _axes(doc: str, optional: bool = False) -> Attribute:
    return Attribute("axes", "ints", f"{doc} Negative ones count from the end.", optional=optional)


OPERATORS = (
    Operator("flatten", "All axes but the first are made one: (N, everything).", family="shape"),
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
    ),
    Operator(
        "merge_axes",
        "Neighbouring axes are made one, in row-major order: axis, axis + 1, ... axis + count - 1.",
        attributes=(
            Attribute("axis", "int", "The first of the axes; negative counts from the end."),
            Attribute("count", "int", "How many axes are made one."),
        ),
        family="shape",
    ),
    Operator(
        "split_axis",
        "One axis becomes several of the extents sizes, in row-major order. One size may be -1: what is left.",
        attributes=(
            Attribute("axis", "int", "The axis; negative counts from the end."),
            Attribute("sizes", "ints", "The extents that it becomes."),
        ),
        family="shape",
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
    ),
    Operator(
        "transpose",
        "Axis i of the output is axis axes[i] of the input.",
        attributes=(_axes("The permutation; None: all axes in reverse order.", optional=True),),
        family="shape",
    ),
    Operator(
        "swap_axes",
        "Two axes change places.",
        attributes=(
            Attribute("axis", "int", "One axis; negative counts from the end."),
            Attribute("other_axis", "int", "The other axis; negative counts from the end."),
        ),
        family="shape",
    ),
    Operator(
        "move_axis",
        "One axis goes to another place; the others keep their order.",
        attributes=(
            Attribute("source", "int", "Where the axis is; negative counts from the end."),
            Attribute("destination", "int", "Where it is in the output; negative counts from the end."),
        ),
        family="shape",
    ),
    Operator(
        "move_axes",
        "Several axes go to other places; the others keep their order.",
        attributes=(
            Attribute("sources", "ints", "Where the axes are; negative ones count from the end."),
            Attribute("destinations", "ints", "Where they are in the output; negative ones count from the end."),
        ),
        family="shape",
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
    ),
    Operator(
        "at_least",
        "Axes of extent 1 for an input with fewer than dims axes. A number becomes (1,), (1, 1) or (1, 1, 1), a vector of n "
        "becomes (1, n) or (1, n, 1), a matrix of (m, n) becomes (m, n, 1).",
        attributes=(Attribute("dims", "int", "The least number of axes, from 1 to 3."),),
        family="shape",
    ),
    Operator(
        "unsqueeze",
        "A new axis of extent 1.",
        attributes=(Attribute("axis", "int", "Its place in the output; negative counts from the output's end."),),
        family="shape",
    ),
    Operator(
        "squeeze",
        "Axes of extent 1 are left out.",
        attributes=(_axes("The axes; None: all that have extent 1.", optional=True), AT_LEAST_1D),
        family="shape",
    ),
    Operator(
        "depth_to_space",
        "(N, C, H, W) becomes (N, C/size^2, H*size, W*size): channel (i*size + j)*C/size^2 + c of position (y, x) goes "
        "to channel c of position (y*size + i, x*size + j).",
        attributes=(Attribute("size", "int", "Edge of the block that a position becomes."),),
        family="shape",
    ),
    Operator(
        "space_to_depth",
        "The inverse of depth_to_space: (N, C, H, W) becomes (N, C*size^2, H/size, W/size).",
        attributes=(Attribute("size", "int", "Edge of the block that becomes one position."),),
        family="shape",
    ),
    Operator("shape", "The extents of the input's axes, as a 1-D tensor of int64.", family="shape"),
    Operator("size", "The number of elements of the input, int64 of shape (1,).", family="shape"),
)

"""Operators that make one number of many along some axes."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext
from neutral.operators.shape import AT_LEAST_1D

KEEP = Attribute("keepdim", "bool", "Whether the axes stay, with extent 1.")

REDUCTION = (
    Attribute("axes", "ints", "The axes; negative ones count from the end. None: all.", optional=True),
    Attribute("exclude", "bool", "Whether it is all the axes but these that are reduced."),
    KEEP,
    AT_LEAST_1D,
)

_MEANINGS = {
    "sum": "The sum. Integers are added as int64, which is the output's dtype.",
    "mean": "The arithmetic mean, of floating types.",
    "product": "The product. Integers are multiplied as int64, which is the output's dtype.",
    "nan_sum": "The sum of all that is not NaN, of floating types.",
    "nan_product": "The product of all that is not NaN, of floating types.",
    "reduce_max": "The largest number; NaN where there is one.",
    "reduce_min": "The smallest number; NaN where there is one.",
    "all": "Whether every one is not 0, as a bool.",
    "any": "Whether some one is not 0, as a bool.",
    "l1_norm": "The sum of the absolute values, of floating types.",
    "l2_norm": "The square root of the sum of squares, of floating types.",
}

_DTYPE_RULES = {"sum": "accumulate", "product": "accumulate", "all": "bool", "any": "bool"}


def reduced_axes(axes: tuple[int, ...] | None, exclude: bool, rank: int) -> tuple[int, ...]:
    """Return the axes that a reduction removes from an input with ``rank`` axes, counted from the first one.

    Args:
        axes: The attribute ``axes``; None stands for all.
        exclude: The attribute ``exclude``: whether all axes but these are reduced.
        rank: The number of axes of the input.

    Example:
        >>> reduced_axes((-1,), True, 3)
        (0, 1)
    """
    if axes is None:
        return tuple(range(rank))
    named = tuple(axis % rank for axis in axes)
    return tuple(axis for axis in range(rank) if axis not in named) if exclude else named


def _reduced_rank(node: RankContext) -> int | None:
    rank = node.rank()
    if node["axes"] is None and not node["keepdim"]:
        return int(node["at_least_1d"])
    if rank is None or node["keepdim"]:
        return rank
    return max(rank - len(reduced_axes(node["axes"], node["exclude"], rank)), int(node["at_least_1d"]))


def _position_rank(node: RankContext) -> int | None:
    if node["axis"] is None and not node["keepdim"]:
        return int(node["at_least_1d"])
    rank = node.rank()
    return rank if rank is None or node["keepdim"] else max(rank - 1, int(node["at_least_1d"]))


def _quantile_rank(node: RankContext) -> int | None:
    rank, extra = node.rank(0), node.rank(1)
    if node["axis"] is None and not node["keepdim"]:
        return extra
    return None if rank is None or extra is None else rank - (not node["keepdim"]) + extra


OPERATORS = (
    *(
        Operator(
            kind,
            f"{meaning} It is taken over the axes.",
            attributes=REDUCTION,
            family="reduction",
            rank_rule=_reduced_rank,
            dtype_rule=_DTYPE_RULES.get(kind, "same"),
        )
        for kind, meaning in _MEANINGS.items()
    ),
    *(
        Operator(
            kind,
            f"The {what}, of floating types: the squared differences from the mean are added and divided by their number "
            "less correction. It is taken over the axes.",
            attributes=(Attribute("correction", "int", "0: biased; 1: unbiased."), *REDUCTION),
            family="reduction",
            rank_rule=_reduced_rank,
            dtype_rule="same",
        )
        for kind, what in (("variance", "variance"), ("standard_deviation", "square root of the variance"))
    ),
    *(
        Operator(
            kind,
            f"The position of the {which} number along an axis, the first of equal ones. NaN counts as it.",
            attributes=(
                Attribute(
                    "axis", "int", "The axis; negative counts from the end. None: of the input made 1-D.", optional=True
                ),
                KEEP,
                AT_LEAST_1D,
                Attribute("dtype", "str", "The dtype of the output; None: the input's.", ("int64",), optional=True),
            ),
            family="reduction",
            rank_rule=_position_rank,
            dtype_rule="attribute",
        )
        for kind, which in (("argmax", "largest"), ("argmin", "smallest"))
    ),
    Operator(
        "quantile",
        "The number below which a share q of the numbers along an axis lies, of floating types; between two numbers the "
        "one that interpolation says. The axes of q, if any, come first in the output.",
        inputs=("input", "q"),
        attributes=(
            Attribute(
                "axis", "int", "The axis; negative counts from the end. None: of the input made 1-D.", optional=True
            ),
            KEEP,
            Attribute(
                "interpolation",
                "str",
                "Of the two neighbours the weighted mean, the lower, the higher, their mean or the nearer.",
                choices=("linear", "lower", "higher", "midpoint", "nearest"),
            ),
        ),
        family="reduction",
        rank_rule=_quantile_rank,
        dtype_rule="same",
    ),
    Operator(
        "cumulative_sum",
        "output[..., i, ...] = the sum of input[..., 0 to i, ...]. Integers are added as int64, which is the output's dtype.",
        attributes=(Attribute("axis", "int", "The axis; negative counts from the end."),),
        family="reduction",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="accumulate",
    ),
)

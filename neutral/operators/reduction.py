"""Reductions: one number is computed from many along some axes."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext
from neutral.operators.shape import AT_LEAST_1D

KEEP = Attribute("keepdim", "bool", "True if the reduced axes are kept, with extent 1.")

REDUCTION = (
    Attribute("axes", "ints", "The axes; negative axes count from the end. None: all axes.", optional=True),
    Attribute("exclude", "bool", "True if all axes except these are reduced."),
    KEEP,
    AT_LEAST_1D,
)

_MEANINGS = {
    "sum": "The sum. Integers are summed as int64, which is then the output's dtype.",
    "mean": "The arithmetic mean, for floating dtypes.",
    "product": "The product. Integers are multiplied as int64, which is then the output's dtype.",
    "nan_sum": "The sum of all elements that are not NaN, for floating dtypes.",
    "nan_product": "The product of all elements that are not NaN, for floating dtypes.",
    "reduce_max": "The largest element; NaN if any element is NaN.",
    "reduce_min": "The smallest element; NaN if any element is NaN.",
    "all": "True if no element is 0, as a bool.",
    "any": "True if any element is not 0, as a bool.",
    "l1_norm": "The sum of the absolute values, for floating dtypes.",
    "l2_norm": "The square root of the sum of squares, for floating dtypes.",
}

_DTYPE_RULES = {"sum": "accumulate", "product": "accumulate", "all": "bool", "any": "bool"}


def reduced_axes(axes: tuple[int, ...] | None, exclude: bool, rank: int) -> tuple[int, ...]:
    """Return the axes that a reduction removes from an input with ``rank`` axes, counted from the first one.

    Args:
        axes: The attribute ``axes``; None stands for all.
        exclude: The attribute ``exclude``: whether all axes but these are reduced.
        rank: The number of axes of the input.

    Returns:
        Axes from 0 to ``rank - 1``.

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


def _half_variance_rank(node: RankContext) -> int | None:
    if node["keepdim"]:
        return node.rank()
    return 0 if node["axes"] is None else node.changed(-len(node["axes"]))


OPERATORS = (
    *(
        Operator(
            kind,
            f"{meaning} It is computed over the axes.",
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
            f"The {statistic}, for floating dtypes: the sum of the squared differences from the mean, divided by "
            "the number of elements minus correction. It is computed over the axes.",
            attributes=(
                Attribute(
                    "correction", "int", "The correction of the number of elements; 0: biased, 1: unbiased.", minimum=0
                ),
                *REDUCTION,
            ),
            family="reduction",
            rank_rule=_reduced_rank,
            dtype_rule="same",
        )
        for kind, statistic in (("variance", "variance"), ("standard_deviation", "square root of the variance"))
    ),
    Operator(
        "half_variance",
        "The variance of a float16 tensor in a wider dtype: the sum of the squares (x - mean)^2 in that dtype, divided by the "
        "number of elements less the correction. The sum of the elements is computed in float32 and rounded to float16; so are "
        "the number of elements, the mean, the differences and the squares.",
        attributes=(
            Attribute("axes", "ints", "The axes that are reduced; None: all.", optional=True),
            KEEP,
            Attribute("correction", "int", "The number that is subtracted from the number of elements.", minimum=0),
            Attribute("dtype", "str", "The dtype of the output.", choices=("float32", "float64")),
        ),
        family="reduction",
        rank_rule=_half_variance_rank,
        dtype_rule="attribute",
    ),
    *(
        Operator(
            kind,
            f"The position of the {which} element along an axis, the first of equal ones. NaN is taken as the "
            f"{which} element.",
            attributes=(
                Attribute(
                    "axis",
                    "int",
                    "The axis; a negative axis counts from the end. None: the input is flattened to 1-D first.",
                    optional=True,
                ),
                KEEP,
                AT_LEAST_1D,
                Attribute(
                    "dtype", "str", "The dtype of the output; None: the dtype of the input.", ("int64",), optional=True
                ),
            ),
            family="reduction",
            discontinuous=True,
            rank_rule=_position_rank,
            dtype_rule="attribute",
        )
        for kind, which in (("argmax", "largest"), ("argmin", "smallest"))
    ),
    Operator(
        "quantile",
        "The q-quantile of the elements along an axis, for floating dtypes, q from 0 to 1. Between two "
        "neighbouring elements, interpolation selects the result. The axes of q, if any, come first in the "
        "output.",
        inputs=("input", "q"),
        attributes=(
            Attribute(
                "axis",
                "int",
                "The axis; a negative axis counts from the end. None: the input is flattened to 1-D first.",
                optional=True,
            ),
            KEEP,
            Attribute(
                "interpolation",
                "str",
                "The result between two neighbouring elements: their weighted mean (linear), the lower one, the "
                "higher one, their mean (midpoint) or the nearest one, the higher of two equally near ones.",
                choices=("linear", "lower", "higher", "midpoint", "nearest"),
            ),
        ),
        family="reduction",
        rank_rule=_quantile_rank,
        dtype_rule="same",
    ),
    Operator(
        "cumulative_sum",
        "output[..., i, ...] = the sum of input[..., 0 to i, ...]. Integers are summed as int64, which is then "
        "the output's dtype.",
        attributes=(Attribute("axis", "int", "The axis; a negative axis counts from the end."),),
        family="reduction",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="accumulate",
    ),
)

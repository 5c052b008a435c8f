"""Operators that make one number of many along some axes."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
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

OPERATORS = (
    *(
        Operator(kind, f"{meaning} It is taken over the axes.", attributes=REDUCTION, family="reduction")
        for kind, meaning in _MEANINGS.items()
    ),
    *(
        Operator(
            kind,
            f"The {what}, of floating types: the squared differences from the mean are added and divided by their number "
            "less correction. It is taken over the axes.",
            attributes=(Attribute("correction", "int", "0: biased; 1: unbiased."), *REDUCTION),
            family="reduction",
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
    ),
    Operator(
        "cumulative_sum",
        "output[..., i, ...] = the sum of input[..., 0 to i, ...]. Integers are added as int64, which is the output's dtype.",
        attributes=(Attribute("axis", "int", "The axis; negative counts from the end."),),
        family="reduction",
    ),
)

"""Distinct elements, and how often elements occur."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

OPERATORS = (
    Operator(
        "interpolate",
        "Interpolate linearly, in float64, between points whose places ascend: output = value[j] * (1 - w) + value[j + 1] * w, "
        "where place[j] <= input < place[j + 1] and w = (input - place[j]) / (place[j + 1] - place[j]). Before the first place it "
        "is left, after the last one right. With a period, input and places are first reduced modulo the period, the points "
        "sorted by their places, and the last point put before the first one, a period earlier, and the first after the "
        "last, a period later.",
        inputs=("input", "places", "values"),
        attributes=(
            Attribute("left", "float", "The output before the first place; None: the first value.", optional=True),
            Attribute("right", "float", "The output after the last place; None: the last value.", optional=True),
            Attribute(
                "period", "float", "The period; None: there is none, else left and right are not used.", optional=True
            ),
        ),
        family="counting",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="float64",
    ),
    Operator(
        "unique",
        "The distinct elements in ascending order, or the distinct slices along an axis in lexicographic order. The "
        "further outputs, int64 vectors, are the first position of each in the input, the position of each of the "
        "input's elements (row by row) or slices in the first output, and how often each occurs. The extents of the "
        "output depend on the input.",
        attributes=(Attribute("axis", "int", "The axis; None: the elements of the whole input.", optional=True),),
        outputs=("values", "positions", "inverse", "counts"),
        family="counting",
        discontinuous=True,
        rank_rule=lambda node: (1 if node["axis"] is None else node.rank(), 1, 1, 1),
        dtype_rule="same",
    ),
    Operator(
        "bincount",
        "output[i] is how often i occurs in a vector of integers of at least 0, in its dtype; or the sum of the "
        "weights there, in their dtype. The output has one element more than the largest number, and at least "
        "min_length.",
        inputs=("input", "weights?"),
        attributes=(Attribute("min_length", "int", "The smallest extent of the output.", minimum=0),),
        family="counting",
        rank_rule=1,
    ),
    Operator(
        "histogram",
        "How many elements of the input lie in each of some bins, as int64, and the edges of the bins, in the input's "
        "dtype. A bin includes its lower edge, and the last one its upper edge too. The edges are given, or are "
        "(high * i + (count - i) * low) / count for i from 0 to count; an element x between low and high is first put "
        "into bin t = min((x - low) * count // (high - low), count - 1) of them, then into the bin before if x is less "
        "than edge t, and from there into the bin after if x is not less than its edge.",
        inputs=("input", "edges?"),
        attributes=(
            Attribute("count", "int", "The number of bins; None: the edges are given.", optional=True, minimum=1),
            Attribute("low", "float", "The first edge; None: the edges are given.", optional=True),
            Attribute("high", "float", "The last edge; None: the edges are given.", optional=True),
        ),
        outputs=("counts", "edges"),
        family="counting",
        discontinuous=True,
        rank_rule=lambda node: (1, 1),
        dtype_rule="int64",
    ),
)

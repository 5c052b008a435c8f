"""Random numbers. Each run draws anew, so two programs agree in distribution only; seeds are not part of a store.

The parameters are numbers or tensors, which broadcast. The output has their broadcast shape, or the shape of the operand
like; the attribute shape changes it as place says. All elements are drawn independently.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import RankContext, broadcast_rank

DTYPE = Attribute(
    "dtype", "str", "The dtype of the output; None: the dtype of like, or of the parameters.", optional=True,
    choices=("float64", "float32", "float16", "int64", "int32", "uint8", "bool"),
)  # fmt: skip

_SIZE = (
    Attribute(
        "shape",
        "ints",
        "Extents of the output; None: the shape of like or of the parameters.",
        optional=True,
        minimum=0,
    ),
    Attribute(
        "place",
        "str",
        "whole: the output has this shape; front: the extents come before the shape of the parameters; back: after it.",
        choices=("whole", "front", "back"),
    ),
    DTYPE,
)


def _sampled_rank(node: RankContext) -> int | None:
    shape = node["shape"]
    if shape is not None and node["place"] == "whole":
        return len(shape)
    rank = broadcast_rank(node.operands)
    return None if rank is None else rank + len(shape or ())


_DISTRIBUTIONS = {
    "random_normal": (("mean", "deviation"), "Draw from the normal distribution."),
    "random_uniform": (("low", "high"), "Draw from the uniform distribution on [low, high)."),
    "random_exponential": (("rate",), "Draw from the exponential distribution with mean 1 / rate."),
    "random_gamma": (("concentration", "scale"), "Draw from the gamma distribution with mean concentration * scale."),
    "random_poisson": (("rate",), "Draw from the Poisson distribution with mean rate."),
    "random_negative_binomial": (
        ("failures", "p"),
        "Draw from the negative binomial distribution with mean failures * (1 - p) / p, where p is the "
        "probability; failures need not be an integer.",
    ),
    "random_binomial": (
        ("trials", "p"),
        "Draw from the binomial distribution: how many of a number of trials succeed, each with probability p.",
    ),
    "random_bernoulli": (("p",), "Draw from the Bernoulli distribution: 1 with probability p, else 0."),
    "random_integer": (("low", "high"), "Draw from the uniform distribution on the integers from low to high - 1."),
}

OPERATORS = (
    *(
        Operator(
            kind,
            meaning,
            inputs=(*parameters, "like?"),
            attributes=_SIZE,
            family="random numbers",
            random=True,
            shape_operands=len(parameters),
            rank_rule=_sampled_rank,
        )
        for kind, (parameters, meaning) in _DISTRIBUTIONS.items()
    ),
    Operator(
        "random_category",
        "Draw positions of the last axis with the probabilities that the input has there, which sum to 1. The "
        "output has the other axes of the input, then the extents of shape. The second output is the natural "
        "logarithm of the probability of each drawn position.",
        inputs=("probabilities",),
        attributes=(
            Attribute("shape", "ints", "The extents of the draws; () is a single draw, without an axis.", minimum=0),
            DTYPE,
        ),
        outputs=("positions", "log_probabilities"),
        family="random numbers",
        random=True,
        rank_rule=lambda node: (node.changed(len(node["shape"]) - 1),) * 2,
    ),
    Operator(
        "random_permutation",
        "Permute the positions of the first axis randomly.",
        family="random numbers",
        random=True,
        layout_only=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "random_multinomial",
        "Draw a number of categories independently, and return how often each was drawn, as int64, along a last axis "
        "after the extents of shape. The last category has the probability that the others leave.",
        inputs=("probabilities?",),
        attributes=(
            Attribute("draws", "int", "The number of categories that are drawn.", minimum=0),
            Attribute(
                "probabilities",
                "floats",
                "The probability of each category; None: the operand.",
                optional=True,
                minimum=0,
            ),
            Attribute("shape", "ints", "The extents of the output before its last axis.", minimum=0),
        ),
        family="random numbers",
        random=True,
        rank_rule=lambda node: len(node["shape"]) + 1,
        dtype_rule="int64",
    ),
)

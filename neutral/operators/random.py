"""Random numbers. Every run draws anew, so two programs agree in distribution only; a seed is the framework's affair.

The parameters are numbers or tensors, which broadcast. The output has their shape, or that of the input like; with shape
it is changed as place says. All elements are drawn independently.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import RankContext, broadcast_rank

DTYPE = Attribute(
    "dtype", "str", "The dtype of the output; None: that of like, or of the parameters.", optional=True,
    choices=("float64", "float32", "float16", "int64", "int32", "uint8"),
)  # fmt: skip

_SIZE = (
    Attribute("shape", "ints", "Extents of the output; None: those of like or of the parameters.", optional=True),
    Attribute(
        "place",
        "str",
        "whole: shape is the output's shape; front: its extents come before those of the parameters; back: behind them.",
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
    "random_normal": (("mean", "deviation"), "From the normal distribution."),
    "random_uniform": (("low", "high"), "Evenly from low to high, high excluded."),
    "random_exponential": (("rate",), "From the exponential distribution, whose mean is 1 / rate."),
    "random_gamma": (("concentration", "scale"), "From the gamma distribution, whose mean is concentration * scale."),
    "random_poisson": (("rate",), "From the Poisson distribution, whose mean is rate."),
    "random_negative_binomial": (
        ("failures", "p"),
        "The number of failures before there were so many successes of probability p: mean failures * (1 - p) / p. "
        "failures need not be whole.",
    ),
    "random_bernoulli": (("p",), "1 with probability p, else 0."),
    "random_integer": (("low", "high"), "Evenly from the integers from low to high - 1."),
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
        "Positions of the last axis, drawn with the probabilities that the input has there (they sum to 1). The output has "
        "the input's other axes, then the extents of shape. The second output is the logarithm of the probability of each.",
        inputs=("probabilities",),
        attributes=(Attribute("shape", "ints", "How many are drawn; () for one, without an axis."), DTYPE),
        outputs=("positions", "log_probabilities"),
        family="random numbers",
        random=True,
        rank_rule=lambda node: (node.changed(len(node["shape"]) - 1),) * 2,
    ),
    Operator(
        "random_permutation",
        "The positions of the first axis in random order.",
        family="random numbers",
        random=True,
        layout_only=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
)

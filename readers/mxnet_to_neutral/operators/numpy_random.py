"""Rules for random numbers in NumPy mode: src/operator/numpy/random. Without ``size`` the parameters give the shape."""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.random import drawn_dtype, floating
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

PARAMETER_SHAPE_LAST = -2
"""The code in ``size`` of MXNet 2 for an output of shape (*size, *parameters' shape)."""


def _parameters(context: NodeContext, *names: str, default: float | None = None) -> list[Operand]:
    """Return a distribution's parameters: numbers from attributes, or the next input for an attribute of None.

    Integers are cast to float32.
    """
    parameters: list[Operand] = []
    next_input = 0
    for name in names:
        number = context.attributes.optional_float(name, default)
        if number is None:
            parameters.append(floating(context, next_input))
            next_input += 1
        else:
            parameters.append(number)
    return parameters


def _size(context: NodeContext) -> dict[str, Any]:
    """Return the attributes ``shape``, ``place`` and ``dtype`` of the catalogue's random operators."""
    shape = context.attributes.ints_or_none("size", None)
    if shape is None and context.count == 0:
        shape = ()
    place = "front" if context.operator.endswith("_n") else "whole"
    if shape is not None and shape[:1] == (PARAMETER_SHAPE_LAST,):
        shape, place = shape[1:], "front"
    return {"shape": shape, "place": place, "dtype": drawn_dtype(context)}


@rule("_npi_normal", "_npi_normal_n")
def normal(context: NodeContext) -> Operand:
    """Convert ``np.random.normal``."""
    return context.node("random_normal", *_parameters(context, "loc", "scale"), None, **_size(context))


@rule("_npi_uniform", "_npi_uniform_n")
def uniform(context: NodeContext) -> Operand:
    """Convert ``np.random.uniform``."""
    return context.node("random_uniform", *_parameters(context, "low", "high"), None, **_size(context))


@rule("_npi_gamma")
def gamma(context: NodeContext) -> Operand:
    """Convert ``np.random.gamma``."""
    return context.node("random_gamma", *_parameters(context, "shape", "scale"), None, **_size(context))


@rule("_npi_exponential")
def exponential(context: NodeContext) -> Operand:
    """Convert ``np.random.exponential``.

    Raises:
        Refusal: The scale is 0.
    """
    (scale,) = _parameters(context, "scale", default=1.0)
    if scale == 0.0:
        context.refuse("scale 0, of which no rate can be given")
    rate = 1 / scale if isinstance(scale, float) else context.node("divide", 1.0, scale)
    return context.node("random_exponential", rate, None, **_size(context))


@rule("_npi_bernoulli")
def bernoulli(context: NodeContext) -> Operand:
    """Convert ``npx.random.bernoulli``, of probabilities or of logits."""
    is_logit = context.attributes.bool("is_logit")
    context.attributes.ignore("prob", "logit")
    (p,) = _parameters(context, "logit" if is_logit else "prob")
    if is_logit:
        p = 0.5 * (1 + math.tanh(0.5 * p)) if isinstance(p, float) else context.node("sigmoid", p)
    return context.node("random_bernoulli", p, None, **_size(context))


_LOCATION_SCALE = {"_npi_gumbel", "_npi_logistic", "_npi_laplace"}


@rule(*_LOCATION_SCALE)
def location_scale(context: NodeContext) -> Operand:
    """Convert ``np.random.gumbel``, ``logistic`` and ``laplace`` by their inverse distribution functions.

    Raises:
        Refusal: A parameter is a tensor.
    """
    loc, scale = _parameters(context, "loc", "scale")
    if context.count:
        context.refuse("parameters that are tensors")
    u = context.node("random_uniform", 0.0, 1.0, None, **_size(context))
    if context.operator == "_npi_gumbel":
        variate = context.node("negative", context.node("log", context.node("negative", context.node("log", u))))
    elif context.operator == "_npi_logistic":
        variate = context.node("log", context.node("divide", u, context.node("subtract", 1.0, u)))
    else:
        centred = context.node("subtract", u, 0.5)
        tail = context.node("log1p", context.node("multiply", context.node("abs", centred), -2.0))
        variate = context.node("negative", context.node("multiply", context.node("sign", centred), tail))
    return context.node("add", context.node("multiply", variate, scale), loc)


@rule("_npi_rayleigh", "_npi_weibull", "_npi_pareto", "_npi_powerd")
def transformed_exponential(context: NodeContext) -> Operand:
    """Convert ``np.random.rayleigh``, ``weibull``, ``pareto`` and ``power`` as functions of an exponential variate.

    Raises:
        Refusal: The parameter is a tensor, or no positive number where it has to be one.
    """
    is_rayleigh = context.operator == "_npi_rayleigh"
    (parameter,) = _parameters(context, "scale", default=1.0) if is_rayleigh else _parameters(context, "a")
    if not isinstance(parameter, float):
        context.refuse("parameters that are tensors")
    if parameter <= 0 and not is_rayleigh:
        context.refuse(f"a {parameter}, expected a number above 0")
    e = context.node("random_exponential", 1.0, None, **_size(context))
    if is_rayleigh:
        return context.node("multiply", context.node("sqrt", context.node("multiply", e, 2.0)), parameter)
    if context.operator == "_npi_weibull":
        return context.node("power", e, 1 / parameter)
    if context.operator == "_npi_pareto":
        return context.node("expm1", context.node("divide", e, parameter))
    return context.node("exp", context.node("divide", e, -parameter))


@rule("_npi_shuffle")
def shuffle(context: NodeContext) -> Operand:
    """Convert ``np.random.shuffle``: a random permutation along the first axis."""
    return context.node("random_permutation", context.input(0))


@rule("_npi_choice")
def choice(context: NodeContext) -> Operand:
    """Convert ``np.random.choice``: positions, with or without weights and replacement.

    Raises:
        Refusal: The number of positions is that of a tensor's elements, or is exceeded without replacement.
    """
    population, size = context.attributes.optional_int("a"), context.attributes.ints_or_none("size") or ()
    replace, weighted = context.attributes.bool("replace", True), context.attributes.bool("weighted", False)
    context.attributes.ignore("ctx")
    if population is None:
        context.refuse("a is a tensor, of whose positions some are drawn")
    count = math.prod(size)
    if not replace and count > population:
        context.refuse(f"{count} of {population} positions without replacement")
    if weighted and replace:
        return context.node("random_category", context.input(0), shape=size, dtype="int64")
    if replace:
        return context.node("random_integer", 0, population, None, shape=size, place="whole", dtype="int64")
    if weighted:
        times = context.node("random_exponential", 1.0, context.input(0), shape=None, place="whole", dtype=None)
        arrivals = context.node("divide", times, context.input(0))
        drawn = Value(context.node("top_k", arrivals, axis=0, count=count, largest=False).node, 1)
    else:
        every = context.node("arange", start=0.0, step=1.0, count=population, repeat=1, dtype="int64")
        shuffled = context.node("random_permutation", every)
        drawn = context.node("slice", shuffled, axes=(0,), starts=(None,), ends=(count,), steps=(1,))
    return context.node("reshape", drawn, shape=size, from_end=False)


@rule("_npi_multinomial")
def multinomial(context: NodeContext) -> Operand:
    """Convert ``np.random.multinomial``: how often each category is drawn."""
    stated = None if context.attributes.optional_str("pvals", None) is None else context.attributes.floats("pvals")
    return context.node(
        "random_multinomial",
        *([floating(context, 0)] if stated is None else []),
        draws=context.attributes.int("n", minimum=0),
        probabilities=stated,
        shape=context.attributes.ints_or_none("size", None) or (),
    )

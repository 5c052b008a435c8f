"""Rules for random numbers in NumPy mode: src/operator/numpy/random. Without ``size`` the parameters give the shape."""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.random import dtype
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

PARAMETER_SHAPE_LAST = -2
"""The code in ``size`` of MXNet 2 for an output of shape (*size, *parameters' shape)."""


def _parameters(context: NodeContext, *names: str, default: float | None = None) -> list[Operand]:
    """Return a distribution's parameters: numbers from attributes, or the next input for an attribute of None."""
    parameters: list[Operand] = []
    next_input = 0
    for name in names:
        number = context.attributes.optional_float(name, default)
        if number is None:
            parameters.append(context.input(next_input))
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
    dtype_or_none: str | None = dtype(context)
    if context.count and {dtype_or_none, *context.dtypes} <= {"float32", None}:
        dtype_or_none = None  # the parameters' dtype
    return {"shape": shape, "place": place, "dtype": dtype_or_none}


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
    """Convert ``np.random.exponential``."""
    (scale,) = _parameters(context, "scale", default=1.0)
    rate = 1 / scale if isinstance(scale, float) else context.node("divide", 1.0, scale)
    return context.node("random_exponential", rate, None, **_size(context))


@rule("_npi_bernoulli")
def bernoulli(context: NodeContext) -> Operand:
    """Convert ``npx.random.bernoulli``, of probabilities or of logits."""
    is_logit = context.attributes.bool("is_logit")
    context.attributes.ignore("prob", "logit")
    (p,) = _parameters(context, "logit" if is_logit else "prob")
    if is_logit:
        p = 1 / (1 + math.exp(-p)) if isinstance(p, float) else context.node("sigmoid", p)
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
        Refusal: The parameter is a tensor.
    """
    is_rayleigh = context.operator == "_npi_rayleigh"
    (parameter,) = _parameters(context, "scale", default=1.0) if is_rayleigh else _parameters(context, "a")
    if not isinstance(parameter, float):
        context.refuse("parameters that are tensors")
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

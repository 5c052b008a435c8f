"""Rules for the densities of distributions: src/operator/random/pdf_op.cc.

Parameters of shape (...) belong to samples of shape (..., n).
"""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value


def _parameter(context: NodeContext, index: int) -> Value:
    """Return a parameter with an axis for the samples."""
    return context.node("unsqueeze", context.input(index), axis=-1)


def _density(context: NodeContext, logarithm: Value) -> Operand:
    """Return a density from its logarithm, or the logarithm if ``is_log`` asks for it."""
    return logarithm if context.attributes.bool("is_log", False) else context.node("exp", logarithm)


def _power(context: NodeContext, base: Operand, exponent: Operand) -> Value:
    """Return the logarithm of a power."""
    return context.node("multiply", exponent, context.node("log", base))


def _log_gamma(context: NodeContext, x: Operand) -> Value:
    """Return the logarithm of the gamma function.

    Raises:
        Refusal: The samples are float16: sums of these logarithms cancel, so MXNet's order of rounding decides.
    """
    if context.dtype(0) == "float16":
        context.refuse("float16, in which rounding decides its sums of logarithms")
    return context.node("log_gamma", x)


@rule("_random_pdf_uniform")
def uniform(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_uniform``, which MXNet computes as if all samples lay between the bounds."""
    width = context.node("subtract", _parameter(context, 2), _parameter(context, 1))
    if not context.attributes.bool("is_log", False):
        return context.node("divide", context.node("full_like", context.input(0), value=1.0), width)
    zeros = context.node("full_like", context.input(0), value=0.0)
    return context.node("subtract", zeros, context.node("log", width))


@rule("_random_pdf_normal")
def normal(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_normal``."""
    scale = _parameter(context, 2)
    deviation = context.node("divide", context.node("subtract", context.input(0), _parameter(context, 1)), scale)
    exponent = context.node("multiply", context.node("square", deviation), -0.5)
    factor = context.node("log", context.node("multiply", scale, math.sqrt(2 * math.pi)))
    return _density(context, context.node("subtract", exponent, factor))


@rule("_random_pdf_exponential")
def exponential(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_exponential``."""
    rate = _parameter(context, 1)
    exponent = context.node("multiply", rate, context.input(0))
    return _density(context, context.node("subtract", context.node("log", rate), exponent))


@rule("_random_pdf_gamma")
def gamma(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_gamma`` of a shape and a rate."""
    x, shape, rate = context.input(0), _parameter(context, 1), _parameter(context, 2)
    powers = context.node("add", _power(context, rate, shape), _power(context, x, context.node("subtract", shape, 1.0)))
    exponent = context.node("subtract", powers, context.node("multiply", rate, x))
    return _density(context, context.node("subtract", exponent, _log_gamma(context, shape)))


@rule("_random_pdf_poisson")
def poisson(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_poisson``."""
    x, rate = context.input(0), _parameter(context, 1)
    factorial = _log_gamma(context, context.node("add", x, 1.0))
    powers = context.node("subtract", _power(context, rate, x), factorial)
    return _density(context, context.node("subtract", powers, rate))


@rule("_random_pdf_negative_binomial", "_random_pdf_generalized_negative_binomial")
def negative_binomial(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_negative_binomial`` and ``_random_pdf_generalized_negative_binomial``.

    The parameters are a number of events and a probability, or in the generalised form a mean and a dispersion.
    """
    x, limit, probability = context.input(0), _parameter(context, 1), _parameter(context, 2)
    if context.operator == "_random_pdf_generalized_negative_binomial":
        mean, dispersion = limit, probability
        limit = context.node("divide", 1.0, dispersion)
        probability = context.node("divide", 1.0, context.node("add", context.node("multiply", mean, dispersion), 1.0))
    orders = _log_gamma(context, context.node("add", x, limit))
    for repeated in (context.node("add", x, 1.0), limit):
        orders = context.node("subtract", orders, _log_gamma(context, repeated))
    complement = context.node("subtract", 1.0, probability)
    powers = context.node("add", _power(context, probability, limit), _power(context, complement, x))
    return _density(context, context.node("add", orders, powers))


@rule("_random_pdf_dirichlet")
def dirichlet(context: NodeContext) -> Operand:
    """Convert ``_random_pdf_dirichlet``: concentrations (..., k) of samples (..., n, k)."""
    concentration = context.node("unsqueeze", context.input(1), axis=-2)
    last: dict[str, Any] = {"axes": (-1,), "exclude": False, "keepdim": False, "at_least_1d": False}
    powers = context.node(
        "sum", _power(context, context.input(0), context.node("subtract", concentration, 1.0)), **last
    )
    total = _log_gamma(context, context.node("sum", concentration, **last))
    parts = context.node("sum", _log_gamma(context, concentration), **last)
    return _density(context, context.node("add", powers, context.node("subtract", total, parts)))

"""Random numbers in NumPy mode: src/operator/numpy/random. Where there is no size the parameters give the shape."""

from __future__ import annotations

import math
from typing import Any

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.random import dtype
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

PARAMETERS = -2
"""In a size of MXNet 2 the sign that the parameters' shape comes after it."""


def _parameters(op: Op, *names: str) -> list[Operand]:
    """Numbers from the attributes; one that is None there is the next input."""
    found: list[Operand] = []
    taken = 0
    for name in names:
        number = op.attributes.optional_float(name, None)
        if number is None:
            found.append(op.input(taken))
            taken += 1
        else:
            found.append(number)
    return found


def _size(op: Op) -> dict[str, Any]:
    shape = op.attributes.ints_or_none("size", None)
    if shape is None and op.count == 0:
        shape = ()
    place = "front" if op.operator.endswith("_n") else "whole"
    if shape is not None and shape[:1] == (PARAMETERS,):
        shape, place = shape[1:], "front"
    asked: str | None = dtype(op)
    if op.count and {asked, *op.dtypes} <= {"float32", None}:
        asked = None  # the parameters' own
    return {"shape": shape, "place": place, "dtype": asked}


@rule("_npi_normal", "_npi_normal_n")
def normal(op: Op) -> Operand:
    return op.node("random_normal", *_parameters(op, "loc", "scale"), None, **_size(op))


@rule("_npi_uniform", "_npi_uniform_n")
def uniform(op: Op) -> Operand:
    return op.node("random_uniform", *_parameters(op, "low", "high"), None, **_size(op))


@rule("_npi_gamma")
def gamma(op: Op) -> Operand:
    return op.node("random_gamma", *_parameters(op, "shape", "scale"), None, **_size(op))


@rule("_npi_exponential")
def exponential(op: Op) -> Operand:
    (scale,) = _parameters(op, "scale")
    rate = 1 / scale if isinstance(scale, float) else op.node("divide", 1.0, scale)
    return op.node("random_exponential", rate, None, **_size(op))


@rule("_npi_bernoulli")
def bernoulli(op: Op) -> Operand:
    is_logit = op.attributes.bool("is_logit")
    op.attributes.ignore("prob", "logit")
    (p,) = _parameters(op, "logit" if is_logit else "prob")
    if is_logit:
        p = 1 / (1 + math.exp(-p)) if isinstance(p, float) else op.node("sigmoid", p)
    return op.node("random_bernoulli", p, None, **_size(op))


_LOCATED = {"_npi_gumbel", "_npi_logistic", "_npi_laplace"}


@rule(*_LOCATED)
def located(op: Op) -> Operand:
    """Standard distributions by the inverse of their distribution function, scaled and moved."""
    loc, scale = _parameters(op, "loc", "scale")
    if op.count:
        op.refuse("parameters that are tensors")
    u = op.node("random_uniform", 0.0, 1.0, None, **_size(op))
    if op.operator == "_npi_gumbel":
        drawn = op.node("negative", op.node("log", op.node("negative", op.node("log", u))))
    elif op.operator == "_npi_logistic":
        drawn = op.node("log", op.node("divide", u, op.node("subtract", 1.0, u)))
    else:
        centred = op.node("subtract", u, 0.5)
        tail = op.node("log1p", op.node("multiply", op.node("abs", centred), -2.0))
        drawn = op.node("negative", op.node("multiply", op.node("sign", centred), tail))
    return op.node("add", op.node("multiply", drawn, scale), loc)


@rule("_npi_rayleigh", "_npi_weibull", "_npi_pareto", "_npi_powerd")
def shaped(op: Op) -> Operand:
    """Functions of a number e from the exponential distribution."""
    (parameter,) = _parameters(op, "scale" if op.operator == "_npi_rayleigh" else "a")
    if not isinstance(parameter, float):
        op.refuse("parameters that are tensors")
    e = op.node("random_exponential", 1.0, None, **_size(op))
    if op.operator == "_npi_rayleigh":
        return op.node("multiply", op.node("sqrt", op.node("multiply", e, 2.0)), parameter)
    if op.operator == "_npi_weibull":
        return op.node("power", e, 1 / parameter)
    if op.operator == "_npi_pareto":
        return op.node("expm1", op.node("divide", e, parameter))
    return op.node("exp", op.node("divide", e, -parameter))


@rule("_npi_shuffle")
def shuffle(op: Op) -> Operand:
    return op.node("random_permutation", op.input(0))

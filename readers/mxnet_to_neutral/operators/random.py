"""Random numbers: src/operator/random/sample_op.cc, multisample_op.cc, sample_multinomial_op.cc, shuffle_op.cc."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_PARAMETERS: dict[str, tuple[tuple[str, float], ...]] = {
    "normal": (("loc", 0.0), ("scale", 1.0)),
    "uniform": (("low", 0.0), ("high", 1.0)),
    "exponential": (("lam", 1.0),),
    "gamma": (("alpha", 1.0), ("beta", 1.0)),
    "poisson": (("lam", 1.0),),
    "negative_binomial": (("k", 1.0), ("p", 1.0)),
    "generalized_negative_binomial": (("mu", 1.0), ("alpha", 1.0)),
}
"""By distribution the parameters of its operators and their defaults."""

LIKE: dict[str, Any] = {"shape": None, "place": "whole", "dtype": None}


def dtype(op: Op, default: str = "float32") -> str:
    """The attribute dtype; None means the default."""
    return op.attributes.optional_dtype("dtype", None) or default


@rule(*(f"_random_{name}" for name in _PARAMETERS))
def of_shape(op: Op) -> Operand:
    shape = op.attributes.ints_or_none("shape", None) or ()
    if not (shape or op.numpy_shape) or min(shape, default=1) < 1:
        op.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    name = op.operator[len("_random_") :]
    return _draw(op, name, _numbers(op, name), None, {"shape": shape, "place": "whole", "dtype": dtype(op)})


@rule(*(f"_random_{name}_like" for name in _PARAMETERS))
def like(op: Op) -> Operand:
    name = op.operator[len("_random_") : -len("_like")]
    return _draw(op, name, _numbers(op, name), op.input(0), LIKE)


@rule(*(f"_sample_{name}" for name in _PARAMETERS))
def of_parameters(op: Op) -> Operand:
    """So many numbers for each element of the parameters."""
    asked = op.attributes.optional_dtype("dtype", None)
    shape = op.attributes.ints("shape", ())
    options = {"shape": shape or None, "place": "back", "dtype": asked}
    return _draw(op, op.operator[len("_sample_") :], op.inputs(), None, options)


def _numbers(op: Op, name: str) -> list[Operand]:
    return [finite(op, parameter, default) for parameter, default in _PARAMETERS[name]]


def _draw(op: Op, name: str, parameters: Sequence[Operand], shaped: Operand, options: dict[str, Any]) -> Value:
    if name == "generalized_negative_binomial":
        mean, alpha = parameters
        name, parameters = "negative_binomial", _negative_binomial(op, mean, alpha)
    return op.node(f"random_{name}", *parameters, shaped, **options)


def _negative_binomial(op: Op, mean: Operand, alpha: Operand) -> tuple[Operand, Operand]:
    """Mean m and dispersion a as 1 / a failures and p = 1 / (1 + m*a)."""
    if isinstance(mean, float) and isinstance(alpha, float):
        if alpha <= 0:
            op.refuse(f"alpha {alpha}")
        return 1 / alpha, 1 / (1 + mean * alpha)
    p = op.node("divide", 1.0, op.node("add", op.node("multiply", mean, alpha), 1.0))
    return op.node("divide", 1.0, alpha), p


@rule("_random_randint")
def integers(op: Op) -> Operand:
    shape = op.attributes.ints_or_none("shape", None) or ()
    if not (shape or op.numpy_shape) or min(shape, default=1) < 1:
        op.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    bounds = [float(op.attributes.int(name)) for name in ("low", "high")]
    return op.node("random_integer", *bounds, None, shape=shape, place="whole", dtype=dtype(op, "int32"))


@rule("_sample_multinomial", "_sample_categorical")
def category(op: Op) -> Sequence[Operand]:
    shape, probabilities = op.attributes.ints("shape", ()), op.attributes.bool("get_prob", False)
    value = op.node("random_category", op.input(0), shape=shape, dtype=dtype(op, "int32"))
    return [value, Value(value.node, 1)] if probabilities else [value]


@rule("_shuffle")
def shuffle(op: Op) -> Operand:
    return op.node("random_permutation", op.input(0))

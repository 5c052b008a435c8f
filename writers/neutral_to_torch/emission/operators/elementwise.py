"""Arithmetic, comparison, choice and the functions of one number, element by element."""

from __future__ import annotations

import math
from typing import Callable

from neutral_to_torch.emission.expression.symbols import F, Symbol, either, helper, nn, operation, term_of, torch
from neutral_to_torch.emission.expression.symbols import math as math_
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, Unsupported, unpack
from neutral_to_torch.emission.lowering.rules import rule
from neutral_to_torch.emission.lowering.torch_dtypes import torch_dtype

_EXACT = 2.0**24
"""Whole numbers below it are exact in float32."""

_HALF_MAX = 65504.0
"""The largest float16: torch refuses a larger bound for such a tensor."""

_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}

_COMPARISONS = {
    "equal": "==",
    "not_equal": "!=",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
}

_LOGICAL = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}

_FUNCTIONS = {
    "abs": "abs", "square": "square", "sqrt": "sqrt", "rsqrt": "rsqrt", "exp": "exp", "expm1": "expm1", "log": "log",
    "log10": "log10", "log2": "log2", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin",
    "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "degrees": "rad2deg", "radians": "deg2rad", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
    "log_gamma": "lgamma", "digamma": "digamma", "erf": "erf", "erfinv": "erfinv", "sign": "sign",
    "reciprocal": "reciprocal", "is_nan": "isnan", "is_infinite": "isinf", "is_finite": "isfinite",
    "is_positive_infinity": "isposinf", "is_negative_infinity": "isneginf", "bitwise_not": "bitwise_not",
}  # fmt: skip
"""Methods of tensors, by kind."""

_HELPERS = {"cbrt": "cube_root", "gamma": "gamma"}


def operand(node: NodeView, index: int) -> Symbol:
    """Return an input; whole literals as integers, which leave the dtype of integer tensors as it is.

    Args:
        node: The node.
        index: The input's position, from 0.

    Returns:
        The symbol of the value or of the literal.

    Raises:
        Unsupported: The input is absent.
    """
    number = node.number(index)
    if isinstance(number, float) and number.is_integer() and abs(number) <= _EXACT:
        return Symbol(term_of(int(number)))
    given = node.inputs[index]
    if given is None:
        raise Unsupported(f"its input {index + 1} is absent")
    return given


@rule(*_OPERATORS)
def arithmetic(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    return operation(_OPERATORS[node.kind], operand(node, 0), operand(node, 1))


@rule("integer_divide")
def integer_divide(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    return torch.div(operand(node, 0), operand(node, 1), rounding_mode="trunc")


@rule("remainder")
def remainder(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    if node.number(1):
        return operand(node, 0) % operand(node, 1)
    if node.number(1) is not None:
        return torch.zeros_like(x)
    return helper.remainder(operand(node, 0), y)


_PAIRS = {
    "hypot": "hypot", "atan2": "atan2", "copysign": "copysign", "ldexp": "ldexp", "logaddexp": "logaddexp",
    "fmax": "fmax", "fmin": "fmin", "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor", "shift_left": "bitwise_left_shift", "shift_right": "bitwise_right_shift",
    "greatest_common_divisor": "gcd", "least_common_multiple": "lcm",
}  # fmt: skip
"""Functions of two tensors, by kind."""


@rule(*_PAIRS)
def pair(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    """Write literals as tensors: few of these functions take a number."""
    if node.number(0) is not None:
        x = torch.full_like(y, operand(node, 0))
    elif node.number(1) is not None:
        y = torch.full_like(x, operand(node, 1))
    result: Symbol = getattr(torch, _PAIRS[node.kind])(x, y)
    return result


@rule("floor_divide")
def floor_divide(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    if node.number(1):
        return x // operand(node, 1)
    if node.number(1) is not None:
        y = torch.full_like(x, operand(node, 1))
    return helper.floor_divide(operand(node, 0), y)


@rule("remainder_of_trunc")
def remainder_of_trunc(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    if node.number(1):
        return torch.fmod(x, operand(node, 1))
    if node.number(1) is not None:
        return torch.zeros_like(x)  # MXNet's remainder of a division by 0
    return helper.remainder_of_trunc(operand(node, 0), y)


@rule("nan_to_num")
def nan_to_num(node: NodeView, x: Symbol) -> Symbol:
    names = {"nan": "nan", "positive": "posinf", "negative": "neginf"}
    given = {name: node[attribute] for attribute, name in names.items() if node[attribute] is not None}
    if given["nan"] == 0:
        del given["nan"]
    return torch.nan_to_num(x, **given)


@rule("maximum")
def maximum(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    number = node.number(1)
    return torch.maximum(x, y) if number is None else _clamped(x, float(number), None)


@rule("minimum")
def minimum(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    number = node.number(1)
    return torch.minimum(x, y) if number is None else _clamped(x, None, float(number))


@rule(*_COMPARISONS)
def comparison(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    return _truth(node, x, operation(_COMPARISONS[node.kind], x, operand(node, 1)))


def _truth(node: NodeView, x: Symbol, result: Symbol) -> Symbol:
    """Return a truth value in the dtype of the node."""
    return result if node["dtype"] == "bool" else result.to(x.dtype)


@rule(*_LOGICAL)
def logical(node: NodeView, x: Symbol, y: Symbol) -> Symbol:
    number = node.number(1)
    if number is None and node["dtype"] == "bool":
        result = getattr(torch, node.kind)(x, y)
    elif number is None:
        result = operation(_LOGICAL[node.kind], operation("!=", x, 0), operation("!=", y, 0))
    elif node.kind == "logical_xor":
        result = operation("==" if number else "!=", x, 0)
    elif bool(number) == (node.kind == "logical_and"):
        result = operation("!=", x, 0)
    else:
        dtype = {"dtype": torch.bool} if node["dtype"] == "bool" else {}
        return torch.ones_like(x, **dtype) if number else torch.zeros_like(x, **dtype)
    return _truth(node, x, result)


@rule("logical_not")
def logical_not(node: NodeView, x: Symbol) -> Symbol:
    return torch.logical_not(x) if node["dtype"] == "bool" else operation("==", x, 0).to(x.dtype)


@rule(*_FUNCTIONS)
def function(node: NodeView, x: Symbol) -> Symbol:
    result: Symbol = getattr(torch, _FUNCTIONS[node.kind])(x)
    return result


@rule(*_HELPERS)
def helped(node: NodeView, x: Symbol) -> Symbol:
    result: Symbol = getattr(helper, _HELPERS[node.kind])(x)
    return result


@rule("negative")
def negative(node: NodeView, x: Symbol) -> Symbol:
    return -x


@rule("round")
def round_(node: NodeView, x: Symbol) -> Symbol:
    rounding: dict[str, Callable[..., Symbol]] = {
        "away_from_zero": helper.round_half_away_from_zero,
        "down": helper.round_half_down,
        "to_even": torch.round,
    }
    return rounding[node["ties"]](x)


@rule("clamp")
def clamp(node: NodeView, x: Symbol) -> Symbol:
    low, high = node["min"], node["max"]
    if (low, high) == (0, 6):
        return either(node.module(nn.ReLU6())(x), F.relu6(x))
    return _clamped(x, low, high)


def _clamped(x: Symbol, low: float | None, high: float | None) -> Symbol:
    given = {name: bound for name, bound in (("min", low), ("max", high)) if bound is not None}
    if all(bound.is_integer() and abs(bound) <= _EXACT for bound in given.values()):
        given = {name: int(bound) for name, bound in given.items()}  # not one of each: ONNX export refuses that
    if any(abs(bound) > _HALF_MAX for bound in given.values()):
        return helper.clamp(x, **given)
    if len(given) == 2:
        return x.clamp(*given.values())
    return x.clamp(**given) if given else x


@rule("smooth_l1")
def smooth_l1(node: NodeView, x: Symbol) -> Symbol:
    beta = 1 / node["sigma"] ** 2
    if not math.isfinite(beta) or beta == 0:
        raise Unsupported(f"sigma={node['sigma']}")
    options = {} if beta == 1 else {"beta": beta}
    return F.smooth_l1_loss(x, torch.zeros_like(x), reduction="none", **options)


@rule("divide_by_sqrt_size")
def divide_by_sqrt_size(node: NodeView, x: Symbol) -> Symbol:
    return x / math_.sqrt(x.shape[-1])


@rule("cast")
def cast(node: NodeView, x: Symbol) -> Symbol:
    return x.to(torch_dtype(node["dtype"]))


@rule("cast_to_common")
def cast_to_common(node: NodeView, *inputs: Symbol) -> Result:
    return unpack(helper.cast_to_common(*inputs, narrowest=node["narrowest"]), tuple(range(len(inputs))))


@rule("where")
def where(node: NodeView, condition: Symbol, x: Symbol, y: Symbol) -> Symbol:
    if not node["rows"]:
        if node.number(1) is not None and node.number(2) is not None:
            return torch.where(condition, x, y)
        return torch.where(condition, operand(node, 1), operand(node, 2))
    if node.rank(0) in (None, 1) and node.rank(1) != 1:
        return helper.choose(condition, x, y if node.number(2) is None else torch.full_like(x, y))
    return torch.where(operation("!=", condition, 0), x, operand(node, 2))


@rule("polynomial")
def polynomial(node: NodeView, coefficients: Symbol, x: Symbol) -> Symbol:
    return helper.polynomial(coefficients, x)

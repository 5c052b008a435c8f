"""Rules for functions of one tensor, and for operators that change only the gradient.

MXNet's sources: src/operator/tensor/elemwise_unary_op*.cc.
"""

from __future__ import annotations

import math
from typing import Any, Mapping

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS

_INTEGER_PRESERVING = {
    "abs": "abs", "negative": "negative", "sign": "sign", "square": "square",
    "_contrib_sign_ste": "sign",
}  # fmt: skip
"""Functions that give integers for integers."""

_ROUNDING: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "floor": ("floor", {}),
    "ceil": ("ceil", {}),
    "trunc": ("trunc", {}),
    "fix": ("trunc", {}),
    "round": ("round", {"ties": "away_from_zero"}),
    "_contrib_round_ste": ("round", {"ties": "away_from_zero"}),
    "rint": ("round", {"ties": "down"}),
}

_STRAIGHT_THROUGH = "the gradient passes as if it were the identity"

_FLOAT_FUNCTIONS = {
    "reciprocal": "reciprocal", "sqrt": "sqrt", "rsqrt": "rsqrt", "cbrt": "cbrt", "exp": "exp", "expm1": "expm1",
    "log": "log", "log10": "log10", "log2": "log2", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "degrees": "degrees", "radians": "radians", "gamma": "gamma",
    "gammaln": "log_gamma", "digamma": "digamma", "erf": "erf", "erfinv": "erfinv", "tanh": "tanh",
    "softsign": "softsign", "log_sigmoid": "log_sigmoid", "mish": "mish",
}  # fmt: skip
"""Functions of real numbers. For integers MXNet computes them in float64 and truncates the results."""


@rule(*_INTEGER_PRESERVING)
def integer_preserving(context: NodeContext) -> Operand:
    """Convert functions that give integers for integers, such as ``abs``."""
    if context.operator.endswith("_ste"):
        note_gradient(context, _STRAIGHT_THROUGH)
    return context.node(_INTEGER_PRESERVING[context.operator], context.input(0))


@rule("logical_not")
def logical_not(context: NodeContext) -> Operand:
    """Convert ``logical_not``, in the dtype of the input."""
    return context.node("logical_not", context.input(0), dtype=None)


@rule("relu")
def relu(context: NodeContext) -> Operand:
    """Convert ``relu``."""
    return context.node("relu", context.input(0))


@rule(*_ROUNDING)
def rounding(context: NodeContext) -> Operand:
    """Convert ``floor``, ``ceil``, ``trunc``, ``fix``, ``round`` and ``rint``; integers stay as they are."""
    kind, attributes = _ROUNDING[context.operator]
    if context.operator.endswith("_ste"):
        note_gradient(context, _STRAIGHT_THROUGH)
    if context.dtype(0) in INTEGERS:
        return context.input(0)
    return context.node(kind, context.input(0), **attributes)


@rule(*_FLOAT_FUNCTIONS)
def float_function(context: NodeContext) -> Operand:
    """Convert functions of real numbers, such as ``exp``."""
    return _float_function(context, _FLOAT_FUNCTIONS[context.operator])


@rule("sigmoid")
def sigmoid(context: NodeContext) -> Operand:
    """Convert ``sigmoid``; the result for integers is truncated."""
    return sigmoid_of(context)


def sigmoid_of(context: NodeContext) -> Operand:
    """Add the sigmoid of the first input.

    Args:
        context: The node.

    Returns:
        The sigmoid. For integers it is truncated to 0 or 1; from 37 on, float64 rounds it to 1.
    """
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node("sigmoid", context.input(0))
    return context.node("greater_equal", context.input(0), 37.0, dtype=None)


@rule("rcbrt")
def rcbrt(context: NodeContext) -> Operand:
    """Convert ``rcbrt``: the reciprocal of the cube root."""
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node("reciprocal", context.node("cbrt", context.input(0)))
    x = context.node("cast", context.input(0), dtype="float32")
    return context.node("cast", context.node("reciprocal", context.node("cbrt", x)), dtype=dtype)


@rule("_contrib_div_sqrt_dim")
def div_sqrt_dim(context: NodeContext) -> Operand:
    """Convert ``_contrib_div_sqrt_dim``: divide by the square root of the last axis's extent.

    Raises:
        Refusal: The dtype is an integer.
    """
    if context.dtype(0) in INTEGERS:
        context.refuse("integers, which MXNet divides by a root without its fraction")
    return context.node("divide_by_sqrt_size", context.input(0))


@rule("smooth_l1")
def smooth_l1(context: NodeContext) -> Operand:
    """Convert ``smooth_l1``; for integers MXNet drops the fraction of ``scalar``.

    Raises:
        Refusal: ``scalar`` is 0 or not finite.
    """
    sigma = finite(context, "scalar", 1.0)
    context.attributes.ignore("is_int")
    if context.dtype(0) in INTEGERS:
        sigma = float(math.trunc(sigma))
    if sigma == 0:
        context.refuse("scalar 0")
    return _float_function(context, "smooth_l1", sigma=sigma)


def _float_function(context: NodeContext, kind: str, **attributes: Any) -> Value:
    """Add a function of real numbers, computed in float64 and truncated for integers."""
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node(kind, context.input(0), **attributes)
    if kind == "erfinv":
        context.refuse("erfinv of integers, which is infinite or not a number but for 0")
    if kind == "digamma":
        context.refuse("digamma of integers, which is infinite below 1")
    x = context.node("cast", context.input(0), dtype="float64")
    result = context.node(kind, x, **attributes)
    if kind == "gamma":  # whole numbers, but for rounding errors
        result = context.node("round", result, ties="to_even")
    return context.node("cast", result, dtype=dtype)


@rule("BlockGrad")
def stop_gradient(context: NodeContext) -> Operand:
    """Convert ``BlockGrad``, which lets no gradient pass."""
    return context.node("stop_gradient", context.input(0))


@rule("_copy", "_identity_with_attr_like_rhs")
def identity(context: NodeContext) -> Operand:
    """Convert ``_copy`` and ``_identity_with_attr_like_rhs`` to the identity."""
    return context.node("identity", context.input(0))


_GRADIENT_NOTES = {
    "make_loss": "its gradient is 1 whatever uses it",
    "MakeLoss": "its gradient is grad_scale, normalized, whatever uses it",
    "_contrib_gradientmultiplier": "it multiplies the gradient by a number",
    "IdentityAttachKLSparseReg": "it adds the gradient of a penalty on activations",
}


@rule(*_GRADIENT_NOTES)
def gradient_only(context: NodeContext) -> Operand:
    """Convert operators that change only the gradient, such as ``MakeLoss``, to the identity, with a note."""
    context.attributes.ignore("grad_scale", "valid_thresh", "normalization", "scalar", "is_int")
    context.attributes.ignore("sparseness_target", "penalty", "momentum")
    note_gradient(context, _GRADIENT_NOTES[context.operator])
    return context.node("identity", context.input(0))


def note_gradient(context: NodeContext, change: str) -> None:
    """Note that an operator computes in training another gradient than its conversion.

    Args:
        context: The node.
        change: The change of the gradient, such as "it multiplies the gradient by a number".
    """
    context.note(
        f"{context.operator}: {change}; a store keeps what it computes, and not this gradient. In training, write it "
        "into the loss"
    )

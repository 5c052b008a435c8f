"""Functions of one number: src/operator/tensor/elemwise_unary_op*.cc, and what changes only the gradient."""

from __future__ import annotations

from typing import Any, Mapping

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS

_WHOLE = {
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

_REAL = {
    "reciprocal": "reciprocal", "sqrt": "sqrt", "rsqrt": "rsqrt", "cbrt": "cbrt", "exp": "exp", "expm1": "expm1",
    "log": "log", "log10": "log10", "log2": "log2", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "degrees": "degrees", "radians": "radians", "gamma": "gamma",
    "gammaln": "log_gamma", "digamma": "digamma", "erf": "erf", "erfinv": "erfinv", "sigmoid": "sigmoid",
    "tanh": "tanh", "softsign": "softsign", "log_sigmoid": "log_sigmoid", "mish": "mish",
}  # fmt: skip
"""Functions of real numbers. For integers MXNet computes them in float32 and cuts the fraction off."""


@rule(*_WHOLE)
def whole(context: NodeContext) -> Operand:
    return context.node(_WHOLE[context.operator], context.input(0))


@rule("logical_not")
def logical_not(context: NodeContext) -> Operand:
    return context.node("logical_not", context.input(0), dtype=None)


@rule("relu")
def relu(context: NodeContext) -> Operand:
    return context.node("relu", context.input(0))


@rule(*_ROUNDING)
def rounding(context: NodeContext) -> Operand:
    kind, attributes = _ROUNDING[context.operator]
    if context.dtype(0) in INTEGERS:
        return context.input(0)
    return context.node(kind, context.input(0), **attributes)


@rule(*_REAL)
def real(context: NodeContext) -> Operand:
    return _real(context, _REAL[context.operator])


@rule("rcbrt")
def rcbrt(context: NodeContext) -> Operand:
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node("reciprocal", context.node("cbrt", context.input(0)))
    x = context.node("cast", context.input(0), dtype="float32")
    return context.node("cast", context.node("reciprocal", context.node("cbrt", x)), dtype=dtype)


@rule("_contrib_div_sqrt_dim")
def div_sqrt_dim(context: NodeContext) -> Operand:
    if context.dtype(0) in INTEGERS:
        context.refuse("integers, which MXNet divides by a root without its fraction")
    return context.node("divide_by_sqrt_size", context.input(0))


@rule("smooth_l1")
def smooth_l1(context: NodeContext) -> Operand:
    sigma = finite(context, "scalar", 1.0)
    context.attributes.ignore("is_int")
    if sigma == 0:
        context.refuse("scalar 0")
    return _real(context, "smooth_l1", sigma=sigma)


def _real(context: NodeContext, kind: str, **attributes: Any) -> Value:
    dtype = context.dtype(0)
    if dtype not in INTEGERS:
        return context.node(kind, context.input(0), **attributes)
    x = context.node("cast", context.input(0), dtype="float32")
    return context.node("cast", context.node(kind, x, **attributes), dtype=dtype)


@rule(
    "_copy", "BlockGrad", "make_loss", "MakeLoss", "_contrib_gradientmultiplier", "_identity_with_attr_like_rhs",
    "IdentityAttachKLSparseReg",
)  # fmt: skip
def identity(context: NodeContext) -> Operand:
    """What the output is does not depend on how the gradient is treated."""
    context.attributes.ignore("grad_scale", "valid_thresh", "normalization", "scalar", "is_int")
    context.attributes.ignore("sparseness_target", "penalty", "momentum")
    return context.node("identity", context.input(0))

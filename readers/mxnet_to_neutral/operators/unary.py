"""Functions of one number: src/operator/tensor/elemwise_unary_op*.cc, and what changes only the gradient."""

from __future__ import annotations

from typing import Any, Mapping

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.dtypes import INTEGERS, dtype_of, is_integer
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

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
def whole(op: Op) -> Operand:
    return op.node(_WHOLE[op.operator], op.input(0))


@rule("logical_not")
def logical_not(op: Op) -> Operand:
    return op.node("logical_not", op.input(0), dtype=None)


@rule("relu")
def relu(op: Op) -> Operand:
    return op.node("relu", op.input(0))


@rule(*_ROUNDING)
def rounding(op: Op) -> Operand:
    kind, attributes = _ROUNDING[op.operator]
    if dtype_of(op, 0) in INTEGERS:
        return op.input(0)
    return op.node(kind, op.input(0), **attributes)


@rule(*_REAL)
def real(op: Op) -> Operand:
    return _real(op, _REAL[op.operator])


@rule("rcbrt")
def rcbrt(op: Op) -> Operand:
    dtype = dtype_of(op, 0)
    if dtype not in INTEGERS:
        return op.node("reciprocal", op.node("cbrt", op.input(0)))
    x = op.node("cast", op.input(0), dtype="float32")
    return op.node("cast", op.node("reciprocal", op.node("cbrt", x)), dtype=dtype)


@rule("_contrib_div_sqrt_dim")
def div_sqrt_dim(op: Op) -> Operand:
    if is_integer(op, 0):
        op.refuse("integers, which MXNet divides by a root without its fraction")
    return op.node("divide_by_sqrt_size", op.input(0))


@rule("smooth_l1")
def smooth_l1(op: Op) -> Operand:
    sigma = finite(op, "scalar", 1.0)
    op.attributes.ignore("is_int")
    if sigma == 0:
        op.refuse("scalar 0")
    return _real(op, "smooth_l1", sigma=sigma)


def _real(op: Op, kind: str, **attributes: Any) -> Value:
    dtype = dtype_of(op, 0)
    if dtype not in INTEGERS:
        return op.node(kind, op.input(0), **attributes)
    x = op.node("cast", op.input(0), dtype="float32")
    return op.node("cast", op.node(kind, x, **attributes), dtype=dtype)


@rule(
    "_copy", "BlockGrad", "make_loss", "MakeLoss", "_contrib_gradientmultiplier", "_identity_with_attr_like_rhs",
    "IdentityAttachKLSparseReg",
)  # fmt: skip
def identity(op: Op) -> Operand:
    """What the output is does not depend on how the gradient is treated."""
    op.attributes.ignore("grad_scale", "valid_thresh", "normalization", "scalar", "is_int")
    op.attributes.ignore("sparseness_target", "penalty", "momentum")
    return op.node("identity", op.input(0))

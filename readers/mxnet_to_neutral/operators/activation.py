"""Activations: src/operator/nn/activation.cc, leaky_relu-inl.h, nn/softmax-inl.h, nn/softmax_activation-inl.h."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_ACTIVATIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "log_sigmoid": "log_sigmoid",
    "tanh": "tanh",
    "softrelu": "softplus",
    "softsign": "softsign",
    "mish": "mish",
}

_FIXED_UNITS = {"selu": "selu", "gelu": "gelu", "gelu_erf": "gelu", "gelu_tanh": "gelu_tanh"}


@rule("Activation")
def activation(op: Op) -> Operand:
    kind = _ACTIVATIONS[op.attributes.str("act_type", choices=tuple(_ACTIVATIONS))]
    return op.node(kind, op.input(0))


@rule("LeakyReLU")
def leaky_relu(op: Op) -> Operand | Sequence[Operand]:
    act_type = op.attributes.str("act_type", "leaky", ("leaky", "rrelu", "elu", "prelu", *_FIXED_UNITS))
    slope = finite(op, "slope", 0.25)
    lower, upper = finite(op, "lower_bound", 0.125), finite(op, "upper_bound", 0.334)
    if act_type == "prelu":
        return _prelu(op)
    if act_type == "leaky":
        return op.node("leaky_relu", op.input(0), negative_slope=slope)
    if act_type == "rrelu":  # the slope is random in training only
        result = op.node("leaky_relu", op.input(0), negative_slope=(lower + upper) / 2)
        return result, op.opaque("the mask of its random slopes has no meaning at inference")
    if act_type == "elu":
        return op.node("elu", op.input(0), alpha=slope)
    return op.node(_FIXED_UNITS[act_type], op.input(0))


def _prelu(op: Op) -> Operand:
    array = op.array(1)
    reshape = None
    if array is not None and len(array.shape) != 1:
        if len(array.shape) != 2 or array.shape[0] != 1:
            op.refuse(
                f"a slope of shape {array.shape} depends on the sample; only (channels,) and (1,) can be expressed"
            )
        reshape = array.shape[1:]
    return op.node("prelu", op.input(0), roles={"weight": op.role(1, reshape=reshape)})


@rule("hard_sigmoid")
def hard_sigmoid(op: Op) -> Operand:
    return op.node("hard_sigmoid", op.input(0), alpha=finite(op, "alpha", 0.2), beta=finite(op, "beta", 0.5))


@rule("softmax")
def softmax(op: Op) -> Operand:
    length = (op.input(1),) if op.attributes.bool("use_length", False) else ()
    return _softmax(op, "softmax", op.input(0), *length)


@rule("log_softmax")
def log_softmax(op: Op) -> Operand:
    _no_length(op)
    return _softmax(op, "log_softmax", op.input(0))


@rule("softmin")
def softmin(op: Op) -> Operand:
    _no_length(op)
    return _softmax(op, "softmax", op.node("negative", op.input(0)))


@rule("masked_softmax", "masked_log_softmax")
def masked_softmax(op: Op) -> Operand:
    op.attributes.ignore("normalize")
    return _softmax(op, op.operator, op.input(0), op.input(1))


def _no_length(op: Op) -> None:
    if op.attributes.bool("use_length", False):
        op.refuse("use_length, which MXNet refuses here itself")


def _softmax(op: Op, kind: str, x: Operand, *others: Operand) -> Operand:
    """A dtype that is wider is that of the computation, a narrower one that of the result."""
    temperature = op.attributes.optional_float("temperature", None)
    dtype = op.attributes.optional_dtype("dtype", None)
    axis = op.attributes.int("axis", -1)
    if dtype in ("float32", "float64"):
        x = op.node("cast", x, dtype=dtype)
    if temperature not in (None, 1.0):
        x = op.node("divide", x, temperature)
    result = op.node(kind, x, *others, axis=axis)
    return op.node("cast", result, dtype=dtype) if dtype in ("float16", "bfloat16") else result


@rule("SoftmaxActivation")
def softmax_activation(op: Op) -> Operand:
    """``instance`` normalises the last axis: MXNet makes all the axes before it one."""
    mode = op.attributes.str("mode", "instance", ("instance", "channel"))
    return op.node("softmax", op.input(0), axis=1 if mode == "channel" else -1)

"""Activations: src/operator/nn/activation.cc, leaky_relu-inl.h, nn/softmax-inl.h, nn/softmax_activation-inl.h."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
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
def activation(context: NodeContext) -> Operand:
    kind = _ACTIVATIONS[context.attributes.str("act_type", choices=tuple(_ACTIVATIONS))]
    return context.node(kind, context.input(0))


@rule("LeakyReLU")
def leaky_relu(context: NodeContext) -> Operand | Sequence[Operand]:
    act_type = context.attributes.str("act_type", "leaky", ("leaky", "rrelu", "elu", "prelu", *_FIXED_UNITS))
    slope = finite(context, "slope", 0.25)
    lower, upper = finite(context, "lower_bound", 0.125), finite(context, "upper_bound", 0.334)
    if act_type == "prelu":
        return _prelu(context)
    if act_type == "leaky":
        return context.node("leaky_relu", context.input(0), negative_slope=slope)
    if act_type == "rrelu":  # the slope is random in training only
        result = context.node("leaky_relu", context.input(0), negative_slope=(lower + upper) / 2)
        return result, context.opaque("the mask of its random slopes has no meaning at inference")
    if act_type == "elu":
        return context.node("elu", context.input(0), alpha=slope)
    return context.node(_FIXED_UNITS[act_type], context.input(0))


def _prelu(context: NodeContext) -> Operand:
    array = context.array(1)
    reshape = None
    if array is not None and len(array.shape) != 1:
        if len(array.shape) != 2 or array.shape[0] != 1:
            context.refuse(
                f"a slope of shape {array.shape} depends on the sample; only (channels,) and (1,) can be expressed"
            )
        reshape = array.shape[1:]
    return context.node("prelu", context.input(0), roles={"weight": context.role(1, reshape=reshape)})


@rule("hard_sigmoid")
def hard_sigmoid(context: NodeContext) -> Operand:
    return context.node(
        "hard_sigmoid", context.input(0), alpha=finite(context, "alpha", 0.2), beta=finite(context, "beta", 0.5)
    )


@rule("softmax")
def softmax(context: NodeContext) -> Operand:
    length = (context.input(1),) if context.attributes.bool("use_length", False) else ()
    return _softmax(context, "softmax", context.input(0), *length)


@rule("log_softmax")
def log_softmax(context: NodeContext) -> Operand:
    _no_length(context)
    return _softmax(context, "log_softmax", context.input(0))


@rule("softmin")
def softmin(context: NodeContext) -> Operand:
    _no_length(context)
    return _softmax(context, "softmax", context.node("negative", context.input(0)))


@rule("masked_softmax", "masked_log_softmax")
def masked_softmax(context: NodeContext) -> Operand:
    context.attributes.ignore("normalize")
    return _softmax(context, context.operator, context.input(0), context.input(1))


def _no_length(context: NodeContext) -> None:
    if context.attributes.bool("use_length", False):
        context.refuse("use_length, which MXNet refuses here itself")


def _softmax(context: NodeContext, kind: str, x: Operand, *others: Operand) -> Operand:
    """A dtype that is wider is that of the computation, a narrower one that of the result."""
    temperature = context.attributes.optional_float("temperature", None)
    dtype = context.attributes.optional_dtype("dtype", None)
    axis = context.attributes.int("axis", -1)
    if dtype in ("float32", "float64"):
        x = context.node("cast", x, dtype=dtype)
    if temperature not in (None, 1.0):
        x = context.node("divide", x, temperature)
    result = context.node(kind, x, *others, axis=axis)
    return context.node("cast", result, dtype=dtype) if dtype in ("float16", "bfloat16") else result


@rule("SoftmaxActivation")
def softmax_activation(context: NodeContext) -> Operand:
    """``instance`` normalises the last axis: MXNet makes all the axes before it one."""
    mode = context.attributes.str("mode", "instance", ("instance", "channel"))
    return context.node("softmax", context.input(0), axis=1 if mode == "channel" else -1)

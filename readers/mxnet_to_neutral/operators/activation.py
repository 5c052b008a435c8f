"""Rules for activations.

MXNet's sources: src/operator/nn/activation.cc, leaky_relu-inl.h, nn/softmax-inl.h, nn/softmax_activation-inl.h.
"""

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

_KINDS_WITHOUT_PARAMETERS = {"selu": "selu", "gelu": "gelu", "gelu_erf": "gelu", "gelu_tanh": "gelu_tanh"}


@rule("Activation")
def activation(context: NodeContext) -> Operand:
    """Convert ``Activation``: the elementwise function that ``act_type`` names."""
    kind = _ACTIVATIONS[context.attributes.str("act_type", choices=tuple(_ACTIVATIONS))]
    return context.node(kind, context.input(0))


@rule("LeakyReLU")
def leaky_relu(context: NodeContext) -> Operand | Sequence[Operand]:
    """Convert ``LeakyReLU``: leaky ReLU, RReLU, ELU, PReLU, SELU or GELU, by ``act_type``.

    At inference, the random slope of RReLU is its mean.

    Returns:
        The activation; for ``rrelu`` also an opaque node for the mask of random slopes.

    Raises:
        Refusal: A PReLU has one slope per sample, or a slope is not finite.
    """
    act_type = context.attributes.str(
        "act_type", "leaky", ("leaky", "rrelu", "elu", "prelu", *_KINDS_WITHOUT_PARAMETERS)
    )
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
    return context.node(_KINDS_WITHOUT_PARAMETERS[act_type], context.input(0))


def _prelu(context: NodeContext) -> Operand:
    """Convert PReLU; a slope of shape (1, channels) is reshaped to (channels,)."""
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
    """Convert ``hard_sigmoid``: ``clip(alpha * x + beta, 0, 1)``."""
    return context.node(
        "hard_sigmoid", context.input(0), alpha=finite(context, "alpha", 0.2), beta=finite(context, "beta", 0.5)
    )


@rule("softmax")
def softmax(context: NodeContext) -> Operand:
    """Convert ``softmax``, masked beyond a length per sample if ``use_length`` is set."""
    length = (context.input(1),) if context.attributes.bool("use_length", False) else ()
    return _softmax(context, "softmax", context.input(0), *length)


@rule("log_softmax")
def log_softmax(context: NodeContext) -> Operand:
    """Convert ``log_softmax``.

    Raises:
        Refusal: ``use_length`` is set.
    """
    _refuse_length(context)
    return _softmax(context, "log_softmax", context.input(0))


@rule("softmin")
def softmin(context: NodeContext) -> Operand:
    """Convert ``softmin``: softmax of the negated input.

    Raises:
        Refusal: ``use_length`` is set.
    """
    _refuse_length(context)
    return _softmax(context, "softmax", context.node("negative", context.input(0)))


@rule("masked_softmax", "masked_log_softmax")
def masked_softmax(context: NodeContext) -> Operand:
    """Convert ``masked_softmax`` and ``masked_log_softmax``: elements where the mask is False take no part."""
    context.attributes.ignore("normalize")
    return _softmax(context, context.operator, context.input(0), context.input(1))


def _refuse_length(context: NodeContext) -> None:
    if context.attributes.bool("use_length", False):
        context.refuse("use_length, which MXNet refuses here itself")


def _softmax(context: NodeContext, kind: str, x: Operand, *lengths_or_mask: Operand) -> Operand:
    """Add a softmax with ``temperature`` and ``dtype``.

    A dtype wider than float16 is the dtype of the computation, a narrower one that of the result.
    """
    temperature = context.attributes.optional_float("temperature", None)
    dtype = context.attributes.optional_dtype("dtype", None)
    axis = context.attributes.int("axis", -1)
    if dtype in ("float32", "float64"):
        x = context.node("cast", x, dtype=dtype)
    if temperature not in (None, 1.0):
        x = context.node("divide", x, temperature)
    result = context.node(kind, x, *lengths_or_mask, axis=axis)
    return context.node("cast", result, dtype=dtype) if dtype in ("float16", "bfloat16") else result


@rule("SoftmaxActivation")
def softmax_activation(context: NodeContext) -> Operand:
    """Convert ``SoftmaxActivation``: softmax over the channels, or in mode ``instance`` over the last axis.

    In mode ``instance`` MXNet reshapes its input to (-1, size of the last axis), contrary to its documentation.
    """
    mode = context.attributes.str("mode", "instance", ("instance", "channel"))
    return context.node("softmax", context.input(0), axis=1 if mode == "channel" else -1)

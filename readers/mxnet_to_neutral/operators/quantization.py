"""Rules that convert quantised graphs to floating ones: src/operator/quantization, src/operator/subgraph/mkldnn.

A quantised operator has three outputs: integers, and the two ends of the range that they stand for. Here the first
output is the real numbers themselves, so quantising, requantising and dequantising are identities, and ranges are left
out. Weights are dequantised (:mod:`mxnet_to_neutral.layers.quantized`). Results differ from MXNet's, which rounds to 8
bits and clips to calibrated ranges.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.layers.quantized import takes_ranges, tensor_count
from mxnet_to_neutral.operators.activation import activation
from mxnet_to_neutral.operators.arrangement import concatenate
from mxnet_to_neutral.operators.convolution import convolution
from mxnet_to_neutral.operators.linear import embedding, fully_connected
from mxnet_to_neutral.operators.matrix import batch_dot
from mxnet_to_neutral.operators.normalization import batch_norm
from mxnet_to_neutral.operators.numpy_shape import npx_reshape
from mxnet_to_neutral.operators.numpy_shape import transpose as numpy_transpose
from mxnet_to_neutral.operators.pooling import pooling
from mxnet_to_neutral.operators.registry import Rule, rule
from mxnet_to_neutral.operators.shape import flatten, reshape, transpose
from mxnet_to_neutral.subgraph import Subgraph
from neutral.graph import Operand

NOTE = (
    "the model was quantised to 8-bit integers; here it computes in floating point, with its weights dequantised, and "
    "differs from MXNet by what MXNet rounds and clips"
)


@rule("_contrib_quantize", "_contrib_quantize_v2", "_contrib_requantize", "_contrib_dequantize")
def to_real_numbers(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_quantize``, ``_contrib_requantize`` and ``_contrib_dequantize`` to identities.

    Returns:
        The real numbers, and None for each end of the range.

    Raises:
        Refusal: The integers are an input of the model.
    """
    context.attributes.ignore("out_type", "min_calib_range", "max_calib_range")
    if context.operator not in ("_contrib_quantize", "_contrib_quantize_v2") or context.dtype(0) in ("int8", "uint8"):
        _refuse_integer_inputs(context, 1)
    return _without_ranges(context, context.input(0))


def _register_floating(name: str, floating_rule: Rule) -> None:
    """Register the rule of a floating operator for its quantised variant."""

    @rule(name)
    def apply(context: NodeContext) -> Sequence[Operand]:
        """Apply the floating operator's rule to the inputs before the ranges."""
        context.attributes.ignore("min_calib_range", "max_calib_range")
        context.count = tensor_count(context.symbol_node)
        _refuse_integer_inputs(context, context.count)
        return _without_ranges(context, floating_rule(context))


_register_floating("_contrib_quantized_conv", convolution)
_register_floating("_contrib_quantized_fully_connected", fully_connected)
_register_floating("_contrib_quantized_pooling", pooling)
_register_floating("_contrib_quantized_act", activation)
_register_floating("_contrib_quantized_flatten", flatten)
_register_floating("_contrib_quantized_concat", concatenate)
_register_floating("_contrib_quantized_reshape", reshape)
_register_floating("_contrib_quantized_transpose", transpose)
_register_floating("_npx_quantized_reshape", npx_reshape)
_register_floating("_npx_quantized_transpose", numpy_transpose)
_register_floating(
    "_contrib_quantized_elemwise_add", lambda context: context.node("add", context.input(0), context.input(1))
)


@rule("_contrib_quantized_elemwise_mul")
def multiply(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_quantized_elemwise_mul``.

    Returns:
        The product, and None for each end of the range.
    """
    context.attributes.ignore("min_calib_range", "max_calib_range", "enable_float_output")
    _refuse_integer_inputs(context, 2)
    return _without_ranges(context, context.node("multiply", context.input(0), context.input(1)))


@rule("_contrib_quantized_batch_norm")
def quantized_batch_norm(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_quantized_batch_norm``.

    Returns:
        The normalized tensor, and None for each end of the range.
    """
    _refuse_integer_inputs(context, 1)
    return _without_ranges(context, batch_norm(context)[0])


@rule("_contrib_quantized_embedding")
def quantized_embedding(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_contrib_quantized_embedding``.

    Returns:
        The embeddings, and None for each end of the range.
    """
    return _without_ranges(context, embedding(context))


@rule("_sg_onednn_batch_dot")
def fused_batch_dot(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_sg_onednn_batch_dot``, of floating or of quantised matrices.

    Returns:
        The product; of quantised matrices also None for each end of the range.
    """
    quantised = context.attributes.bool("quantized", False)
    context.attributes.ignore("min_calib_range", "max_calib_range", "enable_float_output")
    if quantised:
        context.count = tensor_count(context.symbol_node)
    value = batch_dot(context)
    return _without_ranges(context, value) if quantised else (value,)


@rule("_sg_mkldnn_conv", "_sg_mkldnn_fully_connected", "_sg_onednn_conv", "_sg_onednn_fully_connected")
def fused(context: NodeContext) -> Sequence[Operand]:
    """Convert oneDNN's fused operators, whose subgraph holds the plain operators.

    The subgraph's arguments are the first inputs of the node, in order.

    Returns:
        The result; for a quantised operator also None for each end of the range.

    Raises:
        Refusal: The node does not have one subgraph whose arguments are its inputs.
    """
    quantised = context.attributes.bool("quantized", False)
    context.attributes.ignore(
        "with_bn", "with_act", "with_relu", "with_sum", "with_postsum_act", "with_postsum_relu", "with_eltwise",
        "min_calib_range", "max_calib_range", "enable_float_output", "channel_wise_quantize", "__symbol_attrs",
    )  # fmt: skip
    if len(context.symbol_node.subgraphs) != 1:
        context.refuse(f"it has {len(context.symbol_node.subgraphs)} subgraphs; expected 1")
    arguments = len(context.symbol_node.subgraphs[0].arguments)
    if arguments > context.count:
        context.refuse(f"its subgraph has {arguments} inputs and it has {context.count}")
    value = Subgraph(context, 0, range(arguments)).inline(context)
    return _without_ranges(context, value) if quantised else (value,)


def _refuse_integer_inputs(context: NodeContext, count: int) -> None:
    """Refuse the node if one of its first inputs is an input of the model: integers instead of real numbers."""
    for index in range(count):
        producer = context.producer(index)
        if producer.is_variable and context.array(index) is None and context.is_input(producer):
            context.refuse(f"its integers {producer.name!r} are an input of the model, and no real numbers")


def _without_ranges(context: NodeContext, value: Operand | Sequence[Operand]) -> Sequence[Operand]:
    """Return a rule's first output, and None for each end of the range.

    Raises:
        Refusal: The integers, or their range, are used besides by operators of integers.
    """
    gives_real_numbers = context.operator == "_contrib_dequantize" or context.attributes.bool(
        "enable_float_output", False
    )
    if not gives_real_numbers and None in context.users_of(0):
        context.refuse("its integers are an output of the model, and here they are real numbers")
    for user in (user for output in (1, 2) for user in context.users_of(output)):
        if user is None or not takes_ranges(user):
            where = "an output of the model" if user is None else f"an input of {user.name!r}"
            context.refuse(f"the range of its integers is {where}, and here there are no integers")
    context.note(NOTE)
    first: Operand = value[0] if isinstance(value, Sequence) else value
    return [first, None, None]

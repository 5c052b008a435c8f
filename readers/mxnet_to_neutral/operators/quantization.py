"""Quantised graphs as floating ones: src/operator/quantization, src/operator/subgraph/mkldnn.

A tensor of such a graph has three outputs: integers, and the ends of the range that they stand for. Here it is the real
numbers themselves, so quantising, requantising and dequantising are identities, and the ranges are nothing. Weights
are dequantised (:mod:`mxnet_to_neutral.layers.quantized`). What MXNet rounds to 8 bits, and clips to calibrated ranges,
is neither rounded nor clipped: its outputs differ by that.
"""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.layers.quantized import tensor_count
from mxnet_to_neutral.operators.activation import activation
from mxnet_to_neutral.operators.arrangement import concatenate
from mxnet_to_neutral.operators.convolution import convolution
from mxnet_to_neutral.operators.linear import embedding, fully_connected
from mxnet_to_neutral.operators.normalization import batch_norm
from mxnet_to_neutral.operators.pooling import pooling
from mxnet_to_neutral.operators.registry import Rule, rule
from mxnet_to_neutral.operators.shape import flatten
from mxnet_to_neutral.subgraph import Subgraph
from neutral.graph import Operand

NOTE = (
    "the model was quantised to 8-bit integers; here it computes in floating point, with its weights dequantised, and "
    "differs from MXNet by what MXNet rounds and clips"
)


@rule("_contrib_quantize", "_contrib_quantize_v2", "_contrib_requantize", "_contrib_dequantize")
def same_numbers(context: NodeContext) -> Sequence[Operand]:
    context.attributes.ignore("out_type", "min_calib_range", "max_calib_range")
    return _without_ranges(context, context.input(0))


def _plain(name: str, plain: Rule) -> None:
    """The rule of a quantised operator that is a floating one applied to what its integers stand for."""

    @rule(name)
    def apply(context: NodeContext) -> Sequence[Operand]:
        context.attributes.ignore("min_calib_range", "max_calib_range")
        context.count = tensor_count(context.symbol_node)
        return _without_ranges(context, plain(context))


_plain("_contrib_quantized_conv", convolution)
_plain("_contrib_quantized_fully_connected", fully_connected)
_plain("_contrib_quantized_pooling", pooling)
_plain("_contrib_quantized_act", activation)
_plain("_contrib_quantized_flatten", flatten)
_plain("_contrib_quantized_concat", concatenate)
_plain("_contrib_quantized_elemwise_add", lambda context: context.node("add", context.input(0), context.input(1)))


@rule("_contrib_quantized_elemwise_mul")
def multiply(context: NodeContext) -> Sequence[Operand]:
    context.attributes.ignore("min_calib_range", "max_calib_range", "enable_float_output")
    return _without_ranges(context, context.node("multiply", context.input(0), context.input(1)))


@rule("_contrib_quantized_batch_norm")
def quantized_batch_norm(context: NodeContext) -> Sequence[Operand]:
    return _without_ranges(context, batch_norm(context)[0])  # type: ignore[index]


@rule("_contrib_quantized_embedding")
def quantized_embedding(context: NodeContext) -> Sequence[Operand]:
    return _without_ranges(context, embedding(context))


@rule("_sg_mkldnn_conv", "_sg_mkldnn_fully_connected", "_sg_onednn_conv", "_sg_onednn_fully_connected")
def fused(context: NodeContext) -> Sequence[Operand]:
    """oneDNN's fused operator: the plain ones are in its subgraph, and its inputs begin with that graph's, in order."""
    quantised = context.attributes.bool("quantized", False)
    context.attributes.ignore(
        "with_bn", "with_act", "with_relu", "with_sum", "with_postsum_act", "with_postsum_relu", "with_eltwise",
        "min_calib_range", "max_calib_range", "enable_float_output", "channel_wise_quantize", "__symbol_attrs",
    )  # fmt: skip
    if len(context.symbol_node.subgraphs) != 1:
        context.refuse(f"it has {len(context.symbol_node.subgraphs)} subgraphs and needs one")
    arguments = len(context.symbol_node.subgraphs[0].arguments)
    if arguments > context.count:
        context.refuse(f"its subgraph has {arguments} inputs and it has {context.count}")
    value = Subgraph(context, 0, range(arguments)).inline(context)
    return _without_ranges(context, value) if quantised else (value,)


def _without_ranges(context: NodeContext, value: Operand | Sequence[Operand]) -> Sequence[Operand]:
    context.note(NOTE)
    first: Operand = value[0] if isinstance(value, Sequence) else value
    return [first, None, None]

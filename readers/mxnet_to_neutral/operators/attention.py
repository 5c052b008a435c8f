"""Rules for attention over interleaved projections: src/operator/contrib/transformer.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value

_KINDS = {
    "_contrib_interleaved_matmul_selfatt_qk": "self_attention_scores",
    "_contrib_interleaved_matmul_selfatt_valatt": "self_attention_values",
    "_contrib_interleaved_matmul_encdec_qk": "cross_attention_scores",
    "_contrib_interleaved_matmul_encdec_valatt": "cross_attention_values",
}


@rule(*_KINDS)
def interleaved_attention(context: NodeContext) -> Operand:
    """Convert ``_contrib_interleaved_matmul_*``: scores or values of multi-head attention, interleaved per head."""
    return context.node(_KINDS[context.operator], *context.inputs(), heads=context.attributes.int("heads"))


def _heads(context: NodeContext, projection: Value) -> Value:
    """Return a projection (batch, length, heads * channels) as (batch, heads, length, channels)."""
    shape = (0, 0, context.attributes.int("heads", minimum=1), -1)
    return context.node(
        "transpose", context.node("reshape", projection, shape=shape, from_end=False), axes=(0, 2, 1, 3)
    )


@rule(*(f"_sg_{library}_selfatt_{step}" for library in ("mkldnn", "onednn") for step in ("qk", "valatt")))
def fused_attention(context: NodeContext) -> Operand:
    """Convert ``_sg_onednn_selfatt_*``: attention of MXNet 2, with the batch first and unscaled.

    Queries, keys and values follow each other in the last axis.

    Raises:
        Refusal: It is quantized, or of MXNet 1.
    """
    context.attributes.ignore("enable_float_output", "min_calib_range", "max_calib_range")
    if context.attributes.bool("quantized", False):
        context.refuse("quantized attention, whose rounding is oneDNN's")
    if context.version < (2,):
        context.refuse("MXNet 1's released builds crash on it, so that what it gives could not be compared")
    projections = context.node("split", context.input(context.count - 1), axis=2, parts=3)
    query, key, value = (_heads(context, Value(projections.node, index)) for index in range(3))
    if context.operator.endswith("_qk"):
        return context.node("matmul", query, context.node("transpose", key, axes=(0, 1, 3, 2)))
    attended = context.node("transpose", context.node("matmul", context.input(0), value), axes=(0, 2, 1, 3))
    return context.node("reshape", attended, shape=(0, 0, -1), from_end=False)


_WINDOWS = {
    "_contrib_sldwin_atten_score": "window_attention_scores",
    "_contrib_sldwin_atten_context": "window_attention_values",
    "_contrib_sldwin_atten_mask_like": "window_attention_mask",
}


@rule(*_WINDOWS)
def window_attention(context: NodeContext) -> Operand:
    """Convert ``_contrib_sldwin_atten_*``: the attention of Longformer, to the neighbours of each position."""
    width = context.attributes.int("w", minimum=0)
    after = width if context.attributes.bool("symmetric") else 0
    return context.node(_WINDOWS[context.operator], *context.inputs(), before=width, after=after)

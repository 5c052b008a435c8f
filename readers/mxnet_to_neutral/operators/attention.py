"""Rules for attention over interleaved projections: src/operator/contrib/transformer.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

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

"""Interleaved attention: src/operator/contrib/transformer.cc."""

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
def interleaved(context: NodeContext) -> Operand:
    return context.node(_KINDS[context.operator], *context.inputs(), heads=context.attributes.int("heads", minimum=1))

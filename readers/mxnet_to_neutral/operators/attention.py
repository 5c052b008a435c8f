"""Interleaved attention: src/operator/contrib/transformer.cc."""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_KINDS = {
    "_contrib_interleaved_matmul_selfatt_qk": "self_attention_scores",
    "_contrib_interleaved_matmul_selfatt_valatt": "self_attention_values",
    "_contrib_interleaved_matmul_encdec_qk": "cross_attention_scores",
    "_contrib_interleaved_matmul_encdec_valatt": "cross_attention_values",
}


@rule(*_KINDS)
def interleaved(op: Op) -> Operand:
    return op.node(_KINDS[op.operator], *op.inputs(), heads=op.attributes.int("heads", minimum=1))

"""Attention with several heads."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.rules import NodeView, rule

_KINDS = (
    "attention_scores",
    "attention_values",
    "self_attention_scores",
    "self_attention_values",
    "cross_attention_scores",
    "cross_attention_values",
)


@rule(*_KINDS)
def attention(node: NodeView, *inputs: Symbol) -> Symbol:
    function: Symbol = getattr(helper, node.kind)
    return function(*inputs, heads=node["heads"])

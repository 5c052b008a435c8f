"""Attention over interleaved projections."""

from __future__ import annotations

from neutral_to_torch.emit.rules import View, rule
from neutral_to_torch.emit.symbols import Symbol, helper


@rule("self_attention_scores", "self_attention_values", "cross_attention_scores", "cross_attention_values", rank=3)
def interleaved_attention(node: View, *inputs: Symbol) -> Symbol:
    return getattr(helper, node.kind)(*inputs, heads=node["heads"])

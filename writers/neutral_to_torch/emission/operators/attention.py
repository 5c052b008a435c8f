"""Attention with several heads."""

from __future__ import annotations

from neutral_to_torch.emission.expression.symbols import Symbol, helper
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule

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


@rule("dot_product_attention", rank=3)
def dot_product_attention(node: NodeView, query: Symbol, key: Symbol, value: Symbol) -> Symbol:
    return node.module(helper.DotProductAttention(num_heads=node["heads"], dropout=node["dropout"]))(query, key, value)


@rule("self_dot_product_attention", rank=3)
def self_dot_product_attention(node: NodeView, query_key_value: Symbol) -> Symbol:
    return node.module(helper.InterleavedSelfAttention(num_heads=node["heads"], dropout=node["dropout"]))(
        query_key_value
    )


@rule("cross_dot_product_attention", rank=3)
def cross_dot_product_attention(node: NodeView, query: Symbol, key_value: Symbol) -> Symbol:
    attend = node.module(helper.InterleavedCrossAttention(num_heads=node["heads"], dropout=node["dropout"]))
    return attend(query, key_value)


@rule("window_attention_scores", "window_attention_values", "window_attention_mask")
def window_attention(node: NodeView, *inputs: Symbol) -> Symbol:
    function: Symbol = getattr(helper, node.kind)
    return function(*inputs, before=node["before"], after=node["after"])

"""Attention with several heads, also over projections that lie interleaved: query, key and value head by head.

T and S are the lengths of sequences, N the batch and D the size of a head. The first axis of scores counts samples,
and heads within a sample: n*heads + head.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_HEADS = (Attribute("heads", "int", "The number of heads."),)

OPERATORS = (
    Operator(
        "attention_scores",
        "From queries (T, N, heads*D) and keys (S, N, heads*D), whose last axes hold head after head, the scores "
        "query . key / sqrt(D), of shape (N*heads, T, S).",
        inputs=("query", "key"),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "attention_values",
        "Values (S, N, heads*D), head after head, summed with the weights of shape (N*heads, T, S): (T, N, heads*D).",
        inputs=("value", "weights"),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "self_attention_scores",
        "From (T, N, heads*3*D), whose last axis holds for each head its query, key and value, the scores of every "
        "position for every position: query . key / sqrt(D), of shape (N*heads, T, T).",
        inputs=("query_key_value",),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "self_attention_values",
        "The values of (T, N, heads*3*D), laid out as in self_attention_scores, summed with the weights of shape "
        "(N*heads, T, T): (T, N, heads*D).",
        inputs=("query_key_value", "weights"),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "cross_attention_scores",
        "From queries (T, N, heads*D) and (S, N, heads*2*D), whose last axis holds for each head its key and value, the "
        "scores query . key / sqrt(D), of shape (N*heads, T, S).",
        inputs=("query", "key_value"),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "cross_attention_values",
        "The values of (S, N, heads*2*D), laid out as in cross_attention_scores, summed with the weights of shape "
        "(N*heads, T, S): (T, N, heads*D).",
        inputs=("key_value", "weights"),
        attributes=_HEADS,
        family="attention",
        rank_rule=3,
        dtype_rule="same",
    ),
)

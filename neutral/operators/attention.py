"""Multi-head attention, with separate or interleaved projections of queries, keys and values.

T and S are the lengths of sequences, N is the batch size and D the size of a head. The first axis of scores is ordered by
sample, then by head: n*heads + head.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_HEADS = (Attribute("heads", "int", "The number of heads.", minimum=1),)

OPERATORS = (
    Operator(
        "attention_scores",
        "Compute the scores query . key / sqrt(D), of shape (N*heads, T, S), of queries (T, N, heads*D) and keys "
        "(S, N, heads*D), whose last axes are ordered by head.",
        inputs=("query", "key"),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "attention_values",
        "Sum the values (S, N, heads*D), whose last axis is ordered by head, with the weights (N*heads, T, S), "
        "giving (T, N, heads*D).",
        inputs=("value", "weights"),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "self_attention_scores",
        "Compute the scores query . key / sqrt(D) of every pair of positions, of shape (N*heads, T, T), from (T, "
        "N, heads*3*D), whose last axis holds the query, key and value of the first head, then those of the "
        "second, and so on.",
        inputs=("query_key_value",),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "self_attention_values",
        "Sum the values in (T, N, heads*3*D), which is laid out as in self_attention_scores, with the weights "
        "(N*heads, T, T), giving (T, N, heads*D).",
        inputs=("query_key_value", "weights"),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "cross_attention_scores",
        "Compute the scores query . key / sqrt(D), of shape (N*heads, T, S), of queries (T, N, heads*D) and keys "
        "in (S, N, heads*2*D), whose last axis holds the key and value of the first head, then those of the "
        "second, and so on.",
        inputs=("query", "key_value"),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "cross_attention_values",
        "Sum the values in (S, N, heads*2*D), which is laid out as in cross_attention_scores, with the weights "
        "(N*heads, T, S), giving (T, N, heads*D).",
        inputs=("key_value", "weights"),
        attributes=_HEADS,
        family="attention",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
)

"""Multi-head attention, with separate or interleaved projections of queries, keys and values.

T and S are the lengths of sequences, N is the batch size and D the size of a head. The first axis of scores is ordered by
sample, then by head: n*heads + head.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_WINDOW = (
    Attribute("before", "int", "The number of positions before each one that it attends to.", minimum=0),
    Attribute("after", "int", "The number of positions after it.", minimum=0),
)

_PLACES = (
    "The window of a position t has before + 1 + after places: place w stands for the position t + dilation[head] * (w - "
    "before); one outside of the sequence counts as 0."
)

_HEADS = (Attribute("heads", "int", "The number of heads.", minimum=1),)

OPERATORS = (
    Operator(
        "window_attention_scores",
        f"Compute the scores query . key, of shape (N, T, heads, places), of each position for the places of its window. {_PLACES}",
        inputs=("query", "key", "dilation"),
        attributes=_WINDOW,
        family="attention",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "window_attention_values",
        f"Sum the values (N, T, heads, D) of the places of each position's window with the weights (N, T, heads, places). {_PLACES}",
        inputs=("weights", "value", "dilation"),
        attributes=_WINDOW,
        family="attention",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "window_attention_mask",
        "Return 1 for each of the scores (N, T, heads, places) whose position t and place lie in the sequence, else 0, in "
        "float32: t is less than the sample's length, w is at least before - t // dilation[head], and, if after is not 0, after + "
        f"before - w is at least after - (length - t - 1) // dilation[head]. {_PLACES}",
        inputs=("scores", "dilation", "lengths"),
        attributes=_WINDOW,
        family="attention",
        discontinuous=True,
        operand_rank=4,
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="float32",
    ),
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

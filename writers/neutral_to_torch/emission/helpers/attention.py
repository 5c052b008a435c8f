"""Multi-head attention with time first."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def split_heads(x: Tensor, heads: int, parts: int) -> list[Tensor]:
    """Split (T, N, heads * parts * D) into parts (N * heads, T, D).

    Args:
        x: A tensor (T, N, heads * parts * D).
        heads: The number of attention heads.
        parts: The number of projections that each head's features hold in turn.

    Returns:
        ``parts`` tensors (N * heads, T, D).
    """
    return x.unflatten(2, (heads, parts, -1)).permute(3, 1, 2, 0, 4).flatten(1, 2).unbind(0)


def join_heads(x: Tensor, heads: int) -> Tensor:
    """Join the heads of (N * heads, T, D), as (T, N, heads * D).

    Args:
        x: A tensor (N * heads, T, D).
        heads: The number of attention heads.

    Returns:
        A tensor (T, N, heads * D).
    """
    return x.unflatten(0, (-1, heads)).permute(2, 0, 1, 3).flatten(2)


def scaled_scores(query: Tensor, key: Tensor) -> Tensor:
    """Return scores (N * heads, T, S) of queries for keys, head by head.

    Args:
        query: Queries (N * heads, T, D).
        key: Keys (N * heads, S, D).

    Returns:
        Dot products divided by the square root of D.
    """
    return torch.bmm(query / math.sqrt(query.shape[-1]), key.transpose(1, 2))


def attention_scores(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """Return scores (N * heads, T, S) of queries (T, N, heads * D) for keys (S, N, heads * D).

    Args:
        query: Queries (T, N, heads * D).
        key: Keys (S, N, heads * D).
        heads: The number of attention heads.

    Returns:
        Scores (N * heads, T, S).
    """
    return scaled_scores(split_heads(query, heads, 1)[0], split_heads(key, heads, 1)[0])


def attention_values(value: Tensor, weights: Tensor, heads: int) -> Tensor:
    """Weight values (S, N, heads * D) by attention, giving (T, N, heads * D).

    Args:
        value: Values (S, N, heads * D).
        weights: Attention weights (N * heads, T, S).
        heads: The number of attention heads.

    Returns:
        A tensor (T, N, heads * D).
    """
    return join_heads(torch.bmm(weights, split_heads(value, heads, 1)[0]), heads)


def self_attention_scores(query_key_value: Tensor, heads: int) -> Tensor:
    """Return scores (N * heads, T, T) of projections that are interleaved for each head.

    Args:
        query_key_value: Query, key and value of each head in turn, (T, N, heads * 3 * D).
        heads: The number of attention heads.

    Returns:
        Scores (N * heads, T, T).
    """
    query, key, _ = split_heads(query_key_value, heads, 3)
    return scaled_scores(query, key)


def self_attention_values(query_key_value: Tensor, weights: Tensor, heads: int) -> Tensor:
    """Weight the values by attention, giving (T, N, heads * D).

    Args:
        query_key_value: Query, key and value of each head in turn, (T, N, heads * 3 * D).
        weights: Attention weights (N * heads, T, T).
        heads: The number of attention heads.

    Returns:
        A tensor (T, N, heads * D).
    """
    value = split_heads(query_key_value, heads, 3)[2]
    return join_heads(torch.bmm(weights, value), heads)


def cross_attention_scores(query: Tensor, key_value: Tensor, heads: int) -> Tensor:
    """Return scores (N * heads, T, S) of queries for keys that are interleaved with values.

    Args:
        query: Queries (T, N, heads * D).
        key_value: Key and value of each head in turn, (S, N, heads * 2 * D).
        heads: The number of attention heads.

    Returns:
        Scores (N * heads, T, S).
    """
    query = split_heads(query, heads, 1)[0]
    key, _ = split_heads(key_value, heads, 2)
    return scaled_scores(query, key)


def cross_attention_values(key_value: Tensor, weights: Tensor, heads: int) -> Tensor:
    """Weight the values by attention, giving (T, N, heads * D).

    Args:
        key_value: Key and value of each head in turn, (S, N, heads * 2 * D).
        weights: Attention weights (N * heads, T, S).
        heads: The number of attention heads.

    Returns:
        A tensor (T, N, heads * D).
    """
    value = split_heads(key_value, heads, 2)[1]
    return join_heads(torch.bmm(weights, value), heads)


class DotProductAttention(nn.Module):
    """Attention of queries (T, N, heads * D) to keys and values (S, N, heads * D).

    Args:
        num_heads: The number of attention heads.
        dropout: The probability of dropping an attention weight in training.
    """

    def __init__(self, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend to the values by the scaled dot products of queries and keys.

        Args:
            query: Queries (T, N, heads * D).
            key: Keys (S, N, heads * D).
            value: Values (S, N, heads * D).

        Returns:
            A tensor (T, N, heads * D).
        """
        query, key, value = (
            x.unflatten(2, (self.num_heads, -1)).permute(1, 2, 0, 3) for x in (query, key, value)
        )
        dropout_p = self.dropout if self.training else 0.0
        x = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)
        return x.permute(2, 0, 1, 3).flatten(2)


class InterleavedSelfAttention(nn.Module):
    """Attention of (T, N, heads * 3 * D), which holds query, key and value of each head in turn.

    Args:
        num_heads: The number of attention heads.
        dropout: The probability of dropping an attention weight in training.
    """

    def __init__(self, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout

    def forward(self, query_key_value: Tensor) -> Tensor:
        """Attend to the values by the scaled dot products of queries and keys.

        Args:
            query_key_value: Projections (T, N, heads * 3 * D).

        Returns:
            A tensor (T, N, heads * D).
        """
        x = query_key_value.unflatten(2, (self.num_heads, 3, -1))
        query, key, value = x.permute(3, 1, 2, 0, 4).unbind(0)
        dropout_p = self.dropout if self.training else 0.0
        x = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)
        return x.permute(2, 0, 1, 3).flatten(2)


class InterleavedCrossAttention(nn.Module):
    """Attention of queries (T, N, heads * D) to keys and values (S, N, heads * 2 * D).

    Args:
        num_heads: The number of attention heads.
        dropout: The probability of dropping an attention weight in training.
    """

    def __init__(self, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout

    def forward(self, query: Tensor, key_value: Tensor) -> Tensor:
        """Attend to the values by the scaled dot products of queries and keys.

        Args:
            query: Queries (T, N, heads * D).
            key_value: Projections (S, N, heads * 2 * D).

        Returns:
            A tensor (T, N, heads * D).
        """
        query = query.unflatten(2, (self.num_heads, -1)).permute(1, 2, 0, 3)
        key, value = key_value.unflatten(2, (self.num_heads, 2, -1)).permute(3, 1, 2, 0, 4)
        dropout_p = self.dropout if self.training else 0.0
        x = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)
        return x.permute(2, 0, 1, 3).flatten(2)


def in_windows(x: Tensor, dilation: Tensor, before: int, after: int) -> Tensor:
    """Return the vectors in the window of each position, 0 outside of the sequence.

    Args:
        x: Vectors (N, T, heads, D).
        dilation: The steps between places of each head's windows (heads,).
        before: The number of places before a position.
        after: The number of places after it.

    Returns:
        Vectors (N, T, heads, before + 1 + after, D).
    """
    length, heads = x.shape[1], x.shape[2]
    steps = dilation[:, None].long() * torch.arange(-before, after + 1, device=x.device)
    positions = torch.arange(length, device=x.device)[:, None, None] + steps
    inside = (positions >= 0) & (positions < length)
    index = positions.clamp(min=0).clamp(max=length - 1)
    index = index * heads + torch.arange(heads, device=x.device)[:, None]
    return x.flatten(1, 2)[:, index] * inside[..., None].to(x.dtype)


def window_attention_scores(
    query: Tensor, key: Tensor, dilation: Tensor, before: int, after: int
) -> Tensor:
    """Return the scores of each position for the places of its window.

    Args:
        query: Queries (N, T, heads, D).
        key: Keys (N, T, heads, D).
        dilation: The steps between places of each head's windows (heads,).
        before: The number of places before a position.
        after: The number of places after it.

    Returns:
        Scores (N, T, heads, before + 1 + after).
    """
    keys = in_windows(key, dilation, before, after)
    return (keys @ query[..., None]).squeeze(-1)


def window_attention_values(
    weights: Tensor, value: Tensor, dilation: Tensor, before: int, after: int
) -> Tensor:
    """Sum the values in the window of each position by weights.

    Args:
        weights: Weights (N, T, heads, before + 1 + after).
        value: Values (N, T, heads, D).
        dilation: The steps between places of each head's windows (heads,).
        before: The number of places before a position.
        after: The number of places after it.

    Returns:
        Sums (N, T, heads, D).
    """
    values = in_windows(value, dilation, before, after)
    return (weights[..., None, :] @ values).squeeze(-2)


def window_attention_mask(
    scores: Tensor, dilation: Tensor, lengths: Tensor, before: int, after: int
) -> Tensor:
    """Return 1 for the scores of positions and places in their sequence, else 0.

    Args:
        scores: Scores (N, T, heads, before + 1 + after).
        dilation: The steps between places of each head's windows (heads,).
        lengths: The length of each sequence (N,).
        before: The number of places before a position.
        after: The number of places after it.

    Returns:
        A mask of the shape of the scores, in single precision.
    """
    position = torch.arange(scores.shape[1], device=scores.device)[:, None, None]
    place = torch.arange(before + after + 1, device=scores.device)
    length, step = lengths[:, None, None, None], dilation[:, None]
    valid = (position < length) & (place >= before - position // step)
    if after > 0:
        valid = valid & (before + after - place >= after - (length - position - 1) // step)
    return valid.expand(scores.shape).float()

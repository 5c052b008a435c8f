"""Traits of operator kinds that lowering needs."""

from __future__ import annotations

_WEIGHTED = frozenset(
    ("convolution", "transposed_convolution", "deformable_convolution", "linear", "embedding",
     "lstm", "gru", "rnn", "lstm_cell", "gru_cell", "rnn_cell")
)  # fmt: skip


def has_weights(kind: str) -> bool:
    """Return whether layers of the kind hold large weights: convolutions, but no normalisations."""
    return kind in _WEIGHTED


def is_random(kind: str) -> bool:
    """Return whether the kind gives another result each time it runs."""
    return kind == "dropout" or kind.startswith("random_")

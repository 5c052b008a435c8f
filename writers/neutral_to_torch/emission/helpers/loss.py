"""Losses and the choice of elements."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.fx.wrap
def pick(x: Tensor, index: Tensor, dim: int, keepdim: bool = False, wrap: bool = False) -> Tensor:
    """Pick the element of ``x`` at ``index`` along ``dim``; out of range: clamped, or wrapped.

    Args:
        x: A tensor of any shape.
        index: Positions, of the shape of ``x`` without ``dim`` or with an extent of 1 there.
        dim: The axis.
        keepdim: Whether the axis stays, with an extent of 1.
        wrap: Whether positions out of range wrap around.

    Returns:
        The elements.
    """
    index = index.long()
    if index.dim() < x.dim():
        index = index.unsqueeze(dim)
    size = x.shape[dim]
    index = index % size if wrap else index.clamp(0, size - 1)
    picked = x.gather(dim, index)
    return picked if keepdim or x.dim() == 1 else picked.squeeze(dim)


def softmax_cross_entropy(x: Tensor, label: Tensor) -> Tensor:
    """Sum the cross entropies of the rows with the label; of shape (1,).

    Args:
        x: Scores (rows, classes).
        label: The class of each row, of any dtype.

    Returns:
        The sum, of shape (1,).
    """
    chosen = x.softmax(1).gather(1, label.long().unsqueeze(1))
    return -chosen.clamp(min=1e-8).log().sum().reshape(1)


def ctc_loss(
    x: Tensor,
    label: Tensor,
    input_length: Tensor | None = None,
    label_length: Tensor | None = None,
    blank_first: bool = True,
) -> Tensor:
    """Return the CTC losses of (time, batch, classes) for labels (batch, positions).

    Args:
        x: Scores (time, batch, classes), before the softmax.
        label: Labels (batch, positions), padded by 0, or by -1 where the blank is last.
        input_length: The number of steps of each sample; None for all.
        label_length: The number of labels of each sample; None for those before the padding.
        blank_first: Whether class 0 is the blank, else the last one.

    Returns:
        Losses (batch,).
    """
    time, batch, classes = x.shape
    if label_length is None:
        padding = label == (0 if blank_first else -1)
        label_length = (padding.cumsum(1) == 0).sum(1)
    if input_length is None:
        input_length = torch.full((batch,), time, dtype=torch.long, device=x.device)
    return F.ctc_loss(
        x.log_softmax(2),
        label.long().clamp(min=0),
        input_length.long(),
        label_length.long(),
        blank=0 if blank_first else classes - 1,
        reduction="none",
    )

"""Dropout that torch has no layer for."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SharedDropout(nn.Module):
    """Dropout whose draws are shared along some axes; with ``always`` outside training too.

    Args:
        p: The probability of dropping an element.
        axes: The axes along which draws are shared.
        always: Whether elements are dropped outside training too.
    """

    def __init__(self, p: float, axes: tuple[int, ...], always: bool = False) -> None:
        super().__init__()
        self.p, self.axes, self.always = p, axes, always

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements, and scale the others.

        Args:
            x: A tensor with all of the axes.

        Returns:
            A tensor of the shape of ``x``.
        """
        shape = [1 if axis in self.axes else size for axis, size in enumerate(x.shape)]
        return x * F.dropout(x.new_ones(shape), self.p, self.training or self.always)

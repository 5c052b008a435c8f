"""Normalisations that torch has no layer for."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation over axis 1 of an input of any rank."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass


class GlobalBatchNorm(BatchNorm):
    """Batch normalisation by the running statistics, in training too; of any rank."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise by the running statistics.

        Args:
            input: A tensor (N, C, ...).

        Returns:
            A tensor of the same shape.
        """
        mean, var = self.running_mean, self.running_var
        return F.batch_norm(input, mean, var, self.weight, self.bias, False, 0.0, self.eps)


class ConditionalBatchNorm(BatchNorm):
    """Batch normalisation over axis 1, whose scale and shift are computed."""

    def forward(
        self, input: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """Normalise, by the statistics of the batch in training, then scale and shift.

        Args:
            input: A tensor (N, C, ...).
            weight: The scale (C,).
            bias: The shift (C,).

        Returns:
            A tensor of the shape of ``input``.
        """
        mean, var, momentum = self.running_mean, self.running_var, self.momentum
        assert momentum is not None
        return F.batch_norm(input, mean, var, weight, bias, self.training, momentum, self.eps)


def fixed_scale(norm: nn.Module) -> nn.Module:
    """Exclude the scale of a normalisation from training.

    Args:
        norm: A normalisation with a weight; it is changed in place.

    Returns:
        The same module.
    """
    norm.weight.requires_grad_(False)
    return norm


class InstanceNorm(nn.InstanceNorm1d):
    """Instance normalisation of an input of any rank, channels on axis 1."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of each sample.

        Args:
            input: A tensor (N, C, ...).

        Returns:
            A tensor of the same shape.
        """
        # torch.nn.functional's own refuses a single spatial element
        return torch.instance_norm(
            input, self.weight, self.bias, None, None, True, 0.0, self.eps, True
        )


def batch_mean(norm: Any, x: Tensor, axis: int) -> Tensor:
    """Return the mean that a batch normalisation uses.

    Args:
        norm: The batch normalisation.
        x: Its input.
        axis: The axis of channels.

    Returns:
        Means (C,): of the batch in training, else the running ones.
    """
    if not norm.training:
        return norm.running_mean
    return x.movedim(axis, 0).flatten(1).mean(1)


def batch_inverse_deviation(norm: Any, x: Tensor, axis: int) -> Tensor:
    """Return the inverse deviation that a batch normalisation uses.

    Args:
        norm: The batch normalisation.
        x: Its input.
        axis: The axis of channels.

    Returns:
        Inverse deviations (C,): of the batch in training, else from the running variances.
    """
    if not norm.training:
        return torch.rsqrt(norm.running_var + norm.eps)
    return torch.rsqrt(x.movedim(axis, 0).flatten(1).var(1, unbiased=False) + norm.eps)


def l2_normalize(x: Tensor, axes: list[int], eps: float) -> Tensor:
    """Divide by the root of the sum of squares over some axes.

    Args:
        x: A tensor.
        axes: The axes that are summed over.
        eps: The number that is added to the sum.

    Returns:
        A tensor of the shape of ``x``.
    """
    return x / torch.sqrt(x.square().sum(axes, keepdim=True) + eps)


@torch.fx.wrap
def l2_normalize_from(x: Tensor, first: int, eps: float) -> Tensor:
    """Divide by the root of the sum of squares over the axes from ``first`` on.

    Args:
        x: A tensor.
        first: The first axis that is summed over; nothing is summed if there is none.
        eps: The number that is added to the sum.

    Returns:
        A tensor of the shape of ``x``.
    """
    squares = x.square()
    if x.dim() > first:
        squares = squares.sum(list(range(first, x.dim())), keepdim=True)
    return x / torch.sqrt(squares + eps)

"""Faults of normalizations: eps, a fixed gamma, the statistics of the batch, a training step."""

from __future__ import annotations

from typing import Iterator, Mapping

import numpy as np

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.registry import Array

EPS = (1e-3, 1e-5, 2e-5, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
"""The defaults of frameworks, and others that are common."""

MOMENTUM = (0.9, 0.1, 0.99, 0.01, 0.997, 0.003, 0.95, 0.05, 0.999, 0.001)
"""Fractions of a running statistic that a step keeps: common ones, and those of a framework that means the rest."""


def eps_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield other values of eps.

    Args:
        node: The node.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        A change of the attribute for each.
    """
    present = node.attributes["eps"]
    for eps in EPS:
        if eps != present:
            yield Change(f"eps {eps:g} in the place of {present:g}", {"eps": eps})


def batch_norm_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield weights of ones, and other statistics than the running ones.

    Args:
        node: The node.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        Changes of the weight, and of the mean and variance.
    """
    weight, mean, variance = tensors["weight"], tensors["running_mean"], tensors["running_var"]
    yield Change("a weight (gamma) of ones: fix_gamma", tensors={"weight": np.ones_like(weight)})
    axis = int(node.attributes["axis"]) % operand.ndim
    others = tuple(number for number in range(operand.ndim) if number != axis)
    count = operand.size // operand.shape[axis]
    if count < 2:
        return
    batch = operand.mean(others, dtype=np.float64), operand.var(others, dtype=np.float64)
    yield Change(
        "the mean and variance of the batch: training mode",
        tensors={"running_mean": batch[0].astype(mean.dtype), "running_var": batch[1].astype(variance.dtype)},
    )
    for kept in MOMENTUM:
        for unbiased in (count / (count - 1), 1.0):
            moved = kept * mean + (1 - kept) * batch[0], kept * variance + (1 - kept) * batch[1] * unbiased
            yield Change(
                f"running statistics after a training step that keeps {kept:g} of them: momentum {kept:g}, which "
                f"PyTorch calls {1 - kept:g}",
                tensors={"running_mean": moved[0].astype(mean.dtype), "running_var": moved[1].astype(variance.dtype)},
            )

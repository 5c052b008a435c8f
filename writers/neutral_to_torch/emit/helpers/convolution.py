"""Convolutions that PyTorch's layers do not offer in this form."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torch import Tensor


def transpose_to_size(layer: Any, x: Tensor, size: tuple[int, ...]) -> Tensor:
    """A transposed convolution cropped evenly to ``size``; an odd surplus is cut at the front."""
    stride, dilation, kernel = layer.stride, layer.dilation, layer.kernel_size
    surplus = [
        s * (n - 1) + d * (k - 1) + 1 - out
        for n, s, d, k, out in zip(x.shape[2:], stride, dilation, kernel, size)
    ]
    padding, output_padding = [(t + 1) // 2 for t in surplus], [t % 2 for t in surplus]
    functions = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
    transposed = functions[len(size)]
    weight, bias, groups = layer.weight, layer.bias, layer.groups
    return transposed(x, weight, bias, stride, padding, output_padding, groups, dilation)

"""Tensors in the results of modules, as NumPy arrays."""

from __future__ import annotations

import numpy as np
import torch


def to_array(tensor: torch.Tensor) -> np.ndarray:
    """Return a tensor as an array in CPU memory; bfloat16 as float32, which holds it exactly.

    Args:
        tensor: A tensor of any device.

    Returns:
        An array of the same shape; it shares memory with a tensor of the CPU.
    """
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array

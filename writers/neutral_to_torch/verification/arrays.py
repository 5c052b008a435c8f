"""Tensors in the results of modules, as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from neutral_to_torch.trace.outputs import tensors_in


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


def layer_arrays(output: Any) -> list[np.ndarray]:
    """Return what a layer returned as arrays; nothing of packed sequences, whose steps have an order of their own.

    Args:
        output: What the module returned: tensors in any nesting.

    Returns:
        The arrays, in the order of the structure.
    """
    items = output if isinstance(output, tuple) and not isinstance(output, PackedSequence) else (output,)
    if any(isinstance(item, PackedSequence) for item in items):
        return []
    return [to_array(tensor) for tensor in tensors_in(output)]

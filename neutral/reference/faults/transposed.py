"""Faults of transposed convolutions: the sums of MXNet's own kernel, where it is dilated and has a stride."""

from __future__ import annotations

from typing import Iterator, Mapping

import numpy as np

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.operators.convolution import transposed_extents, transposed_taps
from neutral.reference.operators.windows import channels_first, channels_last
from neutral.reference.registry import Array

WINDOW = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size")


def dilated_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield what the CPU kernel of MXNet 1 computes where it is not the transposed convolution.

    Args:
        node: The node.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        A change of the result, for a stored kernel with a stride and a dilation along the same axis.
    """
    attributes = node.attributes
    strided = any(stride > 1 < dilation for stride, dilation in zip(attributes["stride"], attributes["dilation"]))
    if not strided or "weight" not in tensors or len(node.inputs) > 1:
        return
    x = channels_first(operand, attributes["layout"])
    taps = transposed_taps(x, tensors["weight"], attributes["kernel_size"], attributes["groups"])
    axes = len(attributes["kernel_size"])
    _, before, size = transposed_extents(x.shape[2:], *(attributes[name] for name in WINDOW))
    order = [0, 1, *(number for axis in range(axes) for number in (2 + axis, 2 + axes + axis))]
    result = taps.transpose(order)  # each tap before the positions of its axis
    for axis in range(axes):
        positions = range(before[axis], before[axis] + size[axis])
        numbers = (attributes[name][axis] for name in ("kernel_size", "stride", "dilation"))
        result = np.tensordot(result, _summed(positions, x.shape[2 + axis], *numbers), ((2, 3), (1, 2)))
    if tensors.get("bias") is not None:
        result = result + tensors["bias"].reshape(-1, *[1] * axes)
    yield Change(
        "the wrong sums of the CPU kernel of MXNet 1 for a dilated Deconvolution with a stride, which float64 and "
        "builds without oneDNN use",
        result=channels_last(result.astype(operand.dtype), attributes["layout"]),
    )


def _summed(positions: range, extent: int, kernel: int, stride: int, dilation: int) -> Array:
    """Return which taps of which positions of an input the kernel sums in each position of the output.

    It steps over input positions by the dilation, which is right for a stride of 1 alone.

    Returns:
        Ones and zeros, (positions, kernel, extent).
    """
    summed = np.zeros((len(positions), kernel, extent), np.float32)
    reach = dilation * (kernel - 1) + 1
    for row, position in enumerate(positions):
        first = position % dilation if position < reach else (position - reach + stride) // stride
        for place in range(first, min(position // stride + 1, extent), dilation):
            summed[row, (position - place * stride) // dilation, place] = 1
    return summed

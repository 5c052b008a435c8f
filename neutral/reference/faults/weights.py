"""Faults of convolutions and linear layers: exchanged axes, flips, another flattening, half precision."""

from __future__ import annotations

from typing import Iterator, Mapping

import numpy as np

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.registry import Array
from neutral.verification.half_precision import FRACTION_BITS, round_fraction

EQUIVALENT_FORMATS = {"float16": "float16 (or TF32)"}
"""Formats of half precision, with another one whose fraction is as long."""


def kernel_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield kernels with exchanged axes, flipped kernels, and padding that is one later.

    Args:
        node: The node, a convolution or a transposed one.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        Changes of the weight.
    """
    weight = tensors.get("weight")
    if weight is None:
        return
    kernel = weight.shape[2:]
    spatial = tuple(range(2, weight.ndim))
    if len(kernel) > 1 and len(set(kernel)) == 1 < kernel[0]:
        exchanged = weight.swapaxes(-1, -2)
        yield Change("the rows and columns of the kernel exchanged: a transposed kernel", tensors={"weight": exchanged})
        if len(kernel) == 3:
            moved = weight.swapaxes(2, 4)
            yield Change("the axes of the kernel in reverse order: a transposed kernel", tensors={"weight": moved})
    if max(kernel) > 1:
        yield Change(
            "a flipped kernel: convolution in the place of cross-correlation, or the reverse",
            tensors={"weight": np.flip(weight, spatial)},
        )
    if weight.shape[0] == weight.shape[1] > 1:
        exchanged = weight.swapaxes(0, 1)
        yield Change(
            "the input and output channels of the kernel exchanged: a transposed kernel", tensors={"weight": exchanged}
        )
    yield from _later_padding(node, weight)


def _later_padding(node: Node, weight: Array) -> Iterator[Change]:
    attributes = node.attributes
    if node.kind != "convolution" or max(attributes["stride"]) == 1 or max(attributes["dilation"]) > 1:
        return
    if min(attributes["padding"]) < 1:
        return
    later = np.pad(weight, [(0, 0), (0, 0), *[(1, 0)] * (weight.ndim - 2)])  # a zero before the kernel
    yield Change(
        "one position of padding less before the input and one more after it: 'same' padding of TensorFlow",
        {"kernel_size": tuple(size + 1 for size in attributes["kernel_size"])},
        {"weight": later},
    )


def linear_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield a transposed matrix, and features that are flattened in the order of another data layout.

    Args:
        node: The node.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        Changes of the weight.
    """
    weight = tensors.get("weight")
    if weight is None:
        return
    if weight.shape[0] == weight.shape[1] > 1:
        yield Change("a transposed matrix", tensors={"weight": weight.T})
    if node.attributes["flatten"] and operand.ndim > 2:
        yield from flattened_changes(weight, operand.shape[1:])


def flattened_changes(weight: Array, shape: tuple[int, ...]) -> Iterator[Change]:
    """Yield the matrices of a linear layer for features that are flattened in another order of their axes.

    Args:
        weight: The matrix, (out_features, in_features).
        shape: The shape of a sample before it is flattened.

    Yields:
        Changes of the weight.
    """
    channels_last = np.moveaxis(weight.reshape(-1, *shape[1:], shape[0]), -1, 1)
    channels_first = np.moveaxis(weight.reshape(-1, *shape), 1, -1)
    for words, moved in (("channels last", channels_last), ("channels first", channels_first)):
        yield Change(f"features that are flattened with {words}", tensors={"weight": moved.reshape(weight.shape)})


def rounded_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield operands and tensors that are rounded to half precision, as fast matrix products do.

    Args:
        node: The node.
        tensors: The tensors of its layer.
        operand: The values of its first operand.

    Yields:
        Changes of operand and weight.
    """
    if operand.dtype != np.float32 or "weight" not in tensors:
        return
    for name, bits in FRACTION_BITS.items():
        yield Change(
            f"operands rounded to {EQUIVALENT_FORMATS.get(name, name)}: half precision",
            tensors={"weight": round_fraction(tensors["weight"].astype(np.float32), bits)},
            operand=round_fraction(operand, bits),
        )

"""Rearrangements that torch has no function for."""

from __future__ import annotations

import torch
from torch import Tensor


def depth_to_space(x: Tensor, size: int) -> Tensor:
    """Move blocks of channels, the outer part of the axis, into squares of pixels.

    Args:
        x: Images (N, size² * C, H, W).
        size: The side of a square, in pixels.

    Returns:
        Images (N, C, H * size, W * size).
    """
    blocks = x.unflatten(1, (size, size, -1))
    return blocks.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)


def space_to_depth(x: Tensor, size: int) -> Tensor:
    """Move squares of pixels into blocks of channels, the outer part of the axis.

    Args:
        x: Images (N, C, H, W); the sides are multiples of ``size``.
        size: The side of a square, in pixels.

    Returns:
        Images (N, size² * C, H / size, W / size).
    """
    squares = x.unflatten(3, (-1, size)).unflatten(2, (-1, size))
    return squares.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


@torch.fx.wrap
def shape_of(x: Tensor) -> Tensor:
    """Return the shape as a tensor, also in a traced module.

    Args:
        x: A tensor of any shape.

    Returns:
        Integers of 64 bits, (rank of x,).
    """
    if torch.jit.is_tracing():
        return torch.stack([torch.as_tensor(extent, device=x.device) for extent in x.shape])
    return torch.tensor(x.shape, device=x.device)


@torch.fx.wrap
def reshape_to(x: Tensor, shape: Tensor) -> Tensor:
    """Reshape to extents and codes: 0 copies an axis, -1 is inferred, -2 copies all other axes.

    -3 merges two axes, and -4 splits one into the next two numbers.

    Args:
        x: Any tensor.
        shape: The extents and codes, one axis each.

    Returns:
        The elements in that shape.
    """
    extents, codes = list(x.shape), [int(code) for code in shape.tolist()]
    result: list[int] = []
    while codes:
        code = codes.pop(0)
        if code == -2:
            result += extents
            extents = []
        elif code == -4:
            first, second = codes[:2]
            extent = extents.pop(0)
            result += [extent // second if first == -1 else first]
            result += [extent // first if second == -1 else second]
            codes = codes[2:]
        else:
            extent = extents.pop(0) if extents else 1
            if code == -3:
                extent = extent * extents.pop(0)
            result.append(extent if code in (0, -3) else code)
    return x.reshape(result)

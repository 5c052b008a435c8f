"""Windows over the spatial axes of (N, C, *spatial), and the layouts of such arrays."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

import numpy as np

from neutral.reference.registry import Array


def channels_first(input: Array, layout: str) -> Array:
    """Return (N, C, *spatial) of an array in a layout.

    Args:
        input: The array.
        layout: ``channels_first`` or ``channels_last``.

    Returns:
        A view of the array.
    """
    return np.moveaxis(input, -1, 1) if layout == "channels_last" else input


def channels_last(output: Array, layout: str) -> Array:
    """Return an array (N, C, *spatial) in a layout; the inverse of :func:`channels_first`.

    Args:
        output: The array.
        layout: ``channels_first`` or ``channels_last``.

    Returns:
        A view of the array.
    """
    return np.moveaxis(output, 1, -1) if layout == "channels_last" else output


def spatial(index: Iterable[Any]) -> tuple[Any, ...]:
    """Return the index of an array (N, C, *spatial) that selects along the spatial axes.

    Args:
        index: The index for each spatial axis.

    Returns:
        A tuple to index with.
    """
    return (slice(None), slice(None), *index)


def windows(
    input: Array, kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int] | None = None
) -> Array:
    """Return all windows over the spatial axes that are wholly inside.

    Args:
        input: (N, C, *spatial).
        kernel_size: The extent of the window, for each spatial axis.
        stride: The step of the window, for each spatial axis.
        dilation: The distance between neighbouring elements, for each spatial axis; None: 1.

    Returns:
        A view (N, C, *kernel_size, *size), where size is the number of windows along each spatial axis.

    Example:
        >>> windows(np.arange(5).reshape(1, 1, 5), (3,), (2,))[0, 0].tolist()
        [[0, 2], [1, 3], [2, 4]]
    """
    count = len(kernel_size)
    dilation = dilation or [1] * count
    extents = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation)]
    view = np.lib.stride_tricks.sliding_window_view(input, extents, tuple(range(2, 2 + count)))
    steps = tuple(slice(None, None, step) for step in (*stride, *dilation))
    view = view[spatial(steps)]  # (N, C, *size, *kernel)
    return np.moveaxis(view, range(2, 2 + count), range(2 + count, 2 + 2 * count))

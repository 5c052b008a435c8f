"""Cast the floating tensors of a store, and measure the rounding errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator, Sequence

from neutral.dtypes import DTYPE_NAME, FLOATING, dtype_code
from neutral.edit.derived import derive, matches_any
from neutral.errors import UsageError
from neutral.store import Store
from neutral.values import cast_tensor, numeric_blocks


@dataclass(frozen=True)
class CastError:
    """The errors of casting one tensor.

    Attributes:
        key: The key of the tensor.
        elements: The number of elements.
        maximum: The largest absolute error, overflows and underflows excepted.
        norm: The Euclidean norm of those errors, relative to the norm of the same elements.
        overflows: The number of finite elements that became infinite.
        underflows: The number of elements that became zero.

    Example:
        >>> CastError("fc.weight", elements=6, maximum=0.0, norm=0.0, overflows=0, underflows=0).elements
        6
    """

    key: str
    elements: int
    maximum: float
    norm: float
    overflows: int
    underflows: int


def cast(store: Store, dtype: str, *, keep: Sequence[str] = ()) -> Store:
    """Return the store with its layers' floating tensors in another dtype.

    Args:
        store: The store; it is not changed.
        dtype: ``float16``, ``bfloat16``, ``float32`` or ``float64``.
        keep: Shell patterns of tensor keys; these tensors stay as they are.

    Returns:
        A store whose tensors are cast when they are read, to the nearest value, ties to even.

    Raises:
        UsageError: If the dtype is unknown or not floating.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layers = {"scale": Layer("scale", "parameter", {}, {"value": "scale.value"})}
        >>> store = Store(layers, {"scale.value": from_numpy(np.ones(3, np.float32))})
        >>> cast(store, "float16")["scale.value"].dtype
        dtype('float16')
    """
    code = dtype_code(dtype)
    if code not in FLOATING:
        raise UsageError(
            f"cannot cast to {dtype}; expected one of {', '.join(DTYPE_NAME[floating] for floating in FLOATING)}."
        )
    layered = {key for layer in store.layers.values() for key in layer.tensors.values()}
    tensors = dict(store.tensors)
    for key, tensor in store.tensors.items():
        if key in layered and tensor.dtype in FLOATING and tensor.dtype != code and not matches_any(key, keep):
            tensors[key] = cast_tensor(tensor, code)
    return derive(store, store.layers, tensors, store.graph, f"floating tensors were cast to {DTYPE_NAME[code]}")


def cast_errors(before: Store, after: Store) -> Iterator[CastError]:
    """Yield the errors of each tensor that :func:`cast` changed; read those tensors block by block.

    Args:
        before: The store that was cast.
        after: The result.

    Returns:
        An iterator over the errors, in the order of the tensors of ``after``.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layers = {"scale": Layer("scale", "parameter", {}, {"value": "scale.value"})}
        >>> store = Store(layers, {"scale.value": from_numpy(np.array([1, 1e6, 1e-9], np.float32))})
        >>> (error,) = cast_errors(store, cast(store, "float16"))
        >>> error.maximum, error.overflows, error.underflows
        (0.0, 1, 1)
    """
    import numpy as np

    for key, tensor in after.tensors.items():
        if tensor is before.tensors[key]:
            continue
        maximum = error_squares = squares = 0.0
        overflow_count = underflow_count = 0
        for values, cast_values in zip(numeric_blocks(before.tensors[key]), numeric_blocks(tensor)):
            exact, rounded = values.astype(np.float64), cast_values.astype(np.float64)
            finite = np.isfinite(exact)
            overflows = finite & ~np.isfinite(rounded)
            underflows = (exact != 0) & (rounded == 0)
            counted = finite & ~overflows & ~underflows
            errors = np.abs(rounded[counted] - exact[counted])
            maximum = max(maximum, float(errors.max(initial=0)))
            error_squares += float(np.square(errors).sum())
            squares += float(np.square(exact[counted]).sum())
            overflow_count += int(overflows.sum())
            underflow_count += int(underflows.sum())
        norm = math.sqrt(error_squares) / math.sqrt(squares) if squares else 0.0
        yield CastError(key, tensor.size, maximum, norm, overflow_count, underflow_count)

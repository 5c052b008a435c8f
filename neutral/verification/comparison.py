"""Compare an array with its recorded one, and name the likely cause of a difference."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from neutral.verification.half_precision import FRACTION_BITS, round_fraction

MIN_SCALE = 1e-6
"""The smallest scale of errors, for golden arrays whose values are all smaller."""

EXPLAINED_FRACTION = 0.01
"""A cause explains a difference if it leaves at most this fraction of its norm."""

MIN_ELEMENTS = 4
"""The number of elements below which chance explains a difference as well as a cause does."""

HIGHEST_OF_HALVES = 0.05
"""The largest error of sums in half precision, in units of the scale."""

LEAST_VALUES = 32
"""The number of distinct values from which on it is not by chance that a shorter format holds all of them."""

EPS_KINDS = ("batch_norm", "instance_norm")
"""Kinds whose eps is a factor of each channel."""


@dataclass(frozen=True)
class Comparison:
    """Errors of an array against its golden one.

    Attributes:
        max_error: The largest absolute error.
        mean_error: The mean absolute error.
        scale: The largest golden magnitude.
        scaled_error: The largest error in units of the scale; infinite where shapes or the positions of NaN differ.
        cosine: The cosine of the angle between both arrays.
        exact: Whether equality is required, as for integers.

    Example:
        >>> comparison = compare(np.array([1.0, 2.5]), np.array([1.0, 2.0]))
        >>> comparison.max_error, comparison.within(0.1), comparison.within(0.3)
        (0.5, False, True)
    """

    max_error: float
    mean_error: float
    scale: float
    scaled_error: float
    cosine: float
    exact: bool = False

    def within(self, tolerance: float) -> bool:
        """Return whether the error is within a tolerance in units of the scale, or zero where equality is required.

        Args:
            tolerance: The largest allowed error, in units of the largest golden magnitude.

        Returns:
            True if it is; an error that is NaN never is.
        """
        return self.max_error == 0 if self.exact else self.scaled_error <= tolerance


def spread(observed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Broadcast an array that was computed once for all samples to the shape for each; return others unchanged.

    Args:
        observed: The array.
        shape: The shape with the number of samples as its first extent.

    Returns:
        A read-only view of shape ``shape``, or ``observed`` itself.

    Example:
        >>> spread(np.zeros((1, 3)), (4, 3)).shape
        (4, 3)
    """
    is_common = observed.shape[:1] == (1,) and observed.shape[1:] == shape[1:]
    return np.broadcast_to(observed, shape) if is_common else observed


def compare(observed: np.ndarray, golden: np.ndarray) -> Comparison:
    """Compare two arrays in float64.

    Args:
        observed: The computed array.
        golden: The recorded array. Extents of one in either shape are ignored.

    Returns:
        The errors; infinite where shapes differ.

    Example:
        >>> compare(np.array([1.0, 2.5]), np.array([1.0, 2.0])).scaled_error
        0.25
    """
    if _without_ones(observed.shape) != _without_ones(golden.shape):
        return Comparison(math.inf, math.inf, _scale(golden), math.inf, math.nan)
    exact = observed.dtype.kind in "iub" or golden.dtype.kind in "iub"
    a, b = observed.astype(np.float64).reshape(-1), golden.astype(np.float64).reshape(-1)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    error = np.abs(a[finite] - b[finite])
    scale = _scale(golden)
    largest = float(error.max()) if error.size else 0.0
    mean = float(error.mean()) if error.size else 0.0
    scaled = largest / max(scale, MIN_SCALE) if (same | finite).all() else math.inf
    return Comparison(largest, mean, scale, scaled, _cosine(a[finite], b[finite]), exact)


def format_error(value: float) -> str:
    """Return an error as text.

    Args:
        value: The error, of any unit.

    Returns:
        Three significant digits; ``inf`` and ``nan`` as they are.

    Example:
        >>> format_error(0.00123), format_error(math.inf)
        ('1.23e-03', 'inf')
    """
    return f"{value:.2e}" if math.isfinite(value) else str(value)


def likely_cause(observed: np.ndarray, golden: np.ndarray, kind: str = "") -> str:
    """Return the likely cause of a difference, in words, if there is evidence of it.

    A cause is named where undoing it leaves at most :data:`EXPLAINED_FRACTION` of the difference, in arrays with enough
    elements that chance cannot do the same.

    Args:
        observed: The computed array.
        golden: The recorded array.
        kind: The kind of the layer that computed it, "" where it is unknown.

    Returns:
        The first cause that explains the difference; "" where no simple one does.

    Example:
        >>> likely_cause(np.array([-1.0, 2.0]), np.array([1.0, -2.0]))
        'the sign is turned'
    """
    if _without_ones(observed.shape) != _without_ones(golden.shape):
        return _cause_of_shapes(observed, golden)
    a, b = observed.astype(np.float64).reshape(golden.shape), golden.astype(np.float64)
    if not (np.isfinite(a) == np.isfinite(b)).all():
        count = int((np.isfinite(a) != np.isfinite(b)).sum())
        return f"NaN or infinity on one side only, in {count} of {a.size} places"
    a, b = np.nan_to_num(a, posinf=0, neginf=0), np.nan_to_num(b, posinf=0, neginf=0)
    difference = a - b
    size = _norm(difference)
    if size == 0:
        return "infinities of other signs"
    if not a.any():
        return "all zeros, unlike the golden values"
    return (
        _cause_of_factor(a, b, size)
        or _cause_of_offset(difference, b, size)
        or _cause_of_order(a, b, size)
        or _cause_of_channels(a, b, size, kind)
        or _cause_at_border(difference, b)
        or _cause_of_precision(a, b)
        or ""
    )


def varies(values: np.ndarray) -> bool:
    """Return whether an array has enough elements of different values to tell one transformation from another.

    Args:
        values: The array.

    Returns:
        False for constant arrays, and for fewer than four elements.

    Example:
        >>> varies(np.arange(4)), varies(np.ones(4)), varies(np.arange(3))
        (True, False, False)
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    return finite.size >= MIN_ELEMENTS and float(np.ptp(finite)) > 1e-3 * _scale(finite)


def _cause_of_shapes(observed: np.ndarray, golden: np.ndarray) -> str:
    if observed.size == golden.size and observed.ndim == golden.ndim <= 5:
        for axes in itertools.permutations(range(observed.ndim)):
            moved = observed.transpose(axes)
            if moved.shape == golden.shape and np.allclose(moved, golden, rtol=1e-3, atol=1e-5, equal_nan=True):
                return f"the same values with the axes in the order {axes}: another data layout"
    if observed.ndim == golden.ndim > 2 and observed.shape[:2] == golden.shape[:2]:
        return "the spatial size differs: stride, padding, dilation or rounding (ceil mode)"
    return "the shapes differ"


def _cause_of_precision(a: np.ndarray, b: np.ndarray) -> str:
    """Test whether half precision holds all values of one array and not those of the other."""
    if np.abs(a - b).max() > HIGHEST_OF_HALVES * _scale(b):
        return ""
    for name, bits in FRACTION_BITS.items():
        for subject, held, exact in (("the values are", a, b), ("the golden values are", b, a)):
            error = np.abs(held - exact)
            if not _is_held(held, bits) or np.mean(round_fraction(exact, bits) == exact) > 0.5:
                continue
            once = float(np.mean(error <= np.abs(exact) * 2.0 ** -(bits + 1) + 1e-12 + 1e-6 * np.abs(exact)))
            if once >= 1 - EXPLAINED_FRACTION:
                return f"{subject} those of the other side rounded to {name}"
            return f"{subject} exact in {name}, with errors of more than one rounding: accumulation in {name}"
    return ""


def _is_held(values: np.ndarray, bits: int) -> bool:
    """Return whether a fraction of some bits holds all of many values, and one of three bits less does not."""
    if not (round_fraction(values, bits) == values).all() or len(np.unique(values)) < LEAST_VALUES:
        return False
    return bool(np.mean(round_fraction(values, bits - 3) != values) > 0.5)


def _cause_of_factor(a: np.ndarray, b: np.ndarray, size: float) -> str:
    square = float((b * b).sum())
    factor = float((a * b).sum()) / square if square else 0.0
    if b.size < 2 or np.ptp(b) == 0 or _norm(a - factor * b) > EXPLAINED_FRACTION * size:
        return ""
    if math.isclose(factor, -1, rel_tol=1e-3):
        return "the sign is turned"
    return f"{factor:.6g} times the golden values everywhere: a constant factor" if varies(b) else ""


def _cause_of_offset(difference: np.ndarray, b: np.ndarray, size: float) -> str:
    mean = float(difference.mean())
    if not varies(b) or _norm(difference - mean) > EXPLAINED_FRACTION * size:
        return ""
    return f"{mean:.3g} more everywhere: a constant offset"


def _cause_of_order(a: np.ndarray, b: np.ndarray, size: float) -> str:
    """Test whether the same values are in other places, and find axes or channels that put them there."""
    limit = EXPLAINED_FRACTION * size
    if b.size < 2 or size < 1e-3 * _norm(b) or np.abs(np.sort(a, None) - np.sort(b, None)).max() > 1e-4 * _scale(b):
        return ""
    for first, second in itertools.combinations(range(b.ndim), 2):
        if a.shape[first] == a.shape[second] and _norm(a.swapaxes(first, second) - b) <= limit:
            is_last = second == b.ndim - 1 == first + 1
            return f"{'the last two axes' if is_last else f'axes {first} and {second}'} are transposed"
    for axis in range(1, b.ndim):
        order = _channel_order(a, b, axis, limit)
        if order is not None:
            moved = int(np.flatnonzero(order != np.arange(len(order)))[0])
            return (
                f"the same values in other places: channels (axis {axis}) are in another order, "
                f"the golden channel {moved} is channel {int(order[moved])}"
            )
    return "the same values in other places" if len(np.unique(b)) >= min(b.size, 2 * MIN_ELEMENTS) else ""


def _channel_order(a: np.ndarray, b: np.ndarray, axis: int, limit: float) -> np.ndarray | None:
    """Return the observed channel of each golden channel, None unless all agree."""
    x, y = (np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1) for each in (a, b))
    weights = np.cos(np.arange(x.shape[1]))  # any numbers without a period
    order = np.empty(len(x), np.int64)
    order[np.argsort(y @ weights, kind="stable")] = np.argsort(x @ weights, kind="stable")
    is_other = bool((order != np.arange(len(order))).any())
    return order if is_other and _norm(x[order] - y) <= limit else None


def _cause_of_channels(a: np.ndarray, b: np.ndarray, size: float, kind: str) -> str:
    """Test whether each channel (axis 1) is the golden one times a factor, plus an offset."""
    if b.ndim < 2 or b.size // b.shape[1] < 2 * MIN_ELEMENTS:
        return ""
    x = np.moveaxis(b, 1, 0).reshape(b.shape[1], -1)
    y = np.moveaxis(a, 1, 0).reshape(b.shape[1], -1)
    centred = x - x.mean(1, keepdims=True)
    if _norm(centred) <= EXPLAINED_FRACTION * _norm(x):  # constant channels, which any factor and offset explain
        return ""
    if _norm((y - x) - (y - x).mean(1, keepdims=True)) <= EXPLAINED_FRACTION * size:
        return "each channel is off by a constant of its own: a bias or a mean"
    square = (centred * centred).sum(1, keepdims=True)
    factor = (centred * y).sum(1, keepdims=True) / np.where(square == 0, 1, square)
    if _norm(y - y.mean(1, keepdims=True) - factor * centred) > EXPLAINED_FRACTION * size:
        return ""
    low, high = float(factor[square > 0].min()), float(factor[square > 0].max())
    text = f"each channel has a factor of its own ({low:.6g} to {high:.6g})"
    if kind in EPS_KINDS and 0.9 < low <= high < 1.1 and (high <= 1 or low >= 1):  # eps moves all to one side
        return f"{text}: like another eps"
    return f"{text}: a weight or a variance"


def _cause_at_border(difference: np.ndarray, b: np.ndarray) -> str:
    if b.ndim < 3 or min(b.shape[2:]) < 5:
        return ""
    limit = EXPLAINED_FRACTION * float(np.abs(difference).max())

    def is_equal(part: slice) -> bool:
        places = (slice(None), slice(None), *(part for _ in b.shape[2:]))
        return float(np.abs(difference[places]).max()) <= limit

    if is_equal(slice(0, -2)):
        return "only the last rows or columns differ: rounding of the size of pooling, or padding at the end"
    return "only the border differs: padding" if is_equal(slice(2, -2)) else ""


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dim for dim in shape if dim != 1)


def _scale(golden: np.ndarray) -> float:
    finite = np.abs(golden[np.isfinite(golden)].astype(np.float64))
    return float(finite.max()) if finite.size else 0.0


def _norm(values: np.ndarray) -> float:
    return float(np.linalg.norm(values))


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = _norm(a) * _norm(b)
    if lengths == 0:
        return 1.0 if _norm(a) == _norm(b) else 0.0
    return float(np.clip((a * b).sum() / lengths, -1, 1))

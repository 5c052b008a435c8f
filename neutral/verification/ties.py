"""Find values that differ because nearly equal numbers were sorted, selected or compared in another way: ties.

Two runs that round differently may sort scores in another order where these differ by rounding alone; neither is
wrong. A value is said to be decided by ties only on evidence: the numbers before the sorting agree within the
tolerance, and from the *recorded* numbers the sorting, and every operator after it, gives the recorded result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Mapping, Sequence

from neutral.operators import catalogue
from neutral.verification.comparison import compare
from neutral.verification.report import TIES

if TYPE_CHECKING:
    import numpy as np

    Recompute = Callable[[Sequence[str]], Mapping[str, "np.ndarray"]]


@dataclass(frozen=True)
class Step:
    """The computation of a recorded value from the recorded values nearest before it.

    Attributes:
        operands: The names of those values.
        kinds: The kinds of the operators in between.

    Example:
        >>> Step(("scores",), ("top_k", "cast")).discontinuous, Step(("x",), ("relu",)).discontinuous
        ('top_k', None)
    """

    operands: Sequence[str]
    kinds: Sequence[str]

    @property
    def discontinuous(self) -> str | None:
        """The first kind that sorts, selects, compares or rounds; None if there is none."""
        return next((kind for kind in self.kinds if kind in catalogue and catalogue[kind].discontinuous), None)

    @property
    def random(self) -> str | None:
        """The first kind that draws random numbers; None if there is none. Dropout does not, in inference."""
        kinds = (kind for kind in self.kinds if kind in catalogue and kind != "dropout")
        return next((kind for kind in kinds if catalogue[kind].random), None)


def explain_ties(
    steps: Mapping[str, Step],
    errors: Mapping[str, float],
    wrong: Mapping[str, float],
    recorded: Callable[[str], np.ndarray],
    recompute: Recompute,
) -> dict[str, str]:
    """Return the reason of each differing value that ties decide.

    Args:
        steps: The step that leads to each recorded value, in execution order.
        errors: The error of each compared value, in units of its scale.
        wrong: The tolerance of each value that differs by more than it.
        recorded: Return the recorded array of a value.
        recompute: Return the arrays of values, each computed from the recorded arrays of its step's operands.

    Returns:
        Reasons by name; values without one differ for another cause.

    Example:
        >>> import numpy
        >>> scores = {"x": numpy.float32([2, 1]), "order": numpy.int64([0, 1])}
        >>> steps = {"x": Step(("data",), ("exp",)), "order": Step(("x",), ("sort",))}
        >>> explain_ties(steps, {"x": 1e-7}, {"order": 0.0}, scores.get, lambda names: scores)
        {'order': 'ties: order (sort) orders or compares numbers that differ by rounding (1e-07 of the scale)'}
    """
    sources = ordering_sources(steps)
    candidates = [name for name in steps if name in wrong and name in sources]
    computed = recompute(candidates) if candidates else {}
    reasons: dict[str, str] = {}
    for name in candidates:
        operands = steps[name].operands
        after = [operand for operand in operands if operand in reasons]
        unexplained = any(operand in wrong and operand not in reasons for operand in operands)
        if unexplained or name not in computed or not (after or steps[name].discontinuous):
            continue
        arrays = {operand: recorded(operand) for operand in operands}
        if is_equal_up_to_ties(computed[name], recorded(name), list(arrays.values()), wrong[name]):
            reasons[name] = reasons[after[0]] if after else _reason(sources[name], operands, errors)
    return reasons


def ordering_sources(steps: Mapping[str, Step]) -> dict[str, str]:
    """Return the values that follow from sorting, selecting or comparing numbers.

    Args:
        steps: The step that leads to each recorded value, in execution order.

    Returns:
        By name the value where that is done last, with the kind.

    Example:
        >>> ordering_sources({"order": Step(("x",), ("sort",)), "y": Step(("order",), ("take",)), "z": Step((), ())})
        {'order': 'order (sort)', 'y': 'order (sort)'}
    """
    return _sources(steps, lambda step: step.discontinuous)


def random_sources(steps: Mapping[str, Step]) -> dict[str, str]:
    """Return the values that follow from random numbers.

    Args:
        steps: The step that leads to each recorded value, in execution order.

    Returns:
        By name the value where the numbers are drawn, with the kind.

    Example:
        >>> random_sources({"noise": Step((), ("random_normal",)), "y": Step(("noise",), ("relu",))})
        {'noise': 'noise (random_normal)', 'y': 'noise (random_normal)'}
    """
    return _sources(steps, lambda step: step.random)


def _sources(steps: Mapping[str, Step], kind_of: Callable[[Step], str | None]) -> dict[str, str]:
    """Return the last value with a kind of its own on the way to each value that has one."""
    sources: dict[str, str] = {}
    for name, step in steps.items():
        own = kind_of(step)
        source = f"{name} ({own})" if own else next((sources[v] for v in step.operands if v in sources), None)
        if source is not None:
            sources[name] = source
    return sources


def _reason(source: str, operands: Sequence[str], errors: Mapping[str, float]) -> str:
    error = max((errors.get(operand, 0.0) for operand in operands), default=0.0)
    size = f"differ by rounding ({error:.0e} of the scale)" if error else "are equal"
    return f"{TIES}{source} orders or compares numbers that {size}"


def is_equal_up_to_ties(
    observed: np.ndarray, golden: np.ndarray, operands: Sequence[np.ndarray], tolerance: float
) -> bool:
    """Return whether results of one operator on the same operands are equal, or only order equal scores otherwise.

    Args:
        observed: The computed array.
        golden: The recorded array.
        operands: The operands, of which positions name elements.
        tolerance: The largest allowed error, in units of the largest golden magnitude.

    Returns:
        True for equal arrays; for positions of equal elements of an operand; and for rows in another order among those
        that are equal in every column by which the golden rows are sorted.

    Example:
        >>> import numpy
        >>> rows = numpy.float32([[0.9, 1, 2], [0.5, 3, 4], [0.5, 5, 6]])
        >>> is_equal_up_to_ties(rows[[0, 2, 1]], rows, (), 1e-5), is_equal_up_to_ties(rows[[1, 0, 2]], rows, (), 1e-5)
        (True, False)
    """
    if compare(observed, golden).within(tolerance):
        return True
    if observed.shape != golden.shape:
        return False
    return any(_point_to_equal(observed, golden, array) for array in operands) or _are_tied_rows(observed, golden)


def _point_to_equal(observed: np.ndarray, golden: np.ndarray, array: np.ndarray) -> bool:
    """Return whether both arrays hold positions, each once, of the same numbers of an operand along one of its axes."""
    import numpy as np

    if array.ndim != observed.ndim or not observed.size:
        return False
    for axis in range(array.ndim):
        others = [k for k in range(array.ndim) if k != axis]
        if [observed.shape[k] for k in others] != [array.shape[k] for k in others]:
            continue
        pairs = [np.sort(positions, axis) for positions in (observed, golden)]
        inside = all((each >= 0).all() and (each < array.shape[axis]).all() for each in pairs)
        if inside and all((np.diff(each, axis=axis) != 0).all() for each in pairs):
            first, second = (np.take_along_axis(array, each.astype(np.int64), axis) for each in (observed, golden))
            return bool(np.array_equal(first, second))
    return False


def _are_tied_rows(observed: np.ndarray, golden: np.ndarray) -> bool:
    """Return whether the last two axes hold the same rows, in another order among those of equal sorting columns."""
    import numpy as np

    if golden.ndim < 2 or golden.shape[-1] < 2:
        return False
    a, b = (each.reshape(-1, *golden.shape[-2:]) for each in (observed, golden))
    falls = np.diff(b, axis=1) <= 0
    sorted_columns = [column for column in range(b.shape[2]) if falls[:, :, column].all()]
    if not sorted_columns or not all(np.array_equal(a[..., c], b[..., c]) for c in sorted_columns):
        return False
    keys = [column for column in range(b.shape[2]) if column not in sorted_columns] + sorted_columns
    for first, second in zip(a, b):
        rows = [each[np.lexsort([each[:, column] for column in keys])] for each in (first, second)]
        if not np.array_equal(rows[0], rows[1]):
            return False
    return True

"""Constraints of operators that split tensors."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input


def numpy_split(axis: int | None) -> Constraint:
    """Sections of equal size, or positions; ``axis`` is that of the function, None for any."""

    def constraint(draft: Draft) -> Sequence[Input]:
        shape = tuple(draft.one(2, 4, 6) for _ in range(3))
        chosen = draft.between(0, 2) if axis is None else axis
        draft.set(axis=chosen, squeeze_axis=None, sections=None, indices="()")
        if draft.random.random() < 0.5:
            draft.set(sections=draft.one(1, 2) if axis is not None else draft.one(1, 2, 3))
        else:
            draft.set(indices=draft.one("(1,)", "(1, 2)", "(0, 1)"))
        return [Input(shape)]

    return constraint


SPLITS: dict[str, Constraint] = {
    "_npi_array_split": numpy_split(None),
    "_npi_dsplit": numpy_split(2),
    "_npi_hsplit": numpy_split(1),
}
"""Constraints of splits by operator; the axis is the one that NumPy's function writes."""

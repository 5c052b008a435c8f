"""Grade of a plan: the evidence that a module filled by the plan computes what the store means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

EVIDENCE = {
    "golden": "golden values",
    "reference": "the reference's values",
    "store": "the store's meaning",
}
"""The evidence of a proof: values that the original framework recorded in a golden file, values that the reference
computed from the store, or the stored graph as the writer emits it, run on the same drawn inputs."""


class UnprovenWarning(UserWarning):
    """A module was loaded by a plan that nothing has proven."""


@dataclass(frozen=True)
class Grade:
    """The evidence for a plan.

    Attributes:
        proven_by: Keys of :data:`EVIDENCE`; empty for an unproven plan.
        reasons: The reasons why the plan is unproven; empty for a proven one.

    Example:
        >>> print(Grade(("store",)))
        proven by the store's meaning
        >>> print(Grade(reasons=("the store has no graph",)))
        unproven: the store has no graph
    """

    proven_by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ("nothing was run",)

    def __post_init__(self) -> None:
        unknown = [item for item in self.proven_by if item not in EVIDENCE]
        if unknown:
            raise ValueError(f"unknown evidence {unknown[0]!r}; expected one of {', '.join(EVIDENCE)}")
        if self.proven_by:
            object.__setattr__(self, "reasons", ())

    @property
    def is_proven(self) -> bool:
        """Whether there is evidence."""
        return bool(self.proven_by)

    def __str__(self) -> str:
        if self.is_proven:
            return "proven by " + " and ".join(EVIDENCE[item] for item in self.proven_by)
        return "unproven: " + "; ".join(self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return the grade's table in a plan's document.

        Returns:
            Lists of strings under ``proven_by`` and ``reasons``.
        """
        return {"proven_by": list(self.proven_by), "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Grade:
        """Build a grade from its table.

        Args:
            document: The table, as :meth:`to_dict` returns it. A missing list is taken as empty.

        Returns:
            The grade.
        """
        return cls(tuple(document.get("proven_by", ())), tuple(document.get("reasons", ())))

"""Why operators have no call that MXNet accepts, and which errors of an emitted module are refusals."""

from __future__ import annotations

NEVER_ACCEPTED: dict[int, dict[str, str]] = {}
"""By version and operator: the reason."""

LOUD: dict[str, tuple[str, str]] = {
    "_npi_cross": ("must have length 3", "vectors of two elements"),
    **dict.fromkeys(("_npi_tril", "_npi_triu"), ("at least 2 dimensions", "a vector, of which MXNet makes a matrix")),
    "GroupNorm": ("Expected more than 1 spatial element", "one spatial element, which torch's layer refuses"),
    "InstanceNorm": ("Expected more than 1 spatial element", "one spatial element, which torch's layer refuses"),
}
"""By operator: an error that the emitted module raises, and what it refuses by it."""


def refusal(operator: str, detail: str) -> str | None:
    """Return what an emitted module refuses by an error; None if the error is a fault.

    Args:
        operator: MXNet's name of the operator.
        detail: The finding, as :func:`differential.compare.outcome` words it.

    Returns:
        The refusal in words.
    """
    error, reason = LOUD.get(operator, ("", ""))
    return f"{reason}: the module raises an error" if error and error in detail else None

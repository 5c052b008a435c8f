"""A change of one node, or of the values that it takes."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from neutral.reference.registry import Array


class Change(NamedTuple):
    """A fault.

    Attributes:
        words: What a network with the fault computes with.
        attributes: The attributes of the node that change.
        tensors: The tensors of its layer that change, by role.
        kind: Another kind of the node, with all of its attributes; "" for the same kind.
        operand: Other values of its first operand; None for the same.
        operands: The number of operands that are kept; None for all.
        result: The values of its first output, in the place of those that it computes; None for these.

    Example:
        >>> Change("eps 0.001 in the place of 1e-05", {"eps": 1e-3}).attributes
        {'eps': 0.001}
    """

    words: str
    attributes: Mapping[str, Any] = {}
    tensors: Mapping[str, Array] = {}
    kind: str = ""
    operand: Array | None = None
    operands: int | None = None
    result: Array | None = None

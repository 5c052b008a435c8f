"""Members of a block: the regions that become its instances."""

from __future__ import annotations

from dataclasses import dataclass

from neutral.graph import Value
from neutral_to_torch.emission.lowering.program import Statement

MISSING = object()
"""The value of a number in a member that lacks the part it belongs to."""


@dataclass(eq=False)
class Member:
    """One region of a block.

    Attributes:
        statements: Its statements aligned with the block's; None where it lacks one.
        inputs: The values that it takes, in the block's order.
        output: The value that it computes.
        lacks: The indices of the options that it lacks.
    """

    statements: list[Statement | None]
    inputs: tuple[Value, ...]
    output: Value
    lacks: frozenset[int] = frozenset()

    @property
    def is_linear(self) -> bool:
        """Whether no statement combines several values."""
        return all(statement is None or len(statement.operands) < 2 for statement in self.statements)

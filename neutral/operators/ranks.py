"""Rank inference: the number of axes of an operator's outputs, from its attributes and the ranks of its operands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence, Union

Ranks = Union[int, Sequence[Optional[int]], None]
"""One rank for all outputs, a rank for each output, or None where no rank is known."""


@dataclass(frozen=True)
class RankContext:
    """The facts about a node from which a rank rule computes the ranks of its outputs.

    Attributes:
        attributes: The node's attributes by name; also ``context["axis"]``.
        operands: The rank of each operand, in order. None is an unknown rank; a literal number has rank 0.
        outputs: The number of outputs that are wanted.
        role_shapes: The shapes of the layer's tensors by role, for kinds whose output has the shape of a tensor.

    Example:
        >>> context = RankContext({"axis": 1}, (4, None))
        >>> context["axis"], context.rank(), context.changed(-1), context.rank(1)
        (1, 4, 3, None)
    """

    attributes: Mapping[str, Any]
    operands: Sequence[int | None] = ()
    outputs: int = 1
    role_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]

    def rank(self, index: int = 0) -> int | None:
        """Return the rank of operand ``index``, or None where it is unknown or the operand is absent.

        Args:
            index: The input's position, from 0.

        Returns:
            The number of axes; 0 for a literal number.
        """
        return self.operands[index] if index < len(self.operands) else None

    def changed(self, difference: int, index: int = 0) -> int | None:
        """Return the rank of operand ``index`` plus ``difference``, or None where the rank is unknown.

        Args:
            difference: The number of axes that are added; negative for axes that are removed.
            index: The operand's position, from 0.

        Returns:
            The number of axes.
        """
        rank = self.rank(index)
        return None if rank is None else rank + difference


RankRule = Union[int, str, Callable[[RankContext], Ranks], None]
"""A fixed rank; "same", the rank of the first operand; "broadcast", the largest rank; or a function of the context."""


def broadcast_rank(ranks: Sequence[int | None]) -> int | None:
    """Return the rank of a NumPy broadcast of operands of these ranks, or None where one of them is unknown.

    Args:
        ranks: The ranks of the operands; None where one is unknown.

    Returns:
        The largest rank.

    Example:
        >>> broadcast_rank((2, 4)), broadcast_rank((2, None))
        (4, None)
    """
    known = [rank for rank in ranks if rank is not None]
    return max(known, default=None) if len(known) == len(ranks) else None


def output_ranks(rule: RankRule, context: RankContext) -> list[int | None]:
    """Apply a rank rule.

    Args:
        rule: The rule, usually ``catalogue[kind].rank_rule``.
        context: The node's attributes and the ranks of its operands.

    Returns:
        The rank of each output, at least ``context.outputs`` of them; None where a rank is unknown.

    Example:
        >>> from neutral.operators import catalogue
        >>> output_ranks(catalogue["add"].rank_rule, RankContext({}, (4, 1)))
        [4]
        >>> output_ranks(catalogue["unsqueeze"].rank_rule, RankContext({"axis": 0}, (2,)))
        [3]
    """
    ranks: Ranks
    if rule == "same":
        ranks = context.rank()
    elif rule == "broadcast":
        ranks = broadcast_rank(context.operands)
    elif callable(rule):
        ranks = rule(context)
    else:
        ranks = rule if isinstance(rule, int) else None
    if isinstance(ranks, (list, tuple)):
        return [*ranks, *[None] * (context.outputs - len(ranks))]
    return [ranks if isinstance(ranks, int) else None] * context.outputs

"""Predicates over drafts for pattern matching."""

from __future__ import annotations

from itertools import permutations
from typing import Iterator

from mxnet_to_neutral.drafts import Conversion, Draft
from neutral.graph import Operand
from neutral.rewriting import UseDef

DraftGraph = UseDef[Draft]


def use_def(conversion: Conversion) -> DraftGraph:
    """Return the use-def chains of a conversion.

    Args:
        conversion: The converted symbol.

    Returns:
        An index of its present drafts; later changes to the conversion are not in it.
    """
    return UseDef(conversion.drafts, conversion.outputs)


def producer(graph: DraftGraph, operand: Operand, *kinds: str) -> Draft | None:
    """Return the draft that defines an operand if it is of one of these kinds, else None.

    Args:
        graph: The use-def chains.
        operand: A value, a number or None.
        *kinds: Kinds of the catalogue.

    Returns:
        The draft; None also for inputs of the graph and for numbers.
    """
    draft = graph.definition(operand)
    return draft if draft is not None and draft.kind in kinds else None


def is_zeros(graph: DraftGraph, operand: Operand) -> bool:
    """Return whether the operand is a tensor that is filled with zeros.

    Args:
        graph: The use-def chains.
        operand: A value, a number or None.

    Returns:
        True for an output of ``full`` or ``full_like`` with the value 0.
    """
    draft = producer(graph, operand, "full", "full_like")
    return draft is not None and draft.attributes["value"] == 0


def operand_orders(draft: Draft | None, kind: str) -> Iterator[tuple[Operand, ...]]:
    """Yield the operands of a commutative operator in both orders; nothing if the draft is of another kind.

    Args:
        draft: The draft, or None.
        kind: The kind of the commutative operator.

    Yields:
        All operands, in one of their orders.
    """
    if draft is not None and draft.kind == kind:
        yield from permutations(draft.inputs)

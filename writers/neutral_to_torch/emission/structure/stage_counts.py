"""The numbers of blocks in the stages of a model, as its argument ``layers``."""

from __future__ import annotations

from typing import Sequence

from neutral_to_torch.emission.expression.terms import Call, Index, ListOrTuple, Literal, Name, Operation, Repeat, Term
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Instance, Parameter, owned

ARGUMENT = "layers"

Attributes = Sequence["tuple[str, Term]"]
"""The names and constructors of a model's attributes."""


def stage_counts_argument(
    statements: Sequence[Statement], attributes: Attributes
) -> tuple[list[Parameter], list[tuple[str, Term]]]:
    """Make the number of blocks in each stage of a model an argument, ``layers``.

    A stage is a sequence of one block and equal ones after it, which keep the number of channels. Every sequence with
    blocks of their class has to be a stage, of a class that is more than a chain of layers.

    Args:
        statements: The statements of the model before they are gathered into sequences.
        attributes: The names and constructors of the model's attributes.

    Returns:
        The argument, and the attributes that use it; none and the same attributes for other models.
    """
    blocks = [item.block for item in owned(statements) if isinstance(item, Instance)]
    for name in dict.fromkeys(block.name for block in blocks if not block.is_chain):
        stages = [position for position, (_, term) in enumerate(attributes) if _has_block(term, name)]
        if not 1 < len(stages) <= HEURISTICS.most_stages:
            continue
        repeated = [_repeated(attributes[position][1], name, number) for number, position in enumerate(stages)]
        if all(term is not None for term in repeated):
            changed = list(attributes)
            for position, term in zip(stages, repeated):
                changed[position] = (attributes[position][0], term or attributes[position][1])
            counts = tuple(Literal(len(_items(attributes[position][1]))) for position in stages)
            return [Parameter(ARGUMENT, "tuple[int, ...]", ListOrTuple(counts, "()"))], changed
    return [], list(attributes)


def _items(term: Term) -> tuple[Term, ...]:
    """Return the entries of an ``nn.Sequential`` without names."""
    is_sequence = isinstance(term, Call) and term.callee == Name("nn.Sequential")
    return term.args if is_sequence and isinstance(term, Call) else ()


def _is_block(term: Term, name: str) -> bool:
    return isinstance(term, Call) and term.callee == Name(name)


def _has_block(term: Term, name: str) -> bool:
    return any(_is_block(item, name) for item in _items(term))


def _repeated(term: Term, name: str, number: int) -> Term | None:
    """Return a stage with its number of blocks taken from the argument, or None for any other sequence."""
    items = _items(term)
    first, *others = items
    if not others or not all(_is_block(item, name) for item in items) or any(item != others[0] for item in others):
        return None
    count: Term = Index(Name(ARGUMENT), (Literal(number),))
    if first == others[0]:
        return Call(Name("nn.Sequential"), (Repeat(first, count),))
    return Call(Name("nn.Sequential"), (first, Repeat(others[0], Operation("-", (count, Literal(1))))))

"""Skeletons of terms: what is left of a term without its values and the positions in its indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from neutral.graph import Value
from neutral_to_torch.emission.expression.rebuilding import map_children
from neutral_to_torch.emission.expression.terms import (
    Call,
    Control,
    ForEachModule,
    Index,
    Literal,
    Name,
    Ref,
    SelfAttribute,
    Slice,
    Term,
)
from neutral_to_torch.emission.expression.traversal import walk


@dataclass(frozen=True)
class Skeleton:
    """A term taken apart.

    Attributes:
        label: Text that is equal for terms that differ in nothing but their values and positions.
        values: The values in the order in which :func:`map_leaves` visits them, each as often as it is used.
        positions: The integers inside indices, likewise.
    """

    label: str
    values: tuple[Value, ...]
    positions: tuple[int, ...]


def skeleton(term: Term) -> Skeleton | None:
    """Take a term apart; submodules without state are equal where their constructors are.

    Args:
        term: Any term.

    Returns:
        The skeleton; None for a term with a loop or branch.

    Example:
        >>> one, other = (Index(Ref(Value("x")), (Literal(k),)) for k in (3, 4))
        >>> skeleton(one).label == skeleton(other).label, skeleton(one).positions
        (True, (3,))
    """
    if any(isinstance(part, (Control, ForEachModule)) for part in walk(term)):
        return None
    values: list[Value] = []
    positions: list[int] = []

    def value(item: Value) -> Term:
        values.append(item)
        return Name("value")

    def position(number: int) -> Term:
        positions.append(number)
        return Name("position")

    label = repr(map_leaves(term, value, position, _identity))
    return Skeleton(label, tuple(values), tuple(positions))


def map_leaves(
    term: Term,
    value: Callable[[Value], Term],
    position: Callable[[int], Term],
    attribute: Callable[[SelfAttribute], Term] = lambda own: own,
) -> Term:
    """Return the term with its values, the integers inside its indices and its attributes of ``self`` replaced.

    Args:
        term: A term without loops and branches; it is not changed.
        value: Returns the replacement of a value.
        position: Returns the replacement of an integer; that of the start of ``x[:5]`` is 0.
        attribute: Returns the replacement of an attribute of ``self``.

    Returns:
        The new term.
    """

    def mapped(part: Term) -> Term:
        if isinstance(part, Ref):
            return value(part.value)
        if isinstance(part, SelfAttribute):
            return attribute(part)
        if isinstance(part, Index):
            return Index(mapped(part.base), tuple(map(indexed, part.items)))
        return map_children(part, mapped)

    def indexed(item: Term) -> Term:
        if isinstance(item, Literal) and type(item.value) is int:
            return position(item.value)
        if not isinstance(item, Slice):
            return mapped(item)
        start = item.start
        if _starts_at_0(item):
            first = position(0)
            start = start if first == Literal(0) else first
        else:
            start = indexed(start)
        return Slice(start, indexed(item.stop), mapped(item.step))

    return mapped(term)


def _starts_at_0(item: Slice) -> bool:
    """Return whether a slice that states no start begins at 0, as the first of several slices does."""
    stop = item.stop.value if isinstance(item.stop, Literal) else None
    return item.start == Literal(None) and item.step == Literal(None) and type(stop) is int and stop >= 0


def _identity(attribute: SelfAttribute) -> Term:
    """Return a term that is equal for attributes with the same tensors, and for equal submodules without any."""
    declaration = attribute.declaration
    if declaration.tensors or declaration.constants:
        return Name(f"tensors of {id(declaration)}")
    return Call(Name("self"), (declaration.constructor,))

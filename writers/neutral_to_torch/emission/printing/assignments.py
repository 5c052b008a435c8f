"""Assignments and the last statements of a block as lines of text."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.layout import INDENT, WIDTH, layout
from neutral_to_torch.emission.expression.terms import ListOrTuple, Name, Term
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.printing.block_context import Line


def target_text(pattern: Any, names: Mapping[Value, str], nested: bool = False) -> str:
    """Return the left-hand side of an assignment.

    Args:
        pattern: A value, or a nested tuple of values and of None for results that nothing uses.
        names: The variable of each value.
        nested: Whether the pattern is an item of another, so that a tuple needs parentheses.

    Returns:
        Names with commas between; ``_`` for None.
    """
    if pattern is None:
        return "_"
    if isinstance(pattern, Value):
        return names[pattern]
    items = ", ".join(target_text(item, names, nested=True) for item in pattern)
    items += "," if len(pattern) == 1 else ""
    return f"({items})" if nested else items


def statement_lines(before: str, term: Term, indent: int, after: str = "") -> list[str]:
    """Lay out a statement.

    Args:
        before: The text before the expression, such as ``x = ``.
        term: The expression, with names for its values.
        indent: The indentation, in steps of four columns.
        after: The text behind it.

    Returns:
        The lines; one that exceeds the width where the expression has no place to break.
    """
    lines = layout(term, indent, before, after)
    if lines is None:
        return [f"{INDENT * indent}{before}{text(term)}{after}"]
    if isinstance(term, ListOrTuple) and term.brackets == "()" and len(lines) == 1 and len(term.items) > 1:
        return [lines[0].replace(f"{before}(", before, 1)[:-1]]
    return lines


def final_lines(line: Line, term: Term, indent: int) -> list[str]:
    """Lay out the line that ends a block: a ``return``, or assignments to the line's targets.

    Args:
        line: The line, for its targets and the texts around the term.
        term: Its term, with names for its values.
        indent: The indentation, in steps of four columns.

    Returns:
        The lines; none where every target has its value already.
    """
    if not line.targets:
        return statement_lines(line.before, term, indent, line.after)
    items = term.items if isinstance(term, ListOrTuple) and len(line.targets) > 1 else (term,)
    pairs = [(target, item) for target, item in zip(line.targets, items) if Name(target) != item]
    if not pairs:
        return []
    targets, items = zip(*pairs)
    value = items[0] if len(items) == 1 else ListOrTuple(items, "()")
    return statement_lines(f"{', '.join(targets)} = ", value, indent)


def has_many_results(pattern: Any) -> bool:
    """Return whether a statement gives so many results that they are items of one variable.

    Args:
        pattern: The target of the assignment; see :func:`target_text`.

    Returns:
        False for nested results, whatever their number.
    """
    if not isinstance(pattern, tuple) or len(pattern) <= HEURISTICS.most_targets:
        return False
    return not any(isinstance(item, tuple) for item in pattern)


def exceeds_width(lines: Sequence[str]) -> bool:
    """Return whether any line is longer than the emitted file's width.

    Args:
        lines: Lines of emitted source.

    Returns:
        True if one has more than :data:`WIDTH` columns.
    """
    return any(len(line) > WIDTH for line in lines)

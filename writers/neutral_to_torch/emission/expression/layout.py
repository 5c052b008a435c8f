"""Terms as Python text over several lines, broken as ``ruff format`` breaks it."""

from __future__ import annotations

from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    ListOrTuple,
    Literal,
    Member,
    Name,
    Operation,
    Term,
)
from neutral_to_torch.emission.expression.text import (
    PRECEDENCE,
    as_atom,
    as_operand,
    keyword_prefix,
    text,
    text_and_precedence,
)
from neutral_to_torch.emission.expression.traversal import walk

WIDTH = 100
"""The columns of a line of emitted source."""
INDENT = "    "
CONTAINERS = ("nn.Sequential", "nn.ModuleList", "OrderedDict", "super().__init__")
"""Callees whose arguments are always written one to a line."""


def explodes(term: Term) -> bool:
    """Return whether the term is written over several lines even if it fits in one.

    Args:
        term: Any term.

    Returns:
        True if it holds a container of submodules that is written with an item on each line.
    """
    return any(
        isinstance(item, Call)
        and isinstance(item.callee, Name)
        and item.callee.text in CONTAINERS
        and len(item.args) + len(item.kwargs) > 1
        for item in walk(term)
    )


def layout(term: Term, indent: int, before: str = "", after: str = "") -> list[str] | None:
    """Lay out ``before``, the term and ``after``.

    Args:
        term: An expression without values and attributes.
        indent: The indentation, in steps of four columns.
        before: The text before it, such as ``x = ``.
        after: The text behind it, such as a comma.

    Returns:
        Lines of at most :data:`WIDTH` columns, or None where the term has no place to break.
    """
    space = INDENT * indent
    flat = f"{space}{before}{text(term)}{after}"
    exploding = explodes(term)
    if len(flat) <= WIDTH and not exploding:
        return [flat]
    if isinstance(term, (Operation, Conditional)):
        return _at_last_call(term, indent, before, after) or _in_parentheses(term, indent, before, after)
    if isinstance(term, Literal) and isinstance(term.value, tuple):
        term = ListOrTuple(tuple(map(Literal, term.value)), "()")
    if isinstance(term, Call):
        if isinstance(term.callee, Member) and any(isinstance(item, Call) for item in walk(term.callee)):
            return None
        opening, closing = f"{as_atom(term.callee)}(", ")"
        items = [("", item) for item in term.args] + [(keyword_prefix(name), item) for name, item in term.kwargs]
    elif isinstance(term, ListOrTuple):
        opening, closing = term.brackets[0], term.brackets[1]
        items = [("", item) for item in term.items]
    else:
        return None
    head = f"{space}{before}{opening}"
    if not items or len(head) > WIDTH:
        return None
    body = INDENT * (indent + 1) + ", ".join(name + text(item) for name, item in items)
    is_tuple = isinstance(term, ListOrTuple) and term.brackets == "()"  # its comma must stay
    together = isinstance(term, Call) or (len(items) == 1 and not is_tuple)
    if not exploding and together and len(body) <= WIDTH:
        return [head, body, f"{space}{closing}{after}"]
    comma = "," if len(items) > 1 or is_tuple else ""
    lines = [head]
    for name, item in items:
        inner = layout(item, indent + 1, name, comma)
        if inner is None:
            return None
        lines += inner
    return [*lines, f"{space}{closing}{after}"]


def _at_last_call(term: Term, indent: int, before: str, after: str) -> list[str] | None:
    """Break in the brackets of the call on the right, where there is a single operator of its precedence."""
    if not before or not isinstance(term, Operation) or len(term.operands) != 2:
        return None
    left, right = term.operands
    precedence = PRECEDENCE[term.symbol]
    if not isinstance(right, Call) or text_and_precedence(left)[1] == precedence:
        return None
    lines = layout(right, indent, f"{before}{as_operand(left, precedence)} {term.symbol} ", after)
    return lines if lines is not None and all(len(line) <= WIDTH for line in lines) else None


def _in_parentheses(term: Operation | Conditional, indent: int, before: str, after: str) -> list[str] | None:
    """Put the term in parentheses: in one line, or each operand on a line."""
    space, inner = INDENT * indent, INDENT * (indent + 1)
    whole = inner + text(term)
    lines: list[str] | None = [whole]
    if len(whole) > WIDTH or explodes(term):
        lines = _operands(term, indent + 1) if isinstance(term, Operation) else _choices(term, indent + 1)
    if not before or lines is None or any(len(line) > WIDTH for line in lines):
        return None
    return [f"{space}{before}(", *lines, f"{space}){after}"]


def _operands(term: Operation, indent: int) -> list[str] | None:
    """Return operands of equal precedence, each on a line."""
    if len(term.operands) != 2 or term.symbol == "**":
        return None
    parts: list[str] = []
    item: Term = term
    precedence = PRECEDENCE[term.symbol]
    while isinstance(item, Operation) and len(item.operands) == 2 and PRECEDENCE[item.symbol] == precedence:
        parts.insert(0, f"{item.symbol} {as_operand(item.operands[1], precedence + 1)}")
        item = item.operands[0]
    parts.insert(0, as_operand(item, precedence))
    return [INDENT * indent + part for part in parts]


def _choices(term: Conditional, indent: int) -> list[str] | None:
    chosen = layout(term.chosen, indent)
    if chosen is None:
        return None
    space = INDENT * indent
    return [*chosen, f"{space}if {text(term.test)}", f"{space}else {text(term.otherwise)}"]

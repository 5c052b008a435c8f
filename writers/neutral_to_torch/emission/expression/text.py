"""Terms as Python text, laid out as ``ruff format`` lays it out."""

from __future__ import annotations

import keyword
import math

from neutral_to_torch.emission.expression.literals import check_name, constant
from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    Index,
    ListOrTuple,
    Literal,
    Member,
    ModuleOrFunction,
    Name,
    Operation,
    Repeat,
    Slice,
    Term,
    walk,
)

WIDTH = 100
INDENT = "    "
CONTAINERS = ("nn.Sequential", "nn.ModuleList", "OrderedDict", "super().__init__")
"""Callees whose arguments are always written one to a line."""

_PRECEDENCE = {
    **dict.fromkeys(("or",), 1),
    **dict.fromkeys(("and",), 2),
    **dict.fromkeys(("not",), 3),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "is", "is not", "in"), 4),
    "|": 5,
    "^": 6,
    "&": 7,
    **dict.fromkeys(("<<", ">>"), 8),
    **dict.fromkeys(("+", "-"), 9),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 10),
    "**": 12,
}
_PREFIXES = ("-", "+", "~", "not", "*")
_CONDITIONAL, _COMPARISON, _UNARY, _POWER, _ATOM = 0, 4, 11, 12, 13


def text(term: Term) -> str:
    """Return the expression in one line.

    Args:
        term: Any term.

    Returns:
        Python source without a line feed.
    """
    return _text(term)[0]


def _text(term: Term) -> tuple[str, int]:
    if isinstance(term, Literal):
        body = constant(term.value)
        return body, _UNARY if body.startswith("-") else _ATOM
    if isinstance(term, Name):
        check_name(term.text)
        return term.text, _ATOM
    if isinstance(term, Member):
        check_name(term.name)
        return f"{_atom(term.base)}.{term.name}", _ATOM
    if isinstance(term, Call):
        return f"{_atom(term.callee)}({', '.join(arguments(term))})", _ATOM
    if isinstance(term, Index):
        return f"{_atom(term.base)}[{', '.join(map(text, term.items))}]", _ATOM
    if isinstance(term, Slice):
        return _slice(term), _ATOM
    if isinstance(term, Operation):
        return _operation(term)
    if isinstance(term, ListOrTuple):
        opening, closing = term.brackets[0], term.brackets[1]
        single = "," if opening == "(" and len(term.items) == 1 else ""
        return f"{opening}{', '.join(map(text, term.items))}{single}{closing}", _ATOM
    if isinstance(term, Conditional):
        parts = (_inside(term.chosen, 1), _inside(term.test, 1), _inside(term.otherwise, 0))
        return f"{parts[0]} if {parts[1]} else {parts[2]}", _CONDITIONAL
    if isinstance(term, Repeat):
        counter = "k" if any(item == Name("k") for item in walk(term.item)) else "_"
        loop = f"{text(term.item)} for {counter} in range({term.count})"
        return (loop if term.alone else f"*({loop})"), _ATOM
    if isinstance(term, ModuleOrFunction):
        return _text(term.inline)
    raise TypeError(f"{type(term).__name__} has no text; expected names in the place of values and attributes.")


def arguments(call: Call) -> list[str]:
    """Return the arguments of a call, each as text.

    Args:
        call: The call.

    Returns:
        The positional arguments, then the others with their keywords.
    """
    return [*map(text, call.args), *(f"{_keyword(name)}{text(value)}" for name, value in call.kwargs)]


def _keyword(name: str) -> str:
    check_name(name)
    return f"{name}="


def _inside(term: Term, least: int) -> str:
    body, precedence = _text(term)
    return body if precedence >= least else f"({body})"


def _atom(term: Term) -> str:
    body = _inside(term, _ATOM)
    is_number = isinstance(term, Literal) and body[0] in "0123456789"
    return f"({body})" if is_number else body


def _operation(term: Operation) -> tuple[str, int]:
    symbol = term.symbol
    if len(term.operands) == 1:
        if symbol not in _PREFIXES:
            raise ValueError(f"unknown prefix operator {symbol!r}; expected one of {', '.join(_PREFIXES)}.")
        precedence = _PRECEDENCE["not"] if symbol == "not" else _UNARY
        space = " " if symbol == "not" else ""
        operand = term.operands[0]
        is_power = isinstance(operand, Operation) and operand.symbol == "**"
        return f"{symbol}{space}{_inside(operand, _ATOM if is_power else precedence)}", precedence
    left, right = term.operands
    precedence = _PRECEDENCE[symbol]
    if symbol == "**":
        base = _inside(left, _ATOM)
        space = "" if base[0] != "(" and _is_simple_power(left) and _is_simple_power(right) else " "
        return f"{base}{space}**{space}{_inside(right, _UNARY)}", precedence
    least_left = precedence + 1 if precedence == _COMPARISON else precedence
    return f"{_inside(left, least_left)} {symbol} {_inside(right, precedence + 1)}", precedence


def _is_simple_power(term: Term) -> bool:
    """Return whether the formatter writes ``**`` without spaces beside this operand."""
    if isinstance(term, Literal):
        return isinstance(term.value, (int, float)) and math.isfinite(term.value)
    if isinstance(term, Operation):
        return len(term.operands) == 1 and term.symbol == "-" and isinstance(term.operands[0], Name)
    return isinstance(term, Name) or (isinstance(term, Member) and _is_simple_power(term.base))


def _slice(term: Slice) -> str:
    bounds = (term.start, term.stop, term.step)
    start, stop, step = ("" if b == Literal(None) else text(b) for b in bounds)
    if all(map(_is_simple_bound, bounds)):
        return f"{start}:{stop}" + (f":{step}" if step else "")
    body = f"{start} :" if start else ":"
    body += f" {stop}" if stop else ""
    if step:
        body += f" : {step}" if stop else f": {step}"
    return body


def _is_simple_bound(term: Term) -> bool:
    """Return whether the formatter writes a colon without spaces beside this bound."""
    if isinstance(term, Operation):
        return len(term.operands) == 1 and term.symbol != "not" and _is_simple_bound(term.operands[0])
    return isinstance(term, Literal) or (isinstance(term, Name) and "." not in term.text)


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
        opening, closing = f"{_atom(term.callee)}(", ")"
        items = [("", item) for item in term.args] + [(_keyword(name), item) for name, item in term.kwargs]
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
    precedence = _PRECEDENCE[term.symbol]
    if not isinstance(right, Call) or _text(left)[1] == precedence:
        return None
    lines = layout(right, indent, f"{before}{_inside(left, precedence)} {term.symbol} ", after)
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
    precedence = _PRECEDENCE[term.symbol]
    while isinstance(item, Operation) and len(item.operands) == 2 and _PRECEDENCE[item.symbol] == precedence:
        parts.insert(0, f"{item.symbol} {_inside(item.operands[1], precedence + 1)}")
        item = item.operands[0]
    parts.insert(0, _inside(item, precedence))
    return [INDENT * indent + part for part in parts]


def _choices(term: Conditional, indent: int) -> list[str] | None:
    chosen = layout(term.chosen, indent)
    if chosen is None:
        return None
    space = INDENT * indent
    return [*chosen, f"{space}if {text(term.test)}", f"{space}else {text(term.otherwise)}"]


def identifier(name: str) -> str:
    """Return the valid identifier nearest to ``name``; never a keyword.

    Args:
        name: Any text, such as the name of a node.

    Returns:
        An identifier of ASCII letters, digits and ``_``, cut at 60 characters.

    Example:
        >>> identifier("stage1.conv-2"), identifier("class"), identifier("1x1")
        ('stage1_conv_2', 'class_', '_1x1')
    """
    body = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name).strip("_")
    while "__" in body:
        body = body.replace("__", "_")
    body = body[:60].rstrip("_") or "value"
    if body[0].isdigit():
        body = f"_{body}"
    return f"{body}_" if keyword.iskeyword(body) or body in ("None", "True", "False") else body

"""Terms as Python text in one line, with the parentheses that precedence demands."""

from __future__ import annotations

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
)
from neutral_to_torch.emission.expression.traversal import walk

PRECEDENCE = {
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
"""The precedence of Python's operators with two operands, and of ``not``; higher numbers bind more tightly."""

_PREFIXES = ("-", "+", "~", "not", "*")
_CONDITIONAL, _COMPARISON, _UNARY, _POWER, _ATOM = 0, 4, 11, 12, 13


def text(term: Term) -> str:
    """Return the expression in one line.

    Args:
        term: Any term.

    Returns:
        Python source without a line feed.

    Raises:
        TypeError: The term holds a value of the graph, an attribute of ``self``, or a loop or branch.
        ValueError: A name is not an identifier, or a prefix operator is unknown.
    """
    return text_and_precedence(term)[0]


def text_and_precedence(term: Term) -> tuple[str, int]:
    """Return the expression in one line, and the precedence of its outermost operator.

    Args:
        term: A term without values of the graph and attributes of ``self``.

    Returns:
        Python source, and a number that grows with the precedence; see :data:`PRECEDENCE`.

    Raises:
        TypeError: The term holds a value of the graph, an attribute of ``self``, or a loop or branch.
        ValueError: A name is not an identifier, or a prefix operator is unknown.
    """
    if isinstance(term, Literal):
        body = constant(term.value)
        return body, _UNARY if body.startswith("-") else _ATOM
    if isinstance(term, Name):
        check_name(term.text)
        return term.text, _ATOM
    if isinstance(term, Member):
        check_name(term.name)
        return f"{as_atom(term.base)}.{term.name}", _ATOM
    if isinstance(term, Call):
        return f"{as_atom(term.callee)}({', '.join(arguments(term))})", _ATOM
    if isinstance(term, Index):
        return f"{as_atom(term.base)}[{', '.join(map(text, term.items))}]", _ATOM
    if isinstance(term, Slice):
        return _slice(term), _ATOM
    if isinstance(term, Operation):
        return _operation(term)
    if isinstance(term, ListOrTuple):
        opening, closing = term.brackets[0], term.brackets[1]
        single = "," if opening == "(" and len(term.items) == 1 else ""
        return f"{opening}{', '.join(map(text, term.items))}{single}{closing}", _ATOM
    if isinstance(term, Conditional):
        parts = (as_operand(term.chosen, 1), as_operand(term.test, 1), as_operand(term.otherwise, 0))
        return f"{parts[0]} if {parts[1]} else {parts[2]}", _CONDITIONAL
    if isinstance(term, Repeat):
        counter = "k" if any(item == Name("k") for item in walk(term.item)) else "_"
        count = term.count if isinstance(term.count, int) else text(term.count)
        loop = f"{text(term.item)} for {counter} in range({count})"
        return (loop if term.alone else f"*({loop})"), _ATOM
    if isinstance(term, ModuleOrFunction):
        return text_and_precedence(term.inline)
    raise TypeError(f"{type(term).__name__} has no text; expected names in the place of values and attributes.")


def arguments(call: Call) -> list[str]:
    """Return the arguments of a call, each as text.

    Args:
        call: The call.

    Returns:
        The positional arguments, then the others with their keywords.
    """
    return [*map(text, call.args), *(f"{keyword_prefix(name)}{text(value)}" for name, value in call.kwargs)]


def keyword_prefix(name: str) -> str:
    """Return the text before the value of a keyword argument.

    Args:
        name: The keyword.

    Returns:
        The keyword and ``=``.

    Raises:
        ValueError: The name is not an identifier.
    """
    check_name(name)
    return f"{name}="


def as_operand(term: Term, least: int) -> str:
    """Return the term as an operand, in parentheses where its precedence is lower than the operator needs.

    Args:
        term: The operand.
        least: The least precedence that needs no parentheses.

    Returns:
        Python source in one line.
    """
    body, precedence = text_and_precedence(term)
    return body if precedence >= least else f"({body})"


def as_atom(term: Term) -> str:
    """Return the term as it stands before ``.``, ``(`` or ``[``.

    Args:
        term: The expression that is called, indexed, or has the attribute.

    Returns:
        Python source in one line, in parentheses unless it is a name, a call or the like.
    """
    body = as_operand(term, _ATOM)
    is_number = isinstance(term, Literal) and body[0] in "0123456789"
    return f"({body})" if is_number else body


def _operation(term: Operation) -> tuple[str, int]:
    symbol = term.symbol
    if len(term.operands) == 1:
        if symbol not in _PREFIXES:
            raise ValueError(f"unknown prefix operator {symbol!r}; expected one of {', '.join(_PREFIXES)}.")
        precedence = PRECEDENCE["not"] if symbol == "not" else _UNARY
        space = " " if symbol == "not" else ""
        operand = term.operands[0]
        is_power = isinstance(operand, Operation) and operand.symbol == "**"
        return f"{symbol}{space}{as_operand(operand, _ATOM if is_power else precedence)}", precedence
    left, right = term.operands
    precedence = PRECEDENCE[symbol]
    if symbol == "**":
        base = as_operand(left, _ATOM)
        bare = base[0] != "(" or isinstance(left, Member)  # (0).shape is as simple as a.shape
        space = "" if bare and _is_simple_power(left) and _is_simple_power(right) else " "
        return f"{base}{space}**{space}{as_operand(right, _UNARY)}", precedence
    least_left = precedence + 1 if precedence == _COMPARISON else precedence
    return f"{as_operand(left, least_left)} {symbol} {as_operand(right, precedence + 1)}", precedence


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

"""Symbols, by which a rule is written as the PyTorch code that it emits: ``F.relu(x) * 2.0``, ``x.flatten(1)``."""

from __future__ import annotations

from typing import Any, Iterator, NoReturn

from neutral_to_torch.emission.expression.terms import (
    Call,
    Index,
    ListOrTuple,
    Literal,
    Member,
    ModuleOrFunction,
    Name,
    Operation,
    Slice,
    Term,
)
from neutral_to_torch.emission.expression.text import text


class Symbol:
    """An expression of the emitted file; attributes, calls, indexing and operators make larger expressions.

    ``==`` is Python's own; elementwise comparison is ``operation("==", x, y)`` or ``x.eq(y)``.

    Example:
        >>> F.pad(torch.ones(3) * 2.0, (1, 1))[..., 1:].flatten(1)
        F.pad(torch.ones(3) * 2.0, (1, 1))[..., 1:].flatten(1)
    """

    __slots__ = ("_term",)

    def __init__(self, term: Term) -> None:
        self._term = term

    def __repr__(self) -> str:
        try:
            return text(self._term)
        except TypeError:
            return f"Symbol({self._term!r})"

    def __getattr__(self, name: str) -> Symbol:
        if name.startswith("__"):
            raise AttributeError(name)
        if isinstance(self._term, Name):
            return Symbol(Name(f"{self._term.text}.{name}"))
        return Symbol(Member(self._term, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Symbol:
        named = tuple((name, term_of(value)) for name, value in kwargs.items())
        return Symbol(Call(self._term, tuple(map(term_of, args)), named))

    def __getitem__(self, item: Any) -> Symbol:
        items = item if isinstance(item, tuple) else (item,)
        return Symbol(Index(self._term, tuple(map(term_of, items))))

    def __iter__(self) -> Iterator[NoReturn]:
        raise TypeError(
            "a symbol cannot be iterated over: the number of its items is unknown. Use unpack for several outputs."
        )

    def __bool__(self) -> NoReturn:
        raise TypeError("a symbol has no truth value: it stands for an expression of the emitted file.")

    def __add__(self, other: Any) -> Symbol:
        return operation("+", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return operation("+", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return operation("-", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return operation("-", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return operation("*", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return operation("*", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return operation("/", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return operation("/", other, self)

    def __floordiv__(self, other: Any) -> Symbol:
        return operation("//", self, other)

    def __mod__(self, other: Any) -> Symbol:
        return operation("%", self, other)

    def __pow__(self, other: Any) -> Symbol:
        return operation("**", self, other)

    def __rpow__(self, other: Any) -> Symbol:
        return operation("**", other, self)

    def __matmul__(self, other: Any) -> Symbol:
        return operation("@", self, other)

    def __and__(self, other: Any) -> Symbol:
        return operation("&", self, other)

    def __or__(self, other: Any) -> Symbol:
        return operation("|", self, other)

    def __xor__(self, other: Any) -> Symbol:
        return operation("^", self, other)

    def __lt__(self, other: Any) -> Symbol:
        return operation("<", self, other)

    def __le__(self, other: Any) -> Symbol:
        return operation("<=", self, other)

    def __gt__(self, other: Any) -> Symbol:
        return operation(">", self, other)

    def __ge__(self, other: Any) -> Symbol:
        return operation(">=", self, other)

    def __neg__(self) -> Symbol:
        return operation("-", self)

    def __invert__(self) -> Symbol:
        return operation("~", self)


def term_of(value: Any) -> Term:
    """Return the term of a symbol, a constant, a slice, or a list or tuple of these.

    Args:
        value: The Python value.

    Returns:
        The term; that of a constant is a literal.

    Raises:
        TypeError: The value is of another type.
    """
    if isinstance(value, Symbol):
        return value._term
    if isinstance(value, slice):
        return Slice(term_of(value.start), term_of(value.stop), term_of(value.step))
    if isinstance(value, (list, tuple)):
        items = tuple(map(term_of, value))
        if isinstance(value, tuple) and all(isinstance(item, Literal) for item in items):
            return Literal(value)
        return ListOrTuple(items, "[]" if isinstance(value, list) else "()")
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, str)):
        return Literal(value)
    raise TypeError(
        f"{value!r} of type {type(value).__name__} cannot be written in an expression; "
        "expected a symbol, a constant, a slice, or a list or tuple of these."
    )


def operation(operator: str, *operands: Any) -> Symbol:
    """Return ``left operator right``, or ``operator operand``.

    Args:
        operator: An operator of Python, comparisons included.
        operands: One or two operands.

    Returns:
        The symbol of the expression.

    Example:
        >>> operation("!=", torch.ones(2), 0)
        torch.ones(2) != 0
    """
    return Symbol(Operation(operator, tuple(map(term_of, operands))))


def either(module: Symbol, inline: Symbol) -> Symbol:
    """Return a value that is written in one of two ways, which must be equal, in training too.

    Args:
        module: A submodule applied to one value, for use inside an ``nn.Sequential``.
        inline: An expression without the submodule, for a line of ``forward``.

    Returns:
        A symbol of which printing writes the one that fits its place.

    Example:
        >>> either(nn.ReLU()(torch.ones(2)), F.relu(torch.ones(2)))
        F.relu(torch.ones(2))
    """
    return Symbol(ModuleOrFunction(term_of(module), term_of(inline)))


class _Helpers:
    """The helpers as symbols: ``helper.BatchNorm``; an unknown name raises NeutralError."""

    def __getattr__(self, name: str) -> Symbol:
        from neutral_to_torch.emission.printing.helper_source import require

        if name.startswith("__"):
            raise AttributeError(name)
        require(name)
        return Symbol(Name(name))


torch = Symbol(Name("torch"))
nn = Symbol(Name("nn"))
F = Symbol(Name("F"))
math = Symbol(Name("math"))
helper = _Helpers()

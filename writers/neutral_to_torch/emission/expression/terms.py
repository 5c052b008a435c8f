"""Python expressions as data: rules build them, folding compares them, the printer writes them.

A term is a small immutable tree. Its leaves are values of the graph (:class:`Ref`), constants (:class:`Literal`),
names of the emitted file (:class:`Name`) and attributes of ``self`` (:class:`SelfAttribute`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Union, get_args

from neutral.graph import Value
from neutral.tensor import Tensor


@dataclass(frozen=True)
class Ref:
    """A value of the graph."""

    value: Value


@dataclass(frozen=True)
class Literal:
    """A constant: a number, bool, string, None, ``...``, or a tuple of these."""

    value: Any


@dataclass(frozen=True)
class Name:
    """A name of the emitted file, with dots: ``torch.float32``, ``F.relu``, a helper's, a variable's."""

    text: str


REGISTER_BUFFER = Name("self.register_buffer")


@dataclass(frozen=True)
class Member:
    """An attribute of an expression: ``x.shape``."""

    base: Term
    name: str


@dataclass(frozen=True)
class Call:
    """A call: ``callee(*args, **kwargs)``.

    Example:
        >>> from neutral_to_torch.emission.expression.text import text
        >>> text(Call(Name("torch.clamp"), (Name("x"),), (("min", Literal(0)),)))
        'torch.clamp(x, min=0)'
    """

    callee: Term
    args: tuple[Term, ...] = ()
    kwargs: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True)
class Slice:
    """A slice inside an index: ``start:stop:step``."""

    start: Term
    stop: Term
    step: Term


@dataclass(frozen=True)
class Index:
    """Indexing: ``base[items]``."""

    base: Term
    items: tuple[Term, ...]


@dataclass(frozen=True)
class Operation:
    """An operator between two operands, or before its only one: ``-x``, ``~x``, ``not x``."""

    symbol: str
    operands: tuple[Term, ...]


@dataclass(frozen=True)
class ListOrTuple:
    """A list or tuple that is written out."""

    items: tuple[Term, ...]
    brackets: str = "[]"


@dataclass(frozen=True, eq=False)
class Declaration:
    """A submodule, parameter or buffer that a module holds.

    Attributes:
        owner: The layer or node that it is named after.
        constructor: The expression that makes it.
        tensors: For each of its state dict keys (relative; "" for a parameter itself) the tensor's key in the store.
        constants: Likewise tensors that the store does not hold.
        buffer: Whether it is a buffer rather than a parameter or submodule.
        kind: The catalogue kind of the node that declared it; "" for containers that the emitter adds.
        has_weights: Whether it is a submodule of a kind with matrix weights, such as a convolution, or a container.
    """

    owner: str
    constructor: Term
    tensors: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Tensor] = field(default_factory=dict)
    buffer: bool = False
    kind: str = ""
    has_weights: bool = False


@dataclass(frozen=True, eq=False)
class SelfAttribute:
    """``self.<attribute>``, named when the class is written."""

    declaration: Any


@dataclass(frozen=True)
class ModuleOrFunction:
    """Two ways to write one value: by a submodule, for ``nn.Sequential``, or inline, for a line of ``forward``."""

    module: Term
    inline: Term


@dataclass(frozen=True)
class Conditional:
    """``chosen if test else otherwise``."""

    test: Term
    chosen: Term
    otherwise: Term


@dataclass(frozen=True)
class Repeat:
    """``*(item for _ in range(count))``, as an argument.

    ``alone`` leaves out the star and the parentheses, for a call with no other argument.
    """

    item: Term
    count: int
    alone: bool = False


@dataclass(frozen=True)
class ForEachModule:
    """The result of applying the modules of an ``nn.ModuleList`` to a value, one after another.

    Attributes:
        modules: The list.
        value: The value that the first module is applied to.
        others: The other arguments, equal for all modules.
        position: The number of the argument that is the value.
    """

    modules: SelfAttribute
    value: Term
    others: tuple[Term, ...]
    position: int = 0


@dataclass(frozen=True, eq=False)
class Body:
    """The program inside a loop or branch: statements between inputs and outputs of its own."""

    inputs: tuple[Value, ...]
    statements: tuple[Any, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Control:
    """A loop or branch, written as a statement of its own.

    Attributes:
        kind: ``foreach``, ``while_loop`` or ``branch``.
        operands: The operands of the catalogue's kind; a branch's condition is the first.
        bodies: The bodies in the order of the kind's graph attributes.
        counts: The kind's numbers by name, such as ``states`` and ``limit``.
    """

    kind: str
    operands: tuple[Term, ...]
    bodies: tuple[Body, ...]
    counts: Mapping[str, int]


Term = Union[
    Ref,
    Literal,
    Name,
    Member,
    Call,
    Slice,
    Index,
    Operation,
    ListOrTuple,
    SelfAttribute,
    ModuleOrFunction,
    Conditional,
    Repeat,
    ForEachModule,
    Control,
]

_TERMS = get_args(Term)
_FIELDS = {kind: tuple(item.name for item in dataclasses.fields(kind)) for kind in _TERMS}


def children(term: Term) -> tuple[Term, ...]:
    """Return the terms directly inside, in the order in which they are written.

    Of two alternatives that is the inline one; of the bodies of a loop or branch it is the attributes of ``self``.

    Args:
        term: Any term.

    Returns:
        The terms; empty for a name or a literal.

    Example:
        >>> children(Operation("+", (Name("x"), Literal(1))))
        (Name(text='x'), Literal(value=1))
    """
    if isinstance(term, ModuleOrFunction):
        return (term.inline,)
    return tuple(_terms_in(tuple(getattr(term, name) for name in _FIELDS[type(term)])))


def walk(term: Term) -> Iterator[Term]:
    """Yield the term and everything inside, in the order in which it is written.

    Args:
        term: Any term.

    Yields:
        A term, before those inside it.
    """
    yield term
    for child in children(term):
        yield from walk(child)


def values(term: Term) -> list[Value]:
    """Return the values of the graph that the term uses, each as often as it is used.

    Args:
        term: Any term.

    Returns:
        The values, in the order in which they are written.
    """
    return [item.value for item in walk(term) if isinstance(item, Ref)]


def owns(term: Term) -> list[SelfAttribute]:
    """Return the attributes of ``self`` that the term uses, each as often as it is used.

    Of two alternatives the one with the submodule counts.

    Args:
        term: Any term.

    Returns:
        The attributes, in the order in which they are written.
    """
    if isinstance(term, SelfAttribute):
        return [term]
    if isinstance(term, ModuleOrFunction):
        return owns(term.module)
    return [own for child in children(term) for own in owns(child)]


def inline(term: Term) -> Term:
    """Return the term with the inline one of every two alternatives.

    Args:
        term: The term; it is not changed.

    Returns:
        A term without alternatives.
    """
    return rebuild(term, lambda part: inline(part.inline) if isinstance(part, ModuleOrFunction) else None)


def applied(term: Term) -> SelfAttribute | None:
    """Return the submodule where the term only applies one to values, else None.

    Args:
        term: Any term; of two alternatives the one with the submodule counts.

    Returns:
        The attribute of ``self`` that holds the submodule.
    """
    if isinstance(term, ModuleOrFunction):
        term = term.module
    if isinstance(term, Call) and isinstance(term.callee, SelfAttribute):
        return term.callee
    return None


def map_children(term: Term, function: Callable[[Term], Term]) -> Term:
    """Return the term with every term directly inside replaced by ``function`` of it.

    Both of two alternatives are replaced. Bodies of loops and branches stay as they are; see :func:`rebuild`.

    Args:
        term: The term; it is not changed.
        function: Returns the replacement of a term, or the term itself.

    Returns:
        A term of the same class.

    Example:
        >>> map_children(Operation("-", (Name("x"),)), lambda child: Name("y"))
        Operation(symbol='-', operands=(Name(text='y'),))
    """
    names = _FIELDS[type(term)]
    old = [getattr(term, name) for name in names]
    new = [_map_terms(value, function) for value in old]
    if all(a is b for a, b in zip(old, new)):
        return term
    return type(term)(*new)


def rebuild(term: Term, replace: Callable[[Term], Term | None]) -> Term:
    """Return the term with parts replaced, from the outside inwards.

    Args:
        term: The term to rebuild; it is not changed.
        replace: Returns the replacement of a part, which is not searched further, or None to keep the part.

    Returns:
        The new term.
    """
    new = replace(term)
    if new is not None:
        return new
    term = map_children(term, lambda child: rebuild(child, replace))
    if isinstance(term, Control):
        return dataclasses.replace(term, bodies=tuple(rebuild_body(body, replace) for body in term.bodies))
    return term


def rebuild_body(body: Body, replace: Callable[[Term], Term | None]) -> Body:
    """Return the body with its terms rebuilt; the values that it defines are replaced like those that it uses.

    Args:
        body: The body of a loop or branch; it is not changed.
        replace: Returns the replacement of a part, or None to keep the part; see :func:`rebuild`.

    Returns:
        The new body.
    """

    def value(old: Value) -> Value:
        new = replace(Ref(old))
        return new.value if isinstance(new, Ref) else old

    def pattern(results: Any) -> Any:
        return tuple(map(pattern, results)) if isinstance(results, tuple) else results and value(results)

    statements = tuple(
        dataclasses.replace(statement, term=rebuild(statement.term, replace), results=pattern(statement.results))
        for statement in body.statements
    )
    return Body(tuple(map(value, body.inputs)), statements, tuple(map(value, body.outputs)))


def _terms_in(value: Any) -> Iterator[Term]:
    """Yield the terms in the value of a field: a term, a body, or a tuple of any of these and of other values."""
    if isinstance(value, _TERMS):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _terms_in(item)
    elif isinstance(value, Body):
        for statement in value.statements:
            yield from (part for part in walk(statement.term) if isinstance(part, SelfAttribute))


def _map_terms(value: Any, function: Callable[[Term], Term]) -> Any:
    if isinstance(value, _TERMS):
        return function(value)
    if isinstance(value, tuple):
        items = tuple(_map_terms(item, function) for item in value)
        return value if all(a is b for a, b in zip(items, value)) else items
    return value

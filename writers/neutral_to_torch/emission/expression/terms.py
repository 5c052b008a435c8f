"""Python expressions as data: what rules make, folding compares and the printer writes.

A term is a small immutable tree. Its leaves are values of the graph (:class:`Ref`), constants (:class:`Literal`),
names of the emitted file (:class:`Name`) and what the module owns (:class:`SelfAttribute`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from typing import Any, Callable, Iterator, Mapping, Union

from neutral.graph import Value
from neutral.tensor import Tensor


@dataclass(frozen=True)
class Ref:
    """A value of the graph."""

    value: Value


@dataclass(frozen=True)
class Literal:
    """A number, bool, string, None, or a tuple of these."""

    value: Any


@dataclass(frozen=True)
class Name:
    """A global name: ``torch.float32``, ``F.relu``, or a helper's."""

    text: str


REGISTER_BUFFER = Name("self.register_buffer")


@dataclass(frozen=True)
class Member:
    base: Term
    name: str


@dataclass(frozen=True)
class Call:
    callee: Term
    args: tuple[Term, ...] = ()
    kwargs: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True)
class Slice:
    start: Term
    stop: Term
    step: Term


@dataclass(frozen=True)
class Index:
    base: Term
    items: tuple[Term, ...]


@dataclass(frozen=True)
class Operation:
    """An operator between operands (two), or before its only one: ``-x``, ``~x``."""

    symbol: str
    operands: tuple[Term, ...]


@dataclass(frozen=True)
class ListOrTuple:
    """A list or a tuple that is written out."""

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
        has_weights: Whether it is a submodule of a kind with weights, such as a convolution; see the trait.
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
    """``self.<attribute>``."""

    declaration: Any


@dataclass(frozen=True)
class ModuleOrFunction:
    """Two ways to say the same: applying a submodule (in an ``nn.Sequential``), or in a line of ``forward``."""

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
    """``*(item for _ in range(count))``, as an argument; without star and parentheses where it is the only one."""

    item: Term
    count: int
    alone: bool = False


@dataclass(frozen=True)
class ForEachModule:
    """What a value becomes when every module of an ``nn.ModuleList`` is applied to it.

    ``others`` are the arguments beside it, the same for all; it is the argument number ``position``.
    """

    modules: SelfAttribute
    value: Term
    others: tuple[Term, ...]
    position: int = 0


@dataclass(frozen=True, eq=False)
class Body:
    """What is computed inside a loop or branch: ``statements`` (of the lowered program) between values of its own."""

    inputs: tuple[Value, ...]
    statements: tuple[Any, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Control:
    """A loop or branch, which is a statement of its own: ``foreach``, ``while_loop`` or ``branch``.

    ``operands`` and ``bodies`` are those of the neutral operator of that kind (a branch's condition first); ``counts``
    are its numbers by name.
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


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly inside; of two alternatives the inline one, of bodies what they own."""
    if isinstance(term, Member):
        return (term.base,)
    if isinstance(term, Call):
        return (term.callee, *term.args, *(value for _, value in term.kwargs))
    if isinstance(term, Slice):
        return (term.start, term.stop, term.step)
    if isinstance(term, Index):
        return (term.base, *term.items)
    if isinstance(term, Operation):
        return term.operands
    if isinstance(term, ListOrTuple):
        return term.items
    if isinstance(term, ModuleOrFunction):
        return (term.inline,)
    if isinstance(term, Conditional):
        return (term.chosen, term.test, term.otherwise)
    if isinstance(term, Repeat):
        return (term.item,)
    if isinstance(term, ForEachModule):
        return (term.modules, term.value, *term.others)
    if isinstance(term, Control):
        inside = (part for body in term.bodies for statement in body.statements for part in walk(statement.term))
        return (*term.operands, *(part for part in inside if isinstance(part, SelfAttribute)))
    return ()


def walk(term: Term) -> Iterator[Term]:
    """The term and everything inside, in the order it is written."""
    yield term
    for child in children(term):
        yield from walk(child)


def values(term: Term) -> list[Value]:
    """The graph's values that the term uses, each as often as it does."""
    return [item.value for item in walk(term) if isinstance(item, Ref)]


def owns(term: Term) -> list[SelfAttribute]:
    """What the term uses of the module, each as often as it does; of two alternatives the submodule's."""
    if isinstance(term, SelfAttribute):
        return [term]
    if isinstance(term, ModuleOrFunction):
        return owns(term.module)
    return [own for child in children(term) for own in owns(child)]


def inline(term: Term) -> Term:
    """The term as a line of ``forward`` has it, without submodules that hold nothing."""
    return rebuild(term, lambda part: inline(part.inline) if isinstance(part, ModuleOrFunction) else None)


def applied(term: Term) -> SelfAttribute | None:
    """The submodule that the term does nothing but apply to values, or None."""
    if isinstance(term, ModuleOrFunction):
        term = term.module
    if isinstance(term, Call) and isinstance(term.callee, SelfAttribute):
        return term.callee
    return None


def rebuild(term: Term, replace: Callable[[Term], Term | None]) -> Term:
    """The term with every part for which ``replace`` gives another replaced, from the outside inwards."""
    new = replace(term)
    if new is not None:
        return new
    if isinstance(term, Member):
        return Member(rebuild(term.base, replace), term.name)
    if isinstance(term, Call):
        return Call(
            rebuild(term.callee, replace),
            tuple(rebuild(item, replace) for item in term.args),
            tuple((name, rebuild(item, replace)) for name, item in term.kwargs),
        )
    if isinstance(term, Slice):
        return Slice(*(rebuild(item, replace) for item in (term.start, term.stop, term.step)))
    if isinstance(term, Index):
        return Index(rebuild(term.base, replace), tuple(rebuild(item, replace) for item in term.items))
    if isinstance(term, Operation):
        return Operation(term.symbol, tuple(rebuild(item, replace) for item in term.operands))
    if isinstance(term, ListOrTuple):
        return ListOrTuple(tuple(rebuild(item, replace) for item in term.items), term.brackets)
    if isinstance(term, ModuleOrFunction):
        return ModuleOrFunction(rebuild(term.module, replace), rebuild(term.inline, replace))
    if isinstance(term, Conditional):
        return Conditional(*(rebuild(item, replace) for item in (term.test, term.chosen, term.otherwise)))
    if isinstance(term, Repeat):
        return Repeat(rebuild(term.item, replace), term.count, term.alone)
    if isinstance(term, ForEachModule):
        others = tuple(rebuild(item, replace) for item in term.others)
        modules = rebuild(term.modules, replace)
        return ForEachModule(modules, rebuild(term.value, replace), others, term.position)  # type: ignore[arg-type]
    if isinstance(term, Control):
        operands = tuple(rebuild(item, replace) for item in term.operands)
        return Control(term.kind, operands, tuple(rebuild_body(b, replace) for b in term.bodies), term.counts)
    return term


def rebuild_body(body: Body, replace: Callable[[Term], Term | None]) -> Body:
    """The body with its terms rebuilt; the values that it makes are replaced as those that it uses are."""

    def value(old: Value) -> Value:
        new = replace(Ref(old))
        return new.value if isinstance(new, Ref) else old

    def pattern(results: Any) -> Any:
        return tuple(map(pattern, results)) if isinstance(results, tuple) else results and value(results)

    statements = tuple(
        dataclass_replace(statement, term=rebuild(statement.term, replace), results=pattern(statement.results))
        for statement in body.statements
    )
    return Body(tuple(map(value, body.inputs)), statements, tuple(map(value, body.outputs)))

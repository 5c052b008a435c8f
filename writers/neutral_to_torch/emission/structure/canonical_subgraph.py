"""Canonical subgraphs: parts of a program without their numbers and names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Callable, Hashable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import (
    Call,
    Conditional,
    Declaration,
    Index,
    ListOrTuple,
    Literal,
    Member,
    ModuleOrFunction,
    Name,
    Operation,
    Ref,
    Repeat,
    SelfAttribute,
    Slice,
    Term,
)
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.printing.signatures import parameters
from neutral_to_torch.emission.structure.module_ir import Instance, Owned

ACTIVATION_KINDS = frozenset(("relu", "elu", "selu", "gelu", "silu", "hard_swish", "mish", "softplus", "clamp"))
"""Catalogue kinds of activations in which instances of a class may differ."""


@dataclass(frozen=True)
class Leaf:
    """A number, or an activation's class, that may differ between instances.

    Attributes:
        value: The number, a tuple of numbers, or the name of an activation's class.
        hint: The word of its callee: the name of the argument.
        built: Whether it is used in ``__init__``.
    """

    value: Any
    hint: str
    built: bool


Replace = Callable[[Leaf], Term]
NOTHING: Mapping[Value, Value] = {}


class Mapper:
    """Rebuild terms with their numbers replaced; each declaration is rebuilt once, at its first use."""

    def __init__(self, replace_leaf: Replace, value: Callable[[Value], Term] = Ref) -> None:
        self._replace_leaf = replace_leaf
        self._value = value
        self.owned: dict[Owned, Owned] = {}

    def __call__(self, term: Term, hint: str = "", built: bool = False) -> Term:
        if isinstance(term, Literal):
            return self._replace_leaf(Leaf(term.value, hint, built)) if is_number(term.value) else term
        if isinstance(term, Ref):
            return self._value(term.value)
        if isinstance(term, SelfAttribute):
            return SelfAttribute(self._own(term.declaration))
        if isinstance(term, Call):
            return self._call(term, built)
        if isinstance(term, Member):
            return Member(self(term.base, hint, built), term.name)
        if isinstance(term, Operation):
            hint = {"*": "scale", "+": "offset", "-": "offset", "/": "divisor"}.get(term.symbol, "value")
            return Operation(term.symbol, tuple(self(item, hint, built) for item in term.operands))
        if isinstance(term, Index):
            items = tuple(self(item, "index", built) for item in term.items)
            return Index(self(term.base, hint, built), items)
        if isinstance(term, Slice):
            names = ("start", "stop", "step")
            bounds = (term.start, term.stop, term.step)
            return Slice(*(self(bound, name, built) for bound, name in zip(bounds, names)))
        if isinstance(term, ListOrTuple):
            return ListOrTuple(tuple(self(item, hint, built) for item in term.items), term.brackets)
        if isinstance(term, ModuleOrFunction):
            return self._module_or_function(term, hint, built)
        if isinstance(term, Conditional):
            parts = (term.test, term.chosen, term.otherwise)
            return Conditional(*(self(part, hint, built) for part in parts))
        if isinstance(term, Repeat):
            return Repeat(self(term.item, hint, built), term.count)
        return term

    def _module_or_function(self, term: ModuleOrFunction, hint: str, built: bool) -> Term:
        activation = activation_of(term)
        if activation is not None:
            chosen = self._replace_leaf(Leaf(activation, "activation", True))
            if chosen != activation and isinstance(term.module, Call) and isinstance(term.module.callee, SelfAttribute):
                item = term.module.callee.declaration
                self.owned[item] = replace(item, constructor=Call(chosen), kind="activation")
                return Call(SelfAttribute(self.owned[item]), tuple(self(arg) for arg in term.module.args))
        return ModuleOrFunction(self(term.module, hint, built), self(term.inline, hint, built))

    def _call(self, call: Call, built: bool) -> Term:
        name = call.callee.text if isinstance(call.callee, Name) else ""
        names = list(parameters(name)) if name else []
        fallback = call.callee.name if isinstance(call.callee, Member) else name.rpartition(".")[2]
        fallback = {"empty": "size"}.get(fallback, fallback)
        hints = [*names, *[fallback] * len(call.args)]
        return Call(
            self(call.callee, "", built),
            tuple(self(item, hint, built) for item, hint in zip(call.args, hints)),
            tuple((key, self(item, key, built)) for key, item in call.kwargs),
        )

    def _own(self, item: Owned) -> Owned:
        if item not in self.owned:
            self.owned[item] = replace(item, constructor=self._constructor(item))
        return self.owned[item]

    def _constructor(self, item: Owned) -> Term:
        constructor = item.constructor
        if not isinstance(item, Instance) or not isinstance(constructor, Call):
            return self(constructor, "", True)
        names = [parameter.name for parameter in item.block.parameters]
        args = tuple(self(arg, name, True) for arg, name in zip(constructor.args, names))
        kwargs = tuple((name, self(arg, name, True)) for name, arg in constructor.kwargs)
        return Call(constructor.callee, args, kwargs)


def activation_of(term: Term) -> Name | None:
    """Return the class of the activation that a term applies, if it has no arguments.

    Args:
        term: The term of a statement.

    Returns:
        Such as ``nn.ReLU``; None for other terms.
    """
    own = applied(term)
    if not isinstance(term, ModuleOrFunction) or own is None or own.declaration.kind not in ACTIVATION_KINDS:
        return None
    constructor = own.declaration.constructor
    plain = isinstance(constructor, Call) and not constructor.args and not constructor.kwargs
    return constructor.callee if plain and isinstance(constructor.callee, Name) else None


def constant(value: Any) -> Term:
    """Return the term of a leaf's value: a literal, or the name of a class.

    Args:
        value: The value.
    """
    return value if isinstance(value, Name) else Literal(value)


def is_number(value: Any) -> bool:
    """Return whether a literal may differ between instances: numbers and tuples of numbers, no bools.

    Args:
        value: The value of a literal.

    Returns:
        False for None, text, bools, the empty tuple and nested tuples.
    """
    if isinstance(value, tuple):
        return bool(value) and all(is_number(item) and not isinstance(item, tuple) for item in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def leaves(statements: Sequence[Statement]) -> list[list[Leaf]]:
    """Return the numbers of each statement, in the order in which :class:`Mapper` meets them.

    Args:
        statements: The statements of a region.

    Returns:
        A list for each statement.
    """
    rows: list[list[Leaf]] = []

    def keep(leaf: Leaf) -> Term:
        rows[-1].append(leaf)
        return constant(leaf.value)

    mapper = Mapper(keep)
    for statement in statements:
        rows.append([])
        mapper(statement.term)
    return rows


@dataclass(frozen=True)
class CanonicalSubgraph:
    """A region in canonical order. Regions of equal ``key`` differ only in numbers, names and tensors."""

    statements: tuple[Statement, ...]
    inputs: tuple[Value, ...]
    output: Value
    key: Hashable


def canonicalize(
    members: Mapping[Value, Statement],
    output: Value,
    instead: Mapping[Value, Value] = NOTHING,
    any_activation: bool = False,
) -> CanonicalSubgraph:
    """Return the form of the region that computes ``output``; ``members`` gives the statement of each value inside.

    Its inputs are in the order in which they are met, the most used first.
    With ``instead`` every use of one value is one of another: the region that is left when parts are left out.

    Args:
        members: The statements of the region by the value that each defines.
        output: The value that the region computes.
        instead: The value that takes the place of another.
        any_activation: Whether regions that differ in their activations have the same key.

    Returns:
        The form, which is equal for regions that one class can express.
    """

    def at(value: Value) -> Value:
        while value in instead:
            value = instead[value]
        return value

    output = at(output)
    order: list[Statement] = []
    inputs: list[Value] = []
    seen: set[Value] = set()
    stack: list[tuple[Value, bool]] = [(output, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(members[value])
        elif value not in seen:
            seen.add(value)
            if value not in members:
                inputs.append(value)
                continue
            seen.update(members[value].values)
            stack.append((value, True))
            stack += [(at(operand), False) for operand in reversed(members[value].operands)]
    uses = Counter(at(value) for statement in order for value in statement.operands)
    inputs.sort(key=lambda value: -uses[value])
    numbers: dict[Value, tuple[str, int]] = {value: ("input", k) for k, value in enumerate(inputs)}
    owns: dict[Owned, int] = {}
    keys: list[Hashable] = []
    for position, statement in enumerate(order):
        keys.append(_key(statement.term, lambda value: numbers[at(value)], owns, any_activation))
        for k, value in enumerate(statement.values):
            numbers[value] = ("statement", 1000 * position + k)
    return CanonicalSubgraph(tuple(order), tuple(inputs), output, (tuple(keys), numbers[output]))


def token(statement: Statement) -> Hashable:
    """Return a key that is equal for statements that differ only in numbers, names and tensors.

    Args:
        statement: The statement.

    Returns:
        A hashable key.
    """
    numbers: dict[Value, int] = {}
    return _key(statement.term, lambda value: numbers.setdefault(value, len(numbers)), {})


def _key(
    term: Term, number: Callable[[Value], Hashable], owns: dict[Owned, int], any_activation: bool = False
) -> Hashable:
    def without_value(leaf: Leaf) -> Term:
        return leaf.value if isinstance(leaf.value, Name) and not any_activation else Literal("#")

    mapper = Mapper(without_value, lambda value: Name(f"@{number(value)}"))
    return _hashable(mapper(term), owns, {new: old for old, new in mapper.owned.items()})


def _hashable(term: Term, owns: dict[Owned, int], originals: Mapping[Owned, Owned]) -> Hashable:
    """Return a comparable key of a term; declarations count by constructor and roles, not by identity."""
    if isinstance(term, SelfAttribute):
        item = term.declaration
        original = originals.get(item, item)
        index = owns.setdefault(original, len(owns))
        if isinstance(item, Instance):
            return ("instance", index, id(item.block), _hashable(item.constructor, owns, originals))
        roles = (tuple(sorted(item.tensors)), tuple(sorted(item.constants)), item.buffer)
        return ("own", index, roles, _depthwise(original), _hashable(item.constructor, owns, originals))
    if isinstance(term, Call):
        args = tuple(_hashable(item, owns, originals) for item in term.args)
        kwargs = tuple((name, _hashable(item, owns, originals)) for name, item in term.kwargs)
        return ("call", _hashable(term.callee, owns, originals), args, kwargs)
    if isinstance(term, ModuleOrFunction):
        return ("either", _hashable(term.module, owns, originals), _hashable(term.inline, owns, originals))
    if isinstance(term, Member):
        return ("member", _hashable(term.base, owns, originals), term.name)
    if isinstance(term, Operation):
        return ("operation", term.symbol, tuple(_hashable(item, owns, originals) for item in term.operands))
    if isinstance(term, Index):
        items = tuple(_hashable(item, owns, originals) for item in term.items)
        return ("index", _hashable(term.base, owns, originals), items)
    if isinstance(term, Slice):
        return ("slice", *(_hashable(item, owns, originals) for item in (term.start, term.stop, term.step)))
    if isinstance(term, ListOrTuple):
        return ("display", term.brackets, tuple(_hashable(item, owns, originals) for item in term.items))
    return (type(term).__name__, repr(term))


def _depthwise(item: Owned) -> bool:
    """Return whether a declaration is a depthwise convolution."""
    constructor = item.constructor
    if not isinstance(item, Declaration) or not isinstance(constructor, Call) or not constructor.args:
        return False
    groups = dict(constructor.kwargs).get("groups")
    return groups == constructor.args[0] and groups != Literal(1)

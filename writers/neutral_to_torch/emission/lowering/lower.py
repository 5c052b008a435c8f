"""From a graph to a program: cut to what is asked for, each node replaced by what its rule says.

All that stands in the way is collected, and raised at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Iterable, Mapping, Sequence

from neutral.errors import UnsupportedError, UsageError
from neutral.graph import Graph, Input, Node, Operand, Value
from neutral.store import Store
from neutral_to_torch.emission.expression.symbols import Symbol, term_of
from neutral_to_torch.emission.expression.terms import (
    Body,
    Call,
    Declaration,
    Ref,
    SelfAttribute,
    Term,
    owns,
    rebuild,
    rebuild_body,
    values,
)
from neutral_to_torch.emission.lowering.input_shapes import wanted_ranks
from neutral_to_torch.emission.lowering.rules import NodeView, Unpacked, Unsupported, rank_of, rule_for


@dataclass(frozen=True, eq=False)
class Statement:
    """An assignment of the emitted program: ``results = term``.

    Attributes:
        name: The node's name, from which variables are named.
        term: The expression on the right-hand side.
        results: A value, or a nested tuple of values and None, that ``term`` is unpacked into.
        kind: The catalogue kind of the node; "" where the emitter made the statement.
    """

    name: str
    term: Term
    results: Any
    kind: str = ""

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The values it gives, in order."""
        return tuple(flatten(self.results))

    @cached_property
    def declarations(self) -> tuple[Any, ...]:
        """What it uses of the module, each once, in order."""
        return tuple(dict.fromkeys(own.declaration for own in owns(self.term)))

    @cached_property
    def operands(self) -> tuple[Value, ...]:
        """The values it uses, each once, in order."""
        return tuple(dict.fromkeys(values(self.term)))


@dataclass(frozen=True, eq=False)
class Program:
    """What ``forward`` computes. ``names`` gives for each value of the source the value that equals it here."""

    inputs: tuple[Input, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[Value, ...]
    aliases: Mapping[Value, Value]


def flatten(pattern: Any) -> Iterable[Value]:
    """The values of a nested tuple of values and None."""
    if isinstance(pattern, tuple):
        for item in pattern:
            yield from flatten(item)
    elif pattern is not None:
        yield pattern


def cut(graph: Graph, outputs: Sequence[str | Value] | None = None, until: str | Value | None = None) -> Graph:
    """The part of ``graph`` that gives ``outputs``, or only the value ``until``; nodes by name, or ``name:output``.

    Identities are gone, and so is what no output needs; the graph's inputs stay, except those that a cut frees.
    Raises UsageError where there is no such node.
    """
    if until is not None and outputs is not None:
        raise UsageError("outputs and until both say where to cut: give one.")
    chosen = [until] if until is not None else outputs
    wanted = graph.outputs if chosen is None else tuple(_find(graph, item) for item in chosen)
    if not wanted:
        raise UsageError("the graph is cut to no output at all.")
    aliases = identities(graph)
    nodes = {node.name: node for node in graph.nodes}
    needed: set[str] = set()
    stack = [resolve(value, aliases).node for value in wanted]
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            if name in nodes:
                stack += [resolve(v, aliases).node for v in operands(nodes[name])]
    kept = tuple(
        Node(
            node.name,
            node.kind,
            tuple(resolve(o, aliases) if isinstance(o, Value) else o for o in node.inputs),
            node.attributes,
            node.layer,
            {role: resolve(value, aliases) for role, value in node.computed.items()},
        )
        for node in graph.nodes
        if node.name in needed
    )
    inputs = tuple(item for item in graph.inputs if item.name in needed)
    return Graph(inputs, kept, tuple(resolve(value, aliases) for value in wanted))


def identities(graph: Graph) -> dict[Value, Value]:
    """What each identity's output stands for."""
    return {
        Value(node.name): node.inputs[0]
        for node in graph.nodes
        if node.kind == "identity" and isinstance(node.inputs[0], Value)
    }


def resolve(value: Value, aliases: Mapping[Value, Value]) -> Value:
    """The value behind any number of identities."""
    while value in aliases:
        value = aliases[value]
    return value


def operands(node: Node) -> list[Value]:
    """The values a node uses, computed roles included."""
    return [operand for operand in node.inputs if isinstance(operand, Value)] + list(node.computed.values())


def _find(graph: Graph, item: str | Value) -> Value:
    if isinstance(item, Value):
        return item
    names = {node.name for node in graph.nodes} | {i.name for i in graph.inputs}
    if item in names:
        return Value(item)
    name, _, output = item.rpartition(":")
    if name in names and output.isdigit():
        return Value(name, int(output))
    close = [other for other in sorted(names) if item.lower() in other.lower()][:5]
    hint = f" Do you mean {', '.join(close)}?" if close else ""
    raise UsageError(f"the graph has no node {item!r}.{hint}")


class Lowering:
    """Applies the rules to a graph's nodes, and keeps every problem it meets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._declared: dict[tuple[str, str], Declaration] = {}
        self.problems: dict[str, list[str]] = {}

    def program(self, graph: Graph, known: Mapping[Value, int | None] | None = None) -> Program:
        """The program of a graph that was :func:`cut`. Ops with problems are left out.

        ``known`` are ranks of inputs that the graph itself does not state.
        """
        used = {value for node in graph.nodes for value in operands(node)} | set(graph.outputs)
        counts: dict[str, int] = {}
        for value in used:
            counts[value.node] = max(counts.get(value.node, 0), value.output + 1)
        ranks: dict[Value, int | None] = {**wanted_ranks(graph)}
        ranks.update({Value(i.name): len(i.shape) for i in graph.inputs if i.shape is not None})
        ranks.update({value: rank for value, rank in (known or {}).items() if rank is not None})
        statements: list[Statement] = []
        for node in graph.nodes:
            flags = tuple(Value(node.name, k) in used for k in range(counts.get(node.name, 1)))
            statements += self._node(node, flags, ranks)
        aliases: dict[Value, Value] = {}
        kept = []
        for statement in statements:
            if isinstance(statement.term, Ref):
                aliases[statement.results] = resolve(statement.term.value, aliases)
            else:
                kept.append(statement if not aliases else replace(statement, term=substitute(statement.term, aliases)))
        outputs = tuple(resolve(value, aliases) for value in graph.outputs)
        return Program(graph.inputs, tuple(kept), outputs, aliases)

    def _node(self, node: Node, used: tuple[bool, ...], ranks: dict[Value, int | None]) -> list[Statement]:
        rule = rule_for(node.kind)
        if node.kind == "opaque":
            reason = node.attributes["reason"]
            self._problem(f"operator {node.attributes['operator']}: {reason}", node)
            return []
        if rule is None:
            self._problem(f"kind {node.kind} has no rule for PyTorch", node)
            return []
        layer = None if node.layer is None else self._store.layers.get(node.layer)
        if node.layer is not None and layer is None:
            self._problem(f"kind {node.kind}: its layer {node.layer!r} is not in the store", node)
            return []
        known = [_rank(operand, ranks) for operand in node.inputs]
        view = NodeView(node, layer, self._store.tensors, known, used, self._declared, self._body)
        try:
            result = rule.function(view, *view.inputs)
            found = {Value(node.name, output): rank for output, rank in enumerate(rank_of(view))}
            ranks.update({value: rank for value, rank in found.items() if rank is not None})
        except Unsupported as problem:
            self._problem(f"kind {node.kind}: {problem}", node)
            return []
        if isinstance(result, Unpacked):
            results = _pattern(result.pattern, node.name, used)
            return _split(Statement(node.name, term_of(result.expression), results, node.kind))
        items = result if isinstance(result, tuple) else (result,)
        missing = [k for k, wanted in enumerate(used) if wanted and (k >= len(items) or items[k] is None)]
        if missing:
            self._problem(f"kind {node.kind}: its output {missing[0]} cannot be had", node)
        return [
            statement
            for output, item in enumerate(items)
            if isinstance(item, Symbol) and output < len(used) and used[output]
            for statement in _split(Statement(node.name, term_of(item), Value(node.name, output), node.kind))
        ]

    def _body(self, name: str, graph: Graph, ranks: Sequence[int | None]) -> Body:
        """The program of a graph inside a node, under values of its own; its names begin with ``name``."""
        inputs = tuple(Value(item.name) for item in graph.inputs)
        inner = cut(graph)
        program = self.program(Graph(graph.inputs, inner.nodes, inner.outputs), dict(zip(inputs, ranks)))

        def renamed(leaf: Term) -> Term | None:
            return Ref(Value(f"{name}/{leaf.value.node}", leaf.value.output)) if isinstance(leaf, Ref) else None

        return rebuild_body(Body(inputs, program.statements, program.outputs), renamed)

    def _problem(self, problem: str, node: Node) -> None:
        self.problems.setdefault(problem, []).append(node.name)

    def raise_problems(self, what: str) -> None:
        """Raise UnsupportedError where there is any problem."""
        if self.problems:
            lines = tuple(_line(problem, names) for problem, names in self.problems.items())
            raise UnsupportedError(f"{what} cannot be written as PyTorch source exactly:", lines)


def _split(statement: Statement) -> list[Statement]:
    """A submodule applied to an expression as two statements, so that the submodule may stand in a sequence."""
    call = statement.term
    if not isinstance(call, Call) or not isinstance(call.callee, SelfAttribute) or len(call.args) != 1 or call.kwargs:
        return [statement]
    if isinstance(call.args[0], Ref):
        return [statement]
    before = Value(statement.name, -1)
    applied = replace(statement, term=Call(call.callee, (Ref(before),)))
    return [Statement(f"{statement.name}_input", call.args[0], before, statement.kind), applied]


def _line(problem: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{problem} ({len(names)} node{'s' if len(names) > 1 else ''}: {shown})"


def _rank(operand: Operand, ranks: Mapping[Value, int | None]) -> int | None:
    return ranks.get(operand) if isinstance(operand, Value) else 0


def _pattern(pattern: Any, node: str, used: tuple[bool, ...]) -> Any:
    if isinstance(pattern, tuple):
        return tuple(_pattern(item, node, used) for item in pattern)
    return Value(node, pattern) if pattern is not None and pattern < len(used) and used[pattern] else None


def substitute(term: Term, aliases: Mapping[Value, Value]) -> Term:
    """The term with values replaced."""
    return rebuild(term, lambda leaf: Ref(resolve(leaf.value, aliases)) if isinstance(leaf, Ref) else None)

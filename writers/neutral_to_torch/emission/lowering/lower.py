"""Lower the nodes of a graph to statements by the emitter rules; problems are collected and raised at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Iterable, Mapping, Sequence

from neutral.errors import UnsupportedError
from neutral.graph import Graph, Node, Value
from neutral.operators import catalogue
from neutral.rewriting import resolve, resolve_all
from neutral.rewriting.cut import eliminate_dead_code, remove_identities
from neutral.rewriting.input_shapes import values_of_samples, wanted_ranks
from neutral.store import Store
from neutral_to_torch.emission.expression.rebuilding import rebuild_body
from neutral_to_torch.emission.expression.symbols import Symbol, term_of
from neutral_to_torch.emission.expression.terms import Body, Call, Declaration, Ref, SelfAttribute, Term
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.program import Program, Statement, substitute
from neutral_to_torch.emission.lowering.ranks import rank_of, rank_rule_of
from neutral_to_torch.emission.lowering.rule_results import Unpacked, Unsupported
from neutral_to_torch.emission.lowering.rules import rule_for


class Lowering:
    """Apply the rules to the nodes of graphs.

    Args:
        store: The store whose layers and tensors the nodes use; no tensor is read.

    Attributes:
        problems: For each problem that was met the names of the nodes that have it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._statistics = _statistics(store)
        self._declared: dict[tuple[str, str], Declaration] = {}
        self._samples: set[Value] = set()
        self.problems: dict[str, list[str]] = {}

    def program(self, graph: Graph, known: Mapping[Value, int | None] | None = None) -> Program:
        """Return the program of a graph; nodes with problems are left out.

        Args:
            graph: A graph without identities and dead code.
            known: Ranks of inputs that the graph itself does not state.

        Returns:
            The statements, inputs and outputs; problems are kept for :meth:`raise_problems`.
        """
        statements: list[Statement] = []
        ranks = self._ranks(graph, known or {})
        constants: set[Value] = set()
        self._samples |= values_of_samples(graph, self._store.layers, self._store.tensors, rank_rule_of)
        for node, used in zip(graph.nodes, _used_outputs(graph)):
            statements += self._node(node, used, ranks, constants)
            if node.layer is None and constants.issuperset(node.operands):
                constants.update(Value(node.name, k) for k in range(len(used)))
        aliases: dict[Value, Value] = {}
        kept = []
        for statement in statements:
            if isinstance(statement.term, Ref):
                aliases[statement.results] = resolve(statement.term.value, aliases)
            else:
                kept.append(statement if not aliases else replace(statement, term=substitute(statement.term, aliases)))
        return Program(graph.inputs, tuple(kept), resolve_all(graph.outputs, aliases), aliases)

    @staticmethod
    def _ranks(graph: Graph, known: Mapping[Value, int | None]) -> dict[Value, int | None]:
        ranks: dict[Value, int | None] = {**wanted_ranks(graph, rank_rule_of)}
        ranks.update({Value(item.name): len(item.shape) for item in graph.inputs if item.shape is not None})
        ranks.update({value: rank for value, rank in known.items() if rank is not None})
        return ranks

    def _node(
        self, node: Node, used: tuple[bool, ...], ranks: dict[Value, int | None], constants: Collection[Value]
    ) -> list[Statement]:
        """Return the statements of a node, and enter the ranks of its outputs."""
        rule = rule_for(node.kind)
        layer = None if node.layer is None else self._store.layers.get(node.layer)
        if node.kind == "opaque":
            return self._problem(f"operator {node.attributes['operator']}: {node.attributes['reason']}", node)
        if rule is None:
            return self._problem(f"kind {node.kind} has no rule for PyTorch", node)
        if node.layer is not None and layer is None:
            return self._problem(f"kind {node.kind}: its layer {node.layer!r} is not in the store", node)
        known = [ranks.get(operand) if isinstance(operand, Value) else 0 for operand in node.inputs]
        fixed = [operand in constants for operand in node.inputs]
        vectors = [rank in (None, 1) and item not in self._samples for rank, item in zip(known, node.inputs)]
        view = NodeView(
            node, layer, self._store.tensors, known, used, self._declared, self._body, self._statistics, fixed, vectors
        )
        try:
            result = rule.function(view, *view.inputs)
            output_ranks = rank_of(view)
        except Unsupported as reason:
            return self._problem(f"kind {node.kind}: {reason}", node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            failure = f"{type(error).__name__}: {error}"
            return self._problem(f"kind {node.kind}: the rule fails on its attributes and shapes ({failure})", node)
        ranks.update({Value(node.name, k): rank for k, rank in enumerate(output_ranks) if rank is not None})
        return list(self._statements(node, result, used))

    def _statements(self, node: Node, result: Any, used: tuple[bool, ...]) -> Iterable[Statement]:
        """Yield the statements that assign a rule's result to the outputs that are used."""
        if isinstance(result, Unpacked):
            results = _pattern(result.pattern, node.name, used)
            yield from _split(Statement(node.name, term_of(result.expression), results, node.kind))
            return
        items = result if isinstance(result, tuple) else (result,)
        for output, wanted in enumerate(used):
            item = items[output] if output < len(items) else None
            if wanted and isinstance(item, Symbol):
                yield from _split(Statement(node.name, term_of(item), Value(node.name, output), node.kind))
            elif wanted:
                self._problem(f"kind {node.kind}: the rule for PyTorch does not give its output {output}", node)

    def _body(self, name: str, graph: Graph, ranks: Sequence[int | None]) -> Body:
        """Return the program of a graph inside a node; the names of its values begin with ``name``."""
        inputs = tuple(Value(item.name) for item in graph.inputs)
        inner = eliminate_dead_code(remove_identities(graph))
        program = self.program(replace(inner, inputs=graph.inputs), dict(zip(inputs, ranks)))

        def renamed(leaf: Term) -> Term | None:
            return Ref(Value(f"{name}/{leaf.value.node}", leaf.value.output)) if isinstance(leaf, Ref) else None

        return rebuild_body(Body(inputs, program.statements, program.outputs), renamed)

    def _problem(self, problem: str, node: Node) -> list[Statement]:
        self.problems.setdefault(problem, []).append(node.name)
        return []

    def raise_problems(self, subject: str) -> None:
        """Raise UnsupportedError with all problems where there are any; ``subject`` names the store.

        Args:
            subject: The name of the store, with which the message begins.

        Raises:
            UnsupportedError: There are problems; each is listed once with its nodes.
        """
        if self.problems:
            lines = tuple(_line(problem, names) for problem, names in self.problems.items())
            raise UnsupportedError(f"{subject} cannot be written as PyTorch source exactly:", lines)


def _used_outputs(graph: Graph) -> list[tuple[bool, ...]]:
    """Return for each node and each of its outputs whether anything uses it."""
    used = {value for node in graph.nodes for value in node.operands} | set(graph.outputs)
    counts: dict[str, int] = {}
    for value in used:
        counts[value.node] = max(counts.get(value.node, 0), value.output + 1)
    return [tuple(Value(n.name, k) in used for k in range(counts.get(n.name, 1))) for n in graph.nodes]


def _split(statement: Statement) -> list[Statement]:
    """Split the application of a submodule to an expression, so that the submodule may become part of a sequence."""
    call = statement.term
    if not isinstance(call, Call) or not isinstance(call.callee, SelfAttribute) or len(call.args) != 1 or call.kwargs:
        return [statement]
    if isinstance(call.args[0], Ref):
        return [statement]
    operand = Value(statement.name, -1)
    before = Statement(f"{statement.name}_input", call.args[0], operand, statement.kind)
    return [before, replace(statement, term=Call(call.callee, (Ref(operand),)))]


def _line(problem: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{problem} ({len(names)} node{'s' if len(names) > 1 else ''}: {shown})"


def _pattern(pattern: Any, node: str, used: tuple[bool, ...]) -> Any:
    """Return a rule's pattern of output numbers as a pattern of values, None for outputs that nothing uses."""
    if isinstance(pattern, tuple):
        return tuple(_pattern(item, node, used) for item in pattern)
    return Value(node, pattern) if pattern is not None and pattern < len(used) and used[pattern] else None


def _statistics(store: Store) -> frozenset[str]:
    """Return the keys of the tensors that are statistics of a layer, which torch keeps as buffers."""
    keys = set()
    for layer in store.layers.values():
        declared = catalogue.get(layer.kind)
        for name, key in layer.tensors.items():
            role = None if declared is None else declared.role(name)
            if role is not None and role.buffer:
                keys.add(key)
    return frozenset(keys)

"""Lower the nodes of a graph by their rules; problems are collected and raised at once."""

from __future__ import annotations

from typing import Sequence

from onnx.shape_inference import InferenceError

from neutral.errors import UnsupportedError
from neutral.graph import Graph, Node, Value
from neutral.operators import catalogue
from neutral.operators.dtypes import INTEGERS
from neutral.operators.ranks import RankContext, output_ranks
from neutral.store import Store
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.lowering.half_precision import HalfPrecision
from neutral_to_onnx.lowering.literals import literal_dtype
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import REFUSED, NeedsShape, Rule, Unsupported, load_rules


class Lowering:
    """Apply the rules to the nodes of a graph.

    Args:
        store: The store whose layers and tensors the nodes use.
        half: The layers that compute in float16, whose weights the store has so; None to compute as stored.

    Attributes:
        problems: For each problem that was met the names of the nodes that have it.
        needs_shapes: Whether some of them are sizes of inputs that are unknown.
    """

    def __init__(self, store: Store, half: HalfPrecision | None = None) -> None:
        self._store = store
        self._half = half
        self._rules = load_rules()
        self.problems: dict[str, list[str]] = {}
        self.needs_shapes = False

    def nodes(self, graph: Graph, builder: GraphBuilder, values: dict[Value, OnnxValue], prefix: str = "") -> None:
        """Add the nodes of a graph.

        Args:
            graph: The graph.
            builder: The ONNX graph under construction.
            values: The values of the graph's inputs; those of its nodes are added. Nodes with problems, and nodes that
                depend on them, have none.
            prefix: The text before the names of the nodes, for a subgraph.
        """
        used = {value for node in graph.nodes for value in node.operands} | set(graph.outputs)
        counts: dict[str, int] = {}
        for value in used:
            counts[value.node] = max(counts.get(value.node, 0), value.output + 1)
        for node in graph.nodes:
            flags = [Value(node.name, number) in used for number in range(counts.get(node.name, 1))]
            self._node(node, flags, builder, values, prefix)

    def _node(
        self, node: Node, used: Sequence[bool], builder: GraphBuilder, values: dict[Value, OnnxValue], prefix: str
    ) -> None:
        problem = self._kind_problem(node)
        if problem is not None:
            self.add_problem(problem, node.name)
        if problem is not None or any(value not in values for value in node.operands):
            return
        layer = None if node.layer is None else self._store.layers[node.layer]
        computed = {role: values[value] for role, value in node.computed.items()}
        context = NodeContext(node, layer, self._store.tensors, builder, used, computed, self, prefix)
        first = len(builder.nodes)
        try:
            _require_rank(node, builder, values)
            known = [values[operand] if isinstance(operand, Value) else None for operand in node.inputs]
            results = self._results(context, _with_literals(context, known))
            _check_outputs(node, used, results)
        except Unsupported as reason:
            self.needs_shapes |= isinstance(reason, NeedsShape)
            self.add_problem(f"kind {node.kind}: {reason}", node.name)
            return
        except (ArithmeticError, IndexError):  # a division by an extent, a position that an operand lacks
            self.add_problem(
                f"kind {node.kind}: its attributes and its operands' shapes contradict each other", node.name
            )
            return
        except InferenceError as error:
            text = str(error).partition("\n")[0]
            self.add_problem(f"kind {node.kind}: the shapes of its operands contradict each other: {text}", node.name)
            return
        ranks = _ranks(node, known, len(used))
        new_names = {name for item in builder.nodes[first:] for name in item.output}
        for number, (result, wanted) in enumerate(zip(results, used)):
            if wanted and result is not None:
                ranked = _ranked(builder, result, ranks[number])
                values[Value(node.name, number)] = _named(context, number, ranked, new_names, first)
        text = f"kind {node.kind}" + (f", layer {node.layer}" if node.layer is not None else "")
        for item in builder.nodes[first:]:
            item.doc_string = text

    def _results(self, context: NodeContext, operands: list[OnnxValue | None]) -> list[OnnxValue | None]:
        rule = self._rules[context.node.kind]
        if self._half is None:
            return _apply(rule, context, operands)
        return self._half.finished(context, _apply(rule, context, self._half.prepared(context, operands)))

    def _kind_problem(self, node: Node) -> str | None:
        if node.kind == "opaque":
            return f"operator {node.attributes['operator']}: {node.attributes['reason']}"
        if node.kind in REFUSED:
            return f"kind {node.kind}: {REFUSED[node.kind]}"
        if node.kind not in self._rules:
            return f"kind {node.kind} has no rule for ONNX"
        if node.layer is not None and node.layer not in self._store.layers:
            return f"kind {node.kind}: its layer {node.layer!r} is not in the store"
        missing = self._missing_role(node)
        if missing is not None:
            return f"kind {node.kind}: it has no tensor {missing!r}; the parameters of the checkpoint are not there"
        return None

    def _missing_role(self, node: Node) -> str | None:
        """Return the first required tensor that a node lacks, as where a symbol was converted without parameters."""
        stored = {} if node.layer is None else self._store.layers[node.layer].tensors
        required = (role.name for role in catalogue[node.kind].roles if role.required and "{" not in role.name)
        return next((name for name in required if name not in stored and name not in node.computed), None)

    def add_problem(self, problem: str, node: str) -> None:
        """Record a problem.

        Args:
            problem: The part that cannot be expressed, and the reason.
            node: The name of the node that has it.
        """
        self.problems.setdefault(problem, []).append(node)

    def error(self, subject: str, advice: Sequence[str] = ()) -> UnsupportedError | None:
        """Return the error that lists all problems, or None if there are none.

        Args:
            subject: The name of the store, with which the message begins.
            advice: Lines that follow the problems.

        Returns:
            The error, not raised.
        """
        if not self.problems:
            return None
        lines = [_line(problem, names) for problem, names in self.problems.items()]
        return UnsupportedError(f"{subject} cannot be written as ONNX exactly:", (*lines, *advice))


def _require_rank(node: Node, builder: GraphBuilder, values: dict[Value, OnnxValue]) -> None:
    """Give the first operand the rank that the kind requires, if its own is unknown.

    Raises:
        Unsupported: If its rank is another one.
    """
    operand = node.inputs[0] if node.inputs else None
    rank = output_ranks(catalogue[node.kind].operand_rank, RankContext(node.attributes))[0]
    if not isinstance(operand, Value):
        return
    known = values[operand].rank
    if None not in (rank, known) and known != rank:
        raise Unsupported(f"its operand has {known} dimensions; expected {rank}")
    values[operand] = _ranked(builder, values[operand], rank)


def _ranked(builder: GraphBuilder, value: OnnxValue, rank: int | None) -> OnnxValue:
    return builder.with_shape(value, (None,) * rank) if value.shape is None and rank is not None else value


def _ranks(node: Node, known: Sequence[OnnxValue | None], count: int) -> list[int | None]:
    """Return the ranks of a node's outputs that follow from those of its operands; None where they are unknown."""
    ranks = [
        0 if operand is not None and value is None else None if value is None else value.rank
        for operand, value in zip(node.inputs, known)
    ]
    return output_ranks(catalogue[node.kind].rank_rule, RankContext(node.attributes, ranks, count))


def _with_literals(context: NodeContext, known: Sequence[OnnxValue | None]) -> list[OnnxValue | None]:
    """Return the operands with constants for the literal numbers."""
    operator = catalogue[context.node.kind]
    return [
        value
        if operand is None or isinstance(operand, Value)
        else context.constant(operand, literal_dtype(operator, operand, known))
        for operand, value in zip(context.node.inputs, known)
    ]


def _apply(rule: Rule, context: NodeContext, operands: Sequence[OnnxValue | None]) -> list[OnnxValue | None]:
    """Call a rule; one that composes operators gets float16 operands as float32."""
    first = next((value.dtype for value in operands if value is not None), "")
    converted = rule.floating and first in INTEGERS
    if converted:
        operands = [value and context.cast(value, "float32") for value in operands]
    floats = {value.dtype for value in operands if value is not None and value.is_floating}
    context.single = rule.single and floats == {"float16"}
    if context.single:
        operands = [value and context.widened(value) for value in operands]
    result = rule.function(context, *operands)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    if context.single:
        results = [context.cast(value, "float16") if value and value.dtype == "float32" else value for value in results]
    return [value and context.cast(value, first) for value in results] if converted else results


def _check_outputs(node: Node, used: Sequence[bool], results: Sequence[OnnxValue | None]) -> None:
    for number, wanted in enumerate(used):
        if wanted and (number >= len(results) or results[number] is None):
            raise Unsupported(f"its output {number} cannot be expressed")


def _named(context: NodeContext, number: int, result: OnnxValue, new_names: set[str], first: int) -> OnnxValue:
    """Return a result under the name of the node's output, unless it is a value that existed before."""
    if result.name not in new_names:
        return result
    new_names.discard(result.name)
    name = context.name if number == 0 else context.builder.unique(f"{context.name}:{number}")
    return context.builder.rename(result, name, first)


def _line(problem: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{problem} ({len(names)} node{'s' if len(names) > 1 else ''}: {shown})"

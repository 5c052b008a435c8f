"""Find the fault that makes a network differ from a recording: the part that differs is evaluated with many faults."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from neutral.errors import NeutralError
from neutral.graph import Graph, Node, Value
from neutral.operators import catalogue
from neutral.reference.cost import multiply_adds
from neutral.reference.evaluate import Evaluator, Observer
from neutral.reference.faults import Change, input_changes, node_changes
from neutral.reference.registry import Array
from neutral.reference.selection import check_functions
from neutral.store import Store
from neutral.verification.comparison import EXPLAINED_FRACTION
from neutral.verification.golden import Golden
from neutral.verification.operators import isolate
from neutral.verification.report import Report, Row

MOST_NODES = 24
"""Nodes of a part that is evaluated with faults."""

MOST_PRODUCTS = 1 << 35
"""Multiply-adds of all evaluations together; further faults are not tried."""

CERTAIN = 1e-4
"""The part of a difference that rounding leaves where the fault is found; no further one is tried then."""

HEADS: Mapping[str, Mapping[str, Any]] = {"softmax": {"axis": -1}, "log_softmax": {"axis": -1}, "sigmoid": {}}
"""Kinds that end networks, with attributes; labels are compared with their results in training."""

_FAULTY = "a layer with a fault"
_HEAD = "a head"


class Trial(NamedTuple):
    """A part of a network with a fault.

    Attributes:
        words: The fault.
        nodes: The changed nodes by name.
        tensors: The tensors of the changed layer.
        values: Values that are given instead of computed.
        after: A node after the part; None for none.
    """

    words: str
    nodes: Mapping[str, Node] = {}
    tensors: Mapping[str, Array] = {}
    values: Mapping[Value, Array] = {}
    after: Node | None = None


def find_fault(store: Store, golden: Golden, equal: Iterable[Value], value: Value, observed: Array) -> str:
    """Return the fault with which a network computes a value that differs from the recorded one.

    The part of the graph between the values that are equal and the value is evaluated from the recorded values. Where
    it gives the recorded value, it is evaluated with each of many faults, until one gives the observed value; where it
    gives the observed one, until one gives the recorded value.

    Args:
        store: The store of the network.
        golden: The recorded values.
        equal: Recorded values of the graph that the network computes too.
        value: The value that differs.
        observed: What the network computes for it.

    Returns:
        A sentence; "" where no fault explains all but a hundredth of the difference.

    Example:
        >>> from neutral.graph import Input
        >>> from neutral.tensor import from_numpy
        >>> from neutral.verification.golden import GoldenInput
        >>> node = Node("norm", "l2_normalize", (Value("x"),), {"eps": 1e-10, "over": "channel"})
        >>> store = Store({}, {}, Graph((Input("x"),), (node,), (Value("norm"),)))
        >>> x = np.float32([[0.1, 0.2], [0.3, 0.01]])
        >>> right, wrong = (x / np.sqrt((x * x).sum(1, keepdims=True) + eps) for eps in (1e-10, 1e-3))
        >>> tensors, inputs = {"x": from_numpy(x), "norm": from_numpy(right)}, (GoldenInput("x", "x"),)
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", inputs, ("norm",), {("norm", 0): "norm"}, (), tensors)
        >>> find_fault(store, golden, [], Value("norm"), wrong)
        'the module computes as with eps 0.001 in the place of 1e-10 in norm (l2_normalize)'
    """
    recorded = _recorded(store, golden, value)
    if recorded is None or not all(np.isfinite(array).all() for array in (recorded, observed)):
        return ""
    part = _part(store, golden, equal, value)
    if part is None:
        return ""
    if _remainder(part.result, recorded, observed) <= EXPLAINED_FRACTION:
        subject, wanted, other = "the module computes", observed, recorded
    elif _remainder(part.result, observed, recorded) <= EXPLAINED_FRACTION:
        subject, wanted, other = "the recorded values are", recorded, observed
    else:
        return ""
    best, words = EXPLAINED_FRACTION, ""
    for trial in part.trials():
        result = part.run(trial)
        rest = np.inf if result is None else _remainder(result, wanted, other)
        if rest < best:
            best, words = rest, trial.words
        if best <= CERTAIN:
            break
    return f"{subject} as with {words}" if words else ""


def with_fault(report: Report, store: Store, golden: Golden, row: Row, observed: Array) -> Report:
    """Name the fault of the first row of a report that differs, if it is found; see :func:`find_fault`.

    Args:
        report: The report.
        store: The store of the network.
        golden: The recorded values.
        row: The row, a layer's or an output's.
        observed: The array that was compared in it.

    Returns:
        The report, with the fault as the hint of the row.
    """
    graph = store.graph
    if row is not report.first_divergence or graph is None:
        return report
    value = Value(row.source)
    if row.layer is None:
        places = {key: Value(*place) for place, key in golden.internals.items()}
        outputs = dict(zip(golden.outputs, graph.outputs)) if len(golden.outputs) == len(graph.outputs) else {}
        value = outputs.get(row.source) or places.get(row.source, value)
    equal = [Value(each.source) for each in report.rows if each.ok and each.layer is not None]
    fault = find_fault(store, golden, equal, value, observed)
    if not fault:
        return report
    rows = (replace(each, hint=fault) if each is row else each for each in report.rows)
    return replace(report, rows=tuple(rows))


def _recorded(store: Store, golden: Golden, value: Value) -> Array | None:
    """Return the recorded array of a value of the graph, also of an output that has no internal of its name."""
    key = golden.internals.get((value.node, value.output))
    graph = store.graph
    if key is None and graph is not None and value in graph.outputs and len(graph.outputs) == len(golden.outputs):
        key = golden.outputs[graph.outputs.index(value)]
    return None if key is None else golden.array(key)


def _part(store: Store, golden: Golden, equal: Iterable[Value], value: Value) -> _Part | None:
    """Return the nodes between equal values and a value; None where they are too many, or cannot be evaluated."""
    if store.graph is None:
        return None
    inputs = {Value(item.name): item.key for item in golden.inputs}
    known = {**inputs, **{each: golden.internals.get((each.node, each.output), "") for each in equal}}
    known = {each: key for each, key in known.items() if key and each != value}
    graph, given = isolate(store.graph, known, golden, [value])
    defined = {item.name for item in graph.inputs} | {node.name for node in graph.nodes}
    if (
        not graph.nodes
        or len(graph.nodes) > MOST_NODES
        or any(node.subgraphs or (catalogue[node.kind].random and node.kind != "dropout") for node in graph.nodes)
        or any(each.node not in defined for node in graph.nodes for each in node.operands)
    ):
        return None
    arrays = {Value(name): golden.array(known[each]) for name, each in given.items()}
    try:
        return _Part(store, graph, arrays, {Value(name): each.node for name, each in given.items() if each in inputs})
    except NeutralError:
        return None


class _Part:
    """A part of a network, evaluated.

    Args:
        store: The store of the network.
        graph: The part.
        arrays: The inputs of the part.
        names: The names of those that are inputs of the network.

    Raises:
        NeutralError: The part cannot be evaluated.
    """

    def __init__(self, store: Store, graph: Graph, arrays: Mapping[Value, Array], names: Mapping[Value, str]) -> None:
        self._graph = graph
        self._names = names
        self._evaluator = _Evaluator(store)
        self._values: dict[Value, Array] = dict(arrays)
        check_functions(graph.nodes)
        self.result = self._evaluate(graph.nodes, arrays, graph.outputs[0], self._values.__setitem__)
        self._products = self._count()
        self._left = MOST_PRODUCTS
        self._given = arrays

    def run(self, trial: Trial) -> Array | None:
        """Return the value of the part with a fault; None where it cannot be evaluated, or too much was."""
        self._left -= self._products
        if self._left < 0:
            return None
        fixed = {value.node for value in trial.values}
        nodes = [trial.nodes.get(node.name, node) for node in self._graph.nodes if node.name not in fixed]
        output = self._graph.outputs[0]
        if trial.after is not None:
            nodes.append(replace(trial.after, inputs=(output,)))
            output = Value(trial.after.name)
        self._evaluator.faulty = trial.tensors
        try:
            return self._evaluate(nodes, {**self._given, **trial.values}, output)
        except NeutralError:
            return None

    def trials(self) -> Iterator[Trial]:
        """Yield the faults to evaluate, those of the last node first."""
        for node in reversed(self._graph.nodes):
            operand = next((each for each in node.inputs if isinstance(each, Value)), None)
            if operand is not None:
                for change in node_changes(node, self._evaluator.tensors(node.layer), self._values[operand]):
                    yield self._changed(node, operand, change)
                yield from self._left_out(node, operand)
        for value, name in self._names.items():
            for change in input_changes(self._given[value]):
                if change.operand is not None:
                    yield Trial(f"{change.words} ({name})", values={value: change.operand})
        last = self._graph.outputs[0].node
        for kind, attributes in HEADS.items():
            yield Trial(f"a {kind} after {last}: another head", after=Node(_HEAD, kind, (), attributes))

    def _evaluate(
        self,
        nodes: Sequence[Node],
        values: Mapping[Value, Array],
        output: Value,
        observe: Observer | None = None,
    ) -> Array:
        with np.errstate(all="ignore"):
            (result,) = self._evaluator.nodes(nodes, dict(values), [output], observe=observe)
        return result

    def _count(self) -> int:
        shapes = {value: array.shape for value, array in self._values.items()}
        tensors = (self._evaluator.tensors(node.layer) for node in self._graph.nodes)
        roles = ({role: array.shape for role, array in each.items()} for each in tensors)
        return sum(multiply_adds(node, shapes, each) for node, each in zip(self._graph.nodes, roles))

    def _changed(self, node: Node, operand: Value, change: Change) -> Trial:
        words = f"{change.words} in {node.name} ({node.kind})"
        if change.result is not None:
            return Trial(words, values={Value(node.name): change.result})
        changed = replace(
            node,
            kind=change.kind or node.kind,
            attributes=change.attributes if change.kind else {**node.attributes, **change.attributes},
            layer=None if node.layer is None else _FAULTY,
            inputs=node.inputs[: change.operands],
        )
        tensors = {**self._evaluator.tensors(node.layer), **change.tensors}
        values = {} if change.operand is None else {operand: change.operand}
        return Trial(words, {node.name: changed}, tensors, values)

    def _left_out(self, node: Node, operand: Value) -> Iterator[Trial]:
        """Yield the part without a node that keeps the shape, as if it were not there."""
        if node.kind in ("identity", "dropout", "cast") or catalogue[node.kind].layout_only or self._has_others(node):
            return
        if self._values[operand].shape == self._values[Value(node.name)].shape:
            what = ", the head" if node.kind in HEADS else ""
            skipped = Node(node.name, "identity", (operand,), {})
            yield Trial(f"{node.name} ({node.kind}{what}) left out", {node.name: skipped})

    def _has_others(self, node: Node) -> bool:
        """Return whether another output of a node is used than its first."""
        used = chain(self._graph.outputs, *(each.operands for each in self._graph.nodes))
        return any(value.node == node.name and value.output for value in used)


class _Evaluator(Evaluator):
    """An evaluator that reads each layer once, and has a layer with a fault."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, None, np.random.default_rng(0))
        self.faulty: Mapping[str, Array] = {}
        self._read: dict[str | None, dict[str, Array]] = {}

    def tensors(self, layer: str | None) -> dict[str, Array]:
        """Return the arrays of a layer by role.

        Args:
            layer: The name of the layer.

        Returns:
            The arrays.
        """
        if layer == _FAULTY:
            return dict(self.faulty)
        if layer not in self._read:
            self._read[layer] = super().tensors(layer)
        return dict(self._read[layer])


def _remainder(result: Array, wanted: Array, other: Array) -> float:
    """Return the distance from a wanted array, in units of its distance from another, or of a tenth of its size."""
    if result.shape != wanted.shape:
        return float("inf")
    size = _distance(wanted, other) if wanted.shape == other.shape else float(np.linalg.norm(wanted)) / 10
    return _distance(result, wanted) / size if size else float("inf")


def _distance(first: Array, second: Array) -> float:
    return float(np.linalg.norm(first.astype(np.float64) - second.astype(np.float64)))

"""Find outputs of a store's network that differ because of ties, by running parts of its graph on recorded values."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Mapping, Sequence

from neutral.graph import Graph, Value
from neutral.store import Store
from neutral.verification.comparison import compare
from neutral.verification.golden import Golden
from neutral.verification.operators import isolate, recorded_values
from neutral.verification.report import Report, Row, Skipped
from neutral.verification.rounding import HIGHEST_MEASURED
from neutral.verification.ties import Step, explain_ties, ordering_sources

if TYPE_CHECKING:
    import numpy as np

    from neutral.verification.operators import RunGraph


def with_tied_outputs(report: Report, store: Store, golden: Golden, run: RunGraph) -> Report:
    """Return a report in which the outputs that ties decide are not compared; see :mod:`neutral.verification.ties`.

    Args:
        report: The report on the network that ``run`` computes from the store's graph.
        store: The store.
        golden: The recorded values.
        run: Run the graph of a store on arrays, one for each input in order, and return its outputs in order.

    Returns:
        The report itself where no output differs, or none is decided by ties.
    """
    wrong = [row for row in report.rows if row.layer is None and not row.ok and math.isfinite(row.scaled_error)]
    if not wrong or store.graph is None:
        return report
    reasons = _reasons(store, store.graph, golden, wrong, run)
    tied = tuple(Skipped(row.name, row.place, reasons[row]) for row in wrong if row in reasons)
    rows = tuple(row for row in report.rows if row not in reasons)
    return replace(report, rows=rows, skipped=(*report.skipped, *tied)) if tied else report


def _reasons(store: Store, graph: Graph, golden: Golden, wrong: Sequence[Row], run: RunGraph) -> dict[Row, str]:
    recorded = recorded_values(graph, golden)
    names = {name_of(value): value for value in recorded}
    steps = graph_steps(graph, recorded)
    sources = ordering_sources(steps)
    by_key = {recorded[value]: name for name, value in names.items()}
    outputs = {row: by_key[row.source] for row in wrong if by_key.get(row.source) in sources}
    considered = _considered(steps, sources, list(outputs.values()))
    if not considered:
        return {}
    inputs = [golden.array(recorded[Value(item.name)]) for item in graph.inputs if Value(item.name) in recorded]
    if len(inputs) < len(graph.inputs):
        return {}
    whole = _with_graph(store, replace(graph, outputs=tuple(names[name] for name in considered)))
    errors, limits = {}, {}
    tolerance = max(HIGHEST_MEASURED, *(row.tolerance for row in wrong))
    for name, observed in zip(considered, run(whole, inputs)):
        comparison = compare(observed, golden.array(recorded[names[name]]))
        errors[name] = comparison.scaled_error
        if not comparison.within(tolerance):
            limits[name] = tolerance

    def recompute(wanted: Sequence[str]) -> Mapping[str, np.ndarray]:
        part, given = isolate(graph, recorded, golden, [names[name] for name in wanted])
        arrays = [golden.array(recorded[value]) for value in given.values()]
        return dict(zip(wanted, run(_with_graph(store, part), arrays)))

    ties = explain_ties(steps, errors, limits, lambda name: golden.array(recorded[names[name]]), recompute)
    return {row: ties[name] for row, name in outputs.items() if name in ties}


def _with_graph(store: Store, graph: Graph) -> Store:
    return Store(store.layers, store.tensors, graph, store.source, path=store.path)


def _considered(steps: Mapping[str, Step], sources: Mapping[str, str], outputs: Sequence[str]) -> list[str]:
    """Return the values on the way to outputs from what is sorted or compared on, in execution order."""
    wanted = set(outputs)
    for name in reversed(list(steps)):
        if name in wanted and name in sources:
            wanted.update(operand for operand in steps[name].operands if operand in steps)
    return [name for name in steps if name in wanted]


def name_of(value: Value) -> str:
    """Return the name of a value: that of the node, with the number of a later output.

    Args:
        value: The value.

    Returns:
        The name.

    Example:
        >>> name_of(Value("y")), name_of(Value("y", 1))
        ('y', 'y:1')
    """
    return value.node if not value.output else f"{value.node}:{value.output}"


def graph_steps(graph: Graph, recorded: Mapping[Value, str]) -> dict[str, Step]:
    """Return the step that leads to each recorded value of a graph.

    Args:
        graph: The graph.
        recorded: The key of each recorded value, inputs included.

    Returns:
        Steps by name of value, in execution order.

    Example:
        >>> from neutral.graph import Input, Node
        >>> nodes = (Node("a", "relu", (Value("x"),), {}), Node("b", "exp", (Value("a"),), {}))
        >>> graph_steps(Graph((Input("x"),), nodes, (Value("b"),)), {Value("x"): "x", Value("b"): "b"})
        {'b': Step(operands=('x',), kinds=('exp', 'relu'))}
    """
    steps: dict[str, Step] = {}
    between: dict[str, Step] = {}
    for node in graph.nodes:
        operands: dict[str, None] = {}
        kinds: dict[str, None] = {node.kind: None}
        for value in node.operands:
            if value in recorded:
                operands[name_of(value)] = None
            elif value.node in between:
                operands.update(dict.fromkeys(between[value.node].operands))
                kinds.update(dict.fromkeys(between[value.node].kinds))
        step = between[node.name] = Step(tuple(operands), tuple(kinds))
        steps.update((name_of(value), step) for value in recorded if value.node == node.name)
    return steps

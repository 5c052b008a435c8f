"""Verify the operators of a store one by one: each gets the recorded values of its inputs.

Errors cannot add up along the way, nor hide behind one another: a difference is that of the operator itself.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Callable, Iterable, Mapping, Sequence

from neutral.errors import UsageError
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store
from neutral.verification.comparison import compare, likely_cause, spread
from neutral.verification.golden import Golden, open_golden
from neutral.verification.report import Report, Row, Skipped
from neutral.verification.sampling import draws, sampled_nodes, sampled_reason, sampling_note

if TYPE_CHECKING:
    import numpy as np

    RunGraph = Callable[[Store, Sequence["np.ndarray"]], Iterable["np.ndarray"]]


def verify_operators(
    store: Store, golden: str | os.PathLike[str] | Golden, run: RunGraph, *, tolerance: float = 1e-5, size: int = 100
) -> Report:
    """Compute every recorded output of a store's graph from the recorded values nearest before it.

    Sorting may put equal numbers in any order, as MXNet does: positions that differ are compared by the numbers to
    which they point.

    Args:
        store: The store.
        golden: The recorded values, or their file.
        run: Run the graph of a store on arrays, one for each input in order, and return its outputs in order.
        tolerance: The largest allowed error, in units of the largest golden magnitude. Integers have to be equal.
        size: The number of operators that are run at a time.

    Returns:
        A row for each operator whose output was recorded. Those that draw random numbers are compared in shape alone.

    Raises:
        UsageError: The store has no graph.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> graph = Graph((Input("x"),), (Node("y", "exp", (Value("x"),), {}),), (Value("y"),))
        >>> values = {"in": numpy.zeros((1, 2), "float32"), "out": numpy.ones((1, 2), "float32")}
        >>> tensors = {key: from_numpy(array) for key, array in values.items()}
        >>> from neutral.verification.golden import GoldenInput
        >>> inputs = (GoldenInput("x", "in"),)
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", inputs, ("out",), {("y", 0): "out"}, (), tensors)
        >>> verify_operators(Store({}, {}, graph), golden, lambda store, arrays: [numpy.exp(arrays[0])]).ok
        True
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, so there are no operators to verify.")
    if not isinstance(golden, Golden):
        golden = open_golden(golden)
    recorded = recorded_values(store.graph, golden)
    nodes = {node.name for node in store.graph.nodes}
    targets = [value for value in recorded if value.node in nodes]
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for start in range(0, len(targets), size):
        compared = _compare_targets(store, golden, recorded, targets[start : start + size], tolerance, run)
        rows += [row for row in compared if isinstance(row, Row)]
        skipped += [row for row in compared if isinstance(row, Skipped)]
    sources = draws(store.graph)
    missing = len(golden.internals) - len(targets)
    notes = (f"{missing} recorded outputs belong to operators that the graph does not use",) if missing else ()
    return Report(
        module=store.path or "the store",
        golden=golden.title,
        rows=tuple(rows),
        skipped=tuple(skipped),
        notes=(*notes, *([sampling_note(sources)] if sources else []), *golden.notes),
        proves=golden.proves,
    )


def recorded_values(graph: Graph, golden: Golden) -> dict[Value, str]:
    """Return the key of each value of the graph that the golden file has, in execution order.

    Args:
        graph: The graph.
        golden: The recorded values.

    Returns:
        Keys by value: inputs, and the outputs of nodes that are used.
    """
    known = {Value(item.name): item.key for item in golden.inputs}
    known.update({Value(node, index): key for (node, index), key in golden.internals.items()})
    outputs: dict[str, set[int]] = {}
    for value in (*(operand for node in graph.nodes for operand in node.operands), *graph.outputs):
        outputs.setdefault(value.node, {0}).add(value.output)
    values = [Value(item.name) for item in graph.inputs]
    for node in graph.nodes:
        values += [Value(node.name, output) for output in sorted(outputs.get(node.name, {0}))]
    return {value: known[value] for value in values if value in known}


def _compare_targets(
    store: Store,
    golden: Golden,
    recorded: Mapping[Value, str],
    targets: list[Value],
    tolerance: float,
    run: RunGraph,
) -> list[Row | Skipped]:
    assert store.graph is not None
    graph, given = isolate(store.graph, recorded, golden, targets)
    part = Store(store.layers, store.tensors, graph, store.source, path=store.path)
    arrays = {name: golden.array(recorded[value]) for name, value in given.items()}
    nodes = {node.name: node for node in graph.nodes}
    sampled = sampled_nodes(graph)
    rows: list[Row | Skipped] = []
    for value, observed in zip(targets, run(part, list(arrays.values()))):
        key, node = recorded[value], nodes[value.node]
        expected = golden.array(key)
        if node.kind == "full":
            observed = spread(observed, expected.shape)
        comparison = compare(observed, expected)
        if not comparison.within(tolerance):
            observed, expected = _resolve_positions(nodes, node, arrays, observed, expected)
            comparison = compare(observed, expected)
        source = sampled.get(value.node)
        if source is not None and not comparison.within(tolerance) and math.isfinite(comparison.scaled_error):
            rows.append(Skipped(value.node, node.kind, sampled_reason(source)))
            continue
        hint = "" if comparison.within(tolerance) else likely_cause(observed, expected, node.kind)
        rows.append(Row(value.node, None, node.kind, key, expected.shape, comparison, tolerance, hint))
    return rows


def _resolve_positions(
    nodes: Mapping[str, Node], node: Node, arrays: Mapping[str, np.ndarray], observed: np.ndarray, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values to which two arrays of positions point, where sorting a recorded value gave them."""
    import numpy as np

    while node.kind not in ("sort", "top_k"):
        source = node.inputs[0] if node.inputs else None
        if not isinstance(source, Value) or source.node not in nodes:
            return observed, expected
        node = nodes[source.node]
    source = node.inputs[0]
    array = arrays.get(source.node) if isinstance(source, Value) else None
    if array is None or observed.shape != expected.shape or observed.ndim != array.ndim:
        return observed, expected
    axis = node.attributes["axis"]
    for positions in (observed, expected):
        ordered = np.sort(positions, axis)
        if (ordered < 0).any() or (ordered >= array.shape[axis]).any() or (np.diff(ordered, axis=axis) == 0).any():
            return observed, expected
    first, second = (np.take_along_axis(array, each.astype(np.int64), axis) for each in (observed, expected))
    return first, second


def isolate(
    graph: Graph, recorded: Mapping[Value, str], golden: Golden, targets: list[Value]
) -> tuple[Graph, dict[str, Value]]:
    """Cut a graph at recorded values, so that each target is computed from the recorded values nearest before it.

    Args:
        graph: The graph.
        recorded: The key of each recorded value.
        golden: The recorded values, for their shapes.
        targets: The values to compute.

    Returns:
        The graph, with an input for each recorded value that it uses, and these values by the input's name.

    Example:
        >>> from neutral.tensor import Tensor
        >>> nodes = (Node("a", "relu", (Value("x"),), {}), Node("b", "exp", (Value("a"),), {}))
        >>> graph = Graph((Input("x"),), nodes, (Value("b"),))
        >>> recorded = {Value("a"): "a"}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", (), (), {("a", 0): "a"}, (), {"a": Tensor("F32", (2,), ())})
        >>> part, inputs = isolate(graph, recorded, golden, [Value("b")])
        >>> [node.name for node in part.nodes], inputs
        (['b'], {'recorded 0': Value(node='a', output=0)})
    """
    needed = {value.node for value in targets}
    nodes: list[Node] = []
    inputs: dict[Value, Input] = {}

    def cut(value: Value) -> Value:
        if value not in recorded:
            needed.add(value.node)
            return value
        shape = golden.tensors[recorded[value]].shape
        item = inputs.setdefault(value, Input(f"recorded {len(inputs)}", (None,) * len(shape)))
        return Value(item.name)

    for node in reversed(graph.nodes):
        if node.name in needed:
            operands = tuple(cut(operand) if isinstance(operand, Value) else operand for operand in node.inputs)
            computed = {role: cut(value) for role, value in node.computed.items()}
            nodes.append(Node(node.name, node.kind, operands, node.attributes, node.layer, computed))
    names = {item.name: value for value, item in inputs.items()}
    return Graph(tuple(inputs.values()), tuple(reversed(nodes)), tuple(targets)), names

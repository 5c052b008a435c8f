"""Proving the operators of a store one by one: each is given the recorded values of its inputs.

Errors cannot add up along the way, nor hide behind one another: what differs is the operator's own doing.
"""

from __future__ import annotations

import os
from typing import Mapping

import numpy as np
import torch

from neutral.errors import UsageError
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store
from neutral.verification.comparison import compare, likely_cause, spread
from neutral.verification.golden import Golden, open_golden
from neutral.verification.report import Report, Row
from neutral_to_torch.emission.build import build
from neutral_to_torch.verification.verify import tensors_in


def verify_operators(
    store: Store, golden: str | os.PathLike[str] | Golden, *, tolerance: float = 1e-5, size: int = 100
) -> Report:
    """Compute every recorded output of the store's graph from the recorded values nearest before it, and compare.

    The operators run as the emitted source has them, ``size`` of them in a module at a time. ``tolerance`` is in units
    of the largest golden magnitude; integers have to be equal. Sorting may put equal numbers in any order, as MXNet
    does: positions that differ are compared by the numbers that they point to. Raises UnsupportedError where the graph
    has operators that cannot be emitted, and UsageError where the store has no graph.
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, so there are no operators to verify.")
    if not isinstance(golden, Golden):
        golden = open_golden(golden)
    recorded = _recorded(store.graph, golden)
    nodes = {node.name for node in store.graph.nodes}
    wanted = [value for value in recorded if value.node in nodes]
    rows: list[Row] = []
    for start in range(0, len(wanted), size):
        rows += _rows(store, golden, recorded, wanted[start : start + size], tolerance)
    missing = len(golden.internals) - len(wanted)
    notes = (f"{missing} recorded outputs are of operators that the graph has no need of",) if missing else ()
    return Report(
        module=store.path or "the store",
        golden=f"{os.path.basename(golden.path)} ({golden.framework} {golden.framework_version})",
        rows=tuple(rows),
        notes=(*notes, *golden.notes),
    )


def _recorded(graph: Graph, golden: Golden) -> dict[Value, str]:
    """The key of each value of the graph that the golden file has, in execution order."""
    known = {Value(item.name): item.key for item in golden.inputs}
    known.update({Value(node, index): key for (node, index), key in golden.internals.items()})
    used = {value for node in graph.nodes for value in _operands(node)} | set(graph.outputs)
    values = [Value(item.name) for item in graph.inputs]
    for node in graph.nodes:
        outputs = sorted({value.output for value in used if value.node == node.name} | {0})
        values += [Value(node.name, output) for output in outputs]
    return {value: known[value] for value in values if value in known}


def _rows(
    store: Store, golden: Golden, recorded: Mapping[Value, str], wanted: list[Value], tolerance: float
) -> list[Row]:
    assert store.graph is not None
    graph, given = isolated(store.graph, recorded, golden, wanted)
    module = build(Store(store.layers, store.tensors, graph, store.source, path=store.path))
    arrays = {name: golden.array(recorded[value]) for name, value in given.items()}
    with torch.no_grad():
        results = tensors_in(module(*(torch.from_numpy(array.copy()) for array in arrays.values())))
    nodes = {node.name: node for node in graph.nodes}
    rows = []
    for value, result in zip(wanted, results):
        key, found = recorded[value], result.detach().numpy()
        expected = golden.array(key)
        if nodes[value.node].kind == "full":
            found = spread(found, expected.shape)
        comparison = compare(found, expected)
        if not comparison.within(tolerance):
            found, expected = _pointed_to(nodes, nodes[value.node], arrays, found, expected)
            comparison = compare(found, expected)
        hint = "" if comparison.within(tolerance) else likely_cause(found, expected)
        kind = nodes[value.node].kind
        rows.append(Row(value.node, None, kind, key, expected.shape, comparison, tolerance, hint))
    return rows


def _pointed_to(
    nodes: Mapping[str, Node], node: Node, arrays: Mapping[str, np.ndarray], found: np.ndarray, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What two arrays of positions point to, if that is what they are: what sorting a recorded value gave."""
    while node.kind not in ("sort", "top_k"):
        source = node.inputs[0] if node.inputs else None
        if not isinstance(source, Value) or source.node not in nodes:
            return found, expected
        node = nodes[source.node]
    source = node.inputs[0]
    array = arrays.get(source.node) if isinstance(source, Value) else None
    if array is None or found.shape != expected.shape or found.ndim != array.ndim:
        return found, expected
    axis = node.attributes["axis"]
    for positions in (found, expected):
        ordered = np.sort(positions, axis)
        if (ordered < 0).any() or (ordered >= array.shape[axis]).any() or (np.diff(ordered, axis=axis) == 0).any():
            return found, expected
    one, other = (np.take_along_axis(array, each.astype(np.int64), axis) for each in (found, expected))
    return one, other


def isolated(
    graph: Graph, recorded: Mapping[Value, str], golden: Golden, wanted: list[Value]
) -> tuple[Graph, dict[str, Value]]:
    """The graph that computes ``wanted`` with an input in the place of each recorded value, and those by its name."""
    needed = {value.node for value in wanted}
    nodes: list[Node] = []
    given: dict[Value, Input] = {}

    def fed(value: Value) -> Value:
        if value not in recorded:
            needed.add(value.node)
            return value
        shape = golden.tensors[recorded[value]].shape
        item = given.setdefault(value, Input(f"recorded {len(given)}", (None,) * len(shape)))
        return Value(item.name)

    for node in reversed(graph.nodes):
        if node.name in needed:
            inputs = tuple(fed(operand) if isinstance(operand, Value) else operand for operand in node.inputs)
            computed = {role: fed(value) for role, value in node.computed.items()}
            nodes.append(Node(node.name, node.kind, inputs, node.attributes, node.layer, computed))
    names = {item.name: value for value, item in given.items()}
    return Graph(tuple(given.values()), tuple(reversed(nodes)), tuple(wanted)), names


def _operands(node: Node) -> list[Value]:
    return [operand for operand in (*node.inputs, *node.computed.values()) if isinstance(operand, Value)]

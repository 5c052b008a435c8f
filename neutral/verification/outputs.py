"""Compare the outputs of a network with the recorded ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Sequence

from neutral.store import Store
from neutral.verification.comparison import compare, varies
from neutral.verification.golden import Golden
from neutral.verification.reference import Reference
from neutral.verification.report import Row, Skipped
from neutral.verification.rounding import SINGLE, UNITS, Rounding
from neutral.verification.rows import compare_to_row
from neutral.verification.sampling import sampled_nodes, sampled_reason

if TYPE_CHECKING:
    import numpy as np


def select_outputs(count: int, golden: Golden, store: Store | None) -> Sequence[str]:
    """Return the keys of the recorded arrays with which a network's outputs are to be compared.

    These are the golden outputs. If the store's graph has fewer, since some are for training only, they are the
    recorded values of the graph's outputs.

    Args:
        count: The number of outputs of the network.
        golden: The recorded values.
        store: The store of the network, None where it is unknown.

    Returns:
        The keys in the order of the network's outputs.

    Example:
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", (), ("y", "loss"), {}, (), {})
        >>> select_outputs(2, golden, None)
        ('y', 'loss')
    """
    graph = store.graph if store is not None else None
    if count == len(golden.outputs) or graph is None or count != len(graph.outputs):
        return golden.outputs
    recorded = [golden.internals.get((value.node, value.output)) for value in graph.outputs]
    keys = [key for key in recorded if key is not None]
    return keys if len(keys) == count else golden.outputs


def compare_outputs(
    outputs: Sequence[np.ndarray],
    golden: Golden,
    store: Store | None,
    tolerance: float | None,
    *,
    rounding: Rounding | None = None,
    reference: Reference | None = None,
) -> tuple[list[Row], list[Skipped], list[str]]:
    """Compare the outputs of a network.

    Args:
        outputs: The arrays that the network returned, in order.
        golden: The recorded values.
        store: The store of the network, None where it is unknown.
        tolerance: The largest allowed error, in units of the largest golden magnitude; None for what follows from
            ``rounding``.
        rounding: The arithmetic that leads to the outputs; None where it is unknown.
        reference: The outputs in float64, as calls of ``"outputs"``; None for none.

    Returns:
        A row for each output; the outputs that random numbers decide; and problems that make the comparison impossible.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> recorded = {"y": from_numpy(numpy.ones((1, 2), "float32"))}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", (), ("y",), {}, (), recorded)
        >>> rows, _, problems = compare_outputs([numpy.ones((1, 2), "float32")], golden, None, 1e-5)
        >>> [row.ok for row in rows], problems
        ([True], [])
    """
    keys = select_outputs(len(outputs), golden, store)
    if len(outputs) != len(keys):
        problem = (
            f"the module returns {len(outputs)} tensors and the golden file has {len(golden.outputs)} outputs "
            f"({', '.join(golden.outputs)}). Say with `outputs` which of them they are"
        )
        return [], [], [problem]
    rows, skipped = [], []
    nodes = {key: node for (node, _), key in golden.internals.items()}
    sampled = sampled_nodes(store.graph if store is not None else None)
    for index, (observed, key) in enumerate(zip(outputs, keys)):
        expected = golden.array(key)
        if not expected.size and not observed.size:
            continue
        unit = max((rounding or Rounding(1, 1)).unit, UNITS.get(golden.tensors[key].dtype, SINGLE))
        measured = reference.error("outputs", 0, index, observed) if reference is not None else None
        row = compare_to_row(
            observed,
            expected,
            tolerance,
            key,
            None,
            rounding=replace(rounding or Rounding(1, 1), unit=unit, measured=measured),
        )
        source = sampled.get(_node_of(index, key, nodes, store, len(outputs)), "")
        if not row.ok and source and math.isfinite(row.scaled_error):
            skipped.append(Skipped("output", key, sampled_reason(source)))
            continue
        if not row.ok:
            row = replace(row, hint=_find_equal_node(observed, golden, row.tolerance) or row.hint)
        rows.append(row)
    return rows, skipped, []


def _node_of(index: int, key: str, nodes: dict[str, str], store: Store | None, count: int) -> str:
    """Return the node that gives an output: the recorded one, or that of the graph where it has as many outputs."""
    graph = store.graph if store is not None else None
    if key in nodes or graph is None or count != len(graph.outputs):
        return nodes.get(key, "")
    return graph.outputs[index].node


def _find_equal_node(observed: np.ndarray, golden: Golden, tolerance: float) -> str:
    """Return a hint where an output equals that of an inner node: a network without its last operators, say."""
    for (node, index), key in golden.internals.items():
        is_candidate = golden.tensors[key].shape == observed.shape and key not in golden.outputs
        if is_candidate and varies(golden.array(key)) and compare(observed, golden.array(key)).within(tolerance):
            return f"it equals output {index} of {node}: the module ends elsewhere"
    return ""

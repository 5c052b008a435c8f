"""Compare the outputs of a network with the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from neutral.store import Store
from neutral.verification.comparison import compare
from neutral.verification.golden import Golden
from neutral.verification.report import Row
from neutral.verification.rows import compare_to_row

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
    outputs: Sequence[np.ndarray], golden: Golden, store: Store | None, tolerance: float
) -> tuple[list[Row], list[str]]:
    """Compare the outputs of a network.

    Args:
        outputs: The arrays that the network returned, in order.
        golden: The recorded values.
        store: The store of the network, None where it is unknown.
        tolerance: The largest allowed error, in units of the largest golden magnitude.

    Returns:
        A row for each output, and problems that make the comparison impossible.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> recorded = {"y": from_numpy(numpy.ones((1, 2), "float32"))}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", (), ("y",), {}, (), recorded)
        >>> rows, problems = compare_outputs([numpy.ones((1, 2), "float32")], golden, None, 1e-5)
        >>> [row.ok for row in rows], problems
        ([True], [])
    """
    keys = select_outputs(len(outputs), golden, store)
    if len(outputs) != len(keys):
        problem = (
            f"the module returns {len(outputs)} tensors and the golden file has {len(golden.outputs)} outputs "
            f"({', '.join(golden.outputs)}). Say with `outputs` which of them they are"
        )
        return [], [problem]
    rows = []
    for observed, key in zip(outputs, keys):
        expected = golden.array(key)
        if not expected.size and not observed.size:
            continue
        hint = ""
        if not compare(observed, expected).within(tolerance):
            hint = _find_equal_node(observed, golden, tolerance)
        rows.append(compare_to_row(observed, expected, tolerance, key, None, hint))
    return rows, []


def _find_equal_node(observed: np.ndarray, golden: Golden, tolerance: float) -> str:
    """Return a hint where an output equals that of an inner node: a network without its last operators, say."""
    for (node, index), key in golden.internals.items():
        is_candidate = golden.tensors[key].shape == observed.shape and key not in golden.outputs
        if is_candidate and compare(observed, golden.array(key)).within(tolerance):
            return f"it equals output {index} of {node}: the module ends elsewhere"
    return ""

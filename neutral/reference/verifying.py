"""Compare the reference, operator by operator, with the values of a golden file."""

from __future__ import annotations

import os
from typing import Sequence

from neutral.graph import Value
from neutral.reference.cost import multiply_adds
from neutral.reference.evaluate import run
from neutral.reference.registry import Array
from neutral.reference.selection import output_name
from neutral.store import Store
from neutral.verification import operators
from neutral.verification.golden import Golden
from neutral.verification.report import Report


def verify_operators(
    store: Store, golden: str | os.PathLike[str] | Golden, *, tolerance: float = 1e-5, size: int = 100
) -> Report:
    """Compute every recorded output of a graph by the reference, from the recorded values nearest before it.

    Each operator gets the values that the original framework computed, so that neither rounding nor ties (scores that
    are equal up to rounding, and are sorted in another order) add up along the way.

    Args:
        store: A store with a graph.
        golden: The recorded values, or their file.
        tolerance: The largest allowed error, in units of the largest golden magnitude. Integers have to be equal.
        size: The number of operators that are run at a time.

    Returns:
        A row for each recorded output.

    Raises:
        UsageError: If the store has no graph.
        UnsupportedError: If a kind has no reference function.
        MismatchError: If operands do not fit.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Graph, Input, Node
        >>> from neutral.tensor import from_numpy
        >>> from neutral.verification.golden import GoldenInput
        >>> graph = Graph((Input("x"),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> tensors = {"x": from_numpy(np.float32([-1, 2])), "act": from_numpy(np.float32([0, 2]))}
        >>> inputs, internals = (GoldenInput("x", "x"),), {("act", 0): "act"}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", inputs, ("act",), internals, (), tensors)
        >>> [(row.layer, row.ok) for row in verify_operators(Store({}, {}, graph), golden).rows]
        [('act', True)]
    """
    return operators.verify_operators(store, golden, _evaluate, tolerance=tolerance, size=size)


def _evaluate(store: Store, arrays: Sequence[Array]) -> list[Array]:
    assert store.graph is not None
    results = run(store, dict(zip((item.name for item in store.graph.inputs), arrays)), seed=0)
    return [results[output_name(value)] for value in store.graph.outputs]


def products_of(store: Store, golden: Golden) -> int:
    """Return the multiply-adds of a recorded run, the most of its cost; see :func:`neutral.reference.multiply_adds`.

    Args:
        store: A store with a graph.
        golden: The recorded values; only their shapes are used.

    Returns:
        The sum over the nodes; those whose values are not recorded count as 0.

    Example:
        >>> products_of(Store({}, {}), Golden("net.golden", "mxnet", "1.9.1", (), (), {}, (), {}))
        0
    """
    shapes = {Value(item.name): golden.tensors[item.key].shape for item in golden.inputs}
    shapes.update({Value(*place): golden.tensors[key].shape for place, key in golden.internals.items()})
    total = 0
    for node in store.graph.nodes if store.graph is not None else ():
        roles = store.layers[node.layer].tensors if node.layer is not None else {}
        total += multiply_adds(node, shapes, {role: store.tensors[key].shape for role, key in roles.items()})
    return total

"""Verify the operators of a store in PyTorch."""

from __future__ import annotations

import os
from typing import Sequence

import numpy as np
import torch

from neutral.store import Store
from neutral.verification import operators
from neutral.verification.golden import Golden
from neutral.verification.report import Report
from neutral_to_torch.emission.build import build
from neutral_to_torch.trace.outputs import tensors_in


def verify_operators(
    store: Store, golden: str | os.PathLike[str] | Golden, *, tolerance: float = 1e-5, size: int = 100
) -> Report:
    """Compute every recorded output of a store's graph from the recorded values nearest before it, and compare.

    The operators run as the emitted source has them.

    Args:
        store: A store with a graph.
        golden: The recorded values, or their file.
        tolerance: The largest allowed error, in units of the largest golden magnitude. Integers have to be equal.
        size: The number of operators in a module at a time.

    Returns:
        A row for each recorded output.

    Raises:
        UnsupportedError: The graph has operators that cannot be emitted.
        UsageError: The store has no graph.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.tensor import from_numpy
        >>> from neutral.verification.golden import GoldenInput
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> tensors = {"x": from_numpy(np.float32([-1, 2])), "act": from_numpy(np.float32([0, 2]))}
        >>> inputs, internals = (GoldenInput("x", "x"),), {("act", 0): "act"}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", inputs, ("act",), internals, (), tensors)
        >>> [(row.layer, row.ok) for row in verify_operators(Store({}, {}, graph), golden).rows]
        [('act', True)]
    """
    return operators.verify_operators(store, golden, run_graph, tolerance=tolerance, size=size)


def run_graph(store: Store, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run the module that is emitted for a store.

    Args:
        store: A store with a graph.
        arrays: An array for each input of the graph, in order.

    Returns:
        The outputs.
    """
    module = build(store)
    with torch.no_grad():
        results = tensors_in(module(*(torch.from_numpy(array.copy()) for array in arrays)))
    return [result.detach().numpy() for result in results]

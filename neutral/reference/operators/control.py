"""Loops and branches."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from neutral.graph import Graph
from neutral.reference.registry import Array, reference

RunGraph = Callable[[Graph, Sequence[Array]], "list[Array]"]


@reference("foreach", context="run_graph")
def foreach(*inputs: Array, body: Graph, sequences: int, states: int, run_graph: RunGraph) -> list[Array]:
    current = list(inputs[sequences : sequences + states])
    constants = inputs[sequences + states :]
    count = len(body.outputs) - states
    steps: list[list[Array]] = []
    for position in range(len(inputs[0]) if sequences else 0):
        outputs = run_graph(body, [*(sequence[position] for sequence in inputs[:sequences]), *current, *constants])
        steps.append(outputs[:count])
        current = outputs[count:]
    return [*(np.stack(results) for results in zip(*steps)), *current]


@reference("while_loop", context="run_graph")
def while_loop(
    *inputs: Array, condition: Graph, body: Graph, states: int, max_iterations: int, run_graph: RunGraph
) -> list[Array]:
    current, constants = list(inputs[:states]), inputs[states:]
    count = len(body.outputs) - states
    steps: list[list[Array]] = []
    while len(steps) < max_iterations and run_graph(condition, [*current, *constants])[0].item() != 0:
        outputs = run_graph(body, [*current, *constants])
        steps.append(outputs[:count])
        current = outputs[count:]
    shapes = steps[0] if steps else run_graph(body, inputs)[:count]  # of a loop without steps, only the shapes matter
    results = [np.zeros((max_iterations, *result.shape), result.dtype) for result in shapes]
    for number, step in enumerate(steps):
        for result, row in zip(results, step):
            result[number] = row
    return [*results, *current]


@reference("branch", context="run_graph")
def branch(condition: Array, *inputs: Array, then: Graph, otherwise: Graph, run_graph: RunGraph) -> list[Array]:
    return run_graph(then if condition.item() != 0 else otherwise, inputs)

"""Run a graph node by node; a value is freed after its last use, and a layer's tensors after its node."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from neutral.errors import MismatchError, NeutralError, UsageError
from neutral.graph import Graph, Node, Value
from neutral.operators import catalogue
from neutral.reference.precision import as_precision, finished, literal_array, widened, with_precision
from neutral.reference.registry import FUNCTIONS, Array, context_of
from neutral.reference.selection import check_functions, checked_inputs, selected_outputs
from neutral.reference.tensors import layer_tensors
from neutral.rewriting import reachable
from neutral.store import Store

PRECISIONS = ("float32", "float64")

Progress = Callable[[int, int], None]

Observer = Callable[[Value, Array], None]
"""Called with every output of every node of the graph, in execution order; subgraphs are not observed."""


def run(
    store: Store,
    inputs: Mapping[str, Any],
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    precision: str | None = None,
    *,
    seed: int | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
) -> dict[str, Array]:
    """Evaluate the graph of a store.

    Args:
        store: A store with a graph.
        inputs: Arrays by name of input, of the shapes and dtypes that the graph declares. Inputs that no output depends
            on may be absent.
        outputs: Nodes, or ``node:output``, that are returned; None for the graph's outputs.
        until: A node at which the graph ends; its outputs are returned.
        precision: A dtype in which everything floating is computed, ``float64`` or ``float32``; None: the dtypes of the
            graph.
        seed: The seed of random kinds; None: each run draws anew.
        progress: A callback that gets the number of nodes done and of nodes in all.
        observe: A callback that gets each output of each node that runs, as it is computed.

    Returns:
        Arrays by name: that of the node, with ``:k`` for its output k after the first, or as ``outputs`` has it.
        bfloat16 values are float32 arrays.

    Raises:
        UsageError: If the store has no graph, or an input, an output or the precision is unknown.
        MismatchError: If an input has another shape or dtype than the graph declares, or operands do not fit.
        UnsupportedError: If a kind has no reference function; nothing is computed.
        SourceError: If the store's file cannot be read.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> nodes = (Node("twice", "multiply", (Value("x"), 2), {}), Node("root", "sqrt", (Value("twice"),), {}))
        >>> store = Store({}, {}, Graph((Input("x"),), nodes, (Value("root"),)))
        >>> run(store, {"x": np.float32(8)}, until="twice")["twice"].item(), run(store, {"x": 8.0})["root"].item()
        (16.0, 4.0)
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, only layers: there is nothing to run.")
    if precision is not None and precision not in PRECISIONS:
        raise UsageError(f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}.")
    chosen = selected_outputs(store.graph, outputs, until)
    nodes, needed = reachable(store.graph.nodes, chosen.values())
    check_functions(nodes)
    arrays = checked_inputs(store.graph, inputs, needed)
    evaluator = Evaluator(store, precision, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        values = {Value(name): as_precision(array, precision) for name, array in arrays.items()}
        results = evaluator.nodes(nodes, values, list(chosen.values()), progress, observe)
    return dict(zip(chosen, results))


class Evaluator:
    """The evaluation of one store.

    Args:
        store: The store that holds the layers.
        precision: The dtype of everything floating, or None.
        random: The source of random numbers.
    """

    def __init__(self, store: Store, precision: str | None, random: np.random.Generator) -> None:
        self.store = store
        self.precision = precision
        self.random = random

    def graph(self, graph: Graph, arrays: Sequence[Array]) -> list[Array]:
        """Run a subgraph.

        Args:
            graph: The subgraph.
            arrays: The arrays of its inputs, in order.

        Returns:
            The arrays of its outputs, in order.
        """
        nodes, _ = reachable(graph.nodes, graph.outputs)
        values = {Value(item.name): array for item, array in zip(graph.inputs, arrays)}
        return self.nodes(nodes, values, graph.outputs)

    def nodes(
        self,
        nodes: Sequence[Node],
        values: dict[Value, Array],
        outputs: Sequence[Value],
        progress: Progress | None = None,
        observe: Observer | None = None,
    ) -> list[Array]:
        """Run nodes in order.

        Args:
            nodes: The nodes.
            values: The arrays that are known; those of the nodes are added, and removed after their last use.
            outputs: The values to return.
            progress: A callback that gets the number of nodes done and of nodes in all.
            observe: A callback that gets each output of each node.

        Returns:
            The arrays of the outputs.
        """
        uses = Counter(value for node in nodes for value in node.operands)
        uses.update(outputs)
        for done, node in enumerate(nodes, 1):
            for number, array in enumerate(self.node(node, values)):
                value = Value(node.name, number)
                if observe is not None:
                    observe(value, array)
                if uses[value]:
                    values[value] = array
            uses.subtract(node.operands)
            for value in node.operands:
                if not uses[value]:
                    values.pop(value, None)
            if progress is not None:
                progress(done, len(nodes))
        return [values[value] for value in outputs]

    def tensors(self, layer: str | None) -> dict[str, Array]:
        """Return the arrays of a layer by role.

        Args:
            layer: The name of the layer; None: there is none.

        Returns:
            The arrays.
        """
        return layer_tensors(self.store, layer)

    def node(self, node: Node, values: Mapping[Value, Array]) -> list[Array]:
        """Run one node.

        Args:
            node: The node.
            values: The arrays of its operands.

        Returns:
            The arrays of its outputs.

        Raises:
            MismatchError: If the operands do not fit the kind and its attributes.
        """
        tensors = self.tensors(node.layer)
        tensors.update((role, values[value]) for role, value in node.computed.items())
        tensors = {role: as_precision(array, self.precision) for role, array in tensors.items()}
        operator = catalogue[node.kind]
        known = [values[operand] if isinstance(operand, Value) else None for operand in node.inputs]
        operands = [
            array if operand is None or isinstance(operand, Value) else literal_array(operator, operand, known)
            for array, operand in zip(known, node.inputs)
        ]
        try:
            return self._apply(node, operands, [array.dtype for array in known if array is not None], tensors)
        except NeutralError:
            raise
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError, np.linalg.LinAlgError) as error:
            shapes = ", ".join("none" if array is None else f"{array.dtype}{array.shape}" for array in operands)
            raise MismatchError(
                f"node {node.name!r} ({node.kind}) cannot be computed from {shapes}: {error}."
            ) from error

    def _apply(
        self, node: Node, operands: Sequence[Any], dtypes: Sequence[np.dtype[Any]], tensors: Mapping[str, Array]
    ) -> list[Array]:
        operator = catalogue[node.kind]
        attributes = with_precision(node.attributes, self.precision)
        contexts = {"run_graph": self.graph, "random": self.random}
        context = context_of(node.kind)
        further = {} if context is None else {context: contexts[context]}
        operands, tensors, half = widened(operator, operands, tensors)
        result = FUNCTIONS[node.kind](*operands, **attributes, **tensors, **further)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        return finished(operator, attributes, results, dtypes, half, self.precision)

"""Compare operators that are spelled differently on two sides by running both on the same random numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Hashable, Mapping, Sequence

import torch

from neutral.errors import NeutralError
from neutral.graph import Graph, Input, Node, Operand, Value
from neutral.matching.dataflow import DataflowGraph, Port, Vertex
from neutral.matching.equivalence import AXIS_ORDERS, Alignment, AxisOrder, EquivalenceQuery, Source
from neutral.matching.heuristics import HEURISTICS
from neutral.store import Store
from neutral_to_torch.emission.build import build
from neutral_to_torch.trace.record import Record

_MAX_OUTPUTS = 8
"""Outputs of an operator that a key numbers."""


class TorchProbe:
    """Probe that runs the stored operators as they would be emitted, and the module's as they were recorded.

    Equal queries are answered once: repeated blocks have the same operators on values of the same shapes.

    Args:
        record: The recorded run of the module.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._answers: dict[Hashable, Alignment | bool | None] = {}

    def compare(self, query: EquivalenceQuery) -> Alignment | bool | None:
        """Decide an equivalence query by drawn inputs.

        Args:
            query: Two subgraphs and their operands.

        Returns:
            As :class:`neutral.matching.NumericalProbe` describes: the alignment of the outputs, True, False, or None
            where the query cannot be decided.
        """
        key = self._key(query)
        if key not in self._answers:
            self._answers[key] = self._answer(query)
        return self._answers[key]

    def _answer(self, query: EquivalenceQuery) -> Alignment | bool | None:
        """Answer by two draws: one may miss a difference, such as of negative numbers before a rectifier."""
        answer = self._draw(query, 0)
        return self._draw(query, 1) if answer else answer

    def _draw(self, query: EquivalenceQuery, draw: int) -> Alignment | bool | None:
        """Answer by one draw; values without an axis that the store has are its batch, if not an axis of one."""
        answer = self._draw_aligned(query, draw, batch=None)
        if answer is not False or not any(self._may_be_folded(query, source) for source in query.sources):
            return answer
        batches = {tensor.shape[0] for tensor in self._inputs() if tensor.dim()}
        answers = (self._draw_aligned(query, draw, batch) for batch in sorted(batches))
        return next((item for item in answers if item), False)

    def _inputs(self) -> list[torch.Tensor]:
        return [
            self.record.examples[item.name] for item in self.record.graph.inputs if item.name in self.record.examples
        ]

    def _may_be_folded(self, query: EquivalenceQuery, source: Source) -> bool:
        """Return whether a value has one axis less than the store's, as where its batch is folded into its rows."""
        shape = self.record.shapes.get(_value(query.graphs[1], source.module[0]), ())
        return bool(shape) and source.alignment.rank == len(shape) + 1

    def _draw_aligned(self, query: EquivalenceQuery, draw: int, batch: int | None) -> Alignment | bool | None:
        stored, module = query.graphs
        module_values: dict[Value, torch.Tensor] = {}
        stored_values: dict[Value, torch.Tensor] = {}
        for number, source in enumerate(query.sources):
            values = self._source_values(module, source.module[0], 2 * number + draw)
            module_values.update({_value(module, port): values for port in source.module})
            shape = _parameter_shape(stored, stored.vertices[source.stored[0][0]])
            is_folded = batch is not None and self._may_be_folded(query, source) and len(values) % batch == 0
            aligned = (
                values.unflatten(0, (batch, -1)) if is_folded and batch else _align(values, source.alignment, shape)
            )
            stored_values.update({_value(stored, port): aligned for port in source.stored})
        try:
            module_result = self._run_module(module, query.interiors[1], module_values, query.module)
            stored_result = _run_stored(stored, query.interiors[0], stored_values, query.stored)
        except (NeutralError, RuntimeError, ValueError, TypeError, IndexError, KeyError):
            return None
        orders = _candidate_orders(module_result, stored_result)
        reordered = [(reorder_axes(module_result, order), order) for order in orders]
        reordered.sort(key=lambda item: item[0].shape != stored_result.shape)  # a batch of one fits other orders too
        for value, order in reordered:
            if _are_equal(stored_result, value):
                return Alignment(order, stored_result.dim())
        return False

    def _source_values(self, graph: DataflowGraph, port: Port, seed: int) -> torch.Tensor:
        """Return the recorded tensor of a constant, or of an input that may be numbers of things; else random ones."""
        value = _value(graph, port)
        example = self.record.examples.get(value.node)
        is_input = any(item.name == value.node for item in self.record.graph.inputs)
        if example is not None and not (is_input and example.is_floating_point() and example.dim() > 2):
            return example.cpu()
        shape = self.record.shapes[value] if example is None else example.shape
        dtype = self.record.dtypes[value] if example is None else example.dtype
        generator = torch.Generator().manual_seed(seed)
        values = torch.randn(shape, generator=generator) * HEURISTICS.probe_std
        return values if dtype.is_floating_point else values.abs().to(dtype)

    def _run_module(
        self, graph: DataflowGraph, interior: Sequence[int], values: dict[Value, torch.Tensor], target: Port
    ) -> torch.Tensor:
        """Repeat the recorded calls on other values, which are added to ``values``."""
        for index in interior:
            node = graph.vertices[index].node
            if node.kind == "constant":
                values[Value(node.name)] = self.record.examples[node.name].cpu()
            elif node.kind == "identity" and isinstance(node.inputs[0], Value):
                values[Value(node.name)] = values[node.inputs[0]]
            else:
                call = self.record.calls[node.name]
                for output, tensor in enumerate(call.run(values)):
                    values[Value(node.name, output)] = tensor
        return values[_value(graph, target)]

    def _key(self, query: EquivalenceQuery) -> Hashable:
        """Return a key that is equal for queries with the same answer: names of nodes and layers do not matter."""
        stored, module = query.graphs
        numbers: tuple[dict[Value, int], dict[Value, int]] = ({}, {})
        sources = []
        for number, source in enumerate(query.sources):
            numbers[0].update({_value(stored, port): number for port in source.stored})
            numbers[1].update({_value(module, port): number for port in source.module})
            value = _value(module, source.module[0])
            example = value.node if value.node in self.record.examples else None
            signature = (self.record.shapes.get(value), self.record.dtypes.get(value), source.alignment, example)
            sources.append((*signature, _parameter_shape(stored, stored.vertices[source.stored[0][0]])))
        operators = [
            (side, *self._operator_key(graph.vertices[index].node, side, numbers[side]))
            for side, (graph, interior) in enumerate(zip(query.graphs, query.interiors))
            for index in interior
        ]
        targets = numbers[0].get(_value(stored, query.stored)), numbers[1].get(_value(module, query.module))
        return (tuple(sources), tuple(operators), targets)

    def _operator_key(self, node: Node, side: int, numbers: dict[Value, int]) -> tuple[object, ...]:
        """Return a key of an operator, its operands as numbers; number its outputs."""
        call = self.record.calls.get(node.name) if side else None
        operands = call.arguments if call is not None and node.kind != "identity" else node.inputs
        for value in (Value(node.name, output) for output in range(_MAX_OUTPUTS)):
            numbers.setdefault(value, len(numbers))
        keys = tuple(numbers.get(item, item) if isinstance(item, Value) else repr(item) for item in operands)
        function = str(call.function) if call is not None else repr(sorted(node.attributes.items(), key=str))
        constant = node.name if node.kind == "constant" else None
        return (node.kind, function, keys, constant)


def _candidate_orders(module: torch.Tensor, stored: torch.Tensor) -> tuple[AxisOrder, ...]:
    """Return the axis orders in which the stored side may have a module's value, the likeliest first."""
    if module.dim() > 1 and (1, *stored.shape) == module.shape:
        return AXIS_ORDERS
    return AXIS_ORDERS[1:] if module.dim() > 1 else ("same",)


def reorder_axes(value: torch.Tensor, order: AxisOrder) -> torch.Tensor:
    """Return a module's value with its axes in the order of the stored side.

    Args:
        value: A tensor with channels on axis 1.
        order: The order of the stored side's axes.

    Returns:
        A view of the same elements.

    Example:
        >>> reorder_axes(torch.zeros(2, 3, 4, 5), "last").shape
        torch.Size([2, 4, 5, 3])
    """
    if order == "unbatched" and value.dim() > 1:
        return value.squeeze(0)
    return value.permute(axis_permutation(value.dim(), order))


def axis_permutation(rank: int, order: AxisOrder) -> tuple[int, ...]:
    """Return the axes of a module's value in the order of the stored side.

    Args:
        rank: The number of axes.
        order: The order of the stored side's axes.

    Example:
        >>> axis_permutation(4, "last"), axis_permutation(4, "first")
        ((0, 2, 3, 1), (0, 3, 1, 2))
    """
    axes = list(range(rank))
    if rank > 1 and order == "swapped":
        axes[:2] = 1, 0
    elif rank > 1 and order == "last":
        axes.append(axes.pop(1))
    elif rank > 1 and order == "first":
        axes.insert(1, axes.pop())
    return tuple(axes)


def _run_stored(
    graph: DataflowGraph, interior: Sequence[int], given: Mapping[Value, torch.Tensor], target: Port
) -> torch.Tensor:
    """Emit the operators of an expression and run them on given values."""
    result = _value(graph, target)
    if result in given:
        return given[result]
    renamed = {value: Value(f"source{number}") for number, value in enumerate(given)}
    names = {graph.vertices[index].node.name: f"step{index}" for index in interior}

    def rename(operand: Operand) -> Operand:
        if not isinstance(operand, Value):
            return operand
        return renamed.get(operand) or Value(names.get(operand.node, operand.node), operand.output)

    nodes = tuple(
        replace(node, name=names[node.name], inputs=tuple(map(rename, node.inputs)))
        for node in (graph.vertices[index].node for index in interior)
    )
    used = {operand.node for node in nodes for operand in node.inputs if isinstance(operand, Value)}
    inputs = {renamed[value].node: tensor for value, tensor in given.items() if renamed[value].node in used}
    expression = Graph(
        tuple(Input(name, tuple(tensor.shape)) for name, tensor in inputs.items()),
        nodes,
        (Value(names[result.node], result.output),),
    )
    with torch.no_grad():
        output = build(Store({}, {}, expression))(**inputs)
    return output if isinstance(output, torch.Tensor) else output[0]


def _value(graph: DataflowGraph, port: Port) -> Value:
    return Value(graph.vertices[port[0]].node.name, port[1])


def _parameter_shape(graph: DataflowGraph, vertex: Vertex) -> tuple[int, ...] | None:
    """Return the stored shape of a bare parameter, None for other vertices."""
    if vertex.node.kind == "parameter" and vertex.node.layer is not None:
        return graph.network.shape(vertex.node.layer, "value")
    return None


def _align(value: torch.Tensor, alignment: Alignment, shape: tuple[int, ...] | None) -> torch.Tensor:
    """Return a module's value as the stored side has it: reshaped, or with reordered, added or merged axes."""
    if shape is not None:
        return value.reshape(shape)
    value = reorder_axes(value, alignment.axis_order)
    if alignment.rank is None or alignment.rank == value.dim():
        return value
    if value.dim() < alignment.rank:
        return value.reshape(*value.shape, *(1 for _ in range(alignment.rank - value.dim())))
    return value.flatten(alignment.rank - 1)


def _are_equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.numel() != b.numel():
        return False
    if [n for n in a.shape if n != 1] != [n for n in b.shape if n != 1] and a.dim() == b.dim():
        return False
    a, b = a.reshape(-1).double(), b.reshape(-1).double()
    scale = max(float(torch.nan_to_num(a, posinf=0, neginf=0).abs().max()), 1e-6) if a.numel() else 1.0
    return torch.allclose(a, b, rtol=0, atol=HEURISTICS.probe_tolerance * scale, equal_nan=True)

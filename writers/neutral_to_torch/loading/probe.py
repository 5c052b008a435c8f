"""Operators that are spelled differently on two sides, compared by running both on the same random numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Hashable, Mapping, Sequence

import torch

from neutral.errors import NeutralError
from neutral.graph import Graph, Input, Operand, Value
from neutral.matching.check_dataflow import AXIS_ORDERS, Alignment, AxisOrder, EquivalenceQuery, Port
from neutral.matching.dataflow import DataflowGraph, Vertex
from neutral.store import Store
from neutral_to_torch.emission.build import build
from neutral_to_torch.trace.recorder import Record

TOLERANCE = 1e-4
"""Largest difference of equal expressions, in units of the largest value."""

SPREAD = 4.0
"""Standard deviation of the numbers: many lie beyond the bounds of clipped activations."""


class TorchProbe:
    """Runs the stored operators as they would be emitted, and the module's as they were recorded.

    Equal questions are asked once: repeated blocks have the same operators on values of the same shapes.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._answers: dict[Hashable, Alignment | bool | None] = {}

    def same(self, question: EquivalenceQuery) -> Alignment | bool | None:
        key = self._key(question)
        if key not in self._answers:
            self._answers[key] = self._ask(question)
        return self._answers[key]

    def _ask(self, question: EquivalenceQuery) -> Alignment | bool | None:
        stored, module = question.flows
        values: dict[Value, torch.Tensor] = {}
        given: dict[Value, torch.Tensor] = {}
        for number, source in enumerate(question.sources):
            numbers = self._numbers(module, source.module[0], number)
            step = stored.steps[source.stored[0][0]]
            values.update({_value(module, place): numbers for place in source.module})
            mine = _as_stored(numbers, source.alignment, _stored_shape(stored, step))
            given.update({_value(stored, place): mine for place in source.stored})
        try:
            found = self._run_module(module, question.inside[1], values, question.module)
            expected = _run_stored(stored, question.inside[0], given, question.stored)
        except (NeutralError, RuntimeError, ValueError, TypeError, IndexError, KeyError):
            return None
        equal = (layout for layout in _layouts(found, expected) if _equal(expected, in_layout(found, layout)))
        return next((Alignment(layout, expected.dim()) for layout in equal), False)

    def _numbers(self, flow: DataflowGraph, place: Port, seed: int) -> torch.Tensor:
        value = _value(flow, place)
        if value.node in self.record.examples:
            return self.record.examples[value.node].cpu()
        shape, dtype = self.record.shapes[value], self.record.dtypes[value]
        generator = torch.Generator().manual_seed(seed)
        numbers = torch.randn(shape, generator=generator) * SPREAD
        return numbers if dtype.is_floating_point else numbers.abs().to(dtype)

    def _run_module(
        self, flow: DataflowGraph, places: Sequence[int], values: dict[Value, torch.Tensor], target: Port
    ) -> torch.Tensor:
        for place in places:
            node = flow.steps[place].node
            if node.kind == "constant":
                values[Value(node.name)] = self.record.examples[node.name].cpu()
            elif node.kind == "identity" and isinstance(node.inputs[0], Value):
                values[Value(node.name)] = values[node.inputs[0]]
            else:
                call = self.record.calls[node.name]
                for index, output in enumerate(call.run(values)):
                    values[Value(node.name, index)] = output
        return values[_value(flow, target)]

    def _key(self, question: EquivalenceQuery) -> Hashable:
        stored, module = question.flows
        numbers: tuple[dict[Value, int], dict[Value, int]] = ({}, {})
        sources = []
        for number, source in enumerate(question.sources):
            numbers[0].update({_value(stored, place): number for place in source.stored})
            numbers[1].update({_value(module, place): number for place in source.module})
            theirs, step = _value(module, source.module[0]), stored.steps[source.stored[0][0]]
            own = theirs.node if theirs.node in self.record.examples else None
            kept = (self.record.shapes.get(theirs), self.record.dtypes.get(theirs), source.alignment, own)
            sources.append((*kept, _stored_shape(stored, step)))
        texts = []
        for side, (flow, places) in enumerate(zip(question.flows, question.inside)):
            for step_place in places:
                node = flow.steps[step_place].node
                call = self.record.calls.get(node.name) if side else None
                operands = call.arguments if call is not None and node.kind != "identity" else node.inputs
                for item in (Value(node.name, output) for output in range(8)):
                    numbers[side].setdefault(item, len(numbers[side]))
                refs = tuple(numbers[side].get(i, i) if isinstance(i, Value) else repr(i) for i in operands)
                what = str(call.function) if call is not None else repr(sorted(node.attributes.items(), key=str))
                own = node.name if node.kind == "constant" else None
                texts.append((side, node.kind, what, refs, own))
        targets = tuple(
            numbers[side].get(_value(flow, place))
            for side, (flow, place) in enumerate(zip(question.flows, (question.stored, question.module)))
        )
        return (tuple(sources), tuple(texts), targets)


def _layouts(found: torch.Tensor, expected: torch.Tensor) -> tuple[AxisOrder, ...]:
    """The forms in which the stored side may have a module's value, the likeliest first."""
    if found.dim() > 1 and (1, *expected.shape) == found.shape:
        return AXIS_ORDERS
    return AXIS_ORDERS[1:] if found.dim() > 1 else ("same",)


def in_layout(value: torch.Tensor, layout: AxisOrder) -> torch.Tensor:
    """A module's value with its axes in the order of the stored side."""
    if value.dim() < 2:
        return value
    if layout == "unbatched":
        return value.squeeze(0)
    if layout == "swapped":
        return value.transpose(0, 1)
    if layout == "last":
        return value.movedim(1, -1)
    return value.movedim(-1, 1) if layout == "first" else value


def _run_stored(
    flow: DataflowGraph, places: Sequence[int], given: Mapping[Value, torch.Tensor], target: Port
) -> torch.Tensor:
    wanted = _value(flow, target)
    if wanted in given:
        return given[wanted]
    names = {value: f"source{number}" for number, value in enumerate(given)}

    def renamed(operand: Operand) -> Operand:
        return Value(names[operand]) if isinstance(operand, Value) and operand in names else operand

    nodes = tuple(
        replace(node, inputs=tuple(map(renamed, node.inputs)), name=f"step{place}")
        for place, node in ((place, flow.steps[place].node) for place in places)
    )
    steps = {flow.steps[place].node.name: f"step{place}" for place in places}
    nodes = tuple(
        replace(
            node,
            inputs=tuple(
                Value(steps[item.node], item.output) if isinstance(item, Value) and item.node in steps else item
                for item in node.inputs
            ),
        )
        for node in nodes
    )
    used = {item.node for node in nodes for item in node.inputs if isinstance(item, Value)}
    inputs = {names[value]: tensor for value, tensor in given.items() if names[value] in used}
    graph = Graph(
        tuple(Input(name, tuple(tensor.shape)) for name, tensor in inputs.items()),
        nodes,
        (Value(steps[wanted.node], wanted.output),),
    )
    with torch.no_grad():
        result = build(Store({}, {}, graph))(**inputs)
    return result if isinstance(result, torch.Tensor) else result[0]


def _value(flow: DataflowGraph, place: Port) -> Value:
    return Value(flow.steps[place[0]].node.name, place[1])


def _stored_shape(flow: DataflowGraph, step: Vertex) -> tuple[int, ...] | None:
    if step.node.kind == "parameter" and step.node.layer is not None:
        return flow.side.shape(step.node.layer, "value")
    return None


def _as_stored(value: torch.Tensor, alignment: Alignment, shape: tuple[int, ...] | None) -> torch.Tensor:
    """A module's value as the stored side has it: its axes in another order, or ones added or left out."""
    if shape is not None:
        return value.reshape(shape)
    value = in_layout(value, alignment.axis_order)
    if alignment.rank is None or alignment.rank == value.dim():
        return value
    if value.dim() < alignment.rank:
        return value.reshape(*value.shape, *(1 for _ in range(alignment.rank - value.dim())))
    return value.flatten(alignment.rank - 1)


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.numel() != b.numel():
        return False
    if [n for n in a.shape if n != 1] != [n for n in b.shape if n != 1] and a.dim() == b.dim():
        return False
    a, b = a.reshape(-1).double(), b.reshape(-1).double()
    scale = max(float(torch.nan_to_num(a, posinf=0, neginf=0).abs().max()), 1e-6) if a.numel() else 1.0
    return torch.allclose(a, b, rtol=0, atol=TOLERANCE * scale, equal_nan=True)

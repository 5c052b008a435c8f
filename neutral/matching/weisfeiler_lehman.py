"""Colour refinement of a dataflow: layers of one colour cannot be told apart by what flows into them and out of them.

This is Weisfeiler and Lehman's refinement, directed: a colour from the inputs on, one from the outputs back, and both
again with the colours found. Colours of two flows can be compared where one :class:`WeisfeilerLehman` gave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import FrozenSet, Hashable, Mapping

from neutral.matching.dataflow import DataflowGraph, LayerGroup, Vertex
from neutral.operators import catalogue

ORDERED = frozenset(("concatenate", "stack", "matmul", "subtract", "divide", "where", "tensordot", "power"))
"""Kinds that frameworks spell alike and for which the order of the operands matters."""

POOLS = {
    **dict.fromkeys(("average_pool", "global_average_pool", "adaptive_average_pool", "mean"), "average"),
    **dict.fromkeys(("max_pool", "global_max_pool", "adaptive_max_pool", "reduce_max"), "max"),
    **dict.fromkeys(("sum_pool", "global_sum_pool", "sum"), "sum"),
}

SIMPLE = frozenset(("prelu",))


@dataclass(frozen=True)
class Level:
    """How much a colour depends on: ``attributes`` of layers and places of inputs and outputs, the ``operators``
    between layers, the ``order`` of operands, and whether ``norms`` come between other layers or are seen through."""

    name: str
    attributes: bool = False
    operators: bool = False
    order: bool = False
    norms: bool = True


LEVELS = (
    Level("attributes, operators and order", attributes=True, operators=True, order=True),
    Level("operators and order", operators=True, order=True),
    Level("order of operands", order=True),
    Level("what depends on what"),
    Level("what depends on what, normalisations aside", norms=False),
)
"""From strict to loose."""

Sources = FrozenSet[int]


class WeisfeilerLehman:
    """Gives equal numbers to equal things."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers))

    def units(
        self, flow: DataflowGraph, level: Level, pairs: Mapping[int, int], known: Mapping[int, int]
    ) -> dict[int, tuple[int, int, int]]:
        """For each unit that the flow uses three colours: of both directions, forward only, backward only.

        ``pairs`` numbers the units whose partners are known. What is behind such a unit does not matter any more.
        ``known`` are colours found before.
        """
        labels = [self._label(flow, step, level, known) for step in flow.steps]
        paired = [None if step.unit is None else pairs.get(step.unit) for step in flow.steps]
        before = self._sources(flow, level, labels, paired)[0]
        after = self._backward(flow, level, labels, paired)
        found = {}
        for unit, places in flow.uses().items():
            both = sorted(self.number((labels[p], before[p], after[p])) for p in places)
            one_way = (sorted(self.number((labels[p], way[p])) for p in places) for way in (before, after))
            found[unit] = (self.number(tuple(both)), *(self.number((way, *items)) for way, items in zip("fb", one_way)))
        return found  # type: ignore[return-value]

    def refined(
        self,
        flows: tuple[DataflowGraph, DataflowGraph],
        level: Level,
        pairs: tuple[Mapping[int, int], Mapping[int, int]],
    ) -> list[dict[int, tuple[int, int, int]]]:
        """The colours of both flows, refined until there are no more of them."""
        known: list[dict[int, int]] = [{}, {}]
        found: list[dict[int, tuple[int, int, int]]] = []
        count = 0
        while True:
            again = [self.units(*item) for item in zip(flows, (level, level), pairs, known)]
            refined = len({colours[0] for colours in again[0].values()})
            if found and refined == count:
                return found
            found, count = again, refined
            if count == len(found[0]):
                return found
            known = [{unit: colours[0] for unit, colours in side.items()} for side in found]

    def outputs(self, flow: DataflowGraph, level: Level) -> list[int]:
        """A colour for each output: what it is computed from."""
        labels = [self._label(flow, step, level, {}) for step in flow.steps]
        sources = self._sources(flow, level, labels, [None] * len(labels))[1]
        return [self.number(sources[place]) for place, _ in flow.outputs]

    def _label(self, flow: DataflowGraph, step: Vertex, level: Level, known: Mapping[int, int]) -> int | None:
        """The number of what a step is, None where it is seen through."""
        if step.unit is not None:
            unit = flow.units[step.unit]
            details = _details(flow, unit) if level.attributes else ()
            return self.number(("layer", unit.label, details, known.get(step.unit)))
        kind = step.node.kind
        if kind == "input":
            place = flow.places[step.node.name]
            return self.number(("input", place if level.attributes else None))
        many = len(set(step.flowing)) > 1
        if _only_moves_elements(kind) or not step.flowing:
            return None
        if level.order and kind in ORDERED and many:
            return self.number(("operator", kind))
        if level.operators and (kind not in ORDERED or many):
            operator = catalogue.get(kind)
            if operator is not None and operator.commutative and not many:
                return None
            return self.number(("operator", POOLS.get(kind, kind)))
        return None

    def _sources(
        self, flow: DataflowGraph, level: Level, labels: list[int | None], paired: list[int | None]
    ) -> tuple[list[int], list[Sources]]:
        """For each step the colour of what flows into it, and the colours that it passes on."""
        into: list[int] = []
        passed: list[Sources] = []
        for step, label, pair in zip(flow.steps, labels, paired):
            operands = [
                passed[place] if not output or label is None else frozenset((self.number((passed[place], output)),))
                for place, output in step.flowing
            ]
            ordered = step.node.kind in ORDERED or step.unit is not None
            numbers = [self.number(operand) for operand in operands if operand]
            into.append(self.number(tuple(numbers if ordered and level.order else sorted(set(numbers)))))
            if label is None or (step.unit is not None and _seen_through(flow.units[step.unit], level)):
                passed.append(_union(operands))
            elif pair is not None:
                passed.append(frozenset((self.number(("pair", pair)),)))
            else:
                passed.append(frozenset((self.number((label, into[-1])),)))
        return into, passed

    def _backward(
        self, flow: DataflowGraph, level: Level, labels: list[int | None], paired: list[int | None]
    ) -> list[int]:
        """For each step the colour of what becomes of it."""
        after: list[set[int]] = [set() for _ in flow.steps]
        for index, (place, _) in enumerate(flow.outputs):
            after[place].add(self.number(("output", index if level.attributes else None)))
        colours = [0] * len(flow.steps)
        for place in range(len(flow.steps) - 1, -1, -1):
            step, label, pair = flow.steps[place], labels[place], paired[place]
            colours[place] = self.number(frozenset(after[place]))
            through = label is None or (step.unit is not None and _seen_through(flow.units[step.unit], level))
            for position, (operand, _) in enumerate(step.flowing):
                if through:
                    after[operand] |= after[place]
                else:
                    ordered = level.order and (step.node.kind in ORDERED or step.unit is not None)
                    what = ("pair", pair) if pair is not None else (label, colours[place])
                    after[operand].add(self.number(("use", position if ordered else 0, what)))
        return colours


@lru_cache(maxsize=None)
def _only_moves_elements(kind: str) -> bool:
    """Return whether a kind computes nothing: such kinds are spelled in so many ways that no colour depends on them."""
    operator = catalogue.get(kind)
    return operator is not None and (operator.layout_only or operator.dtype_only or operator.inference_identity)


def _union(operands: list[Sources]) -> Sources:
    if len(operands) == 1:
        return operands[0]
    return frozenset().union(*operands)


def _seen_through(unit: LayerGroup, level: Level) -> bool:
    return not level.norms and (unit.kind.endswith("_norm") or unit.kind in SIMPLE)


SIGNIFICANT_ATTRIBUTES = ("stride", "padding", "dilation", "groups", "output_padding", "bidirectional", "num_layers")


def _details(flow: DataflowGraph, unit: LayerGroup) -> tuple[object, ...]:
    """Shapes and attributes that tell layers apart, but not what is often written in two ways."""
    layer = flow.side.layers[unit.name]
    shape = flow.side.shape(unit.name, "weight") if "weight" in layer.tensors else ()
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    values = {name: layer.attributes[name] for name in SIGNIFICANT_ATTRIBUTES if name in layer.attributes}
    plain = all(_is_plain(name, value) for name, value in values.items())
    return (layer.kind == "prelu" or shape, () if plain else tuple(sorted(values.items())))


def _is_plain(name: str, value: object) -> bool:
    """Whether a convolution's attribute is the one that makes a 1x1 convolution a linear map."""
    usual = 0 if name in ("padding", "output_padding") else 1
    return all(item == usual for item in value) if isinstance(value, tuple) else value == usual

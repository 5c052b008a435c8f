"""Whether two dataflows compute the same once layers are paired, and where not.

Values are numbered, equal ones alike on both sides: an operator of equal operands gives the same number, and so do
partners with equal inputs. A :class:`NumericalProbe` compares operators that are spelled differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Hashable, Mapping, Protocol, Tuple

from neutral.graph import Node, Value
from neutral.matching.dataflow import DataflowGraph, Vertex
from neutral.operators import Operator, catalogue

Port = Tuple[int, int]
"""A step and the number of its output."""

AxisOrder = str
"""How the stored side orders the axes of a value that the module has: ``same``; ``swapped``, the first two; ``last``,
the module's axis 1 comes last; ``first``, the module's last axis becomes axis 1; ``unbatched``, the module has an axis
of one before them."""

AXIS_ORDERS: tuple[AxisOrder, ...] = ("unbatched", "same", "swapped", "last", "first")


@dataclass(frozen=True)
class Alignment:
    """How the stored side has a value that the module has too: its layout, and where known how many axes."""

    axis_order: AxisOrder = "same"
    rank: int | None = None


@dataclass(frozen=True)
class Source:
    """A value from which both sides go on, by any of the places that have it, and the alignment of the stored one."""

    stored: tuple[Port, ...]
    module: tuple[Port, ...]
    alignment: Alignment


@dataclass(frozen=True)
class EquivalenceQuery:
    """Whether ``stored`` and ``module`` are the same function of the sources."""

    flows: tuple[DataflowGraph, DataflowGraph]
    stored: Port
    module: Port
    sources: tuple[Source, ...]
    inside: tuple[tuple[int, ...], tuple[int, ...]]
    """The steps of both sides between the sources and the two values, in execution order."""


class NumericalProbe(Protocol):
    """Decides by other means than comparing texts whether two expressions are the same."""

    def same(self, question: EquivalenceQuery) -> Alignment | bool | None:
        """In which alignment they are the same, False if in none, None where that cannot be found out."""


@dataclass
class Findings:
    """``conflicts``: a stored layer (None for an output) and what contradicts its pair. ``notes`` are for people."""

    conflicts: list[tuple[str | None, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(
    stored: DataflowGraph,
    module: DataflowGraph,
    pairs: Mapping[int, int],
    inputs: Mapping[str, str],
    probe: NumericalProbe,
) -> Findings:
    """Compare what flows into paired units, and the outputs. ``inputs`` leads from stored inputs to the module's."""
    return _Check((stored, module), pairs, inputs, probe).run()


class _Check:
    def __init__(
        self,
        flows: tuple[DataflowGraph, DataflowGraph],
        pairs: Mapping[int, int],
        inputs: Mapping[str, str],
        probe: NumericalProbe,
    ) -> None:
        self.flows = flows
        self.pairs = pairs
        self.partners = set(pairs.values())
        self.inputs = inputs
        self.probe = probe
        self.findings = Findings()
        self.numbers: dict[Hashable, int] = {}
        self.known: tuple[dict[Port, int], dict[Port, int]] = ({}, {})
        self.places: tuple[dict[int, Port], dict[int, Port]] = ({}, {})
        self.alignments: dict[int, Alignment] = {}
        self.spliced: dict[Hashable, tuple[Hashable, tuple[Hashable, ...]]] = {}
        uses = flows[1].uses()
        self.waiting = {unit: list(uses.get(partner, ())) for unit, partner in pairs.items()}

    def run(self) -> Findings:
        for name, other in self.inputs.items():
            if name in self.flows[0].places and other in self.flows[1].places:
                self._share((self.flows[0].places[name], 0), (self.flows[1].places[other], 0), Alignment())
        for place, step in enumerate(self.flows[0].steps):
            if step.unit in self.pairs:
                self._layer(place, step)
        for unit, waiting in self.waiting.items():
            if waiting:
                self._conflict(unit, "the module uses it more often than the store")
        self._outputs()
        return self.findings

    def _layer(self, place: int, step: Vertex) -> None:
        """Find the use of the partner that this use of a unit is, and compare what flows into both."""
        assert step.unit is not None
        waiting = self.waiting[step.unit]
        if not waiting:
            self._conflict(step.unit, "the store uses it more often than the module")
            return
        wanted = [self._number(0, operand) for operand in step.operands]
        for other in waiting:
            if wanted == [self._number(1, operand) for operand in self.flows[1].steps[other].operands]:
                alignment = self.alignments.get(wanted[0], Alignment()) if wanted else Alignment()
                break
        else:
            other = waiting[0]
            alignment = self._differ(step.unit, step, self.flows[1].steps[other])
        waiting.remove(other)
        for output in range(3):
            self._share((place, output), (other, output), self._given(step, self.flows[1].steps[other], alignment))

    def _given(self, ours: Vertex, theirs: Vertex, alignment: Alignment) -> Alignment:
        """In which alignment the stored side has what layers give whose inputs differ by ``alignment``."""
        first = _channels_first(ours), _channels_first(theirs)
        turned = "last" if first == (False, True) else "first" if first == (True, False) else alignment.axis_order
        if ours.node.kind == "parameter" and ours.node.layer is not None:
            return Alignment(rank=len(self.flows[0].side.shape(ours.node.layer, "value")))
        return Alignment(turned, _rank(ours, alignment.rank))

    def _share(self, ours: Port, theirs: Port, alignment: Alignment) -> None:
        number = self._new(("shared", len(self.numbers)))
        self.alignments[number] = alignment
        if ours in self.known[0] and self.known[0][ours] in self.spliced:
            self.spliced[number] = self.spliced[self.known[0][ours]]
        for side, place in enumerate((ours, theirs)):
            self.known[side][place] = number
            self.places[side][number] = place

    def _new(self, thing: Hashable) -> int:
        return self.numbers.setdefault(thing, len(self.numbers))

    def _conflict(self, unit: int, text: str) -> None:
        stored, module = self.flows[0].units[unit], self.flows[1].units[self.pairs[unit]]
        self.findings.conflicts.append((stored.name, f"stored {stored.name} and the module's {module.name}: {text}"))

    def _differ(self, unit: int, ours: Vertex, theirs: Vertex) -> Alignment:
        """Inputs of partners that are not numbered alike: equal after all, or a conflict. Return the first's."""
        first = Alignment()
        for a, b in zip(ours.operands, theirs.operands):
            alignment = self.alignments.get(self._number(0, a), Alignment())
            if self._number(0, a) != self._number(1, b):
                verdict = self._same(a, b)
                text = f"the input is {self.spell(0, a)} in the store, {self.spell(1, b)} in the module"
                if verdict is False:
                    self._conflict(unit, text)
                elif verdict is None:
                    names = self.flows[0].units[unit].name, self.flows[1].units[self.pairs[unit]].name
                    self.findings.notes.append(
                        f"not compared, of stored {names[0]} and the module's {names[1]}: {text}"
                    )
                alignment = verdict if isinstance(verdict, Alignment) else alignment
                self._share(self._origin(0, a), self._origin(1, b), alignment)
            if a == ours.operands[0]:
                first = alignment
        return first

    def _same(self, a: Port, b: Port) -> Alignment | bool | None:
        """Ask the probe; true for values of a layer without a partner, which is reported as such.

        Values that both sides have are taken as given at first. Where that fails, layers and inputs alone are.
        """
        a, b = self._origin(0, a), self._origin(1, b)
        answer = self._ask(a, b, short=True)
        return answer if answer else self._ask(a, b, short=False)

    def _ask(self, a: Port, b: Port, short: bool) -> Alignment | bool | None:
        stops: tuple[set[int], set[int]] = (set(self.places[0]), set(self.places[1])) if short else (set(), set())
        found = [self._cone(0, a, stops[1]), self._cone(1, b, stops[0])]
        sources: dict[int, tuple[list[Port], list[Port]]] = {}
        for side, (leaves, _) in enumerate(found):
            for leaf in leaves:
                number = self._number(side, leaf)
                step = self.flows[side].steps[leaf[0]]
                if step.unit is not None and step.unit not in (self.pairs, self.partners)[side]:
                    return True
                if number not in self.places[0] or number not in self.places[1]:
                    return None if step.node.kind == "input" else False
                sources.setdefault(number, ([self.places[0][number]], [self.places[1][number]]))[side].append(leaf)
        given = tuple(
            Source(
                tuple(dict.fromkeys(places[0])),
                tuple(dict.fromkeys(places[1])),
                self.alignments.get(number, Alignment()),
            )
            for number, places in sources.items()
        )
        return self.probe.same(EquivalenceQuery(self.flows, a, b, given, (tuple(found[0][1]), tuple(found[1][1]))))

    def _origin(self, side: int, place: Port) -> Port:
        """Where a value was made that has only been passed on since."""
        step = self.flows[side].steps[place[0]]
        while step.unit is None and step.operands and _passes_on(step.node):
            place = step.operands[0]
            step = self.flows[side].steps[place[0]]
        return place

    def _cone(self, side: int, target: Port, stops: set[int]) -> tuple[list[Port], list[int]]:
        """Where an expression begins, at layers, inputs and values of certain numbers, and its steps in order."""
        flow = self.flows[side]
        leaves: dict[Port, None] = {}
        inside: set[int] = set()
        pending = [target]
        while pending:
            place = pending.pop()
            step = flow.steps[place[0]]
            if place in leaves or place[0] in inside:
                continue
            if step.unit is not None or step.node.kind == "input" or self._number(side, place) in stops:
                leaves[place] = None
            else:
                inside.add(place[0])
                pending += step.operands
        return list(leaves), sorted(inside)

    def _number(self, side: int, place: Port) -> int:
        """The number of a value; what it depends on is numbered first, without recursion."""
        known, flow = self.known[side], self.flows[side]
        pending = [place]
        while pending:
            top = pending[-1]
            step = flow.steps[top[0]]
            is_source = step.unit is not None or step.node.kind == "input"
            missing = [] if is_source or top in known else [item for item in step.operands if item not in known]
            pending += missing
            if missing:
                continue
            pending.pop()
            if top in known:
                continue
            alone = _passes_on(step.node)
            if alone and step.operands and not is_source:
                known[top] = known[step.operands[0]]
                continue
            known[top] = self._new(("own", side, top) if is_source else self._expression(side, top, step))
            self.places[side].setdefault(known[top], top)
            if step.operands and not is_source and known[step.operands[0]] in self.alignments:
                self.alignments.setdefault(known[top], self.alignments[known[step.operands[0]]])
        return known[place]

    def _expression(self, side: int, place: Port, step: Vertex) -> Hashable:
        node, known = step.node, self.known[side]
        operator = _described(node)
        if operator is None:
            return ("own", side, place)
        values = iter(step.operands)
        operands: list[Hashable] = [
            known[next(values)] if isinstance(item, Value) else ("number", float(item))
            for item in node.inputs
            if item is not None
        ]
        what = (node.kind, tuple(sorted((name, repr(value)) for name, value in node.attributes.items())))
        if operator.associative:
            operands = [part for item in operands for part in self._spliced(item, what)]
        if operator.commutative:
            operands.sort(key=repr)
        expression = (*what, tuple(operands), place[1])
        if operator.associative:
            self.spliced[self._new(expression)] = (what, tuple(operands))
        return expression

    def _spliced(self, operand: Hashable, what: Hashable) -> tuple[Hashable, ...]:
        """The operands of an operand that is made by the same operator, which is associative."""
        kind, parts = self.spliced.get(operand, (None, ()))
        return parts if kind == what else (operand,)

    def _outputs(self) -> None:
        """Every stored output is one of the module's, or one of both goes on from the other."""
        theirs = list(dict.fromkeys(self.flows[1].outputs))
        for index, ours in enumerate(self.flows[0].outputs):
            number = self._number(0, ours)
            if not any(self._number(1, other) == number for other in theirs):
                alone = len(self.flows[1].outputs) == len(self.flows[0].outputs)
                self._output(index, ours, [self.flows[1].outputs[index]] if alone else theirs)

    def _output(self, index: int, ours: Port, candidates: list[Port]) -> None:
        verdicts = [self._same(ours, other) for other in candidates]
        if any(verdicts):
            return
        for other in candidates:
            text = self._ends_before(index, ours, other)
            if text:
                self.findings.notes.append(text)
                return
        text = f"output {index} is {self.spell(0, ours)} in the store, {self.spell(1, candidates[0])} in the module"
        if None in verdicts:
            self.findings.notes.append(f"not compared: {text}")
        else:
            self.findings.conflicts.append((None, text))

    def _ends_before(self, index: int, ours: Port, theirs: Port) -> str | None:
        for inner in self._inner(0, ours):
            if self._same(inner, theirs):
                return (
                    f"output {index} of the store is {self.spell(0, ours)}, the module gives {self.spell(1, theirs)}: "
                    "the module ends before"
                )
        for inner in self._inner(1, theirs):
            if self._same(ours, inner):
                return (
                    f"output {index} of the store is {self.spell(0, ours)}, the module gives {self.spell(1, theirs)}: "
                    "the module goes on"
                )
        return None

    def _inner(self, side: int, place: Port) -> list[Port]:
        """The values from which a value is made by operators of one operand, the last first."""
        found: list[Port] = []
        while True:
            step = self.flows[side].steps[place[0]]
            if step.unit is not None or len(set(step.operands)) != 1:
                return found
            place = step.operands[0]
            found.append(place)

    def spell(self, side: int, place: Port, depth: int = 4) -> str:
        """An expression for people, cut off where it gets long."""
        flow = self.flows[side]
        step = flow.steps[place[0]]
        if step.unit is not None:
            return flow.side.layers[flow.units[step.unit].name].name
        node = step.node
        if node.kind == "input":
            return f"the input {node.name}"
        if node.kind in ("identity", "dropout", "cast") and step.operands:
            return self.spell(side, step.operands[0], depth)
        if depth == 0:
            return "..."
        name = str(node.attributes.get("operator", node.kind)) if node.kind == "opaque" else node.kind
        values = iter(step.operands)
        parts = []
        for item in node.inputs:
            if isinstance(item, Value):
                parts.append(self.spell(side, next(values), depth - 1))
            elif item is not None:
                parts.append(f"{item:g}")
        shown = ("kernel_size", "stride", "padding", "min", "max", "axis", "negative_slope", "rounding", "output_size")
        parts += [f"{key}={value}" for key, value in node.attributes.items() if key in shown and value is not None]
        return f"{name}({', '.join(parts)})"


def _rank(step: Vertex, rank: int | None) -> int | None:
    """How many axes a layer's output has, where its kind says so, or the ``rank`` of its input is known."""
    if step.node.kind == "embedding":
        return None if rank is None else rank + 1
    if step.node.kind in ("convolution", "transposed_convolution"):
        return 2 + len(step.node.attributes["kernel_size"])
    return 2 if step.node.kind == "linear" and step.node.attributes.get("flatten") else rank


def _channels_first(step: Vertex) -> bool | None:
    """Whether a layer gives its channels as axis 1, or last; None where the kind leaves that to its input."""
    layout, axis = step.node.attributes.get("layout"), step.node.attributes.get("axis")
    if layout is not None:
        return bool(layout == "channels_first")
    if step.node.kind in ("instance_norm", "group_norm") or (step.node.kind == "batch_norm" and axis == 1):
        return True
    return False if step.node.kind in ("linear", "batch_norm", "embedding") else None


def _passes_on(node: Node) -> bool:
    """Return whether the node's output is its first operand."""
    operator = catalogue.get(node.kind)
    if operator is None:
        return False
    joins_one = operator.associative and operator.inputs[0].startswith("*") and len(node.inputs) == 1
    return operator.inference_identity or joins_one


def _described(node: Node) -> Operator | None:
    """Return the catalogue's entry where equal attributes and operands mean equal results, else None.

    A network that was traced in a framework may have nodes of a kind without all of its attributes.
    """
    operator = catalogue.get(node.kind)
    if operator is None or node.kind == "opaque" or operator.random or operator.has_weights:
        return None
    if any(attribute.type == "graph" for attribute in operator.attributes):
        return None
    return operator if next(operator.problems(node.attributes), None) is None else None

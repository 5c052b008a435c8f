"""Check that two dataflow graphs compute the same once their layers are paired, and find where they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from neutral.matching.dataflow import DataflowGraph, Port, Vertex
from neutral.matching.equivalence import Alignment, EquivalenceQuery, NumericalProbe, Source
from neutral.matching.expressions import format_expression
from neutral.matching.value_numbering import ValueNumbering, is_identity

_MAX_LAYER_OUTPUTS = 3
"""The outputs of an LSTM: the sequence and two states."""


@dataclass
class DataflowComparison:
    """The result of :func:`check_dataflow`.

    Attributes:
        conflicts: A stored layer, None for an output of the network, and a message that contradicts its pair.
        notes: Messages for people, such as on expressions that could not be compared.
    """

    conflicts: list[tuple[str | None, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_dataflow(
    stored: DataflowGraph,
    module: DataflowGraph,
    pairs: Mapping[int, int],
    inputs: Mapping[str, str],
    probe: NumericalProbe,
) -> DataflowComparison:
    """Compare the inputs of paired layers, and the outputs.

    Args:
        stored: The stored graph.
        module: The module's graph.
        pairs: The module's layer group of each stored one.
        inputs: The module's input of each stored one.
        probe: Compares operators between layers that are spelled differently.

    Returns:
        The conflicts, which refuse a plan, and the notes.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.matching.dataflow import build_dataflow
        >>> from neutral.matching.network import Network
        >>> class Unequal:
        ...     def compare(self, query):
        ...         return False
        >>> def graph(kind):
        ...     nodes = (Node("y", kind, (Value("x"),), {}),)
        ...     return build_dataflow(Network({}, {}), Graph((Input("x"),), nodes, (Value("y"),)))
        >>> same = check_dataflow(graph("relu"), graph("relu"), {}, {"x": "x"}, Unequal())
        >>> different = check_dataflow(graph("relu"), graph("exp"), {}, {"x": "x"}, Unequal())
        >>> len(same.conflicts), len(different.conflicts)
        (0, 1)
    """
    return _Check((stored, module), pairs, inputs, probe).run()


class _Check:
    def __init__(
        self,
        graphs: tuple[DataflowGraph, DataflowGraph],
        pairs: Mapping[int, int],
        inputs: Mapping[str, str],
        probe: NumericalProbe,
    ) -> None:
        self.graphs = graphs
        self.pairs = pairs
        self.partners = set(pairs.values())
        self.inputs = inputs
        self.probe = probe
        self.comparison = DataflowComparison()
        self.values = ValueNumbering(graphs)
        uses = graphs[1].uses()
        self.unvisited = {group: list(uses.get(partner, ())) for group, partner in pairs.items()}

    def run(self) -> DataflowComparison:
        stored, module = self.graphs
        for name, module_name in self.inputs.items():
            if name in stored.indices and module_name in module.indices:
                self.values.unify((stored.indices[name], 0), (module.indices[module_name], 0), Alignment())
        for index, vertex in enumerate(stored.vertices):
            if vertex.group in self.pairs:
                self._check_layer(index, vertex)
        for group, unvisited in self.unvisited.items():
            if unvisited:
                self._add_conflict(group, "the module uses it more often than the store")
        self._check_outputs()
        return self.comparison

    def _check_layer(self, index: int, vertex: Vertex) -> None:
        """Find the module's use that this use of a layer is, and compare the inputs of both."""
        assert vertex.group is not None
        unvisited = self.unvisited[vertex.group]
        if not unvisited:
            self._add_conflict(vertex.group, "the store uses it more often than the module")
            return
        module_vertices = self.graphs[1].vertices
        numbers = [self.values.number(0, operand) for operand in vertex.operands]
        for partner in unvisited:
            if numbers == [self.values.number(1, operand) for operand in module_vertices[partner].operands]:
                alignment = self.values.alignment(numbers[0]) if numbers else Alignment()
                break
        else:
            partner = unvisited[0]
            alignment = self._compare_inputs(vertex.group, vertex, module_vertices[partner])
        unvisited.remove(partner)
        output_alignment = self._output_alignment(vertex, module_vertices[partner], alignment)
        for output in range(_MAX_LAYER_OUTPUTS):
            self.values.unify((index, output), (partner, output), output_alignment)

    def _output_alignment(self, stored: Vertex, module: Vertex, alignment: Alignment) -> Alignment:
        """Return the alignment of two layers' outputs, given that of their inputs."""
        node = stored.node
        channels_first = _gives_channels_first(stored), _gives_channels_first(module)
        axis_order = alignment.axis_order
        if channels_first == (False, True):
            axis_order = "last"
        elif channels_first == (True, False):
            axis_order = "first"
        if node.kind == "parameter" and node.layer is not None:
            return Alignment(rank=len(self.graphs[0].network.shape(node.layer, "value")))
        return Alignment(axis_order, _output_rank(stored, alignment.rank))

    def _compare_inputs(self, group: int, stored: Vertex, module: Vertex) -> Alignment:
        """Compare inputs with different numbers; report a conflict where they differ. Return the first's alignment."""
        first = Alignment()
        for a, b in zip(stored.operands, module.operands):
            alignment = self.values.alignment(self.values.number(0, a))
            if self.values.number(0, a) != self.values.number(1, b):
                verdict = self._are_equal(a, b)
                text = f"the input is {self._format(0, a)} in the store, {self._format(1, b)} in the module"
                if verdict is False:
                    self._add_conflict(group, text)
                elif verdict is None:
                    names = self.graphs[0].groups[group].name, self.graphs[1].groups[self.pairs[group]].name
                    self.comparison.notes.append(
                        f"not compared, of stored {names[0]} and the module's {names[1]}: {text}"
                    )
                alignment = verdict if isinstance(verdict, Alignment) else alignment
                self.values.unify(self._origin(0, a), self._origin(1, b), alignment)
            if a == stored.operands[0]:
                first = alignment
        return first

    def _are_equal(self, a: Port, b: Port) -> Alignment | bool | None:
        """Ask the probe; True where a value comes from a layer without a partner, which is reported as such.

        Common values of both sides are sources at first. If that fails, only layers and inputs are.
        """
        a, b = self._origin(0, a), self._origin(1, b)
        answer = self._ask_probe(a, b, stop_at_common=True)
        return answer if answer else self._ask_probe(a, b, stop_at_common=False)

    def _ask_probe(self, a: Port, b: Port, stop_at_common: bool) -> Alignment | bool | None:
        ports = self.values.ports
        stops: tuple[set[int], set[int]] = (set(ports[0]), set(ports[1])) if stop_at_common else (set(), set())
        cones = [self._cone(0, a, stops[1]), self._cone(1, b, stops[0])]
        sources: dict[int, tuple[list[Port], list[Port]]] = {}
        for side, (leaves, _) in enumerate(cones):
            for leaf in leaves:
                number = self.values.number(side, leaf)
                vertex = self.graphs[side].vertices[leaf[0]]
                if vertex.group is not None and vertex.group not in (self.pairs, self.partners)[side]:
                    return True
                if number not in ports[0] or number not in ports[1]:
                    return None if vertex.node.kind == "input" else False
                sources.setdefault(number, ([ports[0][number]], [ports[1][number]]))[side].append(leaf)
        given = tuple(
            Source(tuple(dict.fromkeys(both[0])), tuple(dict.fromkeys(both[1])), self.values.alignment(number))
            for number, both in sources.items()
        )
        interiors = tuple(cones[0][1]), tuple(cones[1][1])
        return self.probe.compare(EquivalenceQuery(self.graphs, a, b, given, interiors))

    def _origin(self, side: int, port: Port) -> Port:
        """Return the port that makes a value, before all identities."""
        vertex = self.graphs[side].vertices[port[0]]
        while vertex.group is None and vertex.operands and is_identity(vertex.node):
            port = vertex.operands[0]
            vertex = self.graphs[side].vertices[port[0]]
        return port

    def _cone(self, side: int, target: Port, stops: set[int]) -> tuple[list[Port], list[int]]:
        """Return the leaves of an expression (layers, inputs, numbers of ``stops``) and its vertices in order."""
        graph = self.graphs[side]
        leaves: dict[Port, None] = {}
        interior: set[int] = set()
        pending = [target]
        while pending:
            port = pending.pop()
            vertex = graph.vertices[port[0]]
            if port in leaves or port[0] in interior:
                continue
            if vertex.group is not None or vertex.node.kind == "input" or self.values.number(side, port) in stops:
                leaves[port] = None
            else:
                interior.add(port[0])
                pending += vertex.operands
        return list(leaves), sorted(interior)

    def _check_outputs(self) -> None:
        """Check that every stored output is an output of the module, or that one is computed from the other."""
        stored, module = self.graphs
        module_outputs = list(dict.fromkeys(module.outputs))
        for index, output in enumerate(stored.outputs):
            number = self.values.number(0, output)
            if not any(self.values.number(1, port) == number for port in module_outputs):
                own = module.outputs[index : index + 1] if len(module.outputs) == len(stored.outputs) else []
                self._check_output(index, output, list(dict.fromkeys([*own, *module_outputs])), bool(own))

    def _check_output(self, index: int, output: Port, candidates: list[Port], has_own: bool) -> None:
        verdicts = [self._are_equal(output, candidate) for candidate in candidates]
        if has_own and any(verdicts[1:]) and not verdicts[0]:
            places = [self.graphs[1].outputs.index(port) for port, verdict in zip(candidates, verdicts) if verdict]
            self.comparison.notes.append(f"output {index} of the store is output {places[0]} of the module")
        if any(verdicts):
            return
        if has_own:
            candidates, verdicts = candidates[:1], verdicts[:1]
        for candidate in candidates:
            text = self._describe_truncation(index, output, candidate)
            if text:
                self.comparison.notes.append(text)
                return
        text = (
            f"output {index} is {self._format(0, output)} in the store, {self._format(1, candidates[0])} in the module"
        )
        if None in verdicts:
            self.comparison.notes.append(f"not compared: {text}")
        else:
            self.comparison.conflicts.append((None, text))

    def _describe_truncation(self, index: int, stored: Port, module: Port) -> str | None:
        """Return a note where one side's output is an intermediate value of the other."""
        head = f"output {index} of the store is {self._format(0, stored)}, the module gives {self._format(1, module)}: "
        if any(self._are_equal(inner, module) for inner in self._unary_ancestors(0, stored)):
            return head + "the module ends before"
        if any(self._are_equal(stored, inner) for inner in self._unary_ancestors(1, module)):
            return head + "the module goes on"
        return None

    def _unary_ancestors(self, side: int, port: Port) -> list[Port]:
        """Return the values from which a value is made by operators of one operand, the last first."""
        ancestors: list[Port] = []
        while True:
            vertex = self.graphs[side].vertices[port[0]]
            if vertex.group is not None or len(set(vertex.operands)) != 1:
                return ancestors
            port = vertex.operands[0]
            ancestors.append(port)

    def _add_conflict(self, group: int, text: str) -> None:
        stored, module = self.graphs[0].groups[group], self.graphs[1].groups[self.pairs[group]]
        self.comparison.conflicts.append((stored.name, f"stored {stored.name} and the module's {module.name}: {text}"))

    def _format(self, side: int, port: Port) -> str:
        return format_expression(self.graphs[side], port)


def _output_rank(vertex: Vertex, input_rank: int | None) -> int | None:
    """Return the rank of a layer's output, None where its kind and the rank of its input do not tell."""
    node = vertex.node
    if node.kind == "embedding":
        return None if input_rank is None else input_rank + 1
    if node.kind in ("convolution", "transposed_convolution"):
        return 2 + len(node.attributes["kernel_size"])
    return 2 if node.kind == "linear" and node.attributes.get("flatten") else input_rank


def _gives_channels_first(vertex: Vertex) -> bool | None:
    """Return whether a layer's output has its channels as axis 1, not last; None where that depends on its input."""
    node = vertex.node
    layout, axis = node.attributes.get("layout"), node.attributes.get("axis")
    if layout is not None:
        return bool(layout == "channels_first")
    if node.kind in ("instance_norm", "group_norm") or (node.kind == "batch_norm" and axis == 1):
        return True
    return False if node.kind in ("linear", "batch_norm", "embedding") else None

"""Compare the dataflow of a module with the store's once their layers are matched."""

from __future__ import annotations

from dataclasses import dataclass

from neutral.matching.dataflow import DataflowGraph, build_dataflow
from neutral.matching.dataflow_check import check_dataflow
from neutral.matching.equivalence import NumericalProbe
from neutral.matching.matcher import Matching
from neutral.matching.network import Network


@dataclass(frozen=True)
class DataflowConflicts:
    """Differences between the dataflow of both sides.

    Attributes:
        conflicts: Messages that contradict a match.
        notes: Messages for people: comparisons that were impossible, and conflicts that the user's mapping overrides.
    """

    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_dataflow_conflicts(
    stored: Network, module: Network, matching: Matching, probe: NumericalProbe
) -> DataflowConflicts:
    """Compare the inputs of matched layers and the outputs of both networks.

    Args:
        stored: The store's network.
        module: The module's network.
        matching: The matches. Conflicts of those that the user gave are notes.
        probe: Compares operators that are spelled differently.

    Returns:
        Nothing where one of the networks has no graph.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> def network(*operands):
        ...     nodes = (Node("y", "subtract", tuple(map(Value, operands)), {}),)
        ...     return Network({}, {}, Graph((Input("a"), Input("b")), nodes, (Value("y"),)))
        >>> class Undecided:
        ...     def compare(self, query):
        ...         return None
        >>> find_dataflow_conflicts(network("a", "b"), network("a", "b"), Matching(), Undecided()).conflicts
        ()
    """
    if stored.graph is None or module.graph is None:
        return DataflowConflicts()
    graphs = build_dataflow(stored, stored.graph), build_dataflow(module, module.graph)
    group_of = [{name: group.index for group in graph.groups for name in group.layers} for graph in graphs]
    whole = [
        match
        for match in matching.matches
        if match.whole and match.stored in group_of[0] and match.module in group_of[1]  # others have no tensors
    ]
    pairs: dict[int, int] = {}
    for match in whole:
        pairs.setdefault(group_of[0][match.stored], group_of[1][match.module])
    by_user = {group_of[0][match.stored] for match in whole if match.reason == "mapping"}
    comparison = check_dataflow(*graphs, pairs, _pair_inputs(*graphs, pairs), probe)
    conflicts: list[str] = []
    notes = list(comparison.notes)
    for name, text in comparison.conflicts:
        is_overridden = name is not None and group_of[0][name] in by_user
        (notes if is_overridden else conflicts).append(text)
    return DataflowConflicts(tuple(conflicts), tuple(notes))


def _pair_inputs(stored: DataflowGraph, module: DataflowGraph, pairs: dict[int, int]) -> dict[str, str]:
    """Pair the inputs of both graphs: by the layers that they reach, else by name, else in order."""
    graphs = (stored, module)
    names = [[vertex.node.name for vertex in graph.vertices if vertex.node.kind == "input"] for graph in graphs]
    reaching = [_inputs_by_group(graph) for graph in graphs]
    paired: dict[str, str] = {}
    for name in names[0]:
        candidates = [
            reaching[1].get(pairs[group], set())
            for group, inputs in reaching[0].items()
            if group in pairs and inputs == {name}
        ]
        common = set.intersection(*candidates) if candidates else set()
        if len(common) == 1:
            paired[name] = common.pop()
        elif name in names[1]:
            paired[name] = name
    if len(names[0]) == len(names[1]):
        if len(set(paired.values())) < len(paired):
            return dict(zip(*names))
        taken = (paired, paired.values())
        rest = [[name for name in side if name not in used] for side, used in zip(names, taken)]
        paired.update(zip(*rest))
    return paired


def _inputs_by_group(graph: DataflowGraph) -> dict[int, set[str]]:
    """Return for each layer group the inputs that reach it through operators alone."""
    sources: list[frozenset[str]] = []
    reaching: dict[int, set[str]] = {}
    for vertex in graph.vertices:
        operands: frozenset[str] = frozenset().union(*(sources[index] for index, _ in vertex.operands))
        if vertex.group is not None:
            reaching.setdefault(vertex.group, set()).update(operands)
            operands = frozenset()
        sources.append(frozenset((vertex.node.name,)) if vertex.node.kind == "input" else operands)
    return reaching

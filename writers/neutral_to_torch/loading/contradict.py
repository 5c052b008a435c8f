"""Comparing the dataflow of a module with the store's, once their layers are matched."""

from __future__ import annotations

from dataclasses import dataclass

from neutral.matching.check_dataflow import check
from neutral.matching.dataflow import DataflowGraph, build_dataflow
from neutral.matching.matcher import Matching
from neutral.matching.network import Network
from neutral_to_torch.loading.probe import TorchProbe
from neutral_to_torch.trace import Traced


@dataclass(frozen=True)
class Contradictions:
    """Where the dataflow differs: ``conflicts`` speak against a match, ``notes`` are for people."""

    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def contradictions(ours: Network, traced: Traced, found: Matching) -> Contradictions:
    """What contradicts the matches that were found. What the user has matched is taken as it is, and noted."""
    graph = traced.side.graph
    if ours.graph is None or graph is None:
        return Contradictions()
    stored, module = build_dataflow(ours, ours.graph), build_dataflow(traced.side, graph)
    index = [{name: unit.index for unit in flow.units for name in unit.layers} for flow in (stored, module)]
    whole = [match for match in found.matches if match.whole]
    pairs: dict[int, int] = {}
    for match in whole:
        pairs.setdefault(index[0][match.stored], index[1][match.module])
    by_user = {index[0][match.stored] for match in whole if match.reason == "mapping"}
    result = check(stored, module, pairs, _inputs(stored, module, pairs), TorchProbe(traced.record))
    conflicts: list[str] = []
    notes = list(result.notes)
    for name, text in result.conflicts:
        accepted = name is not None and index[0][name] in by_user
        (notes if accepted else conflicts).append(text)
    return Contradictions(tuple(conflicts), tuple(notes))


def _inputs(stored: DataflowGraph, module: DataflowGraph, pairs: dict[int, int]) -> dict[str, str]:
    """Which of the module's inputs a stored one is: the one that goes where it goes, else the one of its name, else in
    order."""
    names = [[step.node.name for step in flow.steps if step.node.kind == "input"] for flow in (stored, module)]
    into = [_inputs_of(flow) for flow in (stored, module)]
    result: dict[str, str] = {}
    for name in names[0]:
        partners = [
            into[1].get(pairs[unit], set()) for unit, found in into[0].items() if unit in pairs and found == {name}
        ]
        common = set.intersection(*partners) if partners else set()
        if len(common) == 1:
            result[name] = common.pop()
        elif name in names[1]:
            result[name] = name
    if len(names[0]) == len(names[1]):
        if len(set(result.values())) < len(result):
            return dict(zip(*names))
        left = [[name for name in side if name not in taken] for side, taken in zip(names, (result, result.values()))]
        result.update(zip(*left))
    return result


def _inputs_of(flow: DataflowGraph) -> dict[int, set[str]]:
    """For each unit the inputs that reach it with only operators between."""
    sources: list[frozenset[str]] = []
    found: dict[int, set[str]] = {}
    for step in flow.steps:
        into = frozenset().union(*(sources[place] for place, _ in step.operands))
        if step.unit is not None:
            found.setdefault(step.unit, set()).update(into)
        own = frozenset((step.node.name,)) if step.node.kind == "input" else into
        sources.append(frozenset() if step.unit is not None else own)
    return found

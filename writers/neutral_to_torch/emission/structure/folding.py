"""Fold repeated parts of a program into classes: regions first, then linear sequences, until nothing repeats."""

from __future__ import annotations

from collections import defaultdict
from typing import Hashable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Program, Statement
from neutral_to_torch.emission.structure.block_plans import BlockPlans, Plan
from neutral_to_torch.emission.structure.candidates import Candidates, Group, Region, holds_another, is_part
from neutral_to_torch.emission.structure.canonical_subgraph import canonicalize, leaves, token
from neutral_to_torch.emission.structure.class_names import NAMELESS
from neutral_to_torch.emission.structure.classes import give_letters, in_order
from neutral_to_torch.emission.structure.module_ir import Block, Instance, owned
from neutral_to_torch.emission.structure.region_groups import RegionGroups
from neutral_to_torch.emission.structure.regions import StatementGraph
from neutral_to_torch.emission.structure.sequences import best_sequence, chains, find_all
from neutral_to_torch.emission.structure.statement_facts import (
    applies_weights,
    is_joined,
    is_normalized,
    shared_declarations,
)


class Folding:
    """Folds the statements of one scope. ``blocks`` are the classes found, each after those that it uses."""

    def __init__(self, statements: Sequence[Statement], outputs: Sequence[Value], taken: set[str]) -> None:
        self.statements = list(statements)
        self.outputs = tuple(outputs)
        self.blocks: list[Block] = []
        self._plans = BlockPlans(taken)
        self._shared = shared_declarations(statements)

    def run(self) -> None:
        """Fold until nothing changes; see :meth:`_prefers_units` for layers with their norm and activation."""
        if self._prefers_units():
            while self._fold_sequence(longest=HEURISTICS.longest_unit):
                pass
        for _ in range(HEURISTICS.most_rounds):
            while self._fold_regions():
                pass
            if not self._fold_sequence():
                break
        self._fold_single_ways()

    def _candidates(self) -> Candidates:
        return Candidates(StatementGraph(self.statements, self.outputs), self._shared)

    def _prefers_units(self) -> bool:
        """Return whether layers with their norm become classes before blocks do.

        That makes a file shorter where many of them stand in the parallel branches of several different blocks.
        """
        candidates = self._candidates()
        graph = candidates.graph
        units: dict[Hashable, int] = {}
        for inside, last in graph.regions():
            if is_joined(graph.statements[last]) and len(graph.operands[last]) > 2:
                region = candidates.region(inside, last)
                if region is not None:
                    units[region.subgraph.key] = sum(is_normalized(graph, k) for k in inside)
        return len(units) > 1 and sum(units.values()) >= HEURISTICS.fewest_units

    def _fold_single_ways(self) -> None:
        """Make a block of each concatenation of branches that comes once, where other blocks concatenate branches."""
        if not any(is_joined(block.statements[-1]) for block in self.blocks):
            return
        candidates = self._candidates()
        statements = candidates.graph.statements
        plans = []
        used: set[int] = set()
        for inside, last in candidates.graph.regions():
            region = candidates.region(inside, last) if is_joined(statements[last]) else None
            layers = sum(applies_weights(statements[k]) for k in inside)
            if region is not None and layers >= HEURISTICS.fewest_single_layers:
                plan = self._plans.make(Group([region], []), used, fewest=1)
                if plan is not None:
                    plans.append(plan)
        self._apply(plans)

    def _fold_regions(self) -> bool:
        groups = RegionGroups(self._candidates()).all()
        groups = [g for g in groups if not is_part(g, groups)]
        ends = {r.last: r for g in groups for r in g.all_regions}
        innermost = [g for g in groups if not any(holds_another(r, ends) for r in g.all_regions)]
        outer = [region for group in groups if group not in innermost for region in group.all_regions]
        parts = [g for g in innermost if any(r.inside < o.inside for r in g.all_regions for o in outer)]
        others = [g for g in innermost if g not in parts]
        # blocks are compared once their parts are blocks: then one may lack the part that another has
        return self._apply(self._plans.make_all(parts)) or self._apply(self._plans.make_all(others))

    def _fold_sequence(self, longest: int = HEURISTICS.longest_sequence) -> bool:
        candidates = self._candidates()
        graph = candidates.graph
        lines = chains(graph, lambda statement: not candidates.is_shared(statement))
        tokens: dict[Hashable, int] = {}
        numbered = [[(k, tokens.setdefault(token(graph.statements[k]), len(tokens))) for k in line] for line in lines]
        kinds = {number: graph.statements[k] for line in numbered for k, number in line}
        plain = [[n for _, n in line] for line in numbered]
        best = best_sequence(plain, kinds, longest, lambda gram: _spread(graph, numbered, gram))
        if best is None:
            return False
        regions = []
        for line in numbered:
            for start in find_all([n for _, n in line], best):
                inside = {k for k, _ in line[start : start + len(best)]}
                region = candidates.region(inside, line[start + len(best) - 1][0])
                if region is not None:
                    regions.append(region)
        by_key: dict[Hashable, list[Region]] = defaultdict(list)
        for region in regions:
            by_key[region.subgraph.key].append(region)
        most = max(by_key.values(), key=len, default=[])
        if len(most) < 2:
            return False
        group = Group(self._inlined(most), [])
        RegionGroups(candidates).grow(group, only_activation=True)
        plan = self._plans.make(group, set())
        return plan is not None and self._apply([plan])

    def _inlined(self, regions: list[Region]) -> list[Region]:
        """Return the regions with nameless blocks that only they hold, once each, replaced by their statements."""
        blocks = [item.block for item in owned(regions[0].subgraph.statements) if isinstance(item, Instance)]
        for block in dict.fromkeys(blocks):
            if not block.name.startswith(NAMELESS) or block.options or len(block.members) != len(regions):
                continue
            inlined = [_inline(region, block, self._plans.bodies) for region in regions]
            if len({region.subgraph.key for region in inlined}) == 1:
                regions = inlined
                self._plans.taken.discard(block.name)
        return regions

    def _apply(self, plans: Sequence[Plan]) -> bool:
        gone: set[int] = set()
        placed: dict[int, Statement] = {}
        for block, parts in plans:
            self.blocks.append(block)
            for region, statement in parts:
                gone |= region.inside
                placed[region.last] = statement
        self.statements = [
            placed.get(k, statement) for k, statement in enumerate(self.statements) if k in placed or k not in gone
        ]
        return bool(plans)


def _inline(region: Region, block: Block, bodies: Mapping[Instance, Sequence[Statement]]) -> Region:
    """Return a region with the instance of a block replaced by the statements it was made of."""
    members: dict[Value, Statement] = {}
    for statement in region.subgraph.statements:
        inner = [item for item in owned([statement]) if isinstance(item, Instance) and item.block is block]
        for part in bodies[inner[0]] if inner else [statement]:
            members.update(dict.fromkeys(part.values, part))
    return Region(region.inside, region.last, canonicalize(members, region.subgraph.output))


def _spread(graph: StatementGraph, numbered: Sequence[Sequence[tuple[int, int]]], gram: tuple[int, ...]) -> int:
    """Return how many numbers differ between the occurrences of a sequence."""
    columns: list[set[object]] = []
    for line in numbered:
        for start in find_all([n for _, n in line], gram):
            statements = [graph.statements[k] for k, _ in line[start : start + len(gram)]]
            numbers = [leaf.value for leaf_list in leaves(statements) for leaf in leaf_list]
            columns = columns or [set() for _ in numbers]
            for column, value in zip(columns, numbers):
                column.add(value)
    return sum(len(column) > 1 for column in columns)


def fold(program: Program, taken: set[str]) -> tuple[list[Statement], list[Block]]:
    """Make repeated parts of a program instances of classes.

    Args:
        program: The lowered program.
        taken: Names that no class may have; those of the new classes are added.

    Returns:
        The statements of the model, and the classes, each after those that it uses.
    """
    folding = Folding(program.statements, program.outputs, taken)
    folding.run()
    blocks = in_order(folding.statements)
    give_letters(blocks, taken)
    return folding.statements, blocks

"""Fold repeated parts of a program into classes: regions first, then linear sequences, until nothing repeats."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Hashable, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Declaration, ListOrTuple, ModuleOrFunction, Ref
from neutral_to_torch.emission.expression.traversal import walk
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Program, Statement
from neutral_to_torch.emission.structure.block_docs import block_doc
from neutral_to_torch.emission.structure.blocks import make_block
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, canonicalize, leaves, token
from neutral_to_torch.emission.structure.class_names import NAMELESS, architecture_of, class_name, option_name
from neutral_to_torch.emission.structure.classes import give_letters, in_order
from neutral_to_torch.emission.structure.member import Member
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Option, has_weights, owned
from neutral_to_torch.emission.structure.regions import StatementGraph, members_of
from neutral_to_torch.emission.structure.sequences import best_sequence, chains, find_all
from neutral_to_torch.emission.structure.typical import is_typical, keep_typical, mixes_pointwise
from neutral_to_torch.emission.structure.variants import Reductions, Replaced, at


@dataclass(eq=False)
class Region:
    """A part of the graph that may become an instance of a class.

    Attributes:
        inside: Indices of its statements.
        last: The index of the statement that computes its result.
        subgraph: The part in canonical order.
    """

    inside: set[int]
    last: int
    subgraph: CanonicalSubgraph


@dataclass(eq=False)
class Group:
    """Regions of one subgraph, and groups whose subgraph it becomes when one or two parts are left out."""

    regions: list[Region]
    variants: list[tuple[tuple[Replaced, ...], Group]]

    @property
    def all_regions(self) -> list[Region]:
        """The regions, and those that lack parts."""
        return self.regions + [region for _, group in self.variants for region in group.regions]

    def separate(self) -> list[Group]:
        """Return the regions, and those of each variant, as groups of their own."""
        return [Group(self.regions, []), *(group for _, group in self.variants)]


class Folding:
    """Folds the statements of one scope. ``blocks`` are the classes found, each after those that it uses."""

    def __init__(self, statements: Sequence[Statement], outputs: Sequence[Value], taken: set[str]) -> None:
        self.statements = list(statements)
        self.outputs = tuple(outputs)
        self.blocks: list[Block] = []
        self._taken = taken
        self._shared = shared_declarations(statements)
        self._bodies: dict[Instance, list[Statement]] = {}

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

    def _prefers_units(self) -> bool:
        """Return whether layers with their norm become classes before blocks do.

        That makes a file shorter where many of them stand in the parallel branches of several different blocks.
        """
        graph = StatementGraph(self.statements, self.outputs)
        units: dict[Hashable, int] = {}
        for inside, last in graph.regions():
            if is_joined(graph.statements[last]) and len(graph.operands[last]) > 2:
                region = self._region(graph, inside, last)
                if region is not None:
                    units[region.subgraph.key] = sum(_is_normalized(graph, k) for k in inside)
        return len(units) > 1 and sum(units.values()) >= HEURISTICS.fewest_units

    def _fold_single_ways(self) -> None:
        """Make a block of each concatenation of branches that comes once, where other blocks concatenate branches."""
        if not any(is_joined(block.statements[-1]) for block in self.blocks):
            return
        graph = StatementGraph(self.statements, self.outputs)
        plans = []
        used: set[int] = set()
        for inside, last in graph.regions():
            region = self._region(graph, inside, last) if is_joined(graph.statements[last]) else None
            if (
                region is not None
                and sum(applies_weights(graph.statements[k]) for k in inside) >= HEURISTICS.fewest_single_layers
            ):
                plan = self._plan(graph, Group([region], []), used, fewest=1)
                if plan is not None:
                    plans.append(plan)
        self._apply(plans)

    def _fold_regions(self) -> bool:
        graph = StatementGraph(self.statements, self.outputs)
        found = []
        for inside, last in graph.regions():
            region = self._region(graph, inside, last)
            if region is not None:
                found.append(region)
        groups = self._grouped(graph, found)
        groups = [g for g in groups if not is_part(g, groups)]
        ends = {r.last: r for g in groups for r in g.all_regions}
        innermost = [g for g in groups if not any(_holds_another(r, ends) for r in g.all_regions)]
        outer = [region for group in groups if group not in innermost for region in group.all_regions]
        parts = [g for g in innermost if any(r.inside < o.inside for r in g.all_regions for o in outer)]
        others = [g for g in innermost if g not in parts]
        # blocks are compared once their parts are blocks: then one may lack the part that another has
        return self._fold_groups(graph, parts) or self._fold_groups(graph, others)

    def _fold_groups(self, graph: StatementGraph, groups: Sequence[Group]) -> bool:
        plans: list[tuple[Block, list[tuple[Region, Statement]]]] = []
        used: set[int] = set()
        for group in groups:
            plan = self._plan(graph, group, used)
            if plan is not None:
                plans.append(plan)
            elif group.variants:  # too different for one class
                parts = [self._plan(graph, part, used) for part in group.separate()]
                plans += [part for part in parts if part is not None]
        return self._apply(plans)

    def _region(self, graph: StatementGraph, inside: set[int], last: int) -> Region | None:
        if not isinstance(graph.statements[last].results, Value):
            return None
        items = {item for k in inside for item in owned([graph.statements[k]])}
        if any(self._shared.get(item, 0) > 1 for item in items):
            return None
        subgraph = canonicalize(members_of(graph, inside), graph.statements[last].results)
        return Region(inside, last, subgraph) if len(subgraph.statements) == len(inside) else None

    def _grouped(self, graph: StatementGraph, regions: Sequence[Region]) -> list[Group]:
        by_key: dict[Hashable, Group] = {}
        for region in regions:
            if holds_tensors(graph, region.inside):
                by_key.setdefault(region.subgraph.key, Group([], [])).regions.append(region)
        groups = sorted(by_key.values(), key=lambda g: -len(g.regions[0].subgraph.statements))
        kept: list[Group] = []
        merged: set[int] = set()
        for position, group in enumerate(groups):
            for other in groups[position + 1 :]:
                if id(group) in merged or id(other) in merged or _nested(group, other):
                    continue
                for superset, subset in ((group, other), (other, group)):
                    parts = None if subset.variants else self._variant_of(graph, superset, subset)
                    if parts is not None:
                        superset.variants.append((parts, subset))
                        merged.add(id(subset))
                        break
        kept += [group for group in groups if id(group) not in merged]
        for group in kept:
            while self._grow(graph, group):
                pass
        self._add_linear_chains(graph, kept)
        return [
            g
            for g in _merged_by_activation(kept)
            if len(g.all_regions) > 1 and len(g.regions[0].subgraph.statements) >= HEURISTICS.smallest_block
        ]

    def _add_linear_chains(self, graph: StatementGraph, groups: Sequence[Group]) -> None:
        """Find straight sequences that are what a group's subgraph becomes without one or two parts."""
        taken = {k for group in groups for region in group.all_regions for k in region.inside}
        lines = chains(graph, lambda statement: graph.maker[statement.values[0]] not in taken)
        for group in groups:
            template = group.regions[0].subgraph
            meetings = sum(len(statement.operands) - 1 for statement in template.statements if statement.operands)
            if (
                len(template.statements) > HEURISTICS.largest_optional_block
                or meetings > HEURISTICS.most_optional_merges
            ):
                continue
            known = dict.fromkeys(part for parts, _ in group.variants for part in parts)
            for parts, reduced in linear_chain_reductions(template, list(known)):
                wanted = [token(statement) for statement in reduced.statements]
                for line in lines:
                    tokens = [token(graph.statements[k]) for k in line]
                    for start in range(len(line) - len(wanted) + 1):
                        inside = set(line[start : start + len(wanted)])
                        if tokens[start : start + len(wanted)] != wanted or inside & taken:
                            continue
                        region = self._region(graph, inside, line[start + len(wanted) - 1])
                        if region is None or region.subgraph.key != reduced.key:
                            continue
                        if is_typical(region.subgraph, reduced, _members(group)):
                            taken |= inside
                            _variant_group(group, parts).regions.append(region)

    def _variant_of(self, graph: StatementGraph, group: Group, other: Group) -> tuple[Replaced, ...] | None:
        """Return the bypasses that turn ``group`` into ``other``, with its regions extended forwards if needed."""
        regions = group.regions
        for _ in range(HEURISTICS.most_leading):
            reductions = Reductions(regions[0].subgraph)
            parts = reductions.to(other.regions[0].subgraph)
            if parts is not None:
                subgraphs = [[region.subgraph for region in found] for found in (regions, other.regions)]
                if mixes_pointwise(reductions.reduced(parts), *subgraphs):
                    return None
                group.regions = regions
                return parts
            longer = [self._with_leading(graph, region) for region in regions]
            if None in longer or len({r.subgraph.key for r in longer if r is not None}) != 1:
                return None
            regions = [region for region in longer if region is not None]
        return None

    def _with_leading(self, graph: StatementGraph, region: Region) -> Region | None:
        for value in region.subgraph.inputs:
            maker = graph.maker.get(value)
            inside_only = all(user in region.inside for user in graph.users.get(value, ()))
            if maker is None or not inside_only or value in graph.outputs or len(graph.operands[maker]) != 1:
                continue
            if not applies_weights(graph.statements[maker]) and isinstance(graph.statements[maker].results, Value):
                return self._region(graph, region.inside | {maker}, region.last)
        return None

    def _grow(self, graph: StatementGraph, group: Group, only_activation: bool = False) -> bool:
        """Extend every region of a group by the statement without weights, or the activation, that follows each."""
        regions = group.all_regions
        if len(regions) < 2:
            return False
        users = [graph.only_user(region.subgraph.output) for region in regions]
        if any(user is None or len(graph.operands[user]) != 1 for user in users):
            return False
        following = [graph.statements[user] for user in users if user is not None]
        if len({token(statement) for statement in following}) != 1 or applies_weights(following[0]):
            return False
        if only_activation and not isinstance(following[0].term, ModuleOrFunction):
            return False
        if following[0].kind == "batch_norm":
            return False  # it belongs to what follows: units that normalise first end with the sum
        grown = {}
        for region, user in zip(regions, users):
            new = None if user is None else self._region(graph, region.inside | {user}, user)
            if new is None:
                return False
            grown[id(region)] = new
        for item in (group, *(variant for _, variant in group.variants)):
            item.regions = [grown[id(region)] for region in item.regions]
        return True

    def _plan(
        self, graph: StatementGraph, group: Group, used: set[int], fewest: int = 2
    ) -> tuple[Block, list[tuple[Region, Statement]]] | None:
        template = group.regions[0].subgraph
        reductions = Reductions(template)
        options: list[Option] = []
        indices: dict[Replaced, int] = {}
        for parts, _ in group.variants:
            for part in parts:
                removed = reductions.removed(part)
                if part not in indices and not any(set(removed) & set(option.statements) for option in options):
                    indices[part] = len(options)
                    flag = option_name(removed, template, [option.flag for option in options])
                    options.append(Option(flag, part[0], part[1], tuple(removed)))
        covered = set(used)
        free: list[Region] = []
        members: list[Member] = []
        for region in group.regions:
            if not covered & region.inside:
                covered |= region.inside
                free.append(region)
                members.append(Member(list(region.subgraph.statements), region.subgraph.inputs, region.subgraph.output))
        for parts, variant in group.variants:
            if not all(part in indices for part in parts):
                continue
            reduced = reductions.reduced(parts)
            lacks = frozenset(indices[part] for part in parts)
            for region in variant.regions:
                if not covered & region.inside:
                    covered |= region.inside
                    free.append(region)
                    members.append(aligned(template, reduced, region.subgraph, lacks))
        if len(members) < fewest:
            return None
        typical = keep_typical(template, members)
        for number in set(range(len(members))) - set(typical):
            covered -= free[number].inside
        free, members = [free[k] for k in typical], [members[k] for k in typical]
        architecture = architecture_of(region.subgraph for region in group.regions)
        name = class_name(template, architecture, self._taken)
        made = make_block(name, template, members, options)
        if made is None:
            return None
        used |= covered
        self._taken.add(name)
        made[0].doc = block_doc(made[0], architecture)
        block, statements = made
        for instance, member in zip(block.members, members):
            self._bodies[instance] = [statement for statement in member.statements if statement is not None]
        return block, list(zip(free, statements))

    def _apply(self, plans: Sequence[tuple[Block, list[tuple[Region, Statement]]]]) -> bool:
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

    def _fold_sequence(self, longest: int = HEURISTICS.longest_sequence) -> bool:
        graph = StatementGraph(self.statements, self.outputs)
        lines = chains(graph, lambda statement: not any(self._shared.get(item, 0) > 1 for item in owned([statement])))
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
                region = self._region(graph, inside, line[start + len(best) - 1][0])
                if region is not None:
                    regions.append(region)
        by_key: dict[Hashable, list[Region]] = defaultdict(list)
        for region in regions:
            by_key[region.subgraph.key].append(region)
        most = max(by_key.values(), key=len, default=[])
        if len(most) < 2:
            return False
        group = Group(self._inlined(most), [])
        self._grow(graph, group, only_activation=True)
        plan = self._plan(graph, group, set())
        return plan is not None and self._apply([plan])

    def _inlined(self, regions: list[Region]) -> list[Region]:
        """Return the regions with nameless blocks that only they hold, once each, replaced by their statements."""
        blocks = [item.block for item in owned(regions[0].subgraph.statements) if isinstance(item, Instance)]
        for block in dict.fromkeys(blocks):
            if not block.name.startswith(NAMELESS) or block.options or len(block.members) != len(regions):
                continue
            found = [_inline(region, block, self._bodies) for region in regions]
            if len({region.subgraph.key for region in found}) == 1:
                regions = found
                self._taken.discard(block.name)
        return regions


def _inline(region: Region, block: Block, bodies: Mapping[Instance, Sequence[Statement]]) -> Region:
    """Return a region with the instance of a block replaced by the statements it was made of."""
    members: dict[Value, Statement] = {}
    for statement in region.subgraph.statements:
        inner = [item for item in owned([statement]) if isinstance(item, Instance) and item.block is block]
        for part in bodies[inner[0]] if inner else [statement]:
            members.update(dict.fromkeys(part.values, part))
    return Region(region.inside, region.last, canonicalize(members, region.subgraph.output))


def linear_chain_reductions(
    template: CanonicalSubgraph, known: Sequence[Replaced] = ()
) -> list[tuple[tuple[Replaced, ...], CanonicalSubgraph]]:
    """Return the linear chains that remain of a subgraph without one part, or without a leading one too.

    The longest come first.

    Args:
        template: The subgraph.
        known: Parts that some regions lack already; chains may lack them beside the others.
    """
    reductions = Reductions(template)
    candidates = list(reductions.candidates())
    found: dict[Hashable, tuple[tuple[Replaced, ...], CanonicalSubgraph]] = {}
    beginnings = [c for c in candidates if c[1] in template.inputs]
    pairs = [(a, b) for a in candidates for b in beginnings if a not in beginnings]
    single = [(c,) for c in candidates]
    more = [(*parts, k) for k in known for parts in (*single, *pairs) if k not in parts]
    for parts in (*single, *pairs, *more):
        left = reductions.remaining(dict(parts))
        if (
            len(left) < HEURISTICS.smallest_block
            or not has_enough_layers(left)
            or any(len(statement.operands) != 1 for statement in left)
        ):
            continue
        reduced, instead = reductions.reduced(parts), dict(parts)
        if all(at(b.operands[0], instead) in a.values for a, b in zip(reduced.statements, reduced.statements[1:])):
            found.setdefault(reduced.key, (parts, reduced))
    return sorted(found.values(), key=lambda item: -len(item[1].statements))


def _merged_by_activation(groups: Sequence[Group]) -> list[Group]:
    """Return the groups, those that differ in their activations only as one."""
    by_key: dict[Hashable, Group] = {}
    for group in groups:
        subgraph = group.regions[0].subgraph
        members = {value: statement for statement in subgraph.statements for value in statement.values}
        known = by_key.setdefault(canonicalize(members, subgraph.output, any_activation=True).key, group)
        if known is not group:
            template = known.regions[0].subgraph
            same = dict(zip(subgraph.inputs, template.inputs))
            for one, other in zip(subgraph.statements, template.statements):
                same.update(zip(one.values, other.values))
            known.variants.append(((), Group(group.regions, [])))
            for parts, variant in group.variants:
                known.variants.append((tuple((same[a], same[b]) for a, b in parts), variant))
    return list(by_key.values())


def _members(group: Group) -> list[Member]:
    """Return the regions of a group, aligned with those that lack no part."""
    template = group.regions[0].subgraph
    reductions = Reductions(template)
    members = [Member(list(r.subgraph.statements), r.subgraph.inputs, r.subgraph.output) for r in group.regions]
    for parts, variant in group.variants:
        reduced = reductions.reduced(parts)
        members += [aligned(template, reduced, region.subgraph, frozenset()) for region in variant.regions]
    return members


def has_enough_layers(statements: Sequence[Statement]) -> bool:
    """Return whether a chain has enough layers with weights to be recognized by its layers alone.

    Args:
        statements: The statements of a chain.

    Returns:
        True from three layers with weights on.
    """
    return sum(applies_weights(statement) for statement in statements) >= HEURISTICS.fewest_optional_layers


def _variant_group(group: Group, parts: tuple[Replaced, ...]) -> Group:
    for known, variant in group.variants:
        if known == parts:
            return variant
    group.variants.append((parts, Group([], [])))
    return group.variants[-1][1]


def _spread(graph: StatementGraph, numbered: Sequence[Sequence[tuple[int, int]]], gram: tuple[int, ...]) -> int:
    """Return how many numbers differ between the occurrences of a sequence."""
    columns: list[set[object]] = []
    for line in numbered:
        for start in find_all([n for _, n in line], gram):
            statements = [graph.statements[k] for k, _ in line[start : start + len(gram)]]
            found = [leaf.value for leaf_list in leaves(statements) for leaf in leaf_list]
            columns = columns or [set() for _ in found]
            for column, value in zip(columns, found):
                column.add(value)
    return sum(len(column) > 1 for column in columns)


def aligned(
    template: CanonicalSubgraph, reduced: CanonicalSubgraph, other: CanonicalSubgraph, lacks: frozenset[int]
) -> Member:
    """Return a region of the reduced subgraph, its statements at their positions in the template.

    Args:
        template: The subgraph of a region that lacks no part.
        reduced: The template without the optional parts that the region lacks.
        other: The subgraph of the region.
        lacks: Indices of the options that the region lacks.

    Returns:
        The member, with None for each statement that it lacks.
    """
    mine = {id(statement): found for statement, found in zip(reduced.statements, other.statements)}
    inputs = dict(zip(reduced.inputs, other.inputs))
    return Member(
        [mine.get(id(statement)) for statement in template.statements],
        tuple(inputs[value] for value in template.inputs),
        other.output,
        lacks,
    )


def _is_normalized(graph: StatementGraph, k: int) -> bool:
    """Return whether a statement applies a layer with weights whose output is normalized, and not used otherwise."""
    results = graph.statements[k].results
    user = graph.only_user(results) if isinstance(results, Value) and applies_weights(graph.statements[k]) else None
    return user is not None and graph.statements[user].kind == "batch_norm"


def is_joined(statement: Statement) -> bool:
    """Return whether the statement joins several values along an axis.

    Args:
        statement: A statement.

    Returns:
        True for concatenation and stacking.
    """
    lists = [item for item in walk(statement.term) if isinstance(item, ListOrTuple)]
    return any(sum(isinstance(item, Ref) for item in found.items) > 1 for found in lists)


def holds_tensors(graph: StatementGraph, inside: set[int]) -> bool:
    """Return whether the statements own any tensor of the store.

    Args:
        graph: The graph of statements.
        inside: Indices of statements.

    Returns:
        True also where a block is among them.
    """
    for k in inside:
        for item in owned([graph.statements[k]]):
            if isinstance(item, Instance) or (isinstance(item, Declaration) and item.tensors):
                return True
    return False


def applies_weights(statement: Statement) -> bool:
    """Return whether a statement applies a block or a layer with weights.

    Args:
        statement: A statement.
    """
    return any(has_weights(item) for item in owned([statement]))


def shared_declarations(statements: Sequence[Statement]) -> Counter[object]:
    """Count the statements that use each declaration.

    Args:
        statements: The statements of one ``forward``.
    """
    return Counter(item for statement in statements for item in owned([statement]))


def is_part(group: Group, groups: Sequence[Group]) -> bool:
    """Return whether every region is a nameless part of a larger one, each of another, and so needs no class.

    Args:
        group: The regions of one class.
        groups: All groups of the model.
    """
    if architecture_of(region.subgraph for region in group.regions) is not None:
        return False
    for other in groups:
        if other is group or len(other.all_regions) != len(group.all_regions):
            continue
        outer = [[r for r in other.all_regions if r.inside > inner.inside] for inner in group.all_regions]
        if all(len(found) == 1 for found in outer):
            return True
    return False


def _holds_another(region: Region, ends: Mapping[int, Region]) -> bool:
    """Return whether another region that is to be folded lies inside."""
    return any(k in ends and ends[k].inside < region.inside for k in region.inside if k != region.last)


def _nested(group: Group, other: Group) -> bool:
    """Return whether a region of one lies inside a region of the other."""
    return any(r.inside > o.inside for r in group.regions for o in other.regions)


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

"""Linear chains that are blocks without their optional parts."""

from __future__ import annotations

from typing import Hashable, Sequence

from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.candidates import Candidates, Group, aligned_members
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph, token
from neutral_to_torch.emission.structure.sequences import chains
from neutral_to_torch.emission.structure.statement_facts import applies_weights
from neutral_to_torch.emission.structure.typical import is_typical
from neutral_to_torch.emission.structure.variants import Reductions, Replaced, at


def add_linear_chains(candidates: Candidates, groups: Sequence[Group]) -> None:
    """Add to groups the linear chains that their subgraphs become without some parts.

    Args:
        candidates: The regions of the graph.
        groups: Groups of regions; variants are added in place.
    """
    graph = candidates.graph
    taken = {k for group in groups for region in group.all_regions for k in region.inside}
    lines = chains(graph, lambda statement: graph.maker[statement.values[0]] not in taken)
    for group in groups:
        template = group.regions[0].subgraph
        meetings = sum(len(statement.operands) - 1 for statement in template.statements if statement.operands)
        if len(template.statements) > HEURISTICS.largest_optional_block or meetings > HEURISTICS.most_optional_merges:
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
                    region = candidates.region(inside, line[start + len(wanted) - 1])
                    if region is None or region.subgraph.key != reduced.key:
                        continue
                    if is_typical(region.subgraph, reduced, aligned_members(group)):
                        taken |= inside
                        group.variant(parts).regions.append(region)


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
    chains_by_key: dict[Hashable, tuple[tuple[Replaced, ...], CanonicalSubgraph]] = {}
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
            chains_by_key.setdefault(reduced.key, (parts, reduced))
    return sorted(chains_by_key.values(), key=lambda item: -len(item[1].statements))


def has_enough_layers(statements: Sequence[Statement]) -> bool:
    """Return whether a chain has enough layers with weights to be recognized by its layers alone.

    Args:
        statements: The statements of a chain.

    Returns:
        True from three layers with weights on.
    """
    return sum(applies_weights(statement) for statement in statements) >= HEURISTICS.fewest_optional_layers

"""Plan blocks: their members, options, names and docstrings."""

from __future__ import annotations

from typing import Sequence

from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.block_docs import block_doc
from neutral_to_torch.emission.structure.blocks import make_block
from neutral_to_torch.emission.structure.candidates import Group, Region, aligned
from neutral_to_torch.emission.structure.class_names import architecture_of, class_name, option_name
from neutral_to_torch.emission.structure.member import Member
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Option
from neutral_to_torch.emission.structure.typical import keep_typical
from neutral_to_torch.emission.structure.variants import Reductions, Replaced

Plan = tuple[Block, list[tuple[Region, Statement]]]
"""A block, and for each of its regions the statement that applies its instance."""


class BlockPlans:
    """Make blocks of groups of regions.

    Args:
        taken: Names that no class may have; those of the new classes are added.

    Attributes:
        taken: The same.
        bodies: The statements that each instance was made of.
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.bodies: dict[Instance, list[Statement]] = {}

    def make_all(self, groups: Sequence[Group]) -> list[Plan]:
        """Return the blocks of groups; a group that one class cannot express is divided by the parts that it lacks.

        Args:
            groups: Groups of regions.
        """
        plans: list[Plan | None] = []
        used: set[int] = set()
        for group in groups:
            plan = self.make(group, used)
            plans.append(plan)
            if plan is None and group.variants:
                plans += [self.make(part, used) for part in group.separate()]
        return [plan for plan in plans if plan is not None]

    def make(self, group: Group, used: set[int], fewest: int = 2) -> Plan | None:
        """Return the block of a group, or None where too much differs between its regions.

        Args:
            group: The regions of one class.
            used: Indices of statements that other blocks have; those of the block are added.
            fewest: The fewest instances of a block.
        """
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
        name = class_name(template, architecture, self.taken)
        result = make_block(name, template, members, options)
        if result is None:
            return None
        used |= covered
        self.taken.add(name)
        block, statements = result
        block.doc = block_doc(block, architecture)
        for instance, member in zip(block.members, members):
            self.bodies[instance] = [statement for statement in member.statements if statement is not None]
        return block, list(zip(free, statements))

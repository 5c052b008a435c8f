"""The classes of a file: their order, and letters for those that would have one name."""

from __future__ import annotations

import string
from collections import defaultdict
from dataclasses import replace
from typing import Sequence

from neutral_to_torch.emission.expression.terms import Call, Name
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.module_ir import Block, Instance, owned


def in_order(statements: Sequence[Statement]) -> list[Block]:
    """Return the blocks that the statements use, in the order of use, each after those that it uses itself.

    Args:
        statements: The statements of the model.

    Returns:
        Each block once, in an order in which the classes can be defined.
    """
    order: dict[Block, None] = {}

    def visit(item: object) -> None:
        if isinstance(item, Instance) and item.block not in order:
            for own in item.block.owns:
                visit(own)
            order[item.block] = None

    for item in owned(statements):
        visit(item)
    return list(order)


def give_letters(blocks: Sequence[Block], taken: set[str]) -> None:
    """Append letters to the names of blocks that would have the same one.

    Args:
        blocks: The blocks of the file; their names are changed in place.
        taken: Names that no class may have.
    """
    names: dict[str, str] = {}
    kinds: dict[str, list[str]] = defaultdict(list)
    for block in blocks:
        kinds[block.name.rstrip("0123456789")].append(block.name)
    for kind, same_kind in kinds.items():
        for name, letter in zip(same_kind, string.ascii_uppercase):
            if len(same_kind) > 1 and kind + letter not in taken:
                names[name] = kind + letter
    for block in blocks:
        block.name = names.get(block.name, block.name)
    for block in blocks:
        for item in (*block.members, *block.owns):
            if isinstance(item, Instance) and isinstance(item.constructor, Call):
                item.constructor = replace(item.constructor, callee=Name(item.block.name))

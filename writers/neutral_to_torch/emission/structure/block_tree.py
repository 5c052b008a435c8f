"""Group the submodules of a block: its branches and its optional parts as sequences."""

from __future__ import annotations

from typing import Mapping, Sequence

from neutral_to_torch.emission.expression.terms import Call, Name
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.block_facts import merge_kind
from neutral_to_torch.emission.structure.groups import SequentialGroup, constructor_of, entry_names, item_of
from neutral_to_torch.emission.structure.labels import KIND_WORDS, Labels, numbered
from neutral_to_torch.emission.structure.module_ir import Block, Owned, has_weights
from neutral_to_torch.emission.structure.tree import Tree, TreeBuilder


def block_tree(block: Block, labels: Labels) -> Tree:
    """Return the tree of a block: its ways as sequences where there are several, else layer by layer.

    Args:
        block: The class.
        labels: The names of all that the program owns.

    Returns:
        The attributes of the class and the statements that use them.
    """
    builder = TreeBuilder(block.statements, block.outputs, block.options)
    names = labels.inside(block)
    runs = builder.runs()
    if len(runs) == 1 and len(runs[0]) == len(block.statements) and not block.options:
        node = SequentialGroup("", list(runs[0]), entry_names(runs[0], names))
        paths: dict[Owned, str] = {}
        constructor = constructor_of(node, "", paths)
        assert isinstance(constructor, Call)
        whole = Call(Name("super().__init__"), constructor.args)
        return Tree((), {item: path[1:] for item, path in paths.items()}, (), {}, whole)
    flags = {id(statement): option.flag for option in block.options for statement in option.statements}
    optional = [run for run in runs if id(run[0]) in flags and len(run) > 1]
    ways = [run for run in runs if id(run[0]) not in flags]
    long = [run for run in ways if sum(_applies_weights(statement) for statement in run) > 1]
    last = block.statements[-1]
    joined = merge_kind(last.term) == "concatenate" and block.inputs[0] not in last.operands
    several = len(long) > 1 or any(len(run) > HEURISTICS.longest_flat for run in long) or (bool(long) and joined)
    gathered = ways if several else []
    nodes = [SequentialGroup(flags[id(run[0])], list(run), _option_names(run, names)) for run in optional]
    branch = numbered([_way_name(block, run) for run in gathered]) if len(gathered) > 1 else ["body"]
    alone = {}
    for name, run in zip(branch, gathered):
        if len(run) > 1:
            nodes.append(SequentialGroup(name, list(run), entry_names(run, names)))
        else:
            alone[item_of(run[0])] = name
    return builder.tree(nodes, {**names, **alone})


def _way_name(block: Block, run: Sequence[Statement]) -> str:
    """Return ``branch`` for a way from the block's input to where the branches meet, else ``layers``."""
    direct = run[0].operands[0] == block.inputs[0] and run[-1].results in block.statements[-1].operands
    return "branch" if direct else "layers"


def _option_names(run: Sequence[Statement], names: Mapping[Owned, str]) -> list[str]:
    """Return the names in an optional part; none, for numbers, where the source names its layers by kind only."""
    named = any(names[item_of(statement)].rstrip("0123456789") not in KIND_WORDS for statement in run)
    return entry_names(run, names) if named else []


def _applies_weights(statement: Statement) -> bool:
    own = applied(statement.term)
    return own is not None and has_weights(own.declaration)

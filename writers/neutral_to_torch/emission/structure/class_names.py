"""Names of emitted classes: an architecture's where the structure shows it, else after their layers or the source."""

from __future__ import annotations

from typing import Iterable, Sequence

from neutral.rewriting import UniqueNames
from neutral_to_torch.emission.expression.terms import Declaration, ModuleOrFunction
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.architectures import recognize
from neutral_to_torch.emission.structure.block_facts import BlockFacts, merge_kind
from neutral_to_torch.emission.structure.canonical_subgraph import CanonicalSubgraph
from neutral_to_torch.emission.structure.labels import base
from neutral_to_torch.emission.structure.module_ir import Instance, owned
from neutral_to_torch.emission.structure.naming import common, split_words, tokens
from neutral_to_torch.emission.structure.short_names import without_counter

PIECES = {
    "convolution": "Conv", "transposed_convolution": "ConvTranspose", "deformable_convolution": "DeformConv",
    "linear": "Linear", "batch_norm": "BN", "instance_norm": "IN", "layer_norm": "LN", "group_norm": "GN",
    "prelu": "PReLU", "leaky_relu": "LeakyReLU", "relu": "ReLU", "clamp": "ReLU", "dropout": "Dropout",
    "sigmoid": "Sigmoid", "tanh": "Tanh", "max_pool": "Pool", "average_pool": "Pool", "global_average_pool": "Pool",
    "global_max_pool": "Pool", "adaptive_average_pool": "Pool", "upsample_nearest": "Upsample",
}  # fmt: skip
"""Catalogue kinds in the names of classes that are a short sequence of layers."""

MOST_PIECES = 5
"""Layers of a sequence that is called by all of them."""

LONGEST_NAME = 24
"""Letters of a class name that lists layers."""

NAMELESS = ("ParallelConvs", "ParallelBranches")
"""Names of blocks that are not known in the field: a block that holds such a one alone takes in its statements."""


def architecture_of(subgraphs: Iterable[CanonicalSubgraph]) -> str | None:
    """Return the architecture's name that each of the subgraphs shows, or None.

    Args:
        subgraphs: The regions of one block that lack none of its parts.
    """
    names = {recognize(facts_of(subgraph)) for subgraph in subgraphs}
    return names.pop() if len(names) == 1 else None


def facts_of(subgraph: CanonicalSubgraph) -> BlockFacts:
    """Return the structural facts of a subgraph.

    Args:
        subgraph: A region of the graph.

    Returns:
        Facts by which an architecture is recognized.
    """
    return BlockFacts(subgraph.statements, subgraph.inputs)


def class_name(template: CanonicalSubgraph, architecture: str | None, taken: Iterable[str]) -> str:
    """Return a class name that is not taken.

    Args:
        template: A region of the block that lacks none of its parts.
        architecture: The name that :func:`architecture_of` found, or None.
        taken: Names that the file uses already.
    """
    return UniqueNames(taken, separator="")(architecture or _name(facts_of(template)))


def _name(facts: BlockFacts) -> str:
    residual = facts.residual()
    if residual is not None and facts.convolutions_of(residual[0]):
        return "ResidualBlock"
    if facts.is_parallel:
        single = all(len(facts.convolutions_of(branch)) == 1 for branch in facts.branches)
        return NAMELESS[0] if single else NAMELESS[1]
    if any(len(statement.operands) > 1 for statement in facts.statements):
        return _by_pieces(facts.statements) or _by_source(facts.statements)
    if _has_larger_blocks(facts.statements):
        return "Block"
    return _by_pieces(facts.statements) or _by_source(facts.statements)


def _by_pieces(statements: Sequence[Statement]) -> str:
    """Return a class name that lists the layers, or "" where they are too many or have no short names."""
    pieces = [_piece(statement) for statement in statements]
    name = "".join(pieces)
    listed = len(pieces) <= MOST_PIECES and len(name) <= LONGEST_NAME and all(pieces)
    return name if listed and not _has_larger_blocks(statements) else ""


def _has_larger_blocks(statements: Sequence[Statement]) -> bool:
    return any(isinstance(item, Instance) and not item.block.is_unit for item in owned(statements))


def _by_source(statements: Sequence[Statement]) -> str:
    """Return a class name made of the words that the layers' names have in common, else Block."""
    names = [tokens(item.owner) for item in owned(statements) if isinstance(item, Declaration) and item.tensors]
    shared = common(names) if len(names) > 1 else [token for name in names for token in name[:-1]]
    word = without_counter(shared[-1]) if shared else ""
    if len(word) <= 3 or not word[0].isalpha():
        return "Block"
    return "".join(part[0].upper() + part[1:] for part in split_words(word).split("_"))


def _piece(statement: Statement) -> str:
    own = applied(statement.term)
    if own is None:
        return "Add" if merge_kind(statement.term) == "add" else ""
    if isinstance(own.declaration, Instance):
        return str(own.declaration.block.name)
    return PIECES.get(statement.kind, "")


def option_name(removed: Sequence[Statement], template: CanonicalSubgraph, taken: Sequence[str]) -> str:
    """Return the name of the flag for statements that some instances lack.

    Args:
        removed: The statements, in order.
        template: The region that has them.
        taken: Flags of the block's other optional parts.
    """
    if not owned(removed):
        name = {"add": "residual", "concatenate": "concatenate"}.get(merge_kind(removed[-1].term), "extended")
    elif len(removed) == 1 and isinstance(removed[0].term, ModuleOrFunction):
        name = "activation"
    else:
        result = removed[-1].results
        merges = [s for s in template.statements if result in s.operands and len(s.operands) > 1]
        single = base(owned(removed)[0]) if len(removed) == 1 else "expand"
        name = "downsample" if merges else single
    return UniqueNames(taken, separator="")(name)

"""Group consecutive submodules by kind: blocks by stages, and layers by their place in the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.terms import Call, Literal
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.groups import SequentialGroup, entry_names, item_of
from neutral_to_torch.emission.structure.labels import KIND_WORDS, Labels, has_tensors
from neutral_to_torch.emission.structure.module_ir import Instance, Owned, has_weights, owned
from neutral_to_torch.emission.structure.naming import common, pattern


@dataclass(frozen=True)
class ModelEnds:
    """Where a model begins and ends.

    Attributes:
        first: The first statement with weights.
        last: The last one.
        any_block: Whether the model has blocks.
    """

    first: Statement | None
    last: Statement | None
    any_block: bool

    @staticmethod
    def of(statements: Sequence[Statement]) -> ModelEnds:
        """Return the ends of a model.

        Args:
            statements: The statements of the model.
        """
        weighted = [s for s in statements if any(has_weights(item) for item in owned([s]))]
        any_block = any(is_block(item) for item in owned(statements))
        return ModelEnds(weighted[0] if weighted else None, weighted[-1] if weighted else None, any_block)

    def name(self, piece: Sequence[Statement]) -> str:
        """Return the name of a sequence by its place: where the model begins, where it ends, or neither.

        Args:
            piece: The statements of the sequence.
        """
        if self.first in piece:
            return "stem" if self.any_block else "features"
        if self.last in piece:
            return "head" if self.any_block else "classifier"
        return "layers"


def groups_by_kind(
    run: Sequence[Statement], labels: Labels, names: Mapping[Owned, str], ends: ModelEnds
) -> list[SequentialGroup]:
    """Return stages of blocks, and sequences of layers where there are many in a row.

    Args:
        run: Statements, each applied to the result of the one before.
        labels: The names of all that the program owns.
        names: The names of submodules as entries of sequences.
        ends: Where the model begins and ends.
    """
    result: list[SequentialGroup] = []
    position = 0
    while position < len(run):
        stop = position
        blocks = is_block(item_of(run[position]))
        while stop < len(run) and is_block(item_of(run[stop])) is blocks:
            stop += 1
        piece = list(run[position:stop])
        if blocks:
            result += _stages(piece, labels)
        elif len(piece) >= HEURISTICS.fewest_gathered:
            result.append(_layers(piece, labels, names, ends))
        position = stop
    return result


def _layers(piece: list[Statement], labels: Labels, names: Mapping[Owned, str], ends: ModelEnds) -> SequentialGroup:
    """Return layers as a sequence, called as their names begin, else by its place in the model."""
    parts = [labels.tokens(item_of(statement)) for statement in piece]
    with_tensors = [part[:-1] for part, statement in zip(parts, piece) if has_tensors(item_of(statement))]
    shared = common(with_tensors) if len(with_tensors) > 1 else []
    if not shared or not shared[0][0].isalpha() or shared[0].rstrip("0123456789") in KIND_WORDS:
        return SequentialGroup(ends.name(piece), list(piece), entry_names(piece, names))
    prefix = "_".join(shared) + "_"
    short = {item: name[len(prefix) :] if name.startswith(prefix) else name for item, name in names.items()}
    return SequentialGroup(identifier("_".join(shared)), list(piece), entry_names(piece, short))


def is_block(item: Owned) -> bool:
    """Return whether it is more than a layer with its norm and activation.

    Args:
        item: A submodule, parameter or buffer.

    Returns:
        True for instances of classes with several layers.
    """
    return isinstance(item, Instance) and not item.block.is_unit


def _stages(blocks: list[Statement], labels: Labels) -> list[SequentialGroup]:
    """Split consecutive blocks into stages: by the prefixes of their names, else where their arguments change."""
    tokens = [labels.tokens(item_of(statement)) for statement in blocks]
    keys: list[tuple[str, ...]] = []
    for part in tokens:
        keys.append(tuple(part[:-1]) if len(part) > 1 else tuple(part))
    single = len(set(keys)) == len(keys) or not all(keys)
    stem = pattern(tokens) if single and all(tokens) else ""
    starts = range(len(blocks))
    bounds = _changes(blocks) if single and not stem else [k for k in starts if k == 0 or keys[k] != keys[k - 1]]
    bounds = [0] if single and stem else bounds
    stages = [blocks[a:b] for a, b in zip(bounds, [*bounds[1:], len(blocks)])]
    result = []
    for number, (start, stage) in enumerate(zip(bounds, stages)):
        if len(stage) > 1:
            unnamed = "blocks" if len(stages) == 1 else f"stage{number + 1}"
            name = stem or (unnamed if single else "_".join(keys[start]))
            result.append(SequentialGroup(name, list(stage)))
    return result


def _changes(blocks: Sequence[Statement]) -> list[int]:
    """Start a stage at a stride other than 1 or a downsample branch."""
    constructors = [item_of(statement).constructor for statement in blocks]
    kwargs = [dict(c.kwargs) if isinstance(c, Call) else {} for c in constructors]
    steps = [k for k, given in enumerate(kwargs) if given.get("stride", Literal(1)) != Literal(1)]
    extended = [k for k, given in enumerate(kwargs) if given.get("downsample") == Literal(True)]
    bounds = sorted({0, *(extended or steps)})
    return bounds if 2 * len(bounds) <= len(blocks) + 2 else [0]

"""Group the submodules of a class: branches of a block, stages, stem, features and head of a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.expression.terms import Call, Literal, Name
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.heuristics import HEURISTICS
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.block_facts import merge_kind
from neutral_to_torch.emission.structure.groups import GroupItem, SequentialGroup, constructor_of, item_of
from neutral_to_torch.emission.structure.labels import KIND_WORDS, Labels, base, bears_tensors, numbered
from neutral_to_torch.emission.structure.module_ir import Block, Instance, Owned, callee, has_weights, owned
from neutral_to_torch.emission.structure.naming import common, pattern, split_words
from neutral_to_torch.emission.structure.short_names import ScopeNames, without_counter
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
        node = SequentialGroup("", list(runs[0]), _entry_names(runs[0], names))
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
            nodes.append(SequentialGroup(name, list(run), _entry_names(run, names)))
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
    return _entry_names(run, names) if named else []


def _entry_names(run: Sequence[Statement], names: Mapping[Owned, str]) -> list[str]:
    items = [item_of(statement) for statement in run]
    if all(isinstance(item, Instance) for item in items) or all(names[i].isdigit() for i in items):
        return []
    return numbered([names[item] for item in items])


def _applies_weights(statement: Statement) -> bool:
    own = applied(statement.term)
    return own is not None and has_weights(own.declaration)


def model_tree(statements: Sequence[Statement], outputs: Sequence[Value], labels: Labels) -> Tree:
    """Return the tree of the model itself: stages, stem, features and head as sequences.

    Args:
        statements: The statements of the model.
        outputs: The values that it returns.
        labels: The names of all that the program owns.

    Returns:
        The attributes of the model and the statements that use them.
    """
    builder = TreeBuilder(statements, outputs)
    scopes = ScopeNames([labels.tokens(item) for item in owned(statements)])
    names, entries = _attribute_names(statements, labels, scopes)
    ends = _Ends.of(statements)
    nodes: list[SequentialGroup] = []
    for run in builder.runs():
        for piece in _split_at_flatten(run):
            nodes += _gather(piece, labels, entries, ends)
    return builder.tree(_distinct(nodes, scopes, names), names, gather_siblings=True)


def _attribute_names(
    statements: Sequence[Statement], labels: Labels, scopes: ScopeNames
) -> tuple[dict[Owned, str], dict[Owned, str]]:
    """Return the names of the model's submodules as attributes, and as entries of sequences."""
    full = {item: labels.top(item) for item in owned(statements)}
    full = {item: base(item) if scopes.is_scope(name) else name for item, name in full.items()}
    return _without_kind(scopes.shorten(full)), {item: scopes.entry(name) for item, name in full.items()}


def _without_kind(names: Mapping[Owned, str]) -> dict[Owned, str]:
    """Return the names of numbered blocks without the kind of their first layer: ``predictor0_conv``."""
    heads = Counter(head for name in names.values() for head in accumulate(name.split("_"), "{}_{}".format))
    short = {}
    for item, name in names.items():
        head, _, tail = name.rpartition("_")
        plain = isinstance(item, Instance) and head[-1:].isdigit() and tail.rstrip("0123456789") in KIND_WORDS
        short[item] = head if plain and heads[head] == 1 else name
    return short


@dataclass(frozen=True)
class _Ends:
    """The first and the last statement with weights, and whether the model has blocks."""

    first: Statement | None
    last: Statement | None
    any_block: bool

    @staticmethod
    def of(statements: Sequence[Statement]) -> _Ends:
        weighted = [s for s in statements if any(has_weights(item) for item in owned([s]))]
        any_block = any(is_block(item) for item in owned(statements))
        return _Ends(weighted[0] if weighted else None, weighted[-1] if weighted else None, any_block)

    def name(self, piece: Sequence[Statement]) -> str:
        """Return what a sequence is by its place: where the model begins, where it ends, or neither."""
        if self.first in piece:
            return "stem" if self.any_block else "features"
        if self.last in piece:
            return "head" if self.any_block else "classifier"
        return "layers"


def _split_at_flatten(run: Sequence[Statement]) -> list[list[Statement]]:
    pieces: list[list[Statement]] = [[]]
    for statement in run:
        own = applied(statement.term)
        if own is not None and callee(own.declaration.constructor) == "nn.Flatten":
            pieces.append([])
        else:
            pieces[-1].append(statement)
    return [piece for piece in pieces if piece]


def _gather(run: list[Statement], labels: Labels, names: Mapping[Owned, str], ends: _Ends) -> list[SequentialGroup]:
    """Return the sequences of a run: by the names' hierarchy, else blocks by stages and layers where there are many."""
    parts = [_parts(statement, labels) for statement in run]
    by_name = _by_first_token(run, parts)
    if by_name is not None:
        result: list[SequentialGroup] = []
        loose = 0
        for token, start, stop in by_name:
            if token is not None and stop - start > 1:
                result += _by_kind(run[loose:start], labels, names, ends)
                result.append(_named(token, run[start:stop], parts[start:stop]))
                loose = stop
        return [*result, *_by_kind(run[loose:], labels, names, ends)]
    return _by_kind(run, labels, names, ends)


def _parts(statement: Statement, labels: Labels) -> list[str]:
    item = item_of(statement)
    parts = labels.tokens(item)
    return list(parts) if isinstance(item, Instance) or bears_tensors(item) else []


def _by_first_token(
    run: Sequence[Statement], parts: Sequence[Sequence[str]]
) -> list[tuple[str | None, int, int]] | None:
    """Return stretches of a run whose names begin alike; None where the names show no hierarchy."""
    stretches: list[tuple[str | None, int, int]] = []
    for position, part in enumerate(parts):
        head = part[0] if len(part) > 1 and part[0].lower().rstrip("0123456789") not in KIND_WORDS else None
        if not part and stretches:
            token, start, _ = stretches[-1]
            stretches[-1] = (token, start, position + 1)
        elif stretches and stretches[-1][0] == head:
            stretches[-1] = (head, stretches[-1][1], position + 1)
        else:
            stretches.append((head, position, position + 1))
    seen = [token for token, _, _ in stretches if token is not None]
    large = [(t, a, b) for t, a, b in stretches if t is not None and b - a > 2]
    return stretches if large and len(set(seen)) == len(seen) else None


def _named(name: str, run: list[Statement], parts: Sequence[Sequence[str]]) -> SequentialGroup:
    """Return the nested sequences that the source's names show; a sequence of one sequence is that one."""
    rests = [list(part[1:]) for part in parts]
    items: list[GroupItem] = []
    keys: list[str] = []
    position = 0
    while position < len(run):
        stop = position + 1
        head = rests[position][0] if rests[position] else None
        while head is not None and stop < len(run) and rests[stop][:1] == [head]:
            stop += 1
        if stop - position > 1 and head is not None and head.lower().rstrip("0123456789") not in KIND_WORDS:
            items.append(_named(head, run[position:stop], rests[position:stop]))
            keys.append(items[-1].name)
        else:
            items.append(run[position])
            rest = rests[position]
            keys.append("_".join(rest) if rest else base(item_of(run[position])))
            stop = position + 1
        position = stop
    if len(items) == 1 and isinstance(items[0], SequentialGroup):
        return SequentialGroup(f"{identifier(name)}_{items[0].name}", items[0].items, items[0].names)
    plain = all(isinstance(item, Statement) and isinstance(item_of(item), Instance) for item in items)
    numeric = [key for key in keys if key.isdigit()]
    if plain or len(numeric) * 2 > len(keys):
        return SequentialGroup(identifier(name), items)
    return SequentialGroup(identifier(name), items, numbered(keys))


def _by_kind(
    run: Sequence[Statement], labels: Labels, names: Mapping[Owned, str], ends: _Ends
) -> list[SequentialGroup]:
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


def _layers(piece: list[Statement], labels: Labels, names: Mapping[Owned, str], ends: _Ends) -> SequentialGroup:
    """Return layers as a sequence, called as their names begin, else by its place in the model."""
    parts = [labels.tokens(item_of(statement)) for statement in piece]
    bearing = [part[:-1] for part, statement in zip(parts, piece) if bears_tensors(item_of(statement))]
    shared = common(bearing) if len(bearing) > 1 else []
    if not shared or not shared[0][0].isalpha() or shared[0].rstrip("0123456789") in KIND_WORDS:
        return SequentialGroup(ends.name(piece), list(piece), _entry_names(piece, names))
    prefix = "_".join(shared) + "_"
    short = {item: name[len(prefix) :] if name.startswith(prefix) else name for item, name in names.items()}
    return SequentialGroup(identifier("_".join(shared)), list(piece), _entry_names(piece, short))


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


def _distinct(nodes: list[SequentialGroup], scopes: ScopeNames, names: Mapping[Owned, str]) -> list[SequentialGroup]:
    """Give the sequences names of their own, without scopes that say nothing."""
    taken = set(names.values())
    originals = [node.name for node in nodes]
    for node, short in zip(nodes, scopes.shorten(dict(enumerate(originals))).values()):
        short = split_words(without_counter(short)) if scopes.is_scope(node.name) else short
        node.name = short if short not in taken else node.name
    for node, name in zip(nodes, numbered([node.name for node in nodes])):
        node.name = name
    return nodes

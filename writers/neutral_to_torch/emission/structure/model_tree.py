"""Group the submodules of the model, by the names of the source or by stages, stem, features and head."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.traversal import applied
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.groups import SequentialGroup
from neutral_to_torch.emission.structure.labels import KIND_WORDS, Labels, base, numbered
from neutral_to_torch.emission.structure.module_ir import Instance, Owned, callee, owned
from neutral_to_torch.emission.structure.named_groups import name_parts, named_stretches, nested_group
from neutral_to_torch.emission.structure.naming import split_words
from neutral_to_torch.emission.structure.purposes import predictor_names, purposes
from neutral_to_torch.emission.structure.short_names import ScopeNames, without_counter
from neutral_to_torch.emission.structure.stages import ModelEnds, groups_by_kind
from neutral_to_torch.emission.structure.tree import Tree, TreeBuilder


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
    ends = ModelEnds.of(statements)
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
    short = predictor_names(_without_kind(scopes.shorten(full)), purposes(statements))
    return short, {item: scopes.entry(name) for item, name in full.items()}


def _without_kind(names: Mapping[Owned, str]) -> dict[Owned, str]:
    """Return the names of numbered blocks without the kind of their first layer: ``predictor0_conv``."""
    heads = Counter(head for name in names.values() for head in accumulate(name.split("_"), "{}_{}".format))
    short = {}
    for item, name in names.items():
        head, _, tail = name.rpartition("_")
        plain = isinstance(item, Instance) and head[-1:].isdigit() and tail.rstrip("0123456789") in KIND_WORDS
        short[item] = head if plain and heads[head] == 1 else name
    return short


def _split_at_flatten(run: Sequence[Statement]) -> list[list[Statement]]:
    pieces: list[list[Statement]] = [[]]
    for statement in run:
        own = applied(statement.term)
        if own is not None and callee(own.declaration.constructor) == "nn.Flatten":
            pieces.append([])
        else:
            pieces[-1].append(statement)
    return [piece for piece in pieces if piece]


def _gather(run: list[Statement], labels: Labels, names: Mapping[Owned, str], ends: ModelEnds) -> list[SequentialGroup]:
    """Return the sequences of a run: by the names' hierarchy, else blocks by stages and layers where there are many."""
    parts = [name_parts(statement, labels) for statement in run]
    by_name = named_stretches(run, parts)
    if by_name is not None:
        result: list[SequentialGroup] = []
        loose = 0
        for token, start, stop in by_name:
            if token is not None and stop - start > 1:
                result += groups_by_kind(run[loose:start], labels, names, ends)
                result.append(nested_group(token, run[start:stop], parts[start:stop]))
                loose = stop
        return [*result, *groups_by_kind(run[loose:], labels, names, ends)]
    return groups_by_kind(run, labels, names, ends)


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

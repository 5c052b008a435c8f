"""Group consecutive submodules as the names of the source nest them."""

from __future__ import annotations

from typing import Sequence

from neutral_to_torch.emission.expression.identifiers import identifier
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.groups import GroupItem, SequentialGroup, item_of
from neutral_to_torch.emission.structure.labels import KIND_WORDS, Labels, base, has_tensors, numbered
from neutral_to_torch.emission.structure.module_ir import Instance


def name_parts(statement: Statement, labels: Labels) -> list[str]:
    """Return the tokens of the name of the layer or block that a statement applies.

    Args:
        statement: A statement that applies one submodule.
        labels: The names of all that the program owns.

    Returns:
        The tokens; none for layers without tensors.
    """
    item = item_of(statement)
    parts = labels.tokens(item)
    return list(parts) if isinstance(item, Instance) or has_tensors(item) else []


def named_stretches(
    run: Sequence[Statement], parts: Sequence[Sequence[str]]
) -> list[tuple[str | None, int, int]] | None:
    """Return stretches of a run whose names begin alike.

    Args:
        run: Statements, each applied to the result of the one before.
        parts: The tokens of each statement's name.

    Returns:
        For each stretch its first token, or None, and its first and last index; None where names show no hierarchy.
    """
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


def nested_group(name: str, run: list[Statement], parts: Sequence[Sequence[str]]) -> SequentialGroup:
    """Return the nested sequences that the source's names show; a sequence of one sequence is that one.

    Args:
        name: The first token of all names.
        run: Statements, each applied to the result of the one before.
        parts: The tokens of each statement's name.

    Returns:
        A sequence with the token as its name.
    """
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
            items.append(nested_group(head, run[position:stop], rests[position:stop]))
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

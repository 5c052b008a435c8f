"""Find out what a detector's layers predict, from the operators that decode and select the predictions."""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from neutral.graph import Value
from neutral_to_torch.emission.expression.terms import Call, Literal, Term
from neutral_to_torch.emission.expression.traversal import walk
from neutral_to_torch.emission.lowering.program import Statement
from neutral_to_torch.emission.structure.labels import KIND_WORDS, numbered
from neutral_to_torch.emission.structure.module_ir import Owned, has_weights, owned

_OPERANDS = {
    "box_decode": ("box",),
    "multibox_detection": ("class", "box"),
    "region_proposals": ("score", "box"),
}
"""What the first operands of each kind predict."""

_PREDICT = frozenset(("predictor", "pred"))
"""Words of names that say that a layer predicts something."""


def purposes(statements: Sequence[Statement]) -> dict[Owned, str]:
    """Return what layers predict, where nothing else with weights is between them and the boxes or their selection.

    Args:
        statements: The statements of a class, in order.

    Returns:
        ``class``, ``score`` or ``box`` by submodule; none for layers that predict several of them at once.
    """
    makers = {value: statement for statement in statements for value in statement.values}
    found: dict[Owned, set[str]] = {}
    for statement in statements:
        for source, purpose in _predictions(statement, makers):
            for item in filter(has_weights, owned([source])):
                found.setdefault(item, set()).add(purpose)
    return {item: names.pop() for item, names in found.items() if len(names) == 1}


def predictor_names(names: Mapping[Owned, str], predicted: Mapping[Owned, str]) -> dict[Owned, str]:
    """Return the names of submodules, with what they predict in place of their kind where the source says no more.

    Args:
        names: Names from the source, such as ``conv_predictor0`` and ``rpn_conv2``, in the order of their use.
        predicted: What layers predict.

    Returns:
        Such as ``class_predictor`` and ``rpn_box_predictor``, numbered where there are several.
    """
    scopes = {item: _scope(names[item]) for item in names if item in predicted}
    plain = {item: scope for item, scope in scopes.items() if scope is not None}
    numbers = numbered([f"{scope}{predicted[item]}_predictor" for item, scope in plain.items()])
    return {**names, **dict(zip(plain, numbers))}


def _scope(name: str) -> str | None:
    """Return what stands before the kind in a name, "" for a kind alone, None for a name that says more."""
    parts = [part.rstrip("0123456789") for part in name.split("_")]
    if all(part in _PREDICT or part in KIND_WORDS for part in parts if part):
        return ""
    kind = next((position for position in reversed(range(len(parts))) if parts[position]), 0)
    says_more = parts[kind] not in KIND_WORDS or not _PREDICT.isdisjoint(parts)
    return None if says_more else name[: len("_".join(name.split("_")[:kind])) + 1]


def _predictions(statement: Statement, makers: Mapping[Value, Statement]) -> Iterator[tuple[Statement, str]]:
    """Yield the statements that make what a statement takes as predictions, and what they predict.

    Of the rows that non-maximum suppression takes, what is not made of decoded boxes scores them.
    """
    for value, purpose in zip(statement.operands, _OPERANDS.get(statement.kind, ())):
        yield from ((source, purpose) for source in _sources([value], makers))
    if statement.kind == "box_nms":
        sources = _sources(statement.operands, makers)
        if any(source.kind == "box_decode" for source in sources):
            yield from ((source, "class" if _has_classes(statement.term) else "score") for source in sources)


def _sources(operands: Sequence[Value], makers: Mapping[Value, Statement]) -> list[Statement]:
    """Return the statements with weights, and those that decode boxes, of whose results operands are made."""
    seen: set[int] = set()
    pending = list(operands)
    sources: list[Statement] = []
    while pending:
        statement = makers.get(pending.pop())
        if statement is None or id(statement) in seen:
            continue
        seen.add(id(statement))
        if statement.kind in _OPERANDS or any(map(has_weights, owned([statement]))):
            sources.append(statement)
        else:
            pending += statement.operands
    return sources


def _has_classes(term: Term) -> bool:
    """Return whether the call of non-maximum suppression names a column of classes."""
    calls = [part for part in walk(term) if isinstance(part, Call)]
    return any(dict(call.kwargs).get("class_index", Literal(None)) != Literal(None) for call in calls)

"""Drafts as a dataflow, for what recognises several of them as one: who makes a value, who uses it, replacing both."""

from __future__ import annotations

from typing import Collection, Iterable, Mapping

from mxnet_to_neutral.context import Conversion, Draft
from neutral.graph import Operand, Value


class Flow:
    """The drafts of a conversion by what they make and use."""

    def __init__(self, conversion: Conversion) -> None:
        self.conversion = conversion
        self.makers = {draft.name: draft for draft in conversion.drafts}
        self.users: dict[Value, list[Draft]] = {}
        self.outputs = set(conversion.outputs)
        for draft in conversion.drafts:
            for value in dict.fromkeys(used_by(draft)):
                self.users.setdefault(value, []).append(draft)

    def made(self, operand: Operand, *kinds: str) -> Draft | None:
        """The draft of one of these kinds that makes the operand, if one does."""
        draft = self.makers.get(operand.node) if isinstance(operand, Value) else None
        return draft if draft is not None and draft.kind in kinds else None

    def is_zeros(self, operand: Operand) -> bool:
        """Whether the operand is a tensor of nothing but zeros."""
        draft = self.made(operand, "full", "full_like")
        return draft is not None and draft.attributes["value"] == 0

    def is_private(self, value: Value, users: Collection[Draft]) -> bool:
        """Whether none but these use the value."""
        allowed = {id(user) for user in users}
        return value not in self.outputs and all(id(user) in allowed for user in self.users.get(value, ()))

    def replace(self, new: Iterable[Draft], gone: Collection[str], values: Mapping[Value, Value]) -> None:
        """Put in the ``new`` drafts for those whose names are ``gone``, and use other ``values`` for theirs.

        A new draft is in the place of that whose name it has, and those that are given before it stand before it.
        """
        groups: dict[str, list[Draft]] = {}
        waiting: list[Draft] = []
        for draft in new:
            waiting.append(draft)
            if draft.name in gone:
                groups[draft.name], waiting = waiting, []
        drafts = []
        for draft in self.conversion.drafts:
            drafts += groups.get(draft.name, []) if draft.name in gone else [draft]
        drafts += waiting
        for draft in drafts:
            draft.inputs = [values.get(item, item) if isinstance(item, Value) else item for item in draft.inputs]
            draft.roles = {r: values.get(v, v) if isinstance(v, Value) else v for r, v in draft.roles.items()}
        self.conversion.drafts = _in_order(drafts)
        self.conversion.outputs = [values.get(value, value) for value in self.conversion.outputs]


def used_by(draft: Draft) -> list[Value]:
    """The values that a draft uses."""
    return [operand for operand in (*draft.inputs, *draft.roles.values()) if isinstance(operand, Value)]


def _in_order(drafts: list[Draft]) -> list[Draft]:
    """Every draft after those whose values it uses, otherwise as they are."""
    by_name = {draft.name: draft for draft in drafts}
    ordered: dict[str, Draft] = {}
    for draft in drafts:
        stack = [draft]
        while stack:
            top = stack[-1]
            missing = [v.node for v in used_by(top) if v.node in by_name and v.node not in ordered]
            if missing:
                stack += [by_name[name] for name in missing]
            else:
                ordered.setdefault(stack.pop().name, top)
    return list(ordered.values())

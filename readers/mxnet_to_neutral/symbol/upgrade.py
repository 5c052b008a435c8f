"""Brings the symbol of an older MXNet to today's form, by the rules of MXNet 1.9.1's own loader.

The rules are those of its ``src/nnvm/legacy_json_util.cc``, in its order, each for files older than the version
beside it. They reach the outer graph only: subgraphs are younger than what they mend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Iterator

from mxnet_to_neutral.symbol.inputs import auxiliary_positions, input_names
from mxnet_to_neutral.symbol.model import VARIABLE, Symbol

UNVERSIONED = (0, 8, 0)
"""What MXNet takes a symbol without a version for."""

_USER_KEYS = ("ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage")  # now spelt __lr_mult__ etc.

_INITIAL = {  # operator: input position: initialiser
    "IdentityAttachKLSparseReg": {1: '["zero", {}]'},
    "LeakyReLU": {1: '["Constant", {"value": 0.25}]'},
    "UpSampling": {1: '["bilinear", {}]'},
}
_STATISTICS = {3: '["zero", {}]', 4: '["one", {}]'}  # of every operator with a running mean and variance


@dataclass(eq=False)
class Draft:
    """A node while it is read. Its inputs are drafts themselves, so nodes can be added without renumbering."""

    name: str
    operator: str
    attributes: dict[str, str]
    hidden: dict[str, str]
    inputs: list[tuple[Draft, int]] = field(default_factory=list)
    dependencies: list[Draft] = field(default_factory=list)
    subgraphs: tuple[Symbol, ...] = ()

    @property
    def is_variable(self) -> bool:
        return self.operator == VARIABLE


def execution_order(heads: Iterable[Draft]) -> list[Draft]:
    """What the heads need, depth first and each input before its consumer: the order in which MXNet counts nodes."""
    order: list[Draft] = []
    seen: set[Draft] = set()
    stack: list[tuple[Draft, Iterator[Draft]]] = []

    def enter(draft: Draft) -> None:
        seen.add(draft)
        stack.append((draft, iter([source for source, _ in draft.inputs] + draft.dependencies)))

    for head in heads:
        if head not in seen:
            enter(head)
        while stack:
            draft, sources = stack[-1]
            source = next((source for source in sources if source not in seen), None)
            if source is None:
                order.append(draft)
                stack.pop()
            else:
                enter(source)
    return order


def upgrade(order: list[Draft], version: tuple[int, int, int]) -> list[str]:
    """Upgrade the drafts, which are in execution order, in place; say what was changed."""
    notes = []
    if version < (1, 9, 1):
        _rename_user_keys(order)
    if version < (0, 9, 0):
        added = _add_missing_inputs(order)
        if added:
            notes.append(f"added the inputs that MXNet before 0.9 left out: {listing(added)}")
    if version < (0, 9, 4):
        _set_initialisers(order)
    if version < (0, 9, 5):
        reduced = _reduce_all_axes(order)
        if reduced:
            notes.append(f"axis -1 meant all axes before MXNet 0.9.5; removed it from {listing(reduced)}")
    return notes


def listing(names: Iterable[str], shown: int = 5) -> str:
    """The names, quoted; the first few of many."""
    names = list(names)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(repr(name)[:80] for name in names[:shown]) + more


def _rename_user_keys(order: list[Draft]) -> None:
    """``lr_mult`` becomes ``__lr_mult__``; an operator's ``weight_lr_mult`` becomes that of its weight."""
    for draft in order:
        found = draft.hidden if draft.is_variable else draft.attributes
        for name in [name for name in found if name.startswith(_USER_KEYS) or name.endswith(_USER_KEYS)]:
            value = found.pop(name)
            if name in _USER_KEYS:
                draft.hidden[f"__{name}__"] = value
                continue
            target = None if draft.is_variable else _input_variable(draft, name)
            if target is None:
                draft.hidden[name] = value  # means nothing to any operator, and MXNet left it where it was
            else:
                key = next(key for key in _USER_KEYS if name.endswith(key))
                target.hidden[f"__{key}__"] = value


def _input_variable(draft: Draft, name: str) -> Draft | None:
    """The variable that ``<input>_<key>`` on an operator speaks of."""
    known = input_names(draft.operator, draft.attributes)
    for key in _USER_KEYS:
        prefix = name[: -len(key) - 1]
        if name == f"{prefix}_{key}" and prefix in known and known.index(prefix) < len(draft.inputs):
            source = draft.inputs[known.index(prefix)][0]
            return source if source.is_variable else None
    return None


def _add_missing_inputs(order: list[Draft]) -> list[str]:
    """Variables for the inputs that are not in the file: before 0.9 it held no auxiliary states."""
    added = []
    for draft in order:
        for name in input_names(draft.operator, draft.attributes)[len(draft.inputs) :]:
            variable = Draft(
                name=f"{draft.name}_{name}" if draft.name else name,
                operator=VARIABLE,
                attributes={},
                hidden={**draft.attributes, **draft.hidden},
            )
            draft.inputs.append((variable, 0))
            added.append(variable.name)
    return added


def _set_initialisers(order: list[Draft]) -> None:
    for draft in order:
        initial = _STATISTICS if auxiliary_positions(draft.operator) == (3, 4) else _INITIAL.get(draft.operator, {})
        for position, initialiser in initial.items():
            if position < len(draft.inputs) and draft.inputs[position][0].is_variable:
                draft.inputs[position][0].hidden.setdefault("__init__", initialiser)


def _reduce_all_axes(order: list[Draft]) -> list[str]:
    reduced = [d for d in order if d.operator in ("argmax", "argmin") and d.attributes.get("axis") == "-1"]
    for draft in reduced:
        del draft.attributes["axis"]
    return [draft.name for draft in reduced]

"""The plan of a loading: which stored layer goes where, why, and what is left. It is data, to be saved and edited."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

import tomli_w

from neutral.errors import SourceError, TargetError
from neutral.matching.attributes import Difference
from neutral.text import printable, table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = 1


@dataclass(frozen=True)
class Pair:
    """A stored layer and the module that it fills.

    ``tensors`` maps roles to the names of parameters and buffers in the module's state dict. ``dropped`` are roles
    that the module lacks and that hold a constant without effect; ``constants`` are the module's roles that the store
    lacks and that are filled with such a constant (``zeros``, ``ones``). ``nodes`` are what the source calls the uses
    of the layer, in execution order. ``reason`` is ``mapping``, ``name``, ``structure`` or ``activation``.
    """

    layer: str
    module: str
    kind: str
    reason: str
    detail: str = ""
    tensors: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the layer goes into a module of its kind, each role under its own name."""
        return all(name == child(self.module, role) for role, name in self.tensors.items())


def child(path: str, name: str) -> str:
    """The state dict's name of what a module at ``path`` calls ``name``."""
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class Leftover:
    """A stored layer (or ``layer.role``) that nothing uses, or a module's tensor that nothing fills, and why."""

    name: str
    why: str
    allowed: bool = False


@dataclass(frozen=True)
class Plan:
    """Pairs in the store's order, what is left over on either side, and notes on what loading does besides.

    ``conflicts`` are places where the dataflow of the module is another than that of the store. ``str`` gives a table.
    A plan can be given as ``mapping`` to load again, from memory or from its file.
    """

    pairs: tuple[Pair, ...]
    unused: tuple[Leftover, ...] = ()
    unfilled: tuple[Leftover, ...] = ()
    notes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[tuple[Pair, Difference], ...]:
        """Every difference of attributes with the pair it is in."""
        return tuple((pair, difference) for pair in self.pairs for difference in pair.differences)

    @property
    def problems(self) -> tuple[str, ...]:
        """What strict loading refuses: contradictions of the dataflow, and leftovers that were not allowed."""
        by_reason: dict[str, tuple[list[str], list[str]]] = {}
        for side, items in enumerate((self.unused, self.unfilled)):
            for item in items:
                if not item.allowed:
                    by_reason.setdefault(item.why, ([], []))[side].append(item.name)
        texts = []
        for why, (unused, unfilled) in by_reason.items():
            parts = [f"stored {', '.join(unused)} not used"] if unused else []
            parts += [f"the module's {', '.join(unfilled)} not filled"] if unfilled else []
            texts.append(f"{' and '.join(parts)}: {why}")
        return tuple(map(printable, (*self.conflicts, *texts)))

    def __str__(self) -> str:
        rows = [
            (pair.layer, pair.kind, pair.module or "(the module)", _why(pair), "; ".join(_remarks(pair)))
            for pair in self.pairs
        ]
        parts = [table(("stored layer", "kind", "module", "matched by", "remarks"), rows)]
        for title, items in (("Not used of the store:", self.unused), ("Not filled in the module:", self.unfilled)):
            if items:
                lines = [f"  {item.name}: {item.why}{' (allowed)' if item.allowed else ''}" for item in items]
                parts.append("\n".join(map(printable, (title, *lines))))
        for title, texts in (("Other dataflow:", self.conflicts), ("Notes:", self.notes)):
            if texts:
                parts.append("\n".join(map(printable, (title, *(f"  {text}" for text in texts)))))
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The plan as its file has it: strings, numbers, lists and tables only."""
        return {
            "neutral_plan": VERSION,
            "notes": list(self.notes),
            "conflicts": list(self.conflicts),
            "unused": [vars(item) for item in self.unused],
            "unfilled": [vars(item) for item in self.unfilled],
            "pair": [
                {
                    **{name: getattr(pair, name) for name in _TEXTS},
                    "nodes": list(pair.nodes),
                    **({"roles": list(pair.tensors)} if pair.is_whole else {"tensors": dict(pair.tensors)}),
                    "dropped": dict(pair.dropped),
                    "constants": dict(pair.constants),
                    "differences": [_without_none(vars(difference)) for difference in pair.differences],
                }
                for pair in self.pairs
            ],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as TOML. Raises TargetError where that is not possible."""
        try:
            Path(path).write_bytes(tomli_w.dumps(self.to_dict()).encode())
        except OSError as error:
            raise TargetError(f"{os.fspath(path)}: cannot be written: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan's file. Raises SourceError where there is none, or it is not a plan."""
        loaded = read_mapping(path)
        if not isinstance(loaded, Plan):
            raise SourceError(f"{os.fspath(path)}: this is a mapping, not a plan (it has no neutral_plan).")
        return loaded


_TEXTS = ("layer", "module", "kind", "reason", "detail")


def read_mapping(path: str | os.PathLike[str]) -> Plan | dict[str, str]:
    """A TOML file's plan, or its mapping: ``"stored layer" = "module.path"`` lines and nothing else."""
    file = os.fspath(path)
    try:
        document = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{file}: this is not TOML: {error}.") from None
    if "neutral_plan" not in document:
        wrong = [key for key, value in document.items() if not isinstance(value, str)]
        if wrong:
            raise SourceError(f'{file}: {wrong[0]!r} is no text; a mapping has lines "stored layer" = "module.path".')
        return document
    if document["neutral_plan"] != VERSION:
        raise SourceError(f"{file}: a plan of version {document['neutral_plan']!r}, this Neutral reads {VERSION}.")
    try:
        return Plan(
            pairs=tuple(_pair(item) for item in document.get("pair", [])),
            unused=tuple(Leftover(**item) for item in document.get("unused", [])),
            unfilled=tuple(Leftover(**item) for item in document.get("unfilled", [])),
            notes=tuple(document.get("notes", [])),
            conflicts=tuple(document.get("conflicts", [])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"{file}: this plan is damaged ({type(error).__name__}: {error}).") from None


def _pair(item: dict[str, Any]) -> Pair:
    """A pair of the file. Only its layer and its module have to be there. Roles are names below the module, so that an
    edited module takes them with it; ``tensors`` are other names, written out."""
    layer, module = item["layer"], item["module"]
    if not isinstance(layer, str) or not isinstance(module, str):
        raise TypeError("layer and module are texts")
    return Pair(
        layer=layer,
        module=module,
        kind=item.get("kind", ""),
        reason=item.get("reason", "mapping"),
        detail=item.get("detail", ""),
        tensors={**{role: child(module, role) for role in item.get("roles", [])}, **item.get("tensors", {})},
        dropped=dict(item.get("dropped", {})),
        constants=dict(item.get("constants", {})),
        differences=tuple(_difference(entry) for entry in item.get("differences", [])),
        nodes=tuple(item.get("nodes", [])),
    )


def _difference(item: dict[str, Any]) -> Difference:
    values = [item.get("stored"), item.get("module")]  # TOML has no null: a value that is None is left out
    stored, module = (tuple(value) if isinstance(value, list) else value for value in values)
    return Difference(item["attribute"], stored, module, item["effect"], item["applied"])


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None
    }


def _why(pair: Pair) -> str:
    return f"{pair.reason} ({pair.detail})" if pair.detail else pair.reason


def _remarks(pair: Pair) -> list[str]:
    remarks = [str(difference) for difference in pair.differences]
    remarks += [f"{name} filled with {constant}" for name, constant in pair.constants.items()]
    remarks += [f"{role} left out, it is all {constant}" for role, constant in pair.dropped.items()]
    return remarks

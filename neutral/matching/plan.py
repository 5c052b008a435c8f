"""Plan of a load as data: the pairs of stored layers and modules, their reasons, and the leftovers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Mapping

from neutral.errors import SourceError
from neutral.matching.attributes import Difference
from neutral.matching.grade import Grade
from neutral.matching.plan_entries import Leftover, Pair
from neutral.matching.plan_file import VERSION, VERSION_KEY, check_version, is_plan, read_document, write_document
from neutral.text import listed, printable, table

_COLUMNS = ("stored layer", "kind", "module", "matched by", "remarks")


@dataclass(frozen=True)
class Problem:
    """A reason for which strict loading refuses a plan.

    Attributes:
        cause: The difference of both sides.
        unused: Stored layers that are not used for that cause.
        unfilled: The module's tensors that are not filled for that cause.
        modules: The module's layers whose attribute differs.
        layers: The stored layers that those fill.

    Example:
        >>> problem = Problem("the store has nothing of its name", unfilled=("a.weight", "a.bias", "b.weight"))
        >>> problem.text(2)
        "the module's a.weight, a.bias and 1 more not filled: the store has nothing of its name"
    """

    cause: str
    unused: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def text(self, limit: int | None = None) -> str:
        """Return the problem as one line.

        Args:
            limit: The number of names that each list shows; None for all of them.
        """
        parts = [f"stored {listed(self.unused, limit)} not used"] if self.unused else []
        parts += [f"the module's {listed(self.unfilled, limit)} not filled"] if self.unfilled else []
        parts += [listed(self.modules, limit)] if self.modules else []
        return printable(": ".join((*([" and ".join(parts)] if parts else []), self.cause)))


def find_problems(plan: Plan) -> list[Problem]:
    """Return the reasons for which strict loading refuses a plan.

    Args:
        plan: The plan.

    Returns:
        Conflicts, then leftovers and attributes by cause.

    Example:
        >>> find_problems(Plan((), unused=(Leftover("fc", "the module lacks it"),)))[0].text()
        'stored fc not used: the module lacks it'
    """
    by_reason: dict[str, tuple[list[str], list[str]]] = {}
    for side, items in enumerate((plan.unused, plan.unfilled)):
        for item in items:
            if not item.allowed:
                by_reason.setdefault(item.why, ([], []))[side].append(item.name)
    by_difference: dict[str, list[Pair]] = {}
    for pair, difference in plan.differences:
        if difference.is_problem:
            by_difference.setdefault(str(difference), []).append(pair)
    return [
        *map(Problem, plan.conflicts),
        *(Problem(why, tuple(unused), tuple(unfilled)) for why, (unused, unfilled) in by_reason.items()),
        *(
            Problem(
                text,
                modules=tuple(pair.module or "the module" for pair in pairs),
                layers=tuple(pair.layer for pair in pairs),
            )
            for text, pairs in by_difference.items()
        ),
    ]


@dataclass(frozen=True)
class Plan:
    """Plan of a load. ``str`` gives a table; a plan can be saved, edited, and given as a mapping to load again.

    Attributes:
        pairs: The pairs in the store's order.
        unused: Stored layers and roles that no pair uses.
        unfilled: Tensors of the module that no pair fills.
        notes: Messages on further effects of the load.
        conflicts: Messages on differences between the dataflow of the module and that of the store.
        grade: The evidence that a module filled by the plan computes what the store means.

    Example:
        >>> plan = Plan((Pair("fc0", "classifier", "linear", "name", tensors={"weight": "classifier.weight"}),))
        >>> print(plan)
        stored layer  kind    module      matched by
        fc0           linear  classifier  name
        >>> Plan.from_dict(plan.to_dict()) == plan
        True
    """

    pairs: tuple[Pair, ...]
    unused: tuple[Leftover, ...] = ()
    unfilled: tuple[Leftover, ...] = ()
    notes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    grade: Grade = field(default=Grade(), compare=False)

    @property
    def differences(self) -> tuple[tuple[Pair, Difference], ...]:
        """Every difference of attributes with its pair."""
        return tuple((pair, difference) for pair in self.pairs for difference in pair.differences)

    @property
    def problems(self) -> tuple[str, ...]:
        """Messages for which strict loading refuses the plan.

        They are conflicts, leftovers that are not allowed, and attributes that change results and are not allowed.
        """
        return tuple(problem.text() for problem in find_problems(self))

    def __repr__(self) -> str:
        return f"<Plan: {self._counts()}>"

    def _counts(self) -> str:
        left = f"{len(self.unused)} unused, {len(self.unfilled)} unfilled, {len(self.conflicts)} conflicts"
        return f"{len(self.pairs)} layers matched, {left}"

    def _repr_html_(self) -> str:
        from neutral.notebook import html_table

        return html_table(f"Plan: {self._counts()}", _COLUMNS, map(_cells, self.pairs), len(self.pairs))

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Return the table of the pairs, and below it what is left.

        Args:
            width: The characters that a line of the table may have; remarks that do not fit are listed below it. None:
                any number.

        Returns:
            The lines.
        """
        rows = list(map(_cells, self.pairs))
        parts = [table(_COLUMNS, rows)]
        if width is not None and max(map(len, parts[0].split("\n"))) > width:
            parts = [table(_COLUMNS[:-1], [row[:-1] for row in rows], width=width, spare=("kind",))]
            remarks = [printable(f"  {row[0]}: {row[-1]}") for row in rows if row[-1]]
            parts += ["\n".join(["Remarks:", *remarks])] if remarks else []
        for title, items in (("Not used of the store:", self.unused), ("Not filled in the module:", self.unfilled)):
            if items:
                lines = [f"  {item.name}: {item.why}{' (allowed)' if item.allowed else ''}" for item in items]
                parts.append("\n".join(map(printable, (title, *lines))))
        for title, texts in (("Other dataflow:", self.conflicts), ("Notes:", self.notes)):
            if texts:
                parts.append("\n".join(map(printable, (title, *(f"  {text}" for text in texts)))))
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan's document: strings, numbers, lists and tables only.

        Returns:
            The document, of which :meth:`from_dict` makes an equal plan.
        """
        return {
            VERSION_KEY: VERSION,
            "grade": self.grade.to_dict(),
            "notes": list(self.notes),
            "conflicts": list(self.conflicts),
            "unused": [vars(item) for item in self.unused],
            "unfilled": [vars(item) for item in self.unfilled],
            "pair": [pair.to_dict() for pair in self.pairs],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], where: str = "the plan") -> Plan:
        """Build a plan from its document.

        Args:
            document: The document, as :meth:`to_dict` gives it and an editor may have changed it.
            where: Its file or another description, for messages.

        Returns:
            The plan.

        Raises:
            SourceError: The version is unknown, or entries are missing or of a wrong type.
        """
        check_version(document, where)
        try:
            return cls(
                pairs=tuple(Pair.from_dict(item) for item in document.get("pair", [])),
                unused=tuple(Leftover(**item) for item in document.get("unused", [])),
                unfilled=tuple(Leftover(**item) for item in document.get("unfilled", [])),
                notes=tuple(document.get("notes", [])),
                conflicts=tuple(document.get("conflicts", [])),
                grade=Grade.from_dict(document.get("grade", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(f"{where}: this plan is damaged ({type(error).__name__}: {error}).") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as TOML: a line for each pair, without the entries that are empty.

        Args:
            path: The file; replaced if it exists.

        Raises:
            TargetError: The file cannot be written.
        """
        document = self.to_dict()
        pairs = [
            {
                name: value
                for name, value in pair.items()
                if value not in ("", [], {}) or name in ("layer", "module", "reason")
            }
            for pair in document["pair"]
        ]
        write_document(path, {**document, "pair": pairs}, lines="pair")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read the file of a plan.

        Args:
            path: A file of :meth:`save`, perhaps edited.

        Returns:
            The plan.

        Raises:
            SourceError: The file cannot be read or is not a plan.
        """
        document = read_document(path)
        if not is_plan(document):
            raise SourceError(f"{os.fspath(path)}: this is a mapping, not a plan (it has no {VERSION_KEY}).")
        return cls.from_dict(document, os.fspath(path))


def _cells(pair: Pair) -> tuple[str, ...]:
    """Return the cells of a pair under ``_COLUMNS``."""
    return pair.layer, pair.kind, pair.module or "(the module)", _evidence(pair), "; ".join(_remarks(pair))


def _evidence(pair: Pair) -> str:
    return f"{pair.reason} ({pair.detail})" if pair.detail else pair.reason


def _remarks(pair: Pair) -> list[str]:
    remarks = [str(difference) for difference in pair.differences]
    remarks += [f"{role} {layout}" for role, layout in pair.layouts.items()]
    remarks += [f"{name} filled with {constant}" for name, constant in pair.constants.items()]
    remarks += [f"{role} left out, it is all {constant}" for role, constant in pair.dropped.items()]
    return remarks

"""What a verification found: a table for terminals, JSON, and a page."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from neutral.text import printable, table
from neutral.verification.comparison import Comparison


@dataclass(frozen=True)
class Row:
    """One comparison. ``layer`` and ``module`` are None for an output of the whole; ``source`` names the golden tensor.

    ``hint`` says of a difference what kind of cause it looks like.
    """

    layer: str | None
    module: str | None
    kind: str
    source: str
    shape: tuple[int, ...]
    comparison: Comparison
    tolerance: float
    hint: str = ""

    @property
    def ok(self) -> bool:
        return self.comparison.within(self.tolerance)

    @property
    def scaled_error(self) -> float:
        """The largest error in units of the largest golden magnitude."""
        return self.comparison.scaled_error

    @property
    def name(self) -> str:
        return "output" if self.layer is None else self.layer


@dataclass(frozen=True)
class Skipped:
    """A layer of the plan, or an output, that was not compared, and why."""

    layer: str
    module: str
    why: str


@dataclass(frozen=True)
class Report:
    """Rows in the order the module ran, its outputs last. ``problems`` are what made a comparison impossible.

    ``ok`` needs every row to be within its tolerance, at least one row, and no problem.
    """

    module: str
    golden: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return bool(self.rows) and not self.problems and all(row.ok for row in self.rows)

    @property
    def first_divergence(self) -> Row | None:
        """The first row beyond its tolerance, in execution order."""
        return next((row for row in self.rows if not row.ok), None)

    @property
    def summary(self) -> str:
        """The result in one line."""
        layers = [row for row in self.rows if row.layer is not None]
        outputs = len(self.rows) - len(layers)
        counts = f"{_count(len(layers), 'layer')} and {_count(outputs, 'output')} compared"
        skipped = f", {len(self.skipped)} not compared" if self.skipped else ""
        if self.ok:
            worst = max(self.rows, key=lambda row: row.scaled_error)
            return f"equal: {counts}{skipped}; largest error {worst.scaled_error:.1e} of the scale, in {worst.name}"
        first = self.first_divergence
        if first is not None:
            where = f"first in {first.name} ({first.source})" + (f": {first.hint}" if first.hint else "")
            return f"different: {counts}{skipped}; {where}"
        return f"not verified: {counts}{skipped}"

    def __str__(self) -> str:
        head = ("", "layer", "module", "kind", "max error", "mean error", "of scale", "cosine", "hint")
        parts = [table(head, [_cells(row) for row in self.rows])] if self.rows else []
        for title, lines in (
            ("Not compared:", [f"{item.layer} ({item.module}): {item.why}" for item in self.skipped]),
            ("Problems:", list(self.problems)),
            ("Notes:", list(self.notes)),
        ):
            if lines:
                parts.append("\n".join([title, *(f"  {printable(line)}" for line in lines)]))
        return "\n\n".join([*parts, printable(self.summary)])

    def to_dict(self) -> dict[str, Any]:
        """What the report says, in types that JSON has; numbers that are not finite are None."""
        first = self.first_divergence
        return {
            "ok": self.ok,
            "summary": self.summary,
            "module": self.module,
            "golden": self.golden,
            "first_divergence": None if first is None else self.rows.index(first),
            "rows": [_row_to_dict(row) for row in self.rows],
            "skipped": [vars(item) for item in self.skipped],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """A page that needs nothing else: the error along depth, and the table."""
        from neutral.verification.report_html import page

        return page(self)


def number(value: float) -> str:
    return f"{value:.2e}" if math.isfinite(value) else str(value)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cells(row: Row) -> tuple[str, ...]:
    found = row.comparison
    return (
        "" if row.ok else "differs",
        row.name,
        row.module if row.module is not None else row.source,
        row.kind,
        number(found.max_error),
        number(found.mean_error),
        number(found.scaled_error),
        f"{found.cosine:.9f}",
        row.hint,
    )


def _row_to_dict(row: Row) -> dict[str, Any]:
    numbers = {name: value if math.isfinite(value) else None for name, value in vars(row.comparison).items()}
    return {
        "layer": row.layer,
        "module": row.module,
        "kind": row.kind,
        "source": row.source,
        "shape": list(row.shape),
        "ok": row.ok,
        "tolerance": row.tolerance,
        "hint": row.hint,
        **numbers,
    }

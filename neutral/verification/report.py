"""Report of a verification: the comparisons as data, as a table for terminals, as JSON, and as a page."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from neutral.text import printable, table
from neutral.verification.comparison import Comparison, format_error

SPARE = ("mean error", "cosine", "kind", "module")
"""Columns to leave out where the table is too wide, in this order."""

TIES = "ties: "
"""The start of the reason of values that nearly equal numbers decide, which are sorted in another order."""


@dataclass(frozen=True)
class Row:
    """One comparison of a report.

    Attributes:
        layer: The stored layer, None for an output of the network.
        module: The module's path, None for an output.
        kind: The layer's kind, "" for an output.
        source: The recorded node or tensor.
        shape: The shape of the recorded array.
        comparison: The errors.
        tolerance: The largest allowed error, in units of the largest golden magnitude.
        hint: The likely cause of a difference, "" where there is none.

    Example:
        >>> row = Row(None, None, "", "y", (1, 2), Comparison(0.0, 0.0, 1.0, 0.0, 1.0), 1e-5)
        >>> row.name, row.place, row.ok
        ('output', 'y', True)
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
        """Whether the error is within the tolerance."""
        return self.comparison.within(self.tolerance)

    @property
    def scaled_error(self) -> float:
        """The largest error in units of the largest golden magnitude."""
        return self.comparison.scaled_error

    @property
    def name(self) -> str:
        """The stored layer, or ``output``."""
        return "output" if self.layer is None else self.layer

    @property
    def place(self) -> str:
        """The module's path, or the recorded tensor of an output."""
        return self.source if self.module is None else self.module


@dataclass(frozen=True)
class Skipped:
    """A layer of the plan that was not compared.

    Attributes:
        layer: The stored layer.
        module: The module's path.
        why: The reason.

    Example:
        >>> print(Skipped("fc2", "head", "the module did not run for fc2"))
        fc2 (head): the module did not run for fc2
    """

    layer: str
    module: str
    why: str

    def __str__(self) -> str:
        return f"{self.layer} ({self.module}): {self.why}"


@dataclass(frozen=True)
class Report:
    """Result of a verification.

    Attributes:
        module: The name of the module or the path of the store.
        golden: The name of the golden file and of the framework that recorded it.
        rows: The comparisons in the order in which the module ran, its outputs last.
        skipped: The layers that were not compared.
        problems: Messages on comparisons that were impossible.
        notes: Messages for people.
        proves: The part of the conversion that an equal result proves: ``reader and writer`` against a record of the
            original framework, ``writer`` against the reference.

    Example:
        >>> report = Report("Net", "golden.safetensors (mxnet 1.9.1)", (), problems=("another number of outputs",))
        >>> report.ok, report.summary
        (False, 'not verified: 0 layers and 0 outputs compared')
    """

    module: str
    golden: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    proves: str = "reader and writer"

    @property
    def ok(self) -> bool:
        """Whether there is a row, every row is within its tolerance, and there is no problem."""
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
        ties = sum(item.why.startswith(TIES) for item in self.skipped)
        skipped = f", {len(self.skipped) - ties} not compared" if len(self.skipped) > ties else ""
        skipped += f", {ties} decided by ties" if ties else ""
        if self.ok:
            worst = max(self.rows, key=lambda row: row.scaled_error)
            error = f"largest error {worst.scaled_error:.1e} of the scale, in {worst.name}"
            scope = "" if self.proves == "reader and writer" else f"; this proves the {self.proves}, not the reader"
            return f"equal: {counts}{skipped}; {error}{scope}"
        first = self.first_divergence
        if first is not None:
            where = f"first in {first.name} ({first.source})" + (f": {first.hint}" if first.hint else "")
            return f"different: {counts}{skipped}; {where}"
        why = f": {self.skipped[0].why}" if self.skipped and not self.rows else ""
        return f"not verified: {counts}{skipped}{why}"

    def __repr__(self) -> str:
        return f"<Report {self.module}: {self.summary}>"

    def _repr_html_(self) -> str:
        from neutral.notebook import html_table

        head = ("", "layer", "module", "kind", "max error", "mean error", "of scale", "cosine", "hint")
        return html_table(f"{self.module}: {self.summary}", head, map(_cells, self.rows), len(self.rows))

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Return the table, what was not compared, and the summary.

        Args:
            width: The characters that a line of the table may have; hints that do not fit are listed below it. None:
                any number.

        Returns:
            The lines.
        """
        from textwrap import fill

        head = ("", "layer", "module", "kind", "max error", "mean error", "of scale", "cosine", "hint")
        cells = [_cells(row) for row in self.rows]
        text = table(head, cells) if cells else ""
        causes: list[str] = []
        if width is not None and max(map(len, text.split("\n"))) > width:
            text = table(head[:-1], [row[:-1] for row in cells], width=width, spare=SPARE)
            causes = [f"{row.name}: {row.hint}" for row in self.rows if row.hint]
        parts = [text] if cells else []
        for title, lines in (
            ("Likely causes:", causes),
            ("Not compared:", list(map(str, self.skipped))),
            ("Problems:", list(self.problems)),
            ("Notes:", list(self.notes)),
        ):
            shown = [f"  {printable(line)}" for line in lines]
            if width is not None:
                shown = [fill(line, max(width, 40), subsequent_indent="    ", break_on_hyphens=False) for line in shown]
            if lines:
                parts.append("\n".join([title, *shown]))
        return "\n\n".join([*parts, printable(self.summary)])

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON has; numbers that are not finite are None.

        Returns:
            Strings, numbers, lists and tables only.
        """
        first = self.first_divergence
        return {
            "ok": self.ok,
            "summary": self.summary,
            "module": self.module,
            "golden": self.golden,
            "proves": self.proves,
            "first_divergence": None if first is None else self.rows.index(first),
            "rows": [_row_to_dict(row) for row in self.rows],
            "skipped": [vars(item) for item in self.skipped],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text.

        Returns:
            The text of a JSON document.
        """
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Return a self-contained page: the error along the depth of the network, and the table.

        Returns:
            The text of a page that needs no other file.
        """
        from neutral.page import render_page

        return render_page("network", f"Verification of {self.module}", {"verification": self.to_dict()})


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cells(row: Row) -> tuple[str, ...]:
    errors = row.comparison
    return (
        "" if row.ok else "differs",
        row.name,
        row.place,
        row.kind,
        format_error(errors.max_error),
        format_error(errors.mean_error),
        format_error(errors.scaled_error),
        f"{errors.cosine:.9f}",
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

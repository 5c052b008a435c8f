"""Text for a terminal: names are data, and must not reach it as escape sequences."""

from __future__ import annotations

from typing import Sequence


def printable(text: str) -> str:
    """The text with every character that a terminal would act on written as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned to the left, under a head; columns that are empty in every row are left out."""
    cells = [[printable(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(head)) if not rows or any(row[i] for row in cells)]
    lines = [[head[i] for i in kept], *([row[i] for i in kept] for row in cells)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(kept))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)

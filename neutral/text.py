"""Text for a terminal: names are data, and must not reach it as escape sequences."""

from __future__ import annotations

from typing import Iterable, Sequence


def printable(text: str) -> str:
    """``text`` with what a terminal would act on (controls, escapes, direction marks, lone surrogates) written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Aligned columns under a head, those named in ``right`` to the right; columns with no text at all are left out."""
    cells = [[printable(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(head)) if not cells or any(row[i] for row in cells)]
    lines = [[line[i] for i in kept] for line in (list(head), *cells)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    names = lines[0]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width) for name, cell, width in zip(names, line, widths)
        ).rstrip()
        for line in lines
    )

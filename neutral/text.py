"""Format text for a terminal; control characters in names are escaped."""

from __future__ import annotations

from typing import Iterable, Sequence


def printable(text: str) -> str:
    r"""Escape the characters that a terminal would interpret: controls, direction marks, lone surrogates.

    Example:
        >>> print(printable("conv\x1b[31m"))
        conv\x1b[31m
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return the end of an error message that suggests the most similar name, or an empty text if none is similar.

    Args:
        name: The unknown name.
        names: The known names.

    Example:
        >>> suggestion("bn12", ["bn1_2", "fc"])
        " Did you mean 'bn1_2'?"
        >>> suggestion("pooling", ["bn1_2", "fc"])
        ''
    """
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Format a table with aligned columns.

    Args:
        head: The titles of the columns.
        rows: The cells; columns that are empty in every row are left out.
        right: The titles of the columns to align to the right.

    Example:
        >>> print(table(("layer", "bytes"), [("fc", "24"), ("conv0", "1024")], right=("bytes",)))
        layer  bytes
        fc        24
        conv0   1024
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    columns = [i for i in range(len(head)) if not cells or any(row[i] for row in cells)]
    lines = [[line[i] for i in columns] for line in (list(head), *cells)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    titles = lines[0]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if title in right else cell.ljust(width)
            for title, cell, width in zip(titles, line, widths)
        ).rstrip()
        for line in lines
    )

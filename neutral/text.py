"""Format text for a terminal; control characters in names are escaped."""

from __future__ import annotations

from itertools import chain
from typing import Callable, Iterable, Iterator, Sequence


def printable(text: str) -> str:
    r"""Escape the characters that a terminal would interpret: controls, direction marks, lone surrogates.

    Args:
        text: Any text.

    Returns:
        The text, in which every character is printable.

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

    Returns:
        A sentence that begins with a space, or an empty text.

    Example:
        >>> suggestion("bn12", ["bn1_2", "fc"])
        " Did you mean 'bn1_2'?"
        >>> suggestion("pooling", ["bn1_2", "fc"])
        ''
    """
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def shape_text(shape: Sequence[int | None] | None) -> str:
    """Return a shape for people, with a question mark for each free dimension.

    Args:
        shape: The sizes of the axes, None for free ones; None for an unknown rank.

    Returns:
        The text.

    Example:
        >>> shape_text((None, 3)), shape_text(None)
        ('(?, 3)', '(?)')
    """
    if shape is None:
        return "(?)"
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"


Row = Sequence[str]


def table(head: Row, rows: Iterable[Row], right: Row = ()) -> str:
    """Format a table with aligned columns.

    Args:
        head: The titles of the columns.
        rows: The cells; columns that are empty in every row are left out.
        right: The titles of the columns to align to the right.

    Returns:
        The lines, without a line feed at the end.

    Example:
        >>> print(table(("layer", "bytes"), [("fc", "24"), ("conv0", "1024")], right=("bytes",)))
        layer  bytes
        fc        24
        conv0   1024
    """
    cells = list(rows)
    return "\n".join(table_lines(head, lambda: cells, right))


def table_lines(head: Row, rows: Callable[[], Iterable[Row]], right: Row = ()) -> Iterator[str]:
    """Yield the lines of a long table one at a time; see :func:`table`.

    Args:
        head: The titles of the columns.
        rows: Return the rows; called twice, for the widths of the columns and for their cells.
        right: The titles of the columns to align to the right.

    Returns:
        An iterator over the lines, the titles first.
    """
    widths = [0] * len(head)
    for row in rows():
        widths = [max(width, len(printable(cell))) for width, cell in zip(widths, row)]
    columns = [(i, max(widths[i], len(head[i])), head[i] in right) for i in range(len(head)) if widths[i]]
    if not columns:
        columns = [(i, len(title), title in right) for i, title in enumerate(head)]
    for row in chain([head], rows()):
        cells = ((printable(row[i]), width, is_right) for i, width, is_right in columns)
        yield "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in cells
        ).rstrip()

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
        >>> suggestion("CNN", ["cnn"])
        " Did you mean 'cnn'?"
    """
    from difflib import get_close_matches

    known = list(names)
    close = get_close_matches(name, known, 1) or [item for item in known if item.casefold() == name.casefold()]
    return f" Did you mean {close[0]!r}?" if close else ""


def listed(names: Sequence[str], most: int | None) -> str:
    """Return the first of some names, and how many more there are.

    Args:
        names: The names.
        most: The number of names that are listed at most; None for all.

    Returns:
        A text without a full stop.

    Example:
        >>> listed(["a", "b", "c"], 2), listed(["a", "b"], 2)
        ('a, b and 1 more', 'a, b')
    """
    shown = names[:most]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return ", ".join(shown) + more


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

LEAST = 12
"""The least width to which texts of a table are shortened."""


class Heading(str):
    """The line of a table that has the titles of its columns."""

    __slots__ = ()


def table(head: Row, rows: Iterable[Row], right: Row = (), width: int | None = None, spare: Row = ()) -> str:
    """Format a table with aligned columns.

    Args:
        head: The titles of the columns.
        rows: The cells; columns that are empty in every row are left out.
        right: The titles of the columns to align to the right.
        width: The characters that a line may have, as far as that can be reached; None: any number.
        spare: The titles of columns to leave out for that, in this order; then texts are shortened in the middle.

    Returns:
        The lines, without a line feed at the end.

    Example:
        >>> rows = [("fc", "24"), ("features.stage1.conv0", "1024")]
        >>> print(table(("layer", "bytes"), rows, right=("bytes",)))
        layer                  bytes
        fc                        24
        features.stage1.conv0   1024
        >>> print(table(("layer", "bytes"), rows, right=("bytes",), width=20))
        layer          bytes
        fc                24
        featur….conv0   1024
    """
    cells = list(rows)
    return "\n".join(table_lines(head, lambda: cells, right, width, spare))


def table_lines(
    head: Row, rows: Callable[[], Iterable[Row]], right: Row = (), width: int | None = None, spare: Row = ()
) -> Iterator[str]:
    """Yield the lines of a long table one at a time; see :func:`table`.

    Args:
        head: The titles of the columns.
        rows: Return the rows; called twice, for the widths of the columns and for their cells.
        right: The titles of the columns to align to the right.
        width: The characters that a line may have, as far as that can be reached; None: any number.
        spare: The titles of columns to leave out for that.

    Returns:
        An iterator over the lines, the titles first, as a :class:`Heading`.
    """
    widths = [0] * len(head)
    for row in rows():
        widths = [max(known, len(printable(cell))) for known, cell in zip(widths, row)]
    columns = {i: max(widths[i], len(title)) for i, title in enumerate(head) if widths[i]}
    if not columns:
        columns = {i: len(title) for i, title in enumerate(head)}
    if width is not None:
        columns = _fitted(
            columns, width, [head.index(title) for title in spare], [head.index(title) for title in right]
        )
    for row in chain([head], rows()):
        cells = ((shortened(printable(row[i]), size), size, head[i] in right) for i, size in columns.items())
        line = "  ".join(cell.rjust(size) if is_right else cell.ljust(size) for cell, size, is_right in cells).rstrip()
        yield Heading(line) if row is head else line


def shortened(text: str, width: int) -> str:
    """Return a text with its middle left out, if it is too long.

    Args:
        text: The text.
        width: The characters that are shown.

    Returns:
        At most ``width`` characters.

    Example:
        >>> shortened("features.stage1.conv0", 10), shortened("fc", 10)
        ('featu…onv0', 'fc')
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _fitted(columns: dict[int, int], width: int, spare: Sequence[int], right: Sequence[int]) -> dict[int, int]:
    """Return the widths of columns without spare ones, and of texts shortened, as far as a width demands."""

    def surplus() -> int:
        return sum(columns.values()) + 2 * (len(columns) - 1) - width

    columns = dict(columns)
    for column in spare:
        if surplus() > 0:
            columns.pop(column, None)
    for column in columns:
        if column not in right:
            columns[column] = max(columns[column] - max(surplus(), 0), min(columns[column], LEAST))
    return columns

"""HTML of stores, graphs, plans and reports for notebooks: a sentence and a table."""

from __future__ import annotations

from html import escape
from itertools import islice
from typing import Iterable, Sequence

from neutral.text import printable

MOST_ROWS = 200
"""Rows of a table; a line says how many more there are."""


def html_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], count: int) -> str:
    """Return a sentence and a table as HTML. Texts come from files and are escaped.

    Args:
        title: The sentence.
        head: The titles of the columns.
        rows: The cells; the first :data:`MOST_ROWS` are shown.
        count: The number of rows.

    Returns:
        An element that needs no style or script.

    Example:
        >>> html_table("1 layer", ("layer",), [("<a>",)], 1)
        '<div><p>1 layer</p><table><tr><th>layer</th></tr><tr><td>&lt;a&gt;</td></tr></table></div>'
    """
    lines = [("th", head), *(("td", row) for row in islice(rows, MOST_ROWS))]
    body = "".join(
        f"<tr>{''.join(f'<{tag}>{escape(printable(cell))}</{tag}>' for cell in cells)}</tr>" for tag, cells in lines
    )
    more = f"<p>and {count - MOST_ROWS:,} more</p>" if count > MOST_ROWS else ""
    return f"<div><p>{escape(printable(title))}</p><table>{body}</table>{more}</div>"

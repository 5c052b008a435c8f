"""HTML for notebooks: stores, graphs, plans and reports as a sentence and a table, and whole pages in a frame."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Iterable, Sequence

from neutral.text import printable

MOST_ROWS = 200
"""Rows of a table; a line says how many more there are."""


@dataclass(frozen=True)
class Picture:
    """A page that a notebook shows in a frame.

    Args:
        title: The title of the page.
        html: The page, which needs no other file.

    Example:
        >>> picture = Picture("net", "<p>page</p>")
        >>> picture
        <Picture net: 11 characters of HTML; save(path) writes it>
        >>> 'srcdoc="&lt;p&gt;page&lt;/p&gt;"' in picture._repr_html_()
        True
    """

    title: str
    html: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page atomically.

        Args:
            path: The file to write, or to replace.

        Raises:
            TargetError: If the file cannot be written.
        """
        from neutral.store.atomic import atomic_file

        with atomic_file(path) as file:
            file.write(self.html.encode())

    def __repr__(self) -> str:
        return f"<Picture {printable(self.title)}: {len(self.html):,} characters of HTML; save(path) writes it>"

    def _repr_html_(self) -> str:
        """Return a frame with the page, whose scripts run and cannot reach the notebook.

        The frame is ASCII: read in another encoding, the scripts would not have the digests of the page's policy.
        """
        frame = (
            f'<iframe title="{escape(printable(self.title))}" sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            'style="width: 100%; height: 40rem; border: 0"></iframe>'
        )
        return frame.encode("ascii", "xmlcharrefreplace").decode()


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

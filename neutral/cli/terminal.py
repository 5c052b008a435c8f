"""What a terminal can show: its width, colours, and a line that is drawn again and again."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from time import monotonic
from typing import Any, Callable, Iterator

from neutral.text import Heading, shortened

STYLES = (
    (r"neutral: error: ", "1;31"),
    (r"neutral: warning: ", "33"),
    (r"differs\b|different: |problem: |something is broken|nothing is written: ", "31"),
    (r"equal: |verified against .*: equal: |everything that is required works", "32"),
    (r"not verified", "33"),
    (r"note: |  note: ", "2"),
)
"""The beginnings of lines, and the codes of their colours."""

HEADING = "1"
"""The code of titles of tables: bold."""

INTERVAL = 0.1
"""Seconds between two drawings of a bar."""

BAR = 16
"""Characters of a bar."""

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))

Update = Callable[[int, int], None]
"""Called with the units done and the units in all."""


def has_colours(stream: Any) -> bool:
    """Return whether a stream shows colours: a terminal, unless ``NO_COLOR`` is set or ``TERM`` is ``dumb``.

    Args:
        stream: The stream.

    Returns:
        False for files and pipes, and for consoles of Windows that are not known to have them.

    Example:
        >>> import io
        >>> has_colours(io.StringIO())
        False
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    return os.name != "nt" or bool(os.environ.get("WT_SESSION") or os.environ.get("ANSICON"))


def columns_of(stream: Any) -> int | None:
    """Return the width of a terminal: that of ``COLUMNS``, else its own.

    Args:
        stream: The stream.

    Returns:
        The characters of a line; None for files and pipes, which take lines of any length.

    Example:
        >>> import io
        >>> columns_of(io.StringIO()) is None or "COLUMNS" in os.environ
        True
    """
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except (OSError, ValueError):
        return 80


def coloured(line: str) -> str:
    """Return a line of a report in the colour of its meaning.

    Args:
        line: The line; it has no control characters.

    Returns:
        The line with codes around it, or as it is.

    Example:
        >>> coloured("equal: 2 layers"), coloured("2 layers")
        ('\\x1b[32mequal: 2 layers\\x1b[0m', '2 layers')
    """
    code = HEADING if isinstance(line, Heading) else next((code for start, code in STYLES if re.match(start, line)), "")
    return f"\x1b[{code}m{line}\x1b[0m" if code else line


@contextmanager
def progress_bar(stream: Any, label: str, unit: str) -> Iterator[Update]:
    """Draw a bar on a terminal while the block runs: by rich where it is installed, else a plain line.

    Args:
        stream: The terminal.
        label: The text before the bar.
        unit: The unit that is counted; ``B`` for bytes.

    Yields:
        A function to call with the units done and the units in all.
    """
    drawing = _rich_bar if "rich" in sys.modules or _is_installed("rich") else _plain_bar
    with drawing(stream, label, unit) as update:
        yield update


def _is_installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


@contextmanager
def _rich_bar(stream: Any, label: str, unit: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    done_column = DownloadColumn() if unit == "B" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), done_column, TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def _plain_bar(stream: Any, label: str, unit: str) -> Iterator[Update]:
    begin = monotonic()
    drawn = [begin - INTERVAL]

    def update(done: int, total: int) -> None:
        now = monotonic()
        if now - drawn[0] >= INTERVAL or done >= total:
            drawn[0] = now
            line = progress_line(label, done, total, unit, now - begin)
            stream.write(f"\r{shortened(line, (columns_of(stream) or 80) - 1)}\x1b[K")
            stream.flush()

    try:
        yield update
    finally:
        stream.write("\r\x1b[K")
        stream.flush()


def progress_line(label: str, done: int, total: int, unit: str, seconds: float) -> str:
    """Return the text of a bar.

    Args:
        label: The text before the bar.
        done: The units done.
        total: The units in all.
        unit: The unit; ``B`` for bytes.
        seconds: The time that has passed.

    Returns:
        The bar, the share, the units, and the time that is left.

    Example:
        >>> progress_line("export", 1_500_000, 3_000_000, "B", 2.0)
        'export ########........  50%  1.5 M of 3 MB, 0:02 left'
    """
    share = min(done / total, 1.0) if total else 1.0
    filled = round(BAR * share)
    left = "" if not 0 < share < 1 else f", {_time(seconds * (1 - share) / share)} left"
    name = unit if unit == "B" else f" {unit}s"
    return f"{label} {'#' * filled:.<{BAR}} {share:4.0%}  {_amount(done)} of {_amount(total)}{name}{left}"


def _amount(number: int) -> str:
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"

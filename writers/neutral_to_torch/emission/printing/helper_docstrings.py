"""The docstrings of helpers in emitted files: the description, without ``Args`` and other sections."""

from __future__ import annotations

import ast
import re
from typing import Sequence, Union

Definition = Union[ast.FunctionDef, ast.ClassDef]

_SECTION = re.compile(r" +(Args|Attributes|Returns|Yields|Raises|Example):")
"""A line that begins a section of a docstring in Google style."""

_IGNORED = re.compile(r"  # type: ignore\[[a-z-]+\]$")
"""A comment to the type checker of this package."""


def with_short_docstrings(lines: Sequence[str], start: int, item: Definition) -> list[str]:
    """Return the lines of a helper without sections of its docstring, docstrings of methods, and ignored type errors.

    Args:
        lines: The lines of the module that defines it.
        start: The number of its first line, from 1; decorators stand before ``def`` and ``class``.
        item: The helper's definition.

    Returns:
        The lines that emitted files get.
    """
    numbers = range(start, (item.end_lineno or start) + 1)
    kept = {number: _IGNORED.sub("", lines[number - 1]) for number in numbers}
    for node in ast.walk(item):
        text = _docstring(node)
        if text is None:
            continue
        first, last = text.lineno, text.end_lineno or text.lineno
        sections = (number for number in range(first, last + 1) if _SECTION.fullmatch(lines[number - 1]))
        cut = next(sections, None) if node is item else first
        if cut is None:
            continue
        for number in range(cut, last + 1):
            del kept[number]
        if node is item:
            _close(kept, first, cut - 1)
    return list(kept.values())


def _docstring(node: ast.AST) -> ast.Expr | None:
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or ast.get_docstring(node) is None:
        return None
    first = node.body[0]
    return first if isinstance(first, ast.Expr) else None


def _close(kept: dict[int, str], first: int, last: int) -> None:
    """Close the docstring that begins in line ``first`` and has lost everything after line ``last``."""
    while last > first and not kept[last].strip():
        del kept[last]
        last -= 1
    if last == first:
        kept[last] += '"""'
    else:
        indent = len(kept[first]) - len(kept[first].lstrip())
        kept[last] += "\n" + " " * indent + '"""'

"""Errors as one line of a table."""

from __future__ import annotations

import re


def last_line(error: Exception) -> str:
    """Return the last line of an MXNet process's traceback."""
    lines = [line for line in str(error).splitlines() if re.match(r"\s*[\w.]*(Error|Warning|Exception)\b", line)]
    return one_line(lines[-1] if lines else str(error))


def one_line(text: str, most: int = 400) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"

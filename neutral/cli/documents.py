"""The JSON documents that verbs print with ``--json``: written in parts, so that long ones are never all in memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping


@dataclass(frozen=True)
class LazyList:
    """A long list in a document; each item is made when it is printed, so that they are never all in memory.

    Args:
        items: Return an iterator over the items; called for each pass.
    """

    items: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.items()


_ENCODER = json.JSONEncoder(indent=2, allow_nan=False, default=lambda value: f"<{type(value).__name__}>")
"""ASCII only: names are as harmless in JSON as in the text."""


def json_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of a document in parts, indented by two spaces.

    Args:
        document: The document; infinities and NaN, which JSON lacks, are written as text.

    Returns:
        An iterator over the parts; no item of a :class:`LazyList` outlives its part.

    Example:
        >>> print("".join(json_texts({"a": 1.5, "b": LazyList(lambda: iter("xy"))})), end="")
        {
          "a": 1.5,
          "b": [
            "x",
            "y"
          ]
        }
    """
    separator = "{\n"
    for key, value in document.items():
        yield f"{separator}  {_ENCODER.encode(key)}: "
        yield from _items(value) if isinstance(value, LazyList) else [_json(value, 2)]
        separator = ",\n"
    yield "\n}\n" if document else "{}\n"


def _items(values: LazyList) -> Iterator[str]:
    separator = "["
    for value in values:
        yield f"{separator}\n    {_json(value, 4)}"
        separator = ","
    yield "[]" if separator == "[" else "\n  ]"


def _json(value: Any, indent: int) -> str:
    return _ENCODER.encode(_finite(value)).replace("\n", "\n" + " " * indent)


def _finite(value: Any) -> Any:
    """Replace infinities and NaN, which JSON lacks, by text, as in the manifest."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value

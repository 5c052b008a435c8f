"""The only printer of texts and numbers into source; names and constants are checked here.

A weight file comes from strangers, and its texts (attributes, names, notes) reach the emitted source. A text enters
as a literal by :func:`constant`, as a docstring by :func:`docstring`, or as a name after :func:`check_name`.
"""

from __future__ import annotations

import keyword
import math
import re
from functools import lru_cache
from typing import Any

_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])*")
_LITERALS = (bool, int, float, str, type(None), type(Ellipsis))


@lru_cache(maxsize=10_000)
def check_name(text: str) -> None:
    """Raise ValueError unless the text is an identifier, or several with dots or a numeric index behind.

    Args:
        text: A text that is to be written into the source as it is.

    Raises:
        ValueError: The text is something else, or a part of it is a keyword.

    Example:
        >>> check_name("torch.nn"), check_name("parts[2]")
        (None, None)
        >>> check_name("x; import os")
        Traceback (most recent call last):
        ...
        ValueError: not a name for source: 'x; import os'; expected identifiers with dots between.
    """
    if type(text) is not str or not (text == "super().__init__" or _NAME.fullmatch(text)):
        raise ValueError(f"not a name for source: {text!r}; expected identifiers with dots between.")
    if not _RESERVED.isdisjoint(re.split(r"[.\[]", text)):
        raise ValueError(f"not a name for source: {text!r}; a keyword of Python cannot be a name.")


_RESERVED = frozenset(keyword.kwlist) - {"None", "True", "False"}


def check_literal(value: Any) -> None:
    """Raise TypeError unless the value is None, ``...``, a bool, int, float or str, or a tuple of these.

    Subclasses are refused: their ``repr`` may be anything.

    Args:
        value: A value that is to be written into the source by its ``repr``.

    Raises:
        TypeError: The value is something else.
    """
    if type(value) is tuple:
        for item in value:
            check_literal(item)
    elif type(value) not in _LITERALS:
        raise TypeError(
            f"{value!r} of type {type(value).__name__} cannot be written as a constant; "
            "expected None, a bool, int, float or str, or a tuple of these."
        )


def constant(value: Any) -> str:
    """Return a constant as it is written in source.

    Args:
        value: None, ``...``, a bool, int, float or str, or a tuple of these; see :func:`check_literal`.

    Returns:
        One line of ASCII, with ``"`` around texts unless they contain it and no ``'``.

    Example:
        >>> print(constant("mean"), constant(1e-5), constant((1,)), constant('say "\\\\"'))
        "mean" 1e-5 (1,) 'say "\\\\"'
    """
    check_literal(value)
    if type(value) is tuple:
        items = ", ".join(map(constant, value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    if type(value) is str:
        return _string(value)
    if type(value) is float:
        if math.isnan(value):
            return 'float("nan")'
        if math.isinf(value):
            return 'float("inf")' if value > 0 else '-float("inf")'
        return repr(value).replace("e-0", "e-").replace("e+", "e")
    return "..." if value is Ellipsis else repr(value)


def _string(value: str) -> str:
    quoted = ascii(value)
    body = quoted[1:-1]
    if quoted[0] == '"' or ('"' in value and "'" not in value):
        return quoted
    if '"' not in value:
        return f'"{body}"'
    return '"' + body.replace("\\'", "'").replace('"', '\\"') + '"'


def docstring(text: str) -> str:
    """Return a text as a docstring with its quotes; it may have several lines.

    Non-printable characters other than line feeds become visible escapes, triple quotes become ``'''``.

    Args:
        text: Any text.

    Returns:
        Python source, in as many lines as the text.

    Example:
        >>> print(docstring("A model.\\nInputs: x"))
        \"\"\"A model.
        Inputs: x\"\"\"
    """
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    body = shown.replace("\\", "\\\\").replace('"""', "'''")
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    return f'"""{body}"""'

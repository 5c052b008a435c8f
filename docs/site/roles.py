"""Docstrings as the site shows them: names without their roles (``:func:`name```), examples as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":\w+:`~?([^`]+)`")
EXAMPLE = re.compile(r"^( *)Example:$", re.MULTILINE)
"""The section of an example, which the parser knows in the plural only."""


class Roles(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(r"\1Examples:", ROLE.sub(r"`\1`", obj.docstring.value))

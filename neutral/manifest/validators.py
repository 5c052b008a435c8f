"""Checks that a value out of a JSON document has the form it should have.

Each check raises ValueError, whose message begins with the place in the document.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

Check = Callable[[Any], None]


def exactly(kind: type) -> Check:
    """A value of this very type: True is no int."""

    def check(value: Any) -> None:
        if type(value) is not kind:
            raise ValueError(f"{_short(value)} is no {kind.__name__}")

    return check


def one_of(*choices: str) -> Check:
    def check(value: Any) -> None:
        if type(value) is not str or value not in choices:
            raise ValueError(f"{_short(value)} is none of {', '.join(choices)}")

    return check


def matching(pattern: str) -> Check:
    """A text that the pattern matches from end to end."""
    matches = re.compile(pattern).fullmatch

    def check(value: Any) -> None:
        if type(value) is not str or not matches(value):
            raise ValueError(f"{_short(value)} does not match {pattern}")

    return check


def optional(check: Check) -> Check:
    """None, or what ``check`` takes."""

    def check_if_there(value: Any) -> None:
        if value is not None:
            check(value)

    return check_if_there


def list_of(item: Check) -> Check:
    def check(value: Any) -> None:
        if type(value) is not list:
            raise ValueError(f"{_short(value)} is no list")
        for index, each in enumerate(value):
            try:
                item(each)
            except ValueError as error:
                raise ValueError(f"[{index}] {error}") from None

    return check


def table_of(item: Check) -> Check:
    """An object with any keys."""

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"{_short(value)} is no object")
        for key, each in value.items():
            _check_field(key, item, each)

    return check


def record(required: Mapping[str, Check], allowed: Mapping[str, Check] | None = None) -> Check:
    """An object with all the ``required`` keys and no others than those and the ``allowed``."""
    checks = {**required, **(allowed or {})}

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"{_short(value)} is no object")
        for key in required:
            if key not in value:
                raise ValueError(f"{key!r} is missing")
        for key, each in value.items():
            if key not in checks:
                raise ValueError(f"{key!r} is not expected")
            _check_field(key, checks[key], each)

    return check


def size(value: Any) -> None:
    """A whole number that is not negative."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{_short(value)} is no size")


def anything(value: Any) -> None:
    """Any JSON value."""


def _check_field(key: str, check: Check, value: Any) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

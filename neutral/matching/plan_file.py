"""TOML files of plans and mappings, read and checked in one place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Mapping

from neutral.errors import SourceError

VERSION = 1
"""The version of plan files that this Neutral writes, and the only one that it reads."""

VERSION_KEY = "neutral_plan"
"""The key of a plan's version; a file without it is a mapping."""


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the TOML file of a plan or a mapping.

    Args:
        path: The file, in UTF-8.

    Returns:
        The document; its content is not checked beyond the version.

    Raises:
        SourceError: The file cannot be read, is not TOML, or is a plan of an unknown version.

    Example:
        >>> read_document("no-such-file.toml")
        Traceback (most recent call last):
        neutral.errors.SourceError: no-such-file.toml: cannot be read: No such file or directory.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover - where coverage is measured, Python has tomllib
        import tomli as tomllib

    file = os.fspath(path)
    try:
        document: dict[str, Any] = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{file}: this is not TOML: {error}.") from None
    check_version(document, file)
    return document


def write_document(path: str | os.PathLike[str], document: Mapping[str, Any], lines: str | None = None) -> None:
    """Write a document as TOML.

    Args:
        path: The file, replaced atomically.
        document: Tables, lists, strings, numbers and booleans.
        lines: The key of a list of tables that are written one a line, before the other tables.

    Raises:
        TargetError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "mapping.toml")
        ...     write_document(path, {"conv0": "features.0"})
        ...     read_document(path)
        {'conv0': 'features.0'}
    """
    import tomli_w

    from neutral.store.atomic import atomic_file

    rest = dict(document)
    text = ""
    if lines is not None:
        tables = [f"    {_in_one_line(table)},\n" for table in rest.pop(lines)]
        first = {name: rest.pop(name) for name in list(rest) if not isinstance(rest[name], (dict, list))}
        text = f"{tomli_w.dumps(first)}{lines} = [\n{''.join(tables)}]\n"
    with atomic_file(path) as file:
        file.write((text + tomli_w.dumps(rest)).encode())


def _in_one_line(value: Any) -> str:
    """Return a value as TOML without a line break."""
    import tomli_w

    if isinstance(value, Mapping):
        items = (f"{tomli_w.dumps({name: 0})[:-5]} = {_in_one_line(item)}" for name, item in value.items())
        return f"{{ {', '.join(items)} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_in_one_line, value))}]"
    return tomli_w.dumps({"x": value})[4:-1]


def is_plan(document: Mapping[str, Any]) -> bool:
    """Return whether a document is a plan, not a mapping.

    Args:
        document: The content of a TOML file.

    Returns:
        True if it states a plan version, known or not.

    Example:
        >>> is_plan({"conv0": "features.0"}), is_plan({VERSION_KEY: VERSION})
        (False, True)
    """
    return VERSION_KEY in document


def check_version(document: Mapping[str, Any], where: str) -> None:
    """Check that a document is a mapping, or a plan of a known version.

    Args:
        document: The content of a TOML file.
        where: Its file or another description, for the message.

    Raises:
        SourceError: The plan's version is unknown.

    Example:
        >>> check_version({VERSION_KEY: VERSION}, "plan.toml")
        >>> check_version({VERSION_KEY: 99}, "plan.toml")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.SourceError: plan.toml: unknown plan version 99...
    """
    if not is_plan(document):
        return
    version = document[VERSION_KEY]
    if isinstance(version, bool) or version != VERSION:
        raise SourceError(f"{where}: unknown plan version {version!r}; this Neutral reads version {VERSION}.")

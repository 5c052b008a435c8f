"""Mappings from stored layers to modules: dicts, plans, and TOML files of either."""

from __future__ import annotations

import os
from typing import Any, Mapping, Union

from neutral.errors import SourceError
from neutral.matching.plan import Plan
from neutral.matching.plan_file import is_plan, read_document

Mappable = Union["Mapping[str, str]", Plan, str, "os.PathLike[str]", None]
"""Accepted as a mapping: a dict, a plan, or the path of a TOML file with either; None for an empty mapping."""


def read_mapping(path: str | os.PathLike[str]) -> Plan | dict[str, str]:
    """Read a TOML file with a plan, or with lines ``"stored layer" = "module.path"``.

    Args:
        path: The file, in UTF-8.

    Returns:
        The plan, or the mapping of stored layers to module paths.

    Raises:
        SourceError: The file cannot be read or holds neither.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "mapping.toml")
        ...     with open(path, "w") as file:
        ...         _ = file.write("conv0 = 'features.0'")
        ...     read_mapping(path)
        {'conv0': 'features.0'}
    """
    file = os.fspath(path)
    document = read_document(file)
    return Plan.from_dict(document, file) if is_plan(document) else check_mapping(document, file)


def resolve_mapping(mapping: Mappable) -> Plan | Mapping[str, str] | None:
    """Read a mapping where it is given by its path.

    Args:
        mapping: A plan, a mapping, the path of a TOML file with either, or None.

    Returns:
        The content of the file for a path, else ``mapping`` itself.

    Raises:
        SourceError: The file cannot be read or holds neither.

    Example:
        >>> resolve_mapping({"conv0": "features.0"})
        {'conv0': 'features.0'}
    """
    if isinstance(mapping, (str, os.PathLike)):
        return read_mapping(mapping)
    return mapping


def check_mapping(document: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return a mapping whose values are all strings.

    Args:
        document: The mapping.
        where: Its file or another description, for the message.

    Returns:
        A copy of the mapping.

    Raises:
        SourceError: A value is not a string.

    Example:
        >>> check_mapping({"conv0": "features.0"}, "mapping.toml")
        {'conv0': 'features.0'}
    """
    for name, value in document.items():
        if not isinstance(value, str):
            raise SourceError(
                f"{where}: the value of {name!r} is a {type(value).__name__}; expected a string, as in "
                '"stored layer" = "module.path".'
            )
    return dict(document)

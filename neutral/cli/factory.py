"""The ``--into package.module:Factory`` option: import and call a module factory of the user."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from typing import Any, Iterator, Sequence

from neutral.errors import UsageError
from neutral.text import suggestion

HELP = (
    "a class or function that returns the module: package.module:Factory, imported from the current folder or --path; "
    "or file.py:Factory"
)


def add_factory(parser: argparse.ArgumentParser, required: bool, text: str = HELP) -> None:
    """Declare ``--into``, ``--kwargs`` and ``--path`` on the parser of a verb.

    Args:
        parser: The parser of the verb.
        required: Whether ``--into`` must be given.
        text: The help of ``--into``.
    """
    parser.add_argument("--into", required=required, metavar="MODULE:FACTORY", help=text)
    parser.add_argument("--kwargs", metavar="JSON", help="keyword arguments of the factory: '{\"classes\": 10}'")
    parser.add_argument(
        "--path", action="append", default=[], metavar="FOLDER", help="another folder to import from; may be repeated"
    )


@contextmanager
def importable(folders: Sequence[str]) -> Iterator[None]:
    """Put ``folders`` and the current one first on the import path while the block runs, as ``python -m`` does.

    Args:
        folders: Folders, absolute or relative to the current one.
    """
    original = list(sys.path)
    sys.path[:0] = [*map(os.path.abspath, folders), os.getcwd()]
    try:
        yield
    finally:
        sys.path[:] = original


def make(target: str, kwargs: str | None) -> Any:
    """Import and call a factory and return the module that it makes.

    Args:
        target: ``package.module:Factory``, or ``file.py:Factory``; ``Factory`` may contain dots.
        kwargs: A JSON object of keyword arguments, or None for none.

    Returns:
        The object that the factory returned.

    Raises:
        UsageError: The factory cannot be imported, or raises; the user's exception is the cause.

    Example:
        >>> make("fractions:Fraction", '{"numerator": 1, "denominator": 2}')
        Fraction(1, 2)
    """
    module_name, separator, attribute = target.rpartition(":")
    if not (module_name and separator and attribute):
        raise UsageError(
            f"--into {target}: expected package.module:Factory, such as models.resnet:ResNet20, or file.py:Factory."
        )
    arguments = _keywords(kwargs)
    if module_name.endswith(".py") and os.path.isfile(module_name):
        folder, file = os.path.split(os.path.abspath(module_name))
        with importable([folder]):
            return _call(target, file[: -len(".py")], attribute, arguments)
    if module_name.endswith(".py"):
        close = suggestion(module_name, _files_beside(module_name))
        raise UsageError(f"--into {target}: there is no file {module_name}.{close}")
    return _call(target, module_name, attribute, arguments)


def _call(target: str, module_name: str, attribute: str, arguments: dict[str, Any]) -> Any:
    """Import a module, and call one of its attributes with keyword arguments."""
    try:
        module = import_module(module_name)
    except Exception as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == module_name
        close = suggestion(module_name, [name[: -len(".py")] for name in _files_beside("")]) if is_missing else ""
        raise UsageError(
            f"--into {target}: {module_name} cannot be imported: {_describe(error)}. "
            f"The current folder and those of --path are searched.{close}"
        ) from error
    try:
        factory = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        close = suggestion(attribute, vars(module))
        raise UsageError(f"--into {target}: {module.__file__ or module_name} has no {attribute!r}.{close}") from error
    if not callable(factory):
        raise UsageError(f"--into {target}: expected a class or function, got {type(factory).__name__}.")
    try:
        return factory(**arguments)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"--into {target}: calling it raised {_describe(error)}. It was called with --kwargs "
            f"{json.dumps(arguments)}."
        ) from error


def _files_beside(path: str) -> list[str]:
    """Return the Python files of a path's folder, in the terms of the path."""
    folder = os.path.dirname(path)
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder or ".")) if name.endswith(".py")]
    except OSError:
        return []


def _keywords(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--kwargs {text}: invalid JSON ({error}).") from error
    if not isinstance(value, dict):
        raise UsageError(f'--kwargs {text}: expected a JSON object, such as {{"classes": 10}}.')
    return value


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

"""The module that a user wrote, from ``--into package.module:Factory``."""

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

MODULE = "the class or function that makes the PyTorch module; the current folder is importable"


def add_factory(parser: argparse.ArgumentParser, required: bool, text: str = MODULE) -> None:
    parser.add_argument("--into", required=required, metavar="MODULE:FACTORY", help=text)
    parser.add_argument("--kwargs", metavar="JSON", help="arguments of the factory: '{\"classes\": 10}'")
    parser.add_argument(
        "--path", action="append", default=[], metavar="FOLDER", help="another folder to import from; may be repeated"
    )


@contextmanager
def importable(folders: Sequence[str]) -> Iterator[None]:
    """``folders`` and the current one are on the import path, as they are for ``python -m``."""
    before = list(sys.path)
    sys.path[:0] = [*map(os.path.abspath, folders), os.getcwd()]
    try:
        yield
    finally:
        sys.path[:] = before


def make(target: str, kwargs: str | None) -> Any:
    """Call the factory. What the user's code raises becomes a UsageError that names it (its trace: ``--debug``)."""
    module_name, separator, attribute = target.partition(":")
    if not (module_name and separator and attribute):
        raise UsageError(f"--into {target}: expected package.module:Factory, such as models.resnet:ResNet20.")
    arguments = _keywords(kwargs)
    try:
        module = import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"--into {target}: {module_name} cannot be imported: {_says(error)}. "
            "The current folder and those of --path are searched."
        ) from error
    try:
        factory = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise UsageError(f"--into {target}: {module.__file__ or module_name} has no {attribute!r}.") from error
    if not callable(factory):
        raise UsageError(f"--into {target}: this is no class or function, but {type(factory).__name__}.")
    try:
        return factory(**arguments)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"--into {target}: calling it raised {_says(error)}. Its arguments are those of --kwargs: "
            f"{json.dumps(arguments)}."
        ) from error


def _keywords(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--kwargs {text}: this is no JSON ({error}).") from error
    if not isinstance(value, dict):
        raise UsageError(f'--kwargs {text}: expected a JSON object, such as {{"classes": 10}}.')
    return value


def _says(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

"""Keep outputs from destroying files: no output is an input, and none replaces a file that Neutral did not write."""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from itertools import combinations
from typing import ContextManager, Iterable, Iterator

from neutral.cli import pipes
from neutral.errors import TargetError, UsageError
from neutral.store.own_files import is_replaceable

INPUTS = (*pipes.INPUTS, "golden", "mapping", "like", "plugin", "example")
"""The arguments of the verbs that name files to read, whether they can be piped or not."""

OUTPUTS = ("output", "save_plan", "html")
"""The arguments of the verbs that name files to write."""

FORCE = "Choose another name, or pass --force."
"""What to do about a file that Neutral did not write."""


def add_replacing(parser: argparse.ArgumentParser) -> None:
    """Declare ``--force`` and ``--no-clobber`` on the parser of a verb that writes files.

    Args:
        parser: The parser of the verb.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--force", action="store_true", help="replace files that Neutral did not write, too")
    group.add_argument("--no-clobber", action="store_true", help="replace no file: fail if an output exists")


def replacing(arguments: argparse.Namespace) -> ContextManager[None]:
    """Check the outputs of a command; return the context in which ``--no-clobber`` holds, if it was given.

    Args:
        arguments: Parsed arguments of a verb.

    Returns:
        A context manager in which the outputs are to be written.

    Raises:
        UsageError: See :func:`check_outputs`.
        TargetError: See :func:`check_outputs`.
    """
    check_outputs(arguments)
    if not getattr(arguments, "no_clobber", False):
        return nullcontext()
    from neutral.store.atomic import existing_files_kept

    return existing_files_kept()


def check_outputs(arguments: argparse.Namespace) -> None:
    """Check that no output of a command is one of its inputs, another output, or somebody else's file.

    Args:
        arguments: Parsed arguments of a verb.

    Raises:
        UsageError: An output is an input under any name, or two outputs are one file.
        TargetError: An output exists, Neutral did not write it, and ``--force`` was not given.
    """
    outputs = [value for name in OUTPUTS for value in _values(arguments, name)]
    inputs = [file for name in INPUTS for value in _values(arguments, name) for file in files_of(value)]
    inputs += [path for _, path in getattr(arguments, "arrays", ())]  # pairs, of NAME=FILE
    inputs += [os.path.abspath(into) for into in [_module_file(arguments)] if into]
    for output in outputs:
        refuse_replacing(output, inputs)
    for first, second in combinations(outputs, 2):
        if _is_same(first, second) or os.path.realpath(first) == os.path.realpath(second):
            raise UsageError(f"{first}: two outputs have this name. Choose another one for one of them.")
    if not getattr(arguments, "force", False):
        for output in outputs:
            for file in _files_written(arguments, output):
                require_replaceable(file, FORCE)


def refuse_replacing(target: str, sources: Iterable[str]) -> None:
    """Raise UsageError if writing ``target`` would replace one of the files that are read.

    Args:
        target: The output.
        sources: The inputs, also as links; missing files are ignored.

    Raises:
        UsageError: If ``target`` is the same file as a source.
    """
    for path in sources:
        if _is_same(target, path):
            raise UsageError(f"{target}: the output would replace the source {path}. Choose another name.")


def require_replaceable(path: str, advice: str = "Choose another name.") -> None:
    """Raise TargetError if a file exists that Neutral did not write.

    Args:
        path: The output.
        advice: What to do if there is one.

    Raises:
        TargetError: Neutral did not write the file.
    """
    if os.path.isfile(path) and not is_replaceable(path):
        raise TargetError(f"{path}: exists, and Neutral did not write it. {advice}")


def files_of(path: str) -> Iterator[str]:
    """Yield the files that a name may stand for: itself, those of a folder, a prefix, or the shards of an index.

    Args:
        path: A file, a folder, a prefix of a checkpoint, or an index of shards.

    Example:
        >>> list(files_of("missing.safetensors"))
        ['missing.safetensors']
    """
    import glob

    yield path
    if os.path.isdir(path):
        yield from (entry.path for entry in os.scandir(path) if entry.is_file())
    elif not os.path.exists(path):
        yield from glob.iglob(glob.escape(path) + "-*")
    elif path.endswith(".index.json"):
        yield from _shards_beside(path, "*")


def _files_written(arguments: argparse.Namespace, output: str) -> list[str]:
    """Return the files that an output may replace: itself, or the index and the shards of a set."""
    if not getattr(arguments, "max_shard_size", None) or not output.endswith((".safetensors", ".index.json")):
        return [output]
    from neutral.store.shard_index import index_name

    index = index_name(output)
    return [index, *_shards_beside(index, "[0-9]*-of-[0-9]*")]


def _shards_beside(index: str, number: str) -> Iterator[str]:
    """Yield the files that are called like shards of an index, with a number that matches a pattern."""
    import glob

    return glob.iglob(f"{glob.escape(index[: -len('.safetensors.index.json')])}-{number}.safetensors")


def _module_file(arguments: argparse.Namespace) -> str:
    """Return the file of ``--into``, or the empty text."""
    module = str(getattr(arguments, "into", None) or "").rpartition(":")[0]
    if module.endswith(".py"):
        return module
    paths = (os.path.join(folder, *module.split(".")) + ".py" for folder in (".", *_values(arguments, "path")))
    return next(filter(os.path.isfile, paths), "") if module else ""


def _is_same(first: str, second: str) -> bool:
    return os.path.exists(first) and os.path.exists(second) and os.path.samefile(first, second)


def _values(arguments: argparse.Namespace, name: str) -> list[str]:
    return [item for item in pipes.values(arguments, name) if item != "-"]

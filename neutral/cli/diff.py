"""Compare two models: stores, checkpoints or state dicts.

Layers are compared by name and tensors by key; --mapping renames those of B. Without --rtol and --atol, tensors have to
be equal bit by bit. Exit codes are those of diff(1): 0 same, 1 different, 2 and above trouble.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Iterator

from neutral.cli.console import Console, Report, plural
from neutral.cli.sources import open_any
from neutral.errors import NeutralError, SourceError, UsageError

if TYPE_CHECKING:
    from neutral.diff import Difference, TensorDifference

DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral diff``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("first", metavar="A", help="a store, a checkpoint (prefix, folder, file) or a state dict")
    parser.add_argument("second", metavar="B", help="the model to compare with A")
    parser.add_argument("--rtol", type=float, default=0.0, help="allowed difference, relative to the value in A")
    parser.add_argument("--atol", type=float, default=0.0, help="allowed absolute difference")
    parser.add_argument("--mapping", metavar="FILE", help='TOML: a plan, or lines "layer of A" = "layer of B"')
    parser.add_argument("--structure", action="store_true", help="compare layers, shapes and dtypes only")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Compare both models.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The differences, with exit code 1 if there are any.

    Raises:
        UsageError: If a tolerance is negative or NaN.
        SourceError: If an input cannot be read.
    """
    from neutral.diff import diff

    if not (arguments.rtol >= 0 and arguments.atol >= 0):
        raise UsageError(f"invalid --rtol {arguments.rtol} or --atol {arguments.atol}; expected numbers from 0 up.")
    try:
        with open_any([arguments.first]) as first, open_any([arguments.second]) as second:
            if arguments.mapping is not None:
                from neutral.renaming import renamed

                second = renamed(second, first, arguments.mapping)
            difference = diff(first, second, rtol=arguments.rtol, atol=arguments.atol, structure=arguments.structure)
    except (NeutralError, OSError, MemoryError) as error:
        if isinstance(error, NeutralError) and error.exit_code != DIFFERENT:
            raise
        raise SourceError(str(error) or "not enough memory.") from error  # exit code 1 means: different
    document = {"first": arguments.first, "second": arguments.second, "same": not difference, **asdict(difference)}
    return Report(document, _lines(difference), DIFFERENT if difference else 0)


def _lines(difference: Difference) -> Iterator[str]:
    for sign, names in (("-", difference.removed), ("+", difference.added)):
        yield from (f"{sign} layer {name}" for name in names)
    for layer in difference.layers:
        if layer.kind:
            yield f"! layer {layer.name}: {layer.kind[0]} became {layer.kind[1]}"
        for name, (before, after) in (layer.attributes or {}).items():
            yield f"! layer {layer.name}: {name} {before} became {after}"
    for sign, names in (("-", difference.removed_tensors), ("+", difference.added_tensors)):
        yield from (f"{sign} tensor {name}" for name in names)
    yield from map(_tensor_line, difference.tensors)
    if not difference:
        yield f"the same: {plural(difference.compared, 'tensor')} compared"


def _tensor_line(tensor: TensorDifference) -> str:
    if tensor.form:
        return f"! tensor {tensor.key}: {tensor.form[0]} became {tensor.form[1]}"
    return (
        f"! tensor {tensor.key}: {tensor.differing:,} of {plural(tensor.elements, 'element')} differ, "
        f"maximum {tensor.maximum:.3g}, relative norm {tensor.norm:.3g}"
    )

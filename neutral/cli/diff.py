"""Compare two models: stores, checkpoints or state dicts. Exit codes as of diff(1): 0 same, 1 different, above trouble.

Layers are compared by name and tensors by key, B's as --mapping says. Without --rtol and --atol every bit counts.
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
    parser.add_argument("first", metavar="A", help="a store, a checkpoint (prefix, folder, file) or a state dict")
    parser.add_argument("second", metavar="B", help="likewise")
    parser.add_argument("--rtol", type=float, default=0.0, help="allowed difference, in parts of A's value")
    parser.add_argument("--atol", type=float, default=0.0, help="allowed difference, absolute")
    parser.add_argument("--mapping", metavar="FILE", help='TOML: a plan, or lines "layer of A" = "layer of B"')
    parser.add_argument("--structure", action="store_true", help="compare no values")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral.diff import diff

    if not (arguments.rtol >= 0 and arguments.atol >= 0):
        raise UsageError("--rtol and --atol are not negative.")
    try:
        with open_any([arguments.first]) as first, open_any([arguments.second]) as second:
            if arguments.mapping is not None:
                from neutral.mapping import renamed

                second = renamed(second, first, arguments.mapping)
            found = diff(first, second, rtol=arguments.rtol, atol=arguments.atol, structure=arguments.structure)
    except (NeutralError, OSError, MemoryError) as error:
        if isinstance(error, NeutralError) and error.exit_code != DIFFERENT:
            raise
        raise SourceError(str(error) or "there is not enough memory.") from error  # 1 would mean: different
    document = {"first": arguments.first, "second": arguments.second, "same": not found, **asdict(found)}
    return Report(document, _lines(found), DIFFERENT if found else 0)


def _lines(found: Difference) -> Iterator[str]:
    for sign, names in (("-", found.removed), ("+", found.added)):
        yield from (f"{sign} layer {name}" for name in names)
    for layer in found.layers:
        if layer.kind:
            yield f"! layer {layer.name}: {layer.kind[0]} became {layer.kind[1]}"
        for name, (before, after) in (layer.attributes or {}).items():
            yield f"! layer {layer.name}: {name} {before} became {after}"
    for sign, names in (("-", found.removed_tensors), ("+", found.added_tensors)):
        yield from (f"{sign} tensor {name}" for name in names)
    yield from map(_tensor_line, found.tensors)
    if not found:
        yield f"the same: {plural(found.compared, 'tensor')} compared"


def _tensor_line(tensor: TensorDifference) -> str:
    if tensor.form:
        return f"! tensor {tensor.key}: {tensor.form[0]} became {tensor.form[1]}"
    return (
        f"! tensor {tensor.key}: {tensor.differing:,} of {plural(tensor.elements, 'element')} differ, "
        f"maximum {tensor.maximum:.3g}, relative norm {tensor.norm:.3g}"
    )

"""Write a store as a PyTorch module in Python source, MODEL.py, and its weights beside it, MODEL.safetensors.

The source depends on torch alone. Both files are replaced where they stand already, but a neutral store never is.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import neutral
from neutral.cli.console import Console, Report, plural
from neutral.errors import NeutralError, UsageError
from neutral.store.shards import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL.py")
    parser.add_argument(
        "--hub-layout",
        action="store_true",
        help="-o is a new folder, which gets model.py, model.safetensors, config.json and a model card (README.md)",
    )
    parser.add_argument("--max-shard-size", metavar="SIZE", help="with --hub-layout: weights above it become shards")
    parser.add_argument("--pth", action="store_true", help="write the weights as MODEL.pth, as torch.save does")
    parser.add_argument("--class-name", metavar="NAME", help="what the module is called")
    cut = parser.add_mutually_exclusive_group()
    cut.add_argument("--until", metavar="NODE", help="end the network after this node")
    cut.add_argument("--outputs", nargs="+", metavar="NODE", help="return these nodes (or NODE:OUTPUT)")
    parser.add_argument("--dry-run", action="store_true", help="say whether everything can be written, write nothing")


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral import plugins

    writer = plugins.load(plugins.WRITERS, "torch")
    if arguments.max_shard_size and not arguments.hub_layout:
        raise UsageError("--max-shard-size is for --hub-layout: a module alone loads its weights from one file.")
    if arguments.hub_layout:
        return _hub(writer, arguments)
    weights = os.path.splitext(arguments.output)[0] + (".pth" if arguments.pth else ".safetensors")
    if _is_neutral_store(weights):
        raise UsageError(f"{weights} is a neutral store, and the weights would replace it. Give -o another name.")
    cut = {"outputs": arguments.outputs, "until": arguments.until}
    with neutral.open(arguments.store) as store:
        document = {"store": arguments.store, "written": not arguments.dry_run}
        if arguments.dry_run:
            problem = writer.preflight(store, **cut)
            if problem is not None:
                raise problem
            lines = [f"would write {arguments.output}", f"would write {weights}"]
            return Report({**document, "output": arguments.output, "weights": weights}, lines)
        made = writer.emit(store, arguments.output, pth=arguments.pth, class_name=arguments.class_name, **cut)
    return _made(document, made)


def _hub(writer: Any, arguments: argparse.Namespace) -> Report:
    if arguments.pth or arguments.until or arguments.outputs:
        raise UsageError("--hub-layout writes the whole model as safetensors: leave out --pth, --until and --outputs.")
    with neutral.open(arguments.store) as store:
        document = {"store": arguments.store, "written": not arguments.dry_run}
        if not arguments.dry_run:
            size = None if arguments.max_shard_size is None else parse_size(arguments.max_shard_size)
            options = {"class_name": arguments.class_name, "max_shard_size": size}
            return _made(document, writer.write_hub(store, arguments.output, **options))
        problem = writer.preflight(store)
        if problem is not None:
            raise problem
    weights = os.path.join(arguments.output, "model.safetensors")
    source = os.path.join(arguments.output, "model.py")
    return Report({**document, "output": source, "weights": weights}, [f"would write {arguments.output}"])


def _made(document: dict[str, Any], made: Any) -> Report:
    document = {
        **document,
        "output": str(made.path),
        "weights": str(made.weights),
        "class_name": made.class_name,
        "lines": made.lines,
        "keys": made.keys,
        "modules": made.modules,
        "ties": made.ties,
    }
    return Report(
        document,
        [
            f"wrote {made.path}: class {made.class_name}, {plural(made.lines, 'line')}",
            f"wrote {made.weights}: {plural(len(made.keys), 'tensor')}",
        ],
    )


def _is_neutral_store(path: str) -> bool:
    try:
        neutral.open(path).close()
    except NeutralError:
        return False
    return True

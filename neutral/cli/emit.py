"""Write a store as source code, MODEL.py, and its weights beside it, MODEL.safetensors; or as MODEL.onnx.

The target is PyTorch unless --to or the suffix .onnx names another writer; PyTorch source depends on torch alone.
Existing files of Neutral are replaced, except a store: the weights are MODEL-weights.safetensors where
MODEL.safetensors is one.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from neutral.cli.console import Console, Report, plural
from neutral.cli.graph_advice import graph_advice
from neutral.cli.outputs import FORCE, add_replacing, require_replaceable
from neutral.cli.shapes import add_shapes
from neutral.cli.sources import has_weights, is_store, notes_on_partner, open_any, with_partner
from neutral.cli.target import add_target, target_writer
from neutral.errors import NeutralError, SourceError, TargetError, UsageError
from neutral.store.own_files import has_mark

if TYPE_CHECKING:
    from neutral.plugins import EmittedModel
    from neutral.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral emit``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL.py", help="the file; MODEL.onnx for ONNX")
    add_target(parser)
    parser.add_argument(
        "--hub-layout",
        action="store_true",
        help="-o is a new folder, which gets model.py, model.safetensors, config.json and a model card (README.md)",
    )
    parser.add_argument("--max-shard-size", metavar="SIZE", help="with --hub-layout: split larger weights into shards")
    parser.add_argument("--pth", action="store_true", help="write the weights as MODEL.pth, as torch.save does")
    parser.add_argument("--class-name", metavar="NAME", help="the class of the module")
    parser.add_argument("--opset", type=int, metavar="N", help="ONNX: the version of the standard operators")
    parser.add_argument("--external-data", action="store_true", help="ONNX: write the weights to MODEL.onnx.data")
    parser.add_argument(
        "--fp16", action="store_true", help="ONNX: weights and computation in float16, where it suffices"
    )
    add_shapes(parser)
    cut = parser.add_mutually_exclusive_group()
    cut.add_argument("--until", metavar="NODE", help="end the network after this node")
    cut.add_argument("--outputs", nargs="+", metavar="NODE", help="return these nodes (or NODE:OUTPUT)")
    parser.add_argument(
        "--dry-run", action="store_true", help="report whether everything can be written, write nothing"
    )
    add_replacing(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Write the source code and the weights.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The files, and where each tensor of the store is in them.

    Raises:
        UsageError: If the options contradict each other.
        UnsupportedError: If a node cannot be expressed exactly; nothing is written.
        TargetError: If a file cannot be written.
    """
    if arguments.max_shard_size and not arguments.hub_layout:
        raise UsageError("--max-shard-size needs --hub-layout: a module alone loads its weights from one file.")
    method = "write_hub" if arguments.hub_layout else "emit"
    writer = target_writer(arguments, "preflight" if arguments.dry_run else method, path=arguments.output)
    if arguments.hub_layout:
        return _run_hub(writer, arguments)
    weights = _weights_path(arguments.output, ".pth" if arguments.pth else ".safetensors")
    if not getattr(writer, "separate_weights", True):
        weights = arguments.output
    if not arguments.force:
        _require_own_weights(arguments.output, weights)
    shapes = {"shapes": dict(arguments.shape)} if arguments.shape else {}
    sources, beside = _sources(arguments)
    with open_any(sources) as store:
        _require_network(store, arguments.store)
        options = {**_options(arguments, "class_name", "until", "outputs", "opset", "batch", "fp16"), **shapes}
        if arguments.dry_run:
            _preflight(writer, store, options)
            document = {"store": arguments.store, "written": False, "output": arguments.output, "weights": weights}
            return Report(document, [f"would write {path}" for path in dict.fromkeys((arguments.output, weights))])
        options.update(_options(arguments, "pth", "external_data"))
        if os.path.splitext(weights)[0] != os.path.splitext(arguments.output)[0]:
            options["weights"] = weights
        report = _written(arguments, writer.emit(store, arguments.output, **options))
        return Report(report.document, [*report.lines, *beside])


def _sources(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the store, or the checkpoint with the file that lies beside the given one, and a note on that file."""
    given = [arguments.store]
    sources = given if is_store(arguments.store) else with_partner(given, None)
    return sources, [f"note: {note}" for note in notes_on_partner(given, sources)]


def _run_hub(writer: Any, arguments: argparse.Namespace) -> Report:
    if arguments.pth or arguments.until or arguments.outputs:
        raise UsageError("--hub-layout writes the whole model as safetensors: leave out --pth, --until and --outputs.")
    sources, _ = _sources(arguments)
    with open_any(sources) as store:
        _require_network(store, arguments.store)
        if not arguments.dry_run:
            options = _options(arguments, "class_name")
            if arguments.max_shard_size:
                from neutral.store.shards import parse_size

                options["max_shard_size"] = parse_size(arguments.max_shard_size)
            return _written(arguments, writer.write_hub(store, arguments.output, **options))
        _preflight(writer, store, _options(arguments, "class_name"))
    source, weights = (os.path.join(arguments.output, name) for name in ("model.py", "model.safetensors"))
    document = {"store": arguments.store, "written": False, "output": source, "weights": weights}
    return Report(document, [f"would write {arguments.output}"])


def _require_network(store: Store, path: str) -> None:
    """Raise SourceError for a graph without weights, UsageError for weights whose graph the reader says how to get."""
    if not has_weights(store):
        raise SourceError(
            f"{path}: no parameter file is given, and none lies beside it: there are no weights to write. Give the "
            "prefix of both files, or the store that `neutral export` makes of both."
        )
    advice = graph_advice(store)
    if advice:
        raise UsageError(
            f"{path}: there is no graph, only layers, so there is no network to write. `neutral load` loads the "
            f"weights into a module of your own. For the graph: {advice}."
        )


def _options(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return the options that were given: a writer need not know those of others."""
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name)}


def _preflight(writer: Any, store: Store, cut: dict[str, Any]) -> None:
    problem = writer.preflight(store, **cut)
    if problem is not None:
        raise problem


def _written(arguments: argparse.Namespace, emitted: EmittedModel) -> Report:
    document = {
        "store": arguments.store,
        "written": True,
        "output": str(emitted.path),
        "weights": str(emitted.weights),
        "class_name": emitted.class_name,
        "lines": emitted.lines,
        "keys": emitted.keys,
        "modules": emitted.modules,
        "ties": emitted.tied_keys,
    }
    summary = getattr(emitted, "summary", None)
    if summary is not None:
        return Report(document, summary)
    return Report(
        document,
        [
            f"wrote {emitted.path}: class {emitted.class_name}, {plural(emitted.lines, 'line')}",
            f"wrote {emitted.weights}: {plural(len(emitted.keys), 'tensor')}",
        ],
    )


def _require_own_weights(output: str, weights: str) -> None:
    """Raise TargetError if the weights of an output would replace a file that Neutral did not write."""
    if weights != output:
        if has_mark(output) or not os.path.exists(output):  # else a plug-in wrote both, without marks
            require_replaceable(weights, FORCE)
    elif os.path.exists(f"{output}.data") and not os.path.exists(output):  # weights have no mark: their model has
        raise TargetError(f"{output}.data: exists, and there is no model {output} that it belongs to. {FORCE}")


def _weights_path(output: str, suffix: str) -> str:
    """Return the path of the weights: MODEL beside MODEL.py, or MODEL-weights where MODEL is a neutral store."""
    stem = os.path.splitext(output)[0]
    return f"{stem}-weights{suffix}" if _is_neutral_store(stem + suffix) else stem + suffix


def _is_neutral_store(path: str) -> bool:
    from neutral.store import open_store

    try:
        open_store(path).close()
    except NeutralError:
        return False
    return True

"""Show the layers and tensors of a store, or of a checkpoint as `export` would store it.

With --html, write a page that shows the network as a graph, and every tensor with a histogram.
With --summary, show layers nested by their names, with the shape of their output, parameters and multiply-adds, for one
run on inputs of --shape. With --stats, show the least and greatest element, the mean, and the NaN and zeros of every
tensor; without it, tensor data are not read.
"""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator

from neutral.cli.console import Console, Report, byte_size, plural
from neutral.cli.description import describe, describe_tensor
from neutral.cli.documents import LazyList
from neutral.cli.examples import add_input_shapes
from neutral.cli.outputs import add_replacing
from neutral.cli.sources import HELP, add_source, open_any
from neutral.gc_pause import gc_paused
from neutral.text import shape_text, table_lines

if TYPE_CHECKING:
    from neutral.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral inspect``.

    Args:
        parser: The parser of the verb.
    """
    add_source(parser, f"a store, or a checkpoint: {HELP}")
    parser.add_argument("--summary", action="store_true", help="show what each layer computes in one run")
    add_input_shapes(
        parser, "with --summary, which it implies: the shape of an input; once for each (default: the graph's, batch 1)"
    )
    parser.add_argument("--depth", type=int, metavar="N", help="with --summary: fold what is nested deeper than N")
    parser.add_argument("--nodes", action="store_true", help="with --summary: show nodes without tensors too")
    parser.add_argument("--stats", action="store_true", help="read every tensor, and show statistics of its elements")
    parser.add_argument("--html", metavar="FILE", help="also write a page with the network as a graph, and statistics")
    add_replacing(parser)


@gc_paused()  # the only model lives until the command ends: nothing to collect
def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Describe the layers and tensors; no tensor is read.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The description.

    Raises:
        SourceError: If the input cannot be read.
        StoreError: If the store is malformed.
    """
    with open_any(arguments.source, arguments.epoch) as store:
        document = describe(store, " ".join(arguments.source))
        lines: list[Iterable[str]] = []
        wanted = arguments.summary or arguments.nodes or arguments.depth is not None
        if wanted or (arguments.shape and not arguments.html):
            from neutral.cli.summary import summarize
            from neutral.cli.summary_table import summary_lines

            document["summary"] = summarize(store, dict(arguments.shape), arguments.nodes)
            lines = [_head(document), [""], summary_lines(document["summary"], _width(), arguments.depth)]
        if arguments.html:
            from neutral.cli.picture import write_picture

            write_picture(store, document["path"], arguments.html, console, dict(arguments.shape))
            document["html"] = arguments.html
            lines = [*(lines or [_lines(document, console.width)]), [f"wrote {arguments.html}"]]
        if arguments.stats:
            with console.progress("statistics", unit="tensor") as progress:
                document["stats"] = _statistics(store, progress)
            lines = [*(lines or [_head(document)]), [""], _statistics_lines(document["stats"], console.width)]
    return Report(document, chain(*lines) if lines else _lines(document, console.width))


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((80, 24)).columns


def _statistics(store: Store, progress: Callable[[int, int], None] | None) -> list[dict[str, Any]]:
    """Return the statistics of every tensor; each is read once, block by block."""
    from neutral.store.statistics import statistics_of

    rows = []
    for number, (key, tensor) in enumerate(store.tensors.items(), 1):
        rows.append({"key": key, **describe_tensor(tensor), **statistics_of(tensor)._asdict()})
        if progress is not None:
            progress(number, len(store.tensors))
    return rows


def _statistics_lines(rows: list[dict[str, Any]], width: int | None) -> Iterator[str]:
    def cells() -> Iterator[tuple[str, ...]]:
        for row in rows:
            values = (row[name] for name in ("minimum", "maximum", "mean"))
            numbers = ("" if value is None else f"{value:.4g}" for value in values)
            counts = (f"{row[name]:,}" if row[name] else "" for name in ("nan", "infinite", "zeros"))
            yield (row["key"], row["dtype"], f"{row['elements']:,}", *numbers, *counts)

    head = ("tensor", "dtype", "elements", "min", "max", "mean", "NaN", "inf", "zeros")
    return table_lines(head, cells, head[2:], width, spare=("elements", "dtype"))


def _lines(document: dict[str, Any], width: int | None) -> Iterator[str]:
    yield from _head(document)
    if document["totals"]["layers"]:
        yield ""
        yield from table_lines(
            ("layer", "kind", "role", "dtype", "shape", "parameters", "typed by"),
            lambda: (row for layer in document["layers"] for row in _layer_rows(layer)),
            ("parameters",),
            width,
            spare=("typed by", "parameters"),
        )
    if any(True for _ in document["others"]):
        yield ""
        yield from table_lines(
            ("tensor of no layer", "dtype", "shape", "elements"),
            lambda: ((o["key"], o["dtype"], shape_text(o["shape"]), f"{o['elements']:,}") for o in document["others"]),
            ("elements",),
            width,
        )
    if document["notes"]:
        yield ""
        yield from (f"note: {note}" for note in document["notes"])


def _head(document: dict[str, Any]) -> Iterator[str]:
    """Yield the lines on the whole: its source, its sizes, its inputs and outputs."""
    totals, source, graph = document["totals"], document["source"], document["graph"]
    origin = "" if source is None else f" of {source['framework']} {source['version'] or ''}".rstrip()
    yield f"{document['path']}: {'store' if document['is_store'] else 'checkpoint'}{origin}"
    yield (
        f"{plural(totals['layers'], 'layer')}, {plural(totals['tensors'], 'tensor')}, "
        f"{plural(totals['parameters'], 'parameter')}, {totals['buffers']:,} in buffers, {byte_size(totals['bytes'])}"
    )
    for file in source["files"] if source else ():
        yield f"file: {file['name']}: {file['role']}, {file['format']}, {byte_size(file['size'])}"
    if graph is None:
        yield f"graph: none{_typing(document['layers'])}"
    else:
        inputs = (f"{i['name']} {shape_text(i['shape'])} {i['dtype'] or ''}".rstrip() for i in graph["inputs"])
        outputs = (f"{o['node']}" + (f"[{o['output']}]" if o["output"] else "") for o in graph["outputs"])
        yield f"inputs: {', '.join(inputs)}"
        yield f"outputs: {', '.join(outputs)} ({plural(graph['nodes'], 'node')})"


def _typing(layers: LazyList) -> str:
    """Return how the layers of a store without a graph got their kinds."""
    ways = {"graph": "the graph of their checkpoint", "names": "names and shapes", "user": "their module"}
    used = [ways[way] for way in dict.fromkeys(layer["typed_by"] for layer in layers)]
    return f"; the kinds of layers are known from {' and '.join(used)}" if used else ""


def _layer_rows(layer: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each tensor of a layer; only the first names the layer."""
    head = (layer["name"], layer["kind"])
    count, typed_by = f"{layer['parameters']:,}", layer["typed_by"]
    for tensor in layer["tensors"]:
        yield (*head, tensor["role"], tensor["dtype"], shape_text(tensor["shape"]), count, typed_by)
        head, count, typed_by = ("", ""), "", ""
    if not layer["tensors"]:
        yield (*head, "", "", "", count, typed_by)

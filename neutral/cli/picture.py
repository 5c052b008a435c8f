"""The page of a network, for the verbs that have ``--html`` and for :meth:`neutral.store.Store.plot`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from neutral.cli.console import Console
    from neutral.store import Store
    from neutral.store.progress import Progress


def write_picture(
    store: Store,
    name: str,
    path: str,
    console: Console,
    shapes: Mapping[str, tuple[int, ...]],
    verification: Mapping[str, Any] | None = None,
) -> None:
    """Write one HTML file that shows a store: its graph, layers, statistics and sources, and a verification.

    Every tensor is read, for its statistics.

    Args:
        store: The store, open.
        name: The path that the page names it by, without its folder.
        path: The file to write.
        console: The output, for a progress bar.
        shapes: Shapes of inputs by name; others are those of the graph, or the first common ones that fit.
        verification: The document of a verification; None for none.

    Raises:
        StoreError: If the store contradicts the catalogue.
        UsageError: If an input is unknown.
        MismatchError: If the network cannot run on inputs of the given shapes.
        SourceError: If a tensor cannot be read.
        TargetError: If the file cannot be written.
    """
    from neutral.store.atomic import atomic_file

    with console.progress("statistics", unit="tensor") as progress:
        page = picture_text(store, name, shapes, verification, progress)
    with atomic_file(path) as file:
        file.write(page.encode())


def picture_text(
    store: Store,
    name: str,
    shapes: Mapping[str, tuple[int, ...]],
    verification: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> str:
    """Return the page as HTML; see :func:`write_picture`.

    Args:
        store: The store, open.
        name: The path that the page names it by, without its folder.
        shapes: Shapes of inputs by name; others are those of the graph, or the first common ones that fit.
        verification: The document of a verification; None for none.
        progress: A callback that gets the number of tensors that were read, and of all.

    Returns:
        A page that needs no other file.

    Raises:
        StoreError: If the store contradicts the catalogue.
        UsageError: If an input is unknown.
        MismatchError: If the network cannot run on inputs of the given shapes.
        SourceError: If a tensor cannot be read.
    """
    from neutral.cli.description import describe
    from neutral.cli.summary import summarize
    from neutral.page import network_document, render_page
    from neutral.store.statistics import histogram_of, statistics_of
    from neutral.store.structure import require_valid

    require_valid(store)
    summary = summarize(store, shapes, all_nodes=True)
    statistics = {}
    for number, (key, tensor) in enumerate(store.tensors.items(), 1):
        found = statistics_of(tensor)
        statistics[key] = {**found._asdict(), "histogram": histogram_of(tensor, found)}
        if progress is not None:
            progress(number, len(store.tensors))
    title = os.path.basename(name) or name
    document = network_document(store, describe(store, title), summary, statistics, verification)
    return render_page("network", title, document)

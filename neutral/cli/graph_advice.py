"""Say how to get the graph of a store that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neutral.store import Store


def graph_advice(store: Store) -> str:
    """Return how to get the graph of a store without one, as the reader of its framework says.

    Args:
        store: A store.

    Returns:
        A clause; empty if the store has a graph, or its reader says nothing.

    Example:
        >>> from neutral.store import Store
        >>> graph_advice(Store({}, {}))
        ''
    """
    from neutral import plugins

    framework = None if store.source is None else store.source.framework
    if store.graph is not None or framework not in plugins.names(plugins.READERS):
        return ""
    advise = getattr(plugins.load(plugins.READERS, framework), "graph_advice", None)
    return "" if advise is None else str(advise(store))

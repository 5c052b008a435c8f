"""Passes: named transformations of a graph, run in a stated order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Generic, Iterable, TypeVar

G = TypeVar("G")


@dataclass(frozen=True)
class Pass(Generic[G]):
    """A named transformation of a graph.

    Attributes:
        name: The name in the field's terms, such as ``fuse_rnn_cells``.
        summary: The effect of the pass in one line; the documentation lists it.
        run: Return the transformed graph; the given one may be changed.

    Example:
        >>> drop = Pass("drop_dropout", "Remove dropout.", lambda kinds: [kind for kind in kinds if kind != "dropout"])
        >>> drop.run(["dropout", "relu"])
        ['relu']
    """

    name: str
    summary: str
    run: Callable[[G], G]


def run_passes(graph: G, passes: Iterable[Pass[G]]) -> G:
    """Run passes one after another.

    Args:
        graph: The graph that the first pass gets.
        passes: In the order in which they run.

    Returns:
        The last pass's graph.

    Example:
        >>> double = Pass("double", "Repeat every node.", lambda nodes: nodes * 2)
        >>> run_passes(["relu"], [double, double])
        ['relu', 'relu', 'relu', 'relu']
    """
    for each in passes:
        graph = each.run(graph)
    return graph

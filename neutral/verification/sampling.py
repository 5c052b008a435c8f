"""Find the values of a graph that random numbers decide: they differ from run to run."""

from __future__ import annotations

from typing import Iterable

from neutral.graph import Graph, Node
from neutral.operators import catalogue
from neutral.text import listed


def sampled_nodes(graph: Graph | None) -> dict[str, str]:
    """Return the nodes whose values depend on random numbers that the graph draws in inference.

    Args:
        graph: The graph, None for none.

    Returns:
        The node that draws the numbers, with its kind, by the name of each node that depends on it.

    Example:
        >>> from neutral.graph import Input, Value
        >>> noise = Node("noise", "random_normal", (0.0, 1.0), {"shape": (2,), "place": "whole"})
        >>> graph = Graph((Input("x"),), (noise, Node("y", "add", (Value("x"), Value("noise")), {})), (Value("y"),))
        >>> sampled_nodes(graph)
        {'noise': 'noise (random_normal)', 'y': 'noise (random_normal)'}
    """
    sampled: dict[str, str] = {}
    for node in graph.nodes if graph is not None else ():
        source = _drawn_by(node) or next((sampled[v.node] for v in node.operands if v.node in sampled), "")
        if source:
            sampled[node.name] = source
    return sampled


def draws(graph: Graph | None) -> tuple[str, ...]:
    """Return the nodes of a graph that draw random numbers in inference.

    Args:
        graph: The graph, None for none.

    Returns:
        Each node once, with its kind.
    """
    return tuple(dict.fromkeys(sampled_nodes(graph).values()))


def sampling_note(sources: Iterable[str]) -> str:
    """Return the note of a report on a graph that draws random numbers.

    Args:
        sources: The nodes that draw them, with their kinds.

    Returns:
        A sentence.

    Example:
        >>> sampling_note(["noise (random_normal)"])
        'the graph samples: noise (random_normal) draws random numbers, and values that follow differ from run to run'
    """
    names = list(sources)
    verb = "draws" if len(names) == 1 else "draw"
    return f"the graph samples: {listed(names, 3)} {verb} random numbers, and values that follow differ from run to run"


def sampled_reason(source: str) -> str:
    """Return why a value is not compared.

    Args:
        source: The node that draws random numbers, with its kind.

    Returns:
        Words for a report.

    Example:
        >>> sampled_reason("noise (random_normal)")
        'sampled: it follows from random numbers that noise (random_normal) draws'
    """
    return f"sampled: it follows from random numbers that {source} draws"


def _drawn_by(node: Node) -> str:
    operator = catalogue.get(node.kind)
    is_random = operator is not None and operator.random
    if is_random and (node.kind != "dropout" or node.attributes.get("always")):
        return f"{node.name} ({node.kind})"
    inner = [source for graph in node.subgraphs for source in draws(graph)]
    return f"{node.name} ({inner[0]})" if inner else ""

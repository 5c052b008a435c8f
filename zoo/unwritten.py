"""Nodes whose outputs MXNet's CPU leaves unwritten in part, so that they vary from run to run."""

from __future__ import annotations

import math
from typing import Any, Iterable, Sequence

OVERFLOWING = 1e18
"""Magnitude whose square float32 cannot hold."""


def dependent_on_unwritten(graph: Any, unwritten: Sequence[str]) -> set[str]:
    """Return the nodes whose outputs MXNet leaves unwritten in part, and those that depend on them."""
    from neutral.graph import Value

    undefined = set(unwritten)
    for node in graph.nodes:
        if any(isinstance(operand, Value) and operand.node in undefined for operand in node.inputs):
            undefined.add(node.name)
    return undefined


def judged_rows(rows: Iterable[Any], graph: Any, unwritten: Sequence[str]) -> list[Any]:
    """Return the rows of operators, each fed with MXNet's own values, whose errors mean something.

    Args:
        rows: The rows of a report.
        graph: The graph.
        unwritten: The nodes whose outputs MXNet leaves unwritten in part.

    Returns:
        All but those of these nodes, and of numbers near overflow that depend on them.
    """
    undefined = dependent_on_unwritten(graph, unwritten)
    return [row for row in rows if row.layer not in undefined or _is_judged(row, unwritten)]


def _is_judged(row: Any, unwritten: Sequence[str]) -> bool:
    return row.layer not in unwritten and math.isfinite(row.scaled_error) and row.comparison.scale < OVERFLOWING

"""Faults of heads: the axis that a softmax normalizes."""

from __future__ import annotations

from typing import Iterator, Mapping

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.registry import Array


def sample_softmax_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield the softmax of the last axis in the place of that of the whole sample.

    Args:
        node: The node.
        tensors: Ignored; a softmax has none.
        operand: The values of its first operand.

    Yields:
        A change of the kind.
    """
    where = ", as MXNet's CPU builds with oneDNN do (SoftmaxOutput)" if operand.ndim == 4 else ""
    yield Change(f"the last axis normalized in the place of the sample{where}", {"axis": -1}, kind="softmax")

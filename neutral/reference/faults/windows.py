"""Faults of pooling: the padding and rounding of windows, the divisor of averages, another statistic."""

from __future__ import annotations

from itertools import product
from typing import Iterator, Mapping

from neutral.graph import Node
from neutral.reference.faults.change import Change
from neutral.reference.registry import Array

ROUNDING = ("down", "up", "same")
DIVISORS = {
    "input": "the positions in the input alone are counted",
    "padded_input": "padding is counted",
    "kernel": "all positions of the window are counted, past the end too",
}


def window_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield other padding and rounding of the size, and the other statistic.

    Args:
        node: The node.
        tensors: Ignored; pooling has none.
        operand: The values of its first operand.

    Yields:
        Changes of attributes, and of the kind.
    """
    attributes = node.attributes
    present = attributes["padding"], attributes["rounding"]
    widths = {
        tuple(size // 2 for size in attributes["kernel_size"]),
        tuple(0 for _ in attributes["kernel_size"]),
        present[0],
    }
    for padding, rounding in product(sorted(widths), ROUNDING):
        if (padding, rounding) != present and (rounding != "same" or not any(padding)):
            yield Change(
                f"padding {padding} and rounding {rounding} of the size in the place of {present[0]} and {present[1]}",
                {"padding": padding, "rounding": rounding},
            )
    shared = {name: value for name, value in attributes.items() if name != "divisor"}
    if node.kind == "max_pool":
        for divisor in DIVISORS:
            yield Change("average in the place of max pooling", {**shared, "divisor": divisor}, kind="average_pool")
    elif node.kind == "average_pool":
        yield Change("max in the place of average pooling", shared, kind="max_pool")


def average_changes(node: Node, tensors: Mapping[str, Array], operand: Array) -> Iterator[Change]:
    """Yield other divisors of an average.

    Args:
        node: The node.
        tensors: Ignored; pooling has none.
        operand: The values of its first operand.

    Yields:
        Changes of the attribute.
    """
    for divisor, words in DIVISORS.items():
        if divisor != node.attributes["divisor"]:
            yield Change(f"an average in which {words}: padding at the edges", {"divisor": divisor})

"""Graphs of any size in the shapes that make a cost worse than linear: chains, products, fans and joins."""

from __future__ import annotations

from typing import Callable, Mapping

from graphs import GraphBuilder
from neutral.store import Store


def chain(count: int) -> Store:
    """One activation after the other."""
    g = GraphBuilder()
    x = g.input()
    for _ in range(count):
        x = g.node("relu", x)
    return g.store(x)


def doubling(count: int) -> Store:
    """``a[i] = a[i - 1] * a[i - 2]``: as many paths as the Fibonacci numbers."""
    g = GraphBuilder()
    before, last = g.input("first"), g.input("second")
    for _ in range(count):
        before, last = last, g.node("multiply", last, before)
    return g.store(last)


def fan(count: int) -> Store:
    """Many branches from one value, concatenated."""
    g = GraphBuilder()
    x = g.input()
    branches = [g.node("exp" if k % 2 else "relu", x) for k in range(count)]
    return g.store(g.node("concatenate", *branches, axis=1))


def joins(count: int) -> Store:
    """Concatenations of everything before: count * count / 2 edges."""
    g = GraphBuilder()
    parts = [g.input()]
    for _ in range(count):
        parts.append(g.node("concatenate", *parts, axis=1) if len(parts) > 1 else g.node("relu", *parts))
    return g.store(parts[-1])


SHAPES: Mapping[str, Callable[[int], Store]] = {"chain": chain, "doubling": doubling, "fan": fan, "joins": joins}

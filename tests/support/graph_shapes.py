"""Graphs of any size in the shapes that make a cost worse than linear: chains, products, fans and joins."""

from __future__ import annotations

from typing import Callable, Mapping

from graphs import GraphBuilder
from neutral.graph import Value
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


def _recurrence(count: int, lag: int) -> Store:
    g = GraphBuilder()
    attributes = {"out_features": 4, "flatten": False}
    state = g.input("state", (None, 4))
    g.node("unbind", g.input("data", (None, count, 4)), name="items", axis=1, parts=count)
    g.layer("cell", "linear", {"weight": g.values(4, 4)}, attributes)
    states, outputs = [state] * lag, []
    for k in range(count):
        added = g.node("add", Value("items", k), g.node("linear", states[-lag], layer="cell", **attributes))
        states.append(g.node("tanh", added))
        outputs.append(g.node("multiply", states[-1], states[-2]))
    return g.store(g.node("stack", *outputs, axis=1))


def steps(count: int) -> Store:
    """A recurrence that is a loop."""
    return _recurrence(count, 1)


def delayed_steps(count: int) -> Store:
    """A recurrence that reads the state of two steps before, and is no loop."""
    return _recurrence(count, 2)


SHAPES: Mapping[str, Callable[[int], Store]] = {
    "chain": chain,
    "doubling": doubling,
    "fan": fan,
    "joins": joins,
    "steps": steps,
    "delayed_steps": delayed_steps,
}

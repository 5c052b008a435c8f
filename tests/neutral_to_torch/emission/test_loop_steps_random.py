"""Loops over random recurrences change no number, also where a step differs or reads older states."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import check_style, torch
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import load
from neutral_to_torch.emission.compose import Emission, compose
from neutral_to_torch.emission.lowering import pipeline

KINDS = ("linear", "linear", "other", "tanh", "add", "multiply", "item", "slice", "memory", "halves", "scale")
LINEAR = {"out_features": 4, "flatten": False}


@st.composite
def operations(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    operation = st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9))
    return draw(st.lists(operation, min_size=1, max_size=8))


class Recurrence:
    """Steps of operations on values of shape (2, 4); a number names an operand, from the newest value to older ones."""

    def __init__(self, steps: int) -> None:
        self.g = g = GraphBuilder()
        self.memory, state = g.input("memory", (2, 4)), g.input("state", (2, 4))
        data = g.input("data", (2, steps, 4))
        g.node("unbind", data, name="items", axis=1, parts=steps)
        self.data = data
        for name in ("linear", "other"):
            g.layer(name, "linear", {"weight": g.values(4, 4, scale=0.5)}, LINEAR)
        self.states = [state, state]

    def step(self, number: int, operations: list[tuple[str, int, int]], scale: float) -> list[Value]:
        """Add a step and return its values."""
        g, item = self.g, len(self.states) - 2
        values = [Value("items", number)]
        for kind, first, second in operations:
            known = [*values[::-1], self.states[-1], self.states[-1 - (second == 9)], self.memory]
            one, other = known[first % len(known)], known[second % len(known)]
            if kind in ("linear", "other"):
                values.append(g.node("linear", one, layer=kind, **LINEAR))
            elif kind == "tanh":
                values.append(g.node(kind, one))
            elif kind in ("add", "multiply"):
                values.append(g.node(kind, one, other))
            elif kind == "item":
                values.append(g.node("add", Value("items", number), one))
            elif kind == "slice":
                part = g.node("slice", self.data, axes=(1,), starts=(item,), ends=(item + 1,), steps=(1,))
                values.append(g.node("add", g.node("squeeze", part, axes=(1,), at_least_1d=False), one))
            elif kind == "memory":
                values.append(g.node("multiply", g.node("linear", self.memory, layer="other", **LINEAR), one))
            elif kind == "halves":
                halves = g.node("split", one, axis=1, parts=2)
                swapped = (Value(halves.node, 1), Value(halves.node, 0))
                values.append(g.node("concatenate", *swapped, axis=1))
            elif kind == "scale":
                values.append(g.node("multiply", one, scale))
        self.states.append(values[-1])
        return values


def run(emission: Emission, store: Any, inputs: Any) -> list[Any]:
    with torch.no_grad():
        result = load(emission, store, None, None)(**inputs)
    return list(result) if isinstance(result, tuple) else [result]


def compare(r: Recurrence, steps: int, *outputs: Value) -> str:
    store = r.g.store(*outputs)
    unrolled_passes = tuple(item for item in pipeline.PROGRAM_PASSES if item.name != "loop_steps")
    with mock.patch.object(pipeline, "PROGRAM_PASSES", unrolled_passes):
        unrolled = compose(store)
    looped = compose(store)
    check_style(looped.source, rules=False)
    random = np.random.default_rng(0)
    shapes = {"memory": (2, 4), "state": (2, 4), "data": (2, steps, 4)}
    arrays = {name: random.standard_normal(shape).astype("float32") * 0.5 for name, shape in shapes.items()}
    inputs = {item.name: torch.from_numpy(arrays[item.name]) for item in looped.inputs}
    for one, other in zip(run(looped, store, inputs), run(unrolled, store, inputs)):
        assert torch.equal(one, other) or torch.equal(one.isnan(), other.isnan())
    return looped.source


@settings(max_examples=40, deadline=None)
@given(
    operations=operations(),
    steps=st.integers(4, 9),
    is_reversed=st.booleans(),
    changed=st.one_of(st.none(), st.integers(0, 8)),
    collected=st.lists(st.integers(0, 7), min_size=1, max_size=2),
    singles=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 7)), max_size=2),
    last=st.booleans(),
)
def test_random_recurrences(
    operations: Any, steps: int, is_reversed: bool, changed: int | None, collected: Any, singles: Any, last: bool
) -> None:
    r = Recurrence(steps)
    rows = []
    for number in range(steps):
        item = steps - 1 - number if is_reversed else number
        rows.append(r.step(item, operations, 0.5 if number == changed else 0.75))
    ordered = rows[::-1] if is_reversed else rows
    outputs = [r.g.node("stack", *(row[k % len(row)] for row in ordered), axis=1) for k in collected]
    outputs += [rows[number % steps][k % len(rows[0])] for number, k in singles]
    compare(r, steps, *outputs, *[r.states[-1]] * last)

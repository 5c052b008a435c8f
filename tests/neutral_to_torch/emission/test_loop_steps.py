"""Steps that repeat are written as loops, where that is the same computation."""

from __future__ import annotations

import warnings
from typing import Any, Callable, Sequence

import numpy as np
import pytest

from checks import check_style, torch
from graphs import GraphBuilder
from neutral.graph import Graph, Input, Node, Value
from neutral.store import Store
from neutral_to_torch.emission.build import build
from neutral_to_torch.emission.compose import compose

LINEAR = {"out_features": 4, "flatten": False}


def recurrence(steps: int, shared: bool = True) -> tuple[GraphBuilder, Value, list[Value]]:
    """A graph with a state, and the items of a sequence; the layer ``cell``, unless each step has its own."""
    g = GraphBuilder()
    state = g.input("state", (None, 4))
    g.node("unbind", g.input("data", (None, steps, 4)), name="items", axis=1, parts=steps)
    for k in range(1 if shared else steps):
        g.layer("cell" if shared else f"cell{k}", "linear", {"weight": g.values(4, 4)}, LINEAR)
    return g, state, [Value("items", k) for k in range(steps)]


def step(g: GraphBuilder, item: Value, state: Value, layer: str = "cell") -> Value:
    new = g.node("linear", g.node("add", item, state), layer=layer, **LINEAR)
    return g.node("tanh", g.node("multiply", new, 0.5))


def elman(steps: int) -> Store:
    g, state, items = recurrence(steps)
    states = []
    for item in items:
        state = step(g, item, state)
        states.append(state)
    return g.store(g.node("stack", *states, axis=1), state)


def backwards(steps: int) -> Store:
    """The first state is the last item; the outputs are in the order of time."""
    g, _, items = recurrence(steps)
    state, states = items[-1], []
    for item in items[-2::-1]:
        state = step(g, item, state)
        states.append(state)
    return g.store(g.node("stack", *states[::-1], axis=1))


def two_outputs(steps: int) -> Store:
    """Two chains of operators lead from each state to an output."""
    g, state, items = recurrence(steps)
    first, second = [], []
    for item in items:
        state = step(g, item, state)
        first.append(g.node("exp", g.node("relu", state)))
        second.append(g.node("sigmoid", state))
    return g.store(g.node("concatenate", *first, axis=1), g.node("stack", *second, axis=0))


def one_by_one(steps: int) -> Store:
    """Some of the values of the steps, and of the sequence, are outputs, operands and parts of lists."""
    g, state, items = recurrence(steps)
    states = []
    for item in items:
        state = step(g, item, state)
        states.append(state)
    joined = g.node("concatenate", *states[2:], states[0], items[1], axis=1)
    return g.store(joined, states[1], items[2], g.node("add", states[-1], states[3]))


def body() -> Graph:
    added = Node("sum", "add", (Value("item"), Value("constant")), {})
    scaled = Node("next", "multiply", (Value("sum"), Value("state")), {})
    return Graph((Input("item"), Input("state"), Input("constant")), (added, scaled), (Value("next"), Value("next")))


def beside_a_loop(steps: int) -> Store:
    """A loop of the graph takes a state and an item of the sequence as its constants."""
    g, state, items = recurrence(steps)
    states = []
    for item in items:
        state = step(g, item, state)
        states.append(state)
    loops = [
        g.node("foreach", states[0], items[0], value, sequences=1, states=1, body=body())
        for value in (states[2], items[1])
    ]
    return g.store(g.node("stack", *states, axis=1), *(Value(loop.node, k) for loop in loops for k in (0, 1)))


LOOPS = [elman, backwards, two_outputs, one_by_one, beside_a_loop]


def given(store: Store) -> list[Any]:
    random = np.random.default_rng(0)
    shapes = [[3 if size is None else size for size in item.shape or ()] for item in compose(store).inputs]
    return [torch.from_numpy(random.standard_normal(shape).astype("float32")) for shape in shapes]


def results(result: Any) -> Sequence[Any]:
    return result if isinstance(result, (tuple, list)) else [result]


def unrolled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    from neutral_to_torch.emission.lowering import pipeline

    passes = tuple(item for item in pipeline.PROGRAM_PASSES if item.name != "loop_steps")
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "PROGRAM_PASSES", passes)
        return build(store)


def check(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """The source, after a comparison in every bit with the one without loops."""
    inputs = given(store)
    with torch.no_grad():
        for one, other in zip(results(build(store)(*inputs)), results(unrolled(store, monkeypatch)(*inputs))):
            assert torch.equal(one, other)
    source = compose(store, class_name="Net").source
    check_style(source)
    return source


@pytest.mark.parametrize("make", LOOPS)
def test_loops(make: Callable[[int], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = check(make(8), monkeypatch), check(make(60), monkeypatch)
    assert short.count("\n") == long.count("\n")
    assert short.count("        for t in range(") == 1 and short.count("self.cell(") == 1


def test_how_a_loop_reads() -> None:
    assert compose(elman(9)).source.endswith("""\
    def forward(self, state: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
        items = data.unbind(1)
        outputs = []
        for t in range(9):
            x = self.cell(items[t] + state) * 0.5
            state = torch.tanh(x)
            outputs.append(state)
        return torch.stack(outputs, dim=1), state
""")


def script(module: Any, _: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(module)


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "script": script,
    "trace": lambda module, inputs: torch.jit.trace(module, inputs),
    "fx": lambda module, _: torch.fx.symbolic_trace(module),
    "export": lambda module, inputs: torch.export.export(module, inputs).module(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", LOOPS[:4])
def test_ways_of_deployment(make: Callable[[int], Store], way: str) -> None:
    store = make(6)
    module, inputs = build(store), tuple(given(store))
    with torch.no_grad():
        for one, other in zip(results(WAYS[way](module, inputs)(*inputs)), results(module(*inputs))):
            torch.testing.assert_close(one, other)


def weights_of_each_step() -> Store:
    g, state, items = recurrence(8, shared=False)
    states = []
    for k, item in enumerate(items):
        state = step(g, item, state, f"cell{k}")
        states.append(state)
    return g.store(g.node("stack", *states, axis=1))


def two_steps_before() -> Store:
    g, state, items = recurrence(8)
    states = [state, state]
    for item in items:
        states.append(step(g, item, states[-2]))
    return g.store(g.node("stack", *(g.node("multiply", *pair) for pair in zip(states[1:], states[2:])), axis=1))


def few_steps() -> Store:
    return elman(3)


def uneven_items() -> Store:
    g, state, items = recurrence(8)
    for k in (0, 1, 3, 2, 4, 7, 5, 6):
        state = step(g, items[k], state)
    return g.store(state)


def a_value_between() -> Store:
    """Every step takes what is computed from another part of the first."""
    g, _, items = recurrence(8)
    parts = [g.node("tanh", g.node("linear", item, layer="cell", **LINEAR)) for item in items]
    between = g.node("exp", parts[0])
    return g.store(g.node("stack", *(g.node("add", part, between) for part in parts), axis=1))


def activations() -> Store:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    for _ in range(20):
        x = g.node("tanh", g.node("multiply", x, 0.5))
    return g.store(x)


@pytest.mark.parametrize(
    "make", [weights_of_each_step, two_steps_before, few_steps, uneven_items, a_value_between, activations]
)
def test_no_loops(make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "        for " not in check(make(), monkeypatch)


def test_one_step_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    g, state, items = recurrence(20)
    states = []
    for k, item in enumerate(items):
        state = step(g, item, g.node("multiply", state, 0.25 if k == 9 else 0.75))
        states.append(state)
    source = check(g.store(g.node("stack", *states, axis=1)), monkeypatch)
    assert source.count("        for t in range(") == 2 and source.count("* 0.25") == 1
    assert "range(9):" in source and "range(10, 20):" in source


def test_a_constant_that_is_the_initial_state_too(monkeypatch: pytest.MonkeyPatch) -> None:
    g, first, items = recurrence(8)
    state = first
    for item in items:
        state = step(g, item, g.node("multiply", state, first))
    source = check(g.store(state), monkeypatch)
    assert source.count("        for t in range(8):") == 1 and "state_2 = state\n" in source


def test_a_loop_of_the_graph_with_a_constant_that_is_the_initial_state_too() -> None:
    g, _, items = recurrence(4)
    state = g.node("tanh", items[1])
    loop = g.node("foreach", g.node("exp", items[0]), state, state, sequences=1, states=1, body=body())
    store = g.store(Value(loop.node, 1))
    (data,) = given(store)
    first, expected = data[:, 1].tanh(), data[:, 1].tanh()
    for item in data[:, 0].exp():
        expected = (item + first) * expected
    with torch.no_grad():
        torch.testing.assert_close(build(store)(data), expected)

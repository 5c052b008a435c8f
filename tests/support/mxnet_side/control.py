"""Models with loops and branches."""

from __future__ import annotations

from ast import literal_eval
from typing import Any, Callable, Mapping, Sequence

import mxnet as mx
import numpy as np

from mxnet_side.operators import run_symbol

Symbols = Sequence[mx.sym.Symbol]


def run(model: str, inputs: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """Build the model of this name, save it with random parameters, and return its outputs."""
    symbol = MODELS[model]()
    random = np.random.RandomState(0)
    shapes = {
        name: literal_eval(attributes["__shape__"])
        for name, attributes in symbol.attr_dict().items()
        if "__shape__" in attributes
    }
    stored = {name: (random.randn(*shape) / 2).astype("float32") for name, shape in shapes.items()}
    return run_symbol(symbol, {**inputs, **stored}, prefix, list(stored))


def _dense(x: Any, name: str, features: int, size: int = 4) -> Any:
    """Build a layer with declared parameter shapes: MXNet cannot infer them through loops and branches."""
    weight, bias = mx.sym.var(f"{name}_weight", shape=(size, features)), mx.sym.var(f"{name}_bias", shape=(size,))
    return mx.sym.FullyConnected(x, weight, bias, num_hidden=size, flatten=False, name=name)


def elman() -> mx.sym.Symbol:
    """Build a recurrence with layers in the loop: one output, one state."""

    def step(x: Any, states: Symbols) -> Any:
        h = mx.sym.tanh(_dense(x, "i2h", 3) + _dense(states[0], "h2h", 4))
        return h, [h]

    outputs, states = mx.sym.contrib.foreach(step, mx.sym.var("data"), [mx.sym.var("h")])
    return mx.sym.Group([_dense(outputs, "out", 4), states[0]])


def two_of_each() -> mx.sym.Symbol:
    """Build a loop over two sequences with two outputs, two states that swap, and a constant computed outside."""
    a, b, scale = mx.sym.var("a"), mx.sym.var("b"), mx.sym.var("scale")
    constant = mx.sym.exp(scale)  # used inside and outside

    def step(items: Symbols, states: Symbols) -> Any:
        first = mx.sym.broadcast_mul(items[0] + states[0], constant)
        return [first, items[1] - states[1]], [states[1], first]

    outputs, states = mx.sym.contrib.foreach(step, [a, b], [mx.sym.var("p"), mx.sym.var("q")])
    return mx.sym.Group([*outputs, *states, mx.sym.broadcast_add(outputs[0], constant)])


def without_state() -> mx.sym.Symbol:
    def step(x: Any, _: Symbols) -> Any:
        return mx.sym.sigmoid(_dense(x, "fc", 3)), []

    return mx.sym.contrib.foreach(step, mx.sym.var("data"), [])[0]


def only_the_state() -> mx.sym.Symbol:
    _, states = mx.sym.contrib.foreach(lambda x, s: (x, [s[0] * 0.5 + x]), mx.sym.var("data"), [mx.sym.var("h")])
    return states[0]


def nested() -> mx.sym.Symbol:
    """Build a loop in a loop, with a layer in the inner one."""

    def inner(x: Any, states: Symbols) -> Any:
        h = mx.sym.relu(_dense(mx.sym.expand_dims(x, 0), "fc", 4)) + states[0]
        return h, [h]

    def outer(x: Any, states: Symbols) -> Any:
        outputs, last = mx.sym.contrib.foreach(inner, x, [states[0]])
        return outputs, [last[0] * 0.1]

    outputs, states = mx.sym.contrib.foreach(outer, mx.sym.var("data"), [mx.sym.var("h")])
    return mx.sym.Group([outputs, states[0]])


def counting() -> mx.sym.Symbol:
    """Build a loop that ends by its condition, with one output."""
    outputs, states = mx.sym.contrib.while_loop(
        lambda i, s: i <= 5,
        lambda i, s: ([i + s], [i + 1, s + i]),
        [mx.sym.var("i"), mx.sym.var("s")],
        max_iterations=10,
    )
    return mx.sym.Group([outputs[0], *states])


def decaying() -> mx.sym.Symbol:
    """Build a loop with a layer, whose condition depends on a constant."""
    limit = mx.sym.var("limit")
    outputs, states = mx.sym.contrib.while_loop(
        lambda n, x: mx.sym.broadcast_greater(mx.sym.sum(mx.sym.abs(x)), limit),
        lambda n, x: ([mx.sym.sum(x, axis=1)], [n + 1, mx.sym.tanh(_dense(x, "fc", 4)) * 0.3]),
        [mx.sym.var("n"), mx.sym.var("x")],
        max_iterations=6,
    )
    return mx.sym.Group([outputs[0], *states])


def choice() -> mx.sym.Symbol:
    """Build a branch with a layer in each alternative."""
    x = mx.sym.var("data")
    return mx.sym.contrib.cond(
        mx.sym.broadcast_greater(mx.sym.sum(x), mx.sym.var("threshold")),
        lambda: mx.sym.relu(_dense(x, "first", 3)),
        lambda: _dense(mx.sym.tanh(_dense(x, "second", 3)), "third", 4),
    )


def loop_in_choice() -> mx.sym.Symbol:
    """Build a branch with two outputs and a loop with a layer in one alternative."""
    x, h = mx.sym.var("data"), mx.sym.var("h")

    def loop() -> Any:
        outputs, states = mx.sym.contrib.foreach(lambda x, s: (x + s[0], [_dense(x, "fc", 3, 3) * s[0]]), x, [h])
        return [outputs, states[0]]

    condition = mx.sym.broadcast_greater(mx.sym.sum(x), mx.sym.var("threshold"))
    return mx.sym.Group(mx.sym.contrib.cond(condition, loop, lambda: [x * 2, h]))


MODELS: Mapping[str, Callable[[], mx.sym.Symbol]] = {
    function.__name__: function
    for function in (
        elman, two_of_each, without_state, only_the_state, nested, counting, decaying, choice, loop_in_choice
    )
}  # fmt: skip

"""Recurrent cells unrolled in time, as in symbols of MXNet's first years."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from mxnet_side.operators import run_symbol


def cell(name: str, steps: int, features: int, data: np.ndarray, prefix: str) -> list[np.ndarray]:
    """Run and save ``mx.rnn.<name>`` over ``data`` (batch, time, features); the initial state is zeros of any batch."""
    cell = getattr(mx.rnn, name)(features, prefix="cell_")
    outputs, _ = cell.unroll(steps, inputs=mx.sym.var("input0"), merge_outputs=True)
    random = np.random.RandomState(0)
    shapes, _, _ = outputs.infer_shape(input0=data.shape)
    arrays = {
        argument: data if argument == "input0" else random.uniform(-0.5, 0.5, shape).astype(np.float32)
        for argument, shape in zip(outputs.list_arguments(), shapes)
    }
    return run_symbol(outputs, arrays, prefix, [name for name in arrays if name != "input0"])


def decoder(form: str, steps: int, prefix: str) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Run and save a decoder that attends to ``encoded`` in each step; return its outputs and inputs.

    ``form`` says what differs: ``fed`` back contexts, whole ``cells`` before the attention, steps from the last one
    ``backward``, the ``last`` states as outputs too, steps that take ``nothing`` of a sequence, or the result of the
    ``middle`` step as an output too.
    """
    sym, size = mx.sym, 6
    encoded, x, state = sym.var("encoded"), sym.var("x"), [sym.var("h"), sym.var("c")]
    names = ("query_weight", "out_weight", "out_bias")
    query, weight, bias = (sym.var(name) for name in names)
    cell = mx.rnn.LSTMCell(size, prefix="lstm_")
    items = list(sym.split(x, num_outputs=steps, axis=1, squeeze_axis=True))[:: -1 if form == "backward" else 1]
    if form == "cells":
        whole, _ = cell.unroll(steps, inputs=x, layout="NTC", merge_outputs=False)
    context, results = sym.var("context"), []
    for step in range(steps):
        if form == "cells":
            hidden = whole[step]
        else:
            given = context if form == "nothing" else sym.concat(items[step], context, dim=1)
            hidden, state = cell(given, state)
        scores = sym.batch_dot(
            encoded, sym.expand_dims(sym.FullyConnected(hidden, query, no_bias=True, num_hidden=size), axis=2)
        )
        context = sym.sum(sym.broadcast_mul(sym.softmax(scores, axis=1), encoded), axis=1)
        results.append(sym.FullyConnected(sym.concat(hidden, context, dim=1), weight, bias, num_hidden=4))
    outputs = [sym.stack(*results, axis=1)]
    if form == "last":
        outputs += [state[0], context]
    if form == "middle":
        outputs += [results[steps // 2]]
    symbol = sym.Group(outputs)
    random = np.random.RandomState(0)
    shapes = {"encoded": (2, 7, size), "x": (2, steps, 5), "h": (2, size), "c": (2, size), "context": (2, size)}
    inputs = {name: random.randn(*shapes[name]) for name in symbol.list_arguments() if name in shapes}
    found, _, _ = symbol.infer_shape(**{name: shapes[name] for name in inputs})
    arrays = {
        name: inputs[name] if name in inputs else random.uniform(-0.5, 0.5, shape)
        for name, shape in zip(symbol.list_arguments(), found)
    }
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    expected = run_symbol(symbol, arrays, prefix, [name for name in arrays if name not in inputs])
    return expected, {name: arrays[name] for name in inputs}

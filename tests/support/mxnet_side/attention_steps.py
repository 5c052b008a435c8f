"""Recurrences that are unrolled with attention at every step, and other recurrences that are no cell of MXNet."""

from __future__ import annotations

from typing import Any, Mapping

import mxnet as mx
import numpy as np
from mxnet.gluon import rnn

import mxnet_capture
from mxnet_side.models import randomise
from mxnet_side.operators import run_symbol

HIDDEN, HEADS = 8, 2
sym = mx.sym


def run(model: str, steps: int, inputs: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """Build the model of this name for a number of steps, save it with random parameters, and return its outputs."""
    symbol = MODELS[model](steps)
    arguments, _ = randomise(symbol, {name: array.shape for name, array in inputs.items()})
    arrays = {**inputs, **{name: array.asnumpy() for name, array in arguments.items()}}
    outputs = run_symbol(symbol, arrays, prefix, list(arguments))
    mxnet_capture.capture((symbol, arguments, {}), dict(inputs), f"{prefix}-golden.safetensors")
    return outputs


def _parameters(*names: str) -> list[Any]:
    return [sym.var(name) for name in names]


def _split(steps: int) -> Any:
    return sym.SliceChannel(sym.var("data"), num_outputs=steps, axis=1, squeeze_axis=True, name="split")


def _additive(query: Any, memory: Any, keys: Any, weights: Mapping[str, Any]) -> Any:
    """Return the context of Bahdanau's attention over memory (batch, time, features)."""
    projected = sym.FullyConnected(query, weights["query"], num_hidden=HIDDEN, no_bias=True)
    energy = sym.tanh(sym.broadcast_add(keys, sym.expand_dims(projected, axis=1)))
    score = sym.FullyConnected(energy, weights["score"], num_hidden=1, no_bias=True, flatten=False)
    share = sym.softmax(score, axis=1)
    return sym.sum(sym.broadcast_mul(share, memory), axis=1)


def _dot(query: Any, memory: Any) -> Any:
    """Return the context of attention by dot products."""
    scores = sym.batch_dot(sym.expand_dims(query, axis=1), memory, transpose_b=True)
    return sym.Reshape(sym.batch_dot(sym.softmax(scores, axis=-1), memory), shape=(0, -1))


def _multi_head(query: Any, memory: Any, weights: Mapping[str, Any]) -> Any:
    def heads(x: Any, weight: Any) -> Any:
        x = sym.FullyConnected(x, weight, num_hidden=HIDDEN, no_bias=True, flatten=False)
        return sym.transpose(sym.Reshape(x, shape=(0, 0, HEADS, -1)), axes=(0, 2, 1, 3))

    query = heads(sym.expand_dims(query, axis=1), weights["query"])
    keys, values = heads(memory, weights["key"]), heads(memory, weights["value"])
    scores = sym.linalg.gemm2(query, keys, transpose_b=True, alpha=(HIDDEN // HEADS) ** -0.5)
    context = sym.linalg.gemm2(sym.softmax(scores, axis=-1), values)
    return sym.Reshape(sym.transpose(context, axes=(0, 2, 1, 3)), shape=(0, -1))


def _weights(*names: str) -> dict[str, Any]:
    return {name: sym.var(f"{name}_weight") for name in names}


def outside(steps: int) -> Any:
    """Attend over all hidden states from each of them; nothing of it enters the recurrence."""
    outputs, _ = rnn.LSTMCell(HIDDEN, prefix="lstm_").unroll(steps, sym.var("data"), layout="NTC", merge_outputs=False)
    memory = sym.stack(*outputs, axis=1)
    weights = _weights("key", "query", "score")
    keys = sym.FullyConnected(memory, weights["key"], num_hidden=HIDDEN, no_bias=True, flatten=False)
    return sym.stack(*(_additive(output, memory, keys, weights) for output in outputs), axis=1)


def bahdanau(steps: int) -> Any:
    """Decode with the context of the state before as an input of the cell."""
    memory, h, c = _parameters("memory", "h", "c")
    weights = _weights("key", "query", "score")
    keys = sym.FullyConnected(memory, weights["key"], num_hidden=HIDDEN, no_bias=True, flatten=False)
    cell, x, outputs = rnn.LSTMCell(HIDDEN, prefix="lstm_"), _split(steps), []
    states, weight, bias = [h, c], *_parameters("out_weight", "out_bias")
    for t in range(steps):
        context = _additive(states[0], memory, keys, weights)
        output, states = cell(sym.concat(x[t], context, dim=1), states)
        outputs.append(sym.FullyConnected(output, weight, bias, num_hidden=5))
    return sym.stack(*outputs, axis=1)


def luong(steps: int) -> Any:
    """Decode with the attentional vector as the next input, from states and a vector of zeros; give the states too."""
    memory = sym.var("memory")
    cell, outputs = rnn.GRUCell(HIDDEN, prefix="gru_"), []
    states, fed = cell.begin_state(func=sym.zeros, batch_size=3), sym.zeros((3, HIDDEN))
    data, weight = _parameters("data", "mix_weight")
    for t in range(steps):
        item = sym.slice_axis(data, axis=1, begin=t, end=t + 1)
        x = sym.concat(sym.Reshape(item, shape=(0, -1)), fed, dim=1)
        output, states = cell(x, states)
        both = sym.concat(_dot(output, memory), output, dim=1)
        fed = sym.tanh(sym.FullyConnected(both, weight, num_hidden=HIDDEN, no_bias=True))
        outputs.append(sym.expand_dims(fed, axis=1))
    return sym.Group([sym.concat(*outputs, dim=1), *states])


def multi_head(steps: int) -> Any:
    """Decode time first with heads whose keys and values every step projects again."""
    memory, h = _parameters("memory", "h")
    weights = _weights("query", "key", "value")
    x = sym.SliceChannel(sym.var("data"), num_outputs=steps, axis=0, squeeze_axis=True)
    cell, states, outputs = rnn.GRUCell(HIDDEN, prefix="gru_"), [h], []
    for t in range(steps):
        output, states = cell(sym.concat(x[t], _multi_head(states[0], memory, weights), dim=1), states)
        outputs.append(output)
    return sym.stack(*outputs, axis=0)


def speech(steps: int) -> Any:
    """Decode frames, and scores of the end, from one state."""
    memory, h = _parameters("memory", "h")
    weights, x = _weights("frame", "end"), _split(steps)
    cell, states, frames, ends = rnn.GRUCell(HIDDEN, prefix="gru_"), [h], [], []
    for t in range(steps):
        output, states = cell(sym.concat(x[t], _dot(states[0], memory), dim=1), states)
        frames.append(sym.FullyConnected(output, weights["frame"], num_hidden=6, no_bias=True))
        ends.append(sym.sigmoid(sym.FullyConnected(output, weights["end"], num_hidden=1, no_bias=True)))
    return sym.Group([sym.stack(*frames, axis=1), sym.concat(*ends, dim=1)])


def by_hand(steps: int) -> Any:
    """Step as no cell does, and give the last state only."""
    data, state, bias = _parameters("data", "h", "in_bias")
    weights = _weights("in", "state", "gate")
    for t in range(steps):
        item = sym.Reshape(sym.slice_axis(data, axis=1, begin=t, end=t + 1), shape=(0, -1))
        new = sym.FullyConnected(item, weights["in"], bias, num_hidden=HIDDEN)
        old = sym.FullyConnected(state, weights["state"], num_hidden=HIDDEN, no_bias=True)
        gate = sym.sigmoid(sym.FullyConnected(item, weights["gate"], num_hidden=HIDDEN, no_bias=True))
        state = gate * state + (1 - gate) * sym.LeakyReLU(new + old, act_type="elu")
    return state


def greedy(steps: int) -> Any:
    """Embed the most probable word of each step as the next input, and give the scores one by one."""
    memory, state, word = _parameters("memory", "h", "word")
    words, weight, bias = _parameters("embed_weight", "out_weight", "out_bias")
    cell, states, outputs = rnn.GRUCell(HIDDEN, prefix="gru_"), [state], []
    for _ in range(steps):
        x = sym.Embedding(word, words, input_dim=7, output_dim=HIDDEN)
        output, states = cell(x, states)
        both = sym.concat(output, _dot(output, memory), dim=1)
        scores = sym.FullyConnected(both, weight, bias, num_hidden=7)
        word = sym.argmax(scores, axis=1)
        outputs.append(sym.log_softmax(scores))
    return sym.Group(outputs)


def smoothed(steps: int) -> Any:
    """Step without any weight, from the first item on, backwards in time."""
    x = sym.SliceChannel(sym.var("data"), num_outputs=steps, axis=1, squeeze_axis=True)
    state, outputs = x[steps - 1], []
    for t in reversed(range(steps - 1)):
        state = 0.75 * state + 0.25 * sym.tanh(x[t])
        outputs.append(state)
    return sym.stack(*outputs[::-1], axis=1)


def two_before(steps: int) -> Any:
    """Step from the state of two steps before."""
    states, outputs, x, weights = _parameters("h") * 2, [], _split(steps), _weights("in", "state")
    for t in range(steps):
        new = sym.FullyConnected(x[t], weights["in"], num_hidden=HIDDEN, no_bias=True)
        old = sym.FullyConnected(states[-2], weights["state"], num_hidden=HIDDEN, no_bias=True)
        states.append(sym.tanh(new + old))
        outputs.append(sym.softmax(states[-1] * states[-2], axis=-1))
    return sym.stack(*outputs, axis=1)


def one_differs(steps: int) -> Any:
    """Step with another attribute in the middle."""
    state, outputs, x, weights = sym.var("h"), [], _split(steps), _weights("in")
    for t in range(steps):
        new = sym.FullyConnected(x[t], weights["in"], num_hidden=HIDDEN, no_bias=True)
        scale = 0.5 if t == steps // 2 else 0.25
        state = sym.softmax(new + scale * state, axis=-1)
        outputs.append(state)
    return sym.stack(*outputs, axis=1)


MODELS = {
    function.__name__: function
    for function in (outside, bahdanau, luong, multi_head, speech, by_hand, greedy, smoothed, two_before, one_differs)
}

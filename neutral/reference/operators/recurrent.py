"""Recurrent layers and cells. Gates are the rows of the matrices, in the order of the catalogue."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

import numpy as np

from neutral.reference.operators.activation import relu, sigmoid
from neutral.reference.registry import Array, reference

States = "tuple[Array, ...]"
Step = Callable[[Array, "tuple[Array, ...]"], "tuple[Array, ...]"]


def _gates(x: Array, h: Array, weight_ih: Array, weight_hh: Array, bias_ih: Any, bias_hh: Any) -> tuple[Array, Array]:
    """Return the input's and the state's part of all gates."""
    from_input, from_state = x @ weight_ih.T, h @ weight_hh.T
    return (
        from_input if bias_ih is None else from_input + bias_ih,
        from_state if bias_hh is None else from_state + bias_hh,
    )


@reference("lstm_cell")
def lstm_cell(
    input: Array,
    h: Array | None = None,
    c: Array | None = None,
    *,
    hidden_size: int,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
) -> tuple[Array, Array]:
    zeros = np.zeros((len(input), hidden_size), input.dtype)
    from_input, from_state = _gates(input, zeros if h is None else h, weight_ih, weight_hh, bias_ih, bias_hh)
    i, f, g, o = np.split(from_input + from_state, 4, -1)
    cell = sigmoid(f) * (zeros if c is None else c) + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


@reference("gru_cell")
def gru_cell(
    input: Array,
    h: Array | None = None,
    *,
    hidden_size: int,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
) -> Array:
    state = np.zeros((len(input), hidden_size), input.dtype) if h is None else h
    from_input, from_state = _gates(input, state, weight_ih, weight_hh, bias_ih, bias_hh)
    (r_in, z_in, n_in), (r_state, z_state, n_state) = np.split(from_input, 3, -1), np.split(from_state, 3, -1)
    r, z = sigmoid(r_in + r_state), sigmoid(z_in + z_state)
    return (1 - z) * np.tanh(n_in + r * n_state) + z * state


@reference("rnn_cell")
def rnn_cell(
    input: Array,
    h: Array | None = None,
    *,
    hidden_size: int,
    nonlinearity: str,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
) -> Array:
    state = np.zeros((len(input), hidden_size), input.dtype) if h is None else h
    from_input, from_state = _gates(input, state, weight_ih, weight_hh, bias_ih, bias_hh)
    return (np.tanh if nonlinearity == "tanh" else relu)(from_input + from_state)


def _one_direction(
    step: Step, input: Array, states: tuple[Array, ...], lengths: Array, backward: bool
) -> tuple[Array, tuple[Array, ...]]:
    """Run a cell over (time, batch, features); a sample's states stop changing after its length."""
    outputs = np.zeros((*input.shape[:2], states[0].shape[-1]), input.dtype)
    times = range(len(input))
    for time in reversed(times) if backward else times:
        running = (time < lengths)[:, None]
        states = tuple(np.where(running, new, old) for new, old in zip(step(input[time], states), states))
        outputs[time] = np.where(running, states[0], 0)
    return outputs, states


class _Stack(NamedTuple):
    """Recurrent layers on one another: their number, whether each runs in both directions, and the tensors by role."""

    num_layers: int
    bidirectional: bool
    tensors: Mapping[str, Array]


def _layers(
    make_step: Callable[[Mapping[str, Array]], Step],
    stack: _Stack,
    input: Array,
    initial: list[Array],
    sequence_length: Array | None,
) -> list[Array]:
    """Run stacked layers; return the outputs of the last one and the last states (layers*directions, batch, size)."""
    whole = np.full(input.shape[1], len(input))
    lengths = whole if sequence_length is None else sequence_length.astype(np.int64)
    last: list[tuple[Array, ...]] = []
    for layer in range(stack.num_layers):
        directions = []
        for suffix in ("", "_reverse") if stack.bidirectional else ("",):
            ending = f"_l{layer}{suffix}"
            roles = {role[: -len(ending)]: array for role, array in stack.tensors.items() if role.endswith(ending)}
            states = tuple(state[len(last)] for state in initial)
            outputs, states = _one_direction(make_step(roles), input, states, lengths, suffix == "_reverse")
            directions.append(outputs)
            last.append(states)
        input = np.concatenate(directions, -1)
    return [input, *(np.stack(states) for states in zip(*last))]


def _initial(given: Array | None, input: Array, count: int, size: int) -> Array:
    """Return states (layers*directions, batch, size): those given, whose batch may be 1, or zeros."""
    shape = (count, input.shape[1], size)
    if given is not None and given.ndim != len(shape):
        raise ValueError(f"a state has {given.ndim} dimensions; expected {len(shape)}")
    return np.zeros(shape, input.dtype) if given is None else np.broadcast_to(given, shape)


@reference("lstm")
def lstm(
    input: Array,
    h_0: Array | None = None,
    c_0: Array | None = None,
    sequence_length: Array | None = None,
    *,
    hidden_size: int,
    num_layers: int,
    bidirectional: bool,
    dropout: float,
    projection_size: int,
    clip_min: float | None,
    clip_max: float | None,
    clip_nan: bool,
    **tensors: Array,
) -> list[Array]:
    def make_step(roles: Mapping[str, Array]) -> Step:
        cell_roles = {role: array for role, array in roles.items() if role != "weight_hr"}

        def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
            hidden, cell = _lstm_step(x, *states, **cell_roles)
            return (hidden @ roles["weight_hr"].T if "weight_hr" in roles else hidden), cell

        return step

    def _lstm_step(x: Array, h: Array, c: Array, **roles: Array) -> tuple[Array, Array]:
        from_input, from_state = _gates(
            x, h, roles["weight_ih"], roles["weight_hh"], roles.get("bias_ih"), roles.get("bias_hh")
        )
        i, f, g, o = np.split(from_input + from_state, 4, -1)
        cell = _clipped(sigmoid(f) * c + sigmoid(i) * np.tanh(g), clip_min, clip_max, clip_nan)
        return sigmoid(o) * np.tanh(cell), cell

    count = num_layers * (2 if bidirectional else 1)
    initial = [
        _initial(h_0, input, count, projection_size or hidden_size),
        _initial(c_0, input, count, hidden_size),
    ]
    return _layers(make_step, _Stack(num_layers, bidirectional, tensors), input, initial, sequence_length)


def _clipped(cell: Array, low: float | None, high: float | None, keep_nan: bool) -> Array:
    """Return cell states within bounds; unless ``keep_nan``, NaN becomes a bound."""
    if low is None and high is None:
        return cell
    low, high = (-np.inf if low is None else low), (np.inf if high is None else high)
    clipped = np.clip(cell, low, high)
    return clipped if keep_nan else np.where(np.isnan(cell), low, clipped)


@reference("gru")
def gru(
    input: Array,
    h_0: Array | None = None,
    sequence_length: Array | None = None,
    *,
    hidden_size: int,
    num_layers: int,
    bidirectional: bool,
    dropout: float,
    **tensors: Array,
) -> list[Array]:
    def make_step(roles: Mapping[str, Array]) -> Step:
        return lambda x, states: (gru_cell(x, states[0], hidden_size=hidden_size, **roles),)

    initial = [_initial(h_0, input, num_layers * (2 if bidirectional else 1), hidden_size)]
    return _layers(make_step, _Stack(num_layers, bidirectional, tensors), input, initial, sequence_length)


@reference("rnn")
def rnn(
    input: Array,
    h_0: Array | None = None,
    sequence_length: Array | None = None,
    *,
    hidden_size: int,
    num_layers: int,
    bidirectional: bool,
    dropout: float,
    nonlinearity: str,
    **tensors: Array,
) -> list[Array]:
    def make_step(roles: Mapping[str, Array]) -> Step:
        return lambda x, states: (rnn_cell(x, states[0], hidden_size=hidden_size, nonlinearity=nonlinearity, **roles),)

    initial = [_initial(h_0, input, num_layers * (2 if bidirectional else 1), hidden_size)]
    return _layers(make_step, _Stack(num_layers, bidirectional, tensors), input, initial, sequence_length)

"""Recurrent layers over sequences, as LSTM, GRU and RNN, and as a Scan over the steps where these lack a feature."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from neutral_to_onnx.building import Extent, OnnxValue
from neutral_to_onnx.lowering.bodies import scan
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.operators.boxes import positions
from neutral_to_onnx.operators.cells import gates, lstm_states
from neutral_to_onnx.registry import Unsupported, rule

ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""The gates in ONNX's order (i o f c; z r h), as numbers in the catalogue's order (i f g o; r z n)."""


@rule("lstm", single=True)
def lstm(
    node: NodeContext,
    x: OnnxValue,
    h_0: OnnxValue | None = None,
    c_0: OnnxValue | None = None,
    sequence_length: OnnxValue | None = None,
) -> list[OnnxValue | None]:
    if node["projection_size"] or node["clip_min"] is not None or node["clip_max"] is not None:
        return _layers(node, x, [h_0, c_0], sequence_length, _scanned_lstm)
    return _layers(node, x, [h_0, c_0], sequence_length, _standard("LSTM"))


@rule("gru", single=True)
def gru(
    node: NodeContext, x: OnnxValue, h_0: OnnxValue | None = None, sequence_length: OnnxValue | None = None
) -> list[OnnxValue | None]:
    return _layers(node, x, [h_0], sequence_length, _standard("GRU", linear_before_reset=1))


@rule("rnn", single=True)
def rnn(
    node: NodeContext, x: OnnxValue, h_0: OnnxValue | None = None, sequence_length: OnnxValue | None = None
) -> list[OnnxValue | None]:
    names = ["Tanh" if node["nonlinearity"] == "tanh" else "Relu"] * (1 + node["bidirectional"])
    return _layers(node, x, [h_0], sequence_length, _standard("RNN", activations=names))


def _layers(
    node: NodeContext, x: OnnxValue, initial: list[OnnxValue | None], lengths: OnnxValue | None, layer: Any
) -> list[OnnxValue | None]:
    """Stack layers; ``layer`` gives the outputs (time, batch, features) and the last states of one."""
    count, directions = node["num_layers"], 1 + node["bidirectional"]
    lengths = None if lengths is None else node.cast(lengths, "int32")
    by_layer = [_split_states(node, _with_batch(node, state, x), count) for state in initial]
    last: list[list[OnnxValue | None]] = []
    for number in range(count):
        x, states = layer(node, x, [state[number] for state in by_layer], lengths, number, directions)
        last.append(states)
    return [x, *(_joined(node, list(states)) for states in zip(*last))]


def _joined(node: NodeContext, states: list[OnnxValue | None]) -> OnnxValue | None:
    values = [state for state in states if state is not None]
    return values[0] if len(values) == 1 else node.op("Concat", *values, axis=0) if values else None


def _with_batch(node: NodeContext, state: OnnxValue | None, x: OnnxValue) -> OnnxValue | None:
    """Return a state whose batch of 1 is repeated for every sample."""
    if state is None:
        return None
    if state.rank not in (None, 3):
        raise Unsupported(f"the state {state.name!r} has {state.rank} dimensions; expected 3")
    batch, wanted = (value.shape[1] if value.shape else None for value in (state, x))
    if (batch == wanted and batch is not None) or (isinstance(batch, int) and batch > 1):
        return state
    return node.op("Expand", state, node.vector([1, node.extent(x, 1), 1]))


def _split_states(node: NodeContext, state: OnnxValue | None, count: int) -> Sequence[OnnxValue | None]:
    if state is None or count == 1:
        return [state] * count
    return node.ops("Split", [state], count, axis=0, num_outputs=count if node.opset >= 18 else None)


def _standard(op_type: str, **attributes: Any) -> Any:
    """Return the function that writes a layer as a standard operator."""

    def layer(
        node: NodeContext,
        x: OnnxValue,
        states: list[OnnxValue | None],
        lengths: OnnxValue | None,
        number: int,
        directions: int,
    ) -> tuple[OnnxValue, list[OnnxValue | None]]:
        suffixes = [f"_l{number}", f"_l{number}_reverse"][:directions]
        used = [node.uses(1 + position) for position in range(len(states))]
        weights = [_matrix(node, op_type, part, suffixes) for part in ("ih", "hh")]
        names = [f"{node.name}/{op_type}:{position}" if wanted else "" for position, wanted in enumerate([True, *used])]
        sequence, *computed_states = node.builder.ops(
            op_type,
            [x, *weights, _biases(node, op_type, suffixes), lengths, *states],
            names,
            hidden_size=node["hidden_size"],
            direction="bidirectional" if directions == 2 else None,
            **attributes,
        )
        remaining_states = iter(computed_states)
        return _merged(node, sequence, directions), [next(remaining_states) if wanted else None for wanted in used]

    return layer


def _merged(node: NodeContext, y: OnnxValue, directions: int) -> OnnxValue:
    """Return (time, batch, directions * size) for (time, directions, batch, size)."""
    if directions == 1:
        return node.op("Squeeze", y, node.ints(1))
    moved = node.op("Transpose", y, perm=[0, 2, 1, 3])
    time, batch = node.extent(moved, 0), node.extent(moved, 1)
    parts: list[int | Extent] = [time, batch, directions * node["hidden_size"]]
    return node.reshape(moved, parts)


def _reordered(array: Any, order: Sequence[int]) -> Any:
    gates_ = np.split(array, len(order))
    return np.concatenate([gates_[number] for number in order])


def _matrix(node: NodeContext, op_type: str, part: str, suffixes: Sequence[str]) -> OnnxValue:
    """Return the matrices (directions, gates * hidden_size, size) with the gates in ONNX's order."""
    roles, order = [f"weight_{part}{suffix}" for suffix in suffixes], ORDER[op_type]
    if all(node.is_stored(role) for role in roles):
        rows, columns = node.tensor_shape(roles[0])
        shape = (len(roles), int(rows or 0), int(columns or 0))
        return node.derived_tensor(
            roles, shape, lambda arrays: np.stack([_reordered(array, order) for array in arrays]), f"gates of {op_type}"
        )
    return _stacked(node, [_reordered_value(node, node.tensor(role), order) for role in roles])


def _biases(node: NodeContext, op_type: str, suffixes: Sequence[str]) -> OnnxValue | None:
    """Return the biases (directions, 2 * gates * hidden_size): those of the input, then those of the state."""
    roles, order = [f"bias_{part}{suffix}" for suffix in suffixes for part in ("ih", "hh")], ORDER[op_type]
    if not any(node.has(role) for role in roles):
        return None
    size = len(order) * node["hidden_size"]
    if all(node.is_stored(role) for role in roles):

        def derive(arrays: list[Any]) -> Any:
            dtype = next(array.dtype for array in arrays if array is not None)
            given = [np.zeros(size, dtype) if array is None else _reordered(array, order) for array in arrays]
            return np.concatenate(given).reshape(len(suffixes), 2 * size)

        return node.derived_tensor(roles, (len(suffixes), 2 * size), derive, f"gates of {op_type}")
    values = [
        _reordered_value(node, node.tensor(role), order) if node.has(role) else node.constant(np.zeros(size), "float32")
        for role in roles
    ]
    pairs = [node.op("Concat", *values[start : start + 2], axis=0) for start in range(0, len(values), 2)]
    return _stacked(node, pairs)


def _reordered_value(node: NodeContext, value: OnnxValue, order: Sequence[int]) -> OnnxValue:
    if len(order) == 1:
        return value
    count = len(order)
    parts = node.ops("Split", [value], count, axis=0, num_outputs=count if node.opset >= 18 else None)
    return node.op("Concat", *(parts[number] for number in order), axis=0)


def _stacked(node: NodeContext, values: Sequence[OnnxValue]) -> OnnxValue:
    parts = [node.op("Unsqueeze", value, node.ints(0)) for value in values]
    return parts[0] if len(parts) == 1 else node.op("Concat", *parts, axis=0)


def _scanned_lstm(
    node: NodeContext,
    x: OnnxValue,
    states: list[OnnxValue | None],
    lengths: OnnxValue | None,
    number: int,
    directions: int,
) -> tuple[OnnxValue, list[OnnxValue | None]]:
    """Return the outputs and last states of an LSTM layer with a projection or with bounds of the cell state."""
    sizes = [node["projection_size"] or node["hidden_size"], node["hidden_size"]]
    outputs, last = [], []
    for direction in range(directions):
        own = []
        for state, size in zip(states, sizes):
            whole = state if state is not None else _zeros(node, x, directions, size)
            own.append(node.op("Gather", whole, node.constant(direction, "int64"), axis=0))
        hidden, cell, output = _one_direction(node, x, own, lengths, f"_l{number}{'_reverse' * direction}")
        outputs.append(output)
        last.append([hidden, cell])
    joined = outputs[0] if directions == 1 else node.op("Concat", *outputs, axis=-1)
    return joined, [_stacked(node, list(parts)) for parts in zip(*last)]


def _zeros(node: NodeContext, x: OnnxValue, directions: int, size: int) -> OnnxValue:
    return node.op("Expand", node.like(0, x), node.vector([directions, node.extent(x, 1), size]))


def _one_direction(
    node: NodeContext, x: OnnxValue, states: list[OnnxValue], lengths: OnnxValue | None, suffix: str
) -> list[OnnxValue]:
    """Return the last states and the outputs of one direction."""
    body = node.inside(node.builder.subgraph())
    shapes = [value.shape for value in states]
    h, c = (body.builder.input(f"{node.name}/state", x.dtype, shape) for shape in shapes)
    step = body.builder.input(f"{node.name}/step", x.dtype, None if x.shape is None else x.shape[1:])
    inputs, sequences = [h, c, step], [x]
    out, cell = lstm_states(body, gates(body, step, h, node["hidden_size"], suffix), c)
    cell = _clipped(body, cell)
    hidden = body.op("Mul", out, body.op("Tanh", cell))
    if node.has(f"weight_hr{suffix}"):
        hidden = body.op("Gemm", hidden, body.tensor(f"weight_hr{suffix}"), transB=1)
    output = hidden
    if lengths is not None:
        time = body.builder.input(f"{node.name}/time", "int32", ())
        inputs.append(time)
        sequences.append(node.cast(positions(node, x, 0), "int32"))
        running = body.op("Unsqueeze", body.op("Less", time, lengths), body.ints(1))
        output = body.op("Where", running, hidden, body.like(0, hidden))
        hidden, cell = (body.op("Where", running, new, old) for new, old in ((hidden, h), (cell, c)))
    hidden, cell = (body.builder.with_shape(v, shape) for v, shape in zip((hidden, cell), shapes))
    return scan(node, body, (states, sequences), inputs, ([hidden, cell], [output]), suffix.endswith("_reverse"))


def _clipped(node: NodeContext, cell: OnnxValue) -> OnnxValue:
    """Return cell states within bounds; unless ``clip_nan``, NaN becomes the lower one."""
    low, high = node["clip_min"], node["clip_max"]
    if low is None and high is None:
        return cell
    bounds = [None if bound is None else node.like(bound, cell) for bound in (low, high)]
    clipped = node.op("Clip", cell, *bounds)
    if node["clip_nan"]:
        return clipped
    return node.op("Where", node.op("IsNaN", cell), node.like(-np.inf if low is None else low, cell), clipped)

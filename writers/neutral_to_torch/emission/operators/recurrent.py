"""Recurrent layers and cells; torch's gate order, formulas and names are the catalogue's."""

from __future__ import annotations

from typing import Any

from neutral_to_torch.emission.expression.symbols import Symbol, helper, nn, torch
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rule_results import Result, Unsupported, unpack
from neutral_to_torch.emission.lowering.rules import rule


@rule("lstm")
def lstm(
    node: NodeView, x: Symbol, h: Symbol | None = None, c: Symbol | None = None, lengths: Symbol | None = None
) -> Result:
    if node["clip_min"] is not None or node["clip_max"] is not None:
        raise Unsupported("clipping of the cell state, which torch's LSTM does not have")
    if not node.roles:
        return _computed(node, x, torch.lstm, (h, c), lengths)
    if node["projection_size"] >= node["hidden_size"]:
        raise Unsupported(f"projection_size={node['projection_size']}, which torch demands to be below hidden_size")
    layer = _layer(node, nn.LSTM, proj_size=node["projection_size"])
    state = None
    if h is not None or c is not None:
        size = node["projection_size"] or node["hidden_size"]
        state = (_state(node, x, h, size), _state(node, x, c, node["hidden_size"]))
    return unpack(_run(layer, x, state, lengths), (0, (1, 2)) if any(node.used[1:]) else (0, None))


@rule("gru", "rnn")
def gru(node: NodeView, x: Symbol, h: Symbol | None = None, lengths: Symbol | None = None) -> Result:
    if not node.roles:
        functions = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}
        function = torch.gru if node.kind == "gru" else functions[node["nonlinearity"]]
        return _computed(node, x, function, (h,), lengths)
    if node.kind == "gru":
        layer = _layer(node, nn.GRU)
    else:
        layer = _layer(node, nn.RNN, nonlinearity=node["nonlinearity"])
    return unpack(_run(layer, x, h, lengths), (0, 1) if any(node.used[1:]) else (0, None))


def _computed(
    node: NodeView, x: Symbol, function: Symbol, states: tuple[Symbol | None, ...], lengths: Symbol | None
) -> Result:
    """Call the function of a layer, all of whose matrices the graph computes."""
    if lengths is not None:
        raise Unsupported("computed parameters together with lengths of sequences")
    if node["dropout"] and node["num_layers"] > 1:
        raise Unsupported("computed parameters together with dropout between layers")
    if node.attributes.get("projection_size", 0) >= node["hidden_size"]:
        raise Unsupported(f"projection_size={node['projection_size']}, which torch demands to be below hidden_size")
    sizes = (node.attributes.get("projection_size", 0) or node["hidden_size"], node["hidden_size"])
    given = [_state(node, x, state, size) for state, size in zip(states, sizes)]
    matrices = [node.tensor(role) for role in _computed_roles(node)]
    options = (node.has("bias_ih_l0"), node["num_layers"], 0.0, False, node["bidirectional"], False)
    outputs = function(x, given[0] if len(given) == 1 else tuple(given), matrices, *options)
    return unpack(outputs, tuple(range(1 + len(states))))


def _computed_roles(node: NodeView) -> list[str]:
    """Return the roles in the order in which torch's functions take them."""
    directions = ("", "_reverse") if node["bidirectional"] else ("",)
    suffixes = [f"_l{layer}{direction}" for layer in range(node["num_layers"]) for direction in directions]
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return [name + suffix for suffix in suffixes for name in names if node.has(name + suffix)]


_DEFAULTS = {
    "batch_first": False,
    "num_layers": 1,
    "bias": True,
    "dropout": 0.0,
    "bidirectional": False,
    "proj_size": 0,
    "nonlinearity": "tanh",
}


def _layer(node: NodeView, constructor: Symbol, **options: Any) -> Symbol:
    layers = node["num_layers"]
    options = {
        "num_layers": layers,
        "bias": node.stored("bias_ih_l0"),
        "dropout": node["dropout"] if layers > 1 else 0.0,  # it acts between layers
        "batch_first": node.attributes.get("batch_first", False),
        "bidirectional": node["bidirectional"],
        **options,
    }
    _check_roles(node)
    said = {name: value for name, value in options.items() if value != _DEFAULTS[name]}
    return node.module(constructor(node.shape("weight_ih_l0")[1], node["hidden_size"], **said))


def _check_roles(node: NodeView) -> None:
    """Refuse a layer that lacks a tensor of torch's layer, has others, or does not fit the one before."""
    directions = ("", "_reverse") if node["bidirectional"] else ("",)
    projection = node.attributes.get("projection_size", 0)
    roles = ["weight_ih", "weight_hh", *["weight_hr"] * bool(projection)]
    roles += ["bias_ih", "bias_hh"] * node.stored("bias_ih_l0")
    suffixes = [f"_l{layer}{direction}" for layer in range(node["num_layers"]) for direction in directions]
    different = {role + suffix for role in roles for suffix in suffixes} ^ set(node.roles)
    if different:
        raise Unsupported(f"its layer has some of its tensors only, or too many: {min(different)}")
    for suffix in suffixes:
        first = suffix.startswith("_l0")
        size = (projection or node["hidden_size"]) * len(directions)
        expected = node.shape("weight_ih_l0")[1] if first else size
        if node.shape(f"weight_ih{suffix}")[1] != expected:
            raise Unsupported(f"weight_ih{suffix} of shape {node.shape('weight_ih' + suffix)} for {expected} inputs")


def _state(node: NodeView, x: Symbol, state: Symbol | None, size: int) -> Symbol:
    """Return an initial state; zeros where only the other one is given."""
    if state is not None:
        return state
    batch = x.shape[0 if node.attributes.get("batch_first", False) else 1]
    return x.new_zeros(node["num_layers"] * (1 + node["bidirectional"]), batch, size)


def _run(layer: Symbol, x: Symbol, state: Any, lengths: Symbol | None) -> Symbol:
    given = () if state is None else (state,)
    return layer(x, *given) if lengths is None else helper.run_to_length(layer, x, lengths, *given)


_CELLS = {"lstm_cell": nn.LSTMCell, "gru_cell": nn.GRUCell, "rnn_cell": nn.RNNCell}


@rule("lstm_cell")
def lstm_cell(node: NodeView, x: Symbol, h: Symbol | None = None, c: Symbol | None = None) -> Result:
    known = h if c is None else c
    if known is None:
        return unpack(_cell(node)(x), (0, 1))
    zeros = known.new_zeros(x.shape[0], node["hidden_size"])
    state = (zeros if h is None else h, zeros if c is None else c)
    return unpack(_cell(node)(x, state), (0, 1))


@rule("gru_cell", "rnn_cell")
def gru_cell(node: NodeView, x: Symbol, h: Symbol | None = None) -> Symbol:
    state = () if h is None else (h,)
    return _cell(node)(x, *state)


def _cell(node: NodeView) -> Symbol:
    options = {"nonlinearity": node["nonlinearity"]} if node.kind == "rnn_cell" else {}
    input_size, bias = node.shape("weight_ih")[1], node.stored("bias_ih")
    return node.module(_CELLS[node.kind](input_size, node["hidden_size"], bias=bias, **options))

"""Recurrent layers over whole sequences, and single cells.

Gate order: LSTM input, forget, cell, output; GRU reset, update, new. A gate's rows are together. Both biases are kept.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""How many gates' rows a layer's matrices stack."""


def _sequence_roles(projection: bool) -> tuple[Role, ...]:
    roles = []
    for suffix, direction in (("", "forward"), ("_reverse", "backward")):
        roles += [
            Role(f"weight_ih_l{{k}}{suffix}", "(gates*hidden_size, input_size)", f"Input to gates, layer k, {direction}.",
                 required=not suffix),
            Role(f"weight_hh_l{{k}}{suffix}", "(gates*hidden_size, state_size)", f"State to gates, layer k, {direction}.",
                 required=not suffix),
            Role(f"bias_ih_l{{k}}{suffix}", "(gates*hidden_size,)", f"Added with the input, layer k, {direction}.",
                 required=False),
            Role(f"bias_hh_l{{k}}{suffix}", "(gates*hidden_size,)", f"Added with the state, layer k, {direction}.",
                 required=False),
        ]  # fmt: skip
        if projection:
            roles.append(
                Role(
                    f"weight_hr_l{{k}}{suffix}",
                    "(projection_size, hidden_size)",
                    "Projects the state.",
                    required=False,
                )
            )
    return tuple(roles)


def _cell_roles() -> tuple[Role, ...]:
    return (
        Role("weight_ih", "(gates*hidden_size, input_size)", "Input to gates."),
        Role("weight_hh", "(gates*hidden_size, hidden_size)", "State to gates."),
        Role("bias_ih", "(gates*hidden_size,)", "Added with the input.", required=False),
        Role("bias_hh", "(gates*hidden_size,)", "Added with the state.", required=False),
    )


_COMMON = (
    Attribute("hidden_size", "int", "Length of a state vector."),
    Attribute("num_layers", "int", "Layers on top of each other."),
    Attribute("bidirectional", "bool", "Whether every layer runs both ways; outputs are concatenated."),
    Attribute("dropout", "float", "Fraction dropped between layers in training."),
)

_NONLINEARITY = Attribute("nonlinearity", "str", "The activation.", choices=("tanh", "relu"))

OPERATORS = (
    Operator(
        "lstm",
        "Long short-term memory over a sequence of shape (time, batch, features): c' = f*c + i*g, h' = o*tanh(c'), "
        "projected by weight_hr where projection_size is not 0. States have shape (layers*directions, batch, size), and "
        "those that are absent are zeros. Where the sequence length input is given, a sample's states stop there and its "
        "outputs after it are 0; the backward direction begins there.",
        inputs=("input", "h_0?", "c_0?", "sequence_length?"),
        attributes=(
            *_COMMON,
            Attribute("projection_size", "int", "Length of the projected state, 0 for none."),
            Attribute("clip_min", "float", "Lower bound of the cell state; None: unbounded.", optional=True),
            Attribute("clip_max", "float", "Upper bound of the cell state; None: unbounded.", optional=True),
            Attribute("clip_nan", "bool", "Whether clipping passes NaN on."),
        ),
        roles=_sequence_roles(projection=True),
        outputs=("output", "h_n", "c_n"),
        family="recurrent",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "gru",
        "Gated recurrent unit over a sequence of shape (time, batch, features): n = tanh(W_in x + b_in + r*(W_hn h + b_hn)), "
        "h' = (1 - z)*n + z*h. States and sequence length as of lstm.",
        inputs=("input", "h_0?", "sequence_length?"),
        attributes=_COMMON,
        roles=_sequence_roles(projection=False),
        outputs=("output", "h_n"),
        family="recurrent",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "rnn",
        "Elman network over a sequence of shape (time, batch, features): h' = nonlinearity(W_ih x + b_ih + W_hh h + b_hh). "
        "States and sequence length as of lstm.",
        inputs=("input", "h_0?", "sequence_length?"),
        attributes=(*_COMMON, _NONLINEARITY),
        roles=_sequence_roles(projection=False),
        outputs=("output", "h_n"),
        family="recurrent",
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "lstm_cell",
        "One step of an LSTM on (batch, features). A state that is absent is zeros.",
        inputs=("input", "h?", "c?"),
        attributes=(Attribute("hidden_size", "int", "Length of a state vector."),),
        roles=_cell_roles(),
        outputs=("h", "c"),
        family="recurrent",
        rank_rule=2,
        dtype_rule="same",
    ),
    Operator(
        "gru_cell",
        "One step of a GRU on (batch, features). A state that is absent is zeros.",
        inputs=("input", "h?"),
        attributes=(Attribute("hidden_size", "int", "Length of a state vector."),),
        roles=_cell_roles(),
        outputs=("h",),
        family="recurrent",
        rank_rule=2,
        dtype_rule="same",
    ),
    Operator(
        "rnn_cell",
        "One step of an Elman network on (batch, features). A state that is absent is zeros.",
        inputs=("input", "h?"),
        attributes=(Attribute("hidden_size", "int", "Length of a state vector."), _NONLINEARITY),
        roles=_cell_roles(),
        outputs=("h",),
        family="recurrent",
        rank_rule=2,
        dtype_rule="same",
    ),
)

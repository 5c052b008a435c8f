"""Recurrent layers over sequences, and recurrent cells.

The rows of a gate are contiguous. The order of the gates is input, forget, cell, output for LSTM and reset, update, new for
GRU. Input and state have separate biases.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator, Role

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""The number of gates of a kind, whose rows the matrices of a layer hold."""


def _sequence_roles(projection: bool) -> tuple[Role, ...]:
    roles = []
    for suffix, direction in (("", "forward"), ("_reverse", "backward")):
        roles += [
            Role(f"weight_ih_l{{k}}{suffix}", "(gates*hidden_size, input_size)", f"The matrix from the input to the gates, layer k, {direction}.",
                 required=not suffix),
            Role(f"weight_hh_l{{k}}{suffix}", "(gates*hidden_size, state_size)", f"The matrix from the state to the gates, layer k, {direction}.",
                 required=not suffix),
            Role(f"bias_ih_l{{k}}{suffix}", "(gates*hidden_size,)", f"The bias of the input's part, layer k, {direction}.",
                 required=False),
            Role(f"bias_hh_l{{k}}{suffix}", "(gates*hidden_size,)", f"The bias of the state's part, layer k, {direction}.",
                 required=False),
        ]  # fmt: skip
        if projection:
            roles.append(
                Role(
                    f"weight_hr_l{{k}}{suffix}",
                    "(projection_size, hidden_size)",
                    "The projection of the state.",
                    required=False,
                )
            )
    return tuple(roles)


def _cell_roles() -> tuple[Role, ...]:
    return (
        Role("weight_ih", "(gates*hidden_size, input_size)", "The matrix from the input to the gates."),
        Role("weight_hh", "(gates*hidden_size, hidden_size)", "The matrix from the state to the gates."),
        Role("bias_ih", "(gates*hidden_size,)", "The bias of the input's part.", required=False),
        Role("bias_hh", "(gates*hidden_size,)", "The bias of the state's part.", required=False),
    )


_COMMON = (
    Attribute("hidden_size", "int", "The length of a state vector.", minimum=1),
    Attribute("num_layers", "int", "The number of stacked layers.", minimum=1),
    Attribute(
        "bidirectional",
        "bool",
        "True if every layer runs in both directions; their outputs are concatenated, forward first.",
    ),
    Attribute("dropout", "float", "The dropout probability between layers in training.", minimum=0, maximum=1),
)

_NONLINEARITY = Attribute("nonlinearity", "str", "The activation.", choices=("tanh", "relu"))

OPERATORS = (
    Operator(
        "lstm",
        "Long short-term memory over a sequence of shape (time, batch, features): c' = f*c + i*g, h' = "
        "o*tanh(c'), and h' is multiplied by weight_hr if projection_size is not 0. States have shape "
        "(layers*directions, batch, size); absent states are zeros. If sequence_length is given, the states of a "
        "sample stop changing after that many steps and its later outputs are 0; the backward direction begins at "
        "its last step.",
        inputs=("input", "h_0?", "c_0?", "sequence_length?"),
        attributes=(
            *_COMMON,
            Attribute("projection_size", "int", "The length of the projected state; 0: no projection.", minimum=0),
            Attribute("clip_min", "float", "The lower bound of the cell state; None: unbounded.", optional=True),
            Attribute("clip_max", "float", "The upper bound of the cell state; None: unbounded.", optional=True),
            Attribute("clip_nan", "bool", "True if clipping keeps NaN."),
        ),
        roles=_sequence_roles(projection=True),
        outputs=("output", "h_n", "c_n"),
        family="recurrent",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "gru",
        "Gated recurrent unit over a sequence of shape (time, batch, features): n = tanh(W_in x + b_in + r*(W_hn "
        "h + b_hn)), h' = (1 - z)*n + z*h. States and sequence_length are as in lstm.",
        inputs=("input", "h_0?", "sequence_length?"),
        attributes=_COMMON,
        roles=_sequence_roles(projection=False),
        outputs=("output", "h_n"),
        family="recurrent",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "rnn",
        "Elman network over a sequence of shape (time, batch, features): h' = nonlinearity(W_ih x + b_ih + W_hh h "
        "+ b_hh). States and sequence_length are as in lstm.",
        inputs=("input", "h_0?", "sequence_length?"),
        attributes=(*_COMMON, _NONLINEARITY),
        roles=_sequence_roles(projection=False),
        outputs=("output", "h_n"),
        family="recurrent",
        operand_rank=3,
        rank_rule=3,
        dtype_rule="same",
    ),
    Operator(
        "lstm_cell",
        "One step of an LSTM on (batch, features). Absent states are zeros.",
        inputs=("input", "h?", "c?"),
        attributes=(Attribute("hidden_size", "int", "The length of a state vector.", minimum=1),),
        roles=_cell_roles(),
        outputs=("h", "c"),
        family="recurrent",
        operand_rank=2,
        rank_rule=2,
        dtype_rule="same",
    ),
    Operator(
        "gru_cell",
        "One step of a GRU on (batch, features). An absent state is zeros.",
        inputs=("input", "h?"),
        attributes=(Attribute("hidden_size", "int", "The length of a state vector.", minimum=1),),
        roles=_cell_roles(),
        outputs=("h",),
        family="recurrent",
        operand_rank=2,
        rank_rule=2,
        dtype_rule="same",
    ),
    Operator(
        "rnn_cell",
        "One step of an Elman network on (batch, features). An absent state is zeros.",
        inputs=("input", "h?"),
        attributes=(Attribute("hidden_size", "int", "The length of a state vector.", minimum=1), _NONLINEARITY),
        roles=_cell_roles(),
        outputs=("h",),
        family="recurrent",
        operand_rank=2,
        rank_rule=2,
        dtype_rule="same",
    ),
)

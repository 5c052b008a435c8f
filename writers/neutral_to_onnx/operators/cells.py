"""Recurrent cells: one step of a network, in the gates' order of the catalogue."""

from __future__ import annotations

from typing import Sequence

from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import rule


def gates(
    node: NodeContext, x: OnnxValue, h: OnnxValue | None, hidden_size: int, suffix: str = ""
) -> tuple[OnnxValue, OnnxValue | None]:
    """Return the input's and the state's part of all gates.

    Args:
        node: The node.
        x: The input (batch, features).
        h: The state (batch, size); None for zeros.
        hidden_size: The length of a state vector.
        suffix: The end of the roles' names, such as ``_l0``.

    Returns:
        Two values (batch, gates * hidden_size); None for a part that is zero.
    """
    from_input = _affine(node, x, f"weight_ih{suffix}", f"bias_ih{suffix}")
    bias = f"bias_hh{suffix}"
    if h is None:
        return from_input, node.optional(bias)
    return from_input, _affine(node, h, f"weight_hh{suffix}", bias)


def _affine(node: NodeContext, x: OnnxValue, weight: str, bias: str) -> OnnxValue:
    return node.op("Gemm", x, node.tensor(weight), node.optional(bias), transB=1)


def total(node: NodeContext, parts: Sequence[OnnxValue | None]) -> OnnxValue:
    """Return the sum of the parts that are not None.

    Args:
        node: The node.
        parts: Values, of which the first one is not None.

    Returns:
        The sum.
    """
    result, *others = [part for part in parts if part is not None]
    for other in others:
        result = node.op("Add", result, other)
    return result


def split_gates(node: NodeContext, value: OnnxValue, count: int) -> list[OnnxValue]:
    """Return the equal parts of the last axis.

    Args:
        node: The node.
        value: The parts one after the other.
        count: The number of parts.

    Returns:
        The parts.
    """
    return node.ops("Split", [value], count, axis=-1, num_outputs=count if node.opset >= 18 else None)


def lstm_states(
    node: NodeContext, parts: tuple[OnnxValue, OnnxValue | None], c: OnnxValue | None
) -> tuple[OnnxValue, OnnxValue]:
    """Return the gate o and the next cell state of an LSTM.

    Args:
        node: The node.
        parts: The parts of the gates.
        c: The cell state; None for zeros.

    Returns:
        The gate's values, and the cell state.
    """
    i, f, g, o = split_gates(node, total(node, parts), 4)
    cell = node.op("Mul", node.op("Sigmoid", i), node.op("Tanh", g))
    if c is not None:
        cell = node.op("Add", node.op("Mul", node.op("Sigmoid", f), c), cell)
    return node.op("Sigmoid", o), cell


@rule("lstm_cell", single=True)
def lstm_cell(
    node: NodeContext, x: OnnxValue, h: OnnxValue | None = None, c: OnnxValue | None = None
) -> tuple[OnnxValue, OnnxValue]:
    out, cell = lstm_states(node, gates(node, x, h, node["hidden_size"]), c)
    return node.op("Mul", out, node.op("Tanh", cell)), cell


@rule("gru_cell", single=True)
def gru_cell(node: NodeContext, x: OnnxValue, h: OnnxValue | None = None) -> OnnxValue:
    from_input, from_state = gates(node, x, h, node["hidden_size"])
    r_in, z_in, n_in = split_gates(node, from_input, 3)
    r_state, z_state, n_state = [None] * 3 if from_state is None else split_gates(node, from_state, 3)
    r, z = (node.op("Sigmoid", total(node, parts)) for parts in ((r_in, r_state), (z_in, z_state)))
    reset = None if n_state is None else node.op("Mul", r, n_state)
    new = node.op("Mul", node.op("Sub", node.like(1, z), z), node.op("Tanh", total(node, (n_in, reset))))
    return new if h is None else node.op("Add", new, node.op("Mul", z, h))


@rule("rnn_cell", single=True)
def rnn_cell(node: NodeContext, x: OnnxValue, h: OnnxValue | None = None) -> OnnxValue:
    parts = gates(node, x, h, node["hidden_size"])
    return node.op("Tanh" if node["nonlinearity"] == "tanh" else "Relu", total(node, parts))

"""Match the gate arithmetic of recurrent cells, as python/mxnet/gluon/rnn/rnn_cell.py writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

from mxnet_to_neutral.drafts import Absent, Draft
from mxnet_to_neutral.layers.canonical import Recipe
from mxnet_to_neutral.layers.names import strip_prefix
from mxnet_to_neutral.passes.patterns import DraftGraph, is_zeros, operand_orders, producer
from neutral.graph import Operand, Value


@dataclass
class CellMatch:
    """The drafts of one step of a recurrent cell.

    Attributes:
        kind: ``lstm``, ``gru`` or ``rnn``.
        input_layer: The linear layer of the input.
        state_layer: The linear layer of the hidden state.
        drafts: All drafts of the cell, including layers and results.
        results: The drafts of the new states, the hidden state first.
        gate_order: For each gate of the catalogue's order the position of the source's gate.
        cell_state: The LSTM's previous cell state.
        nonlinearity: The RNN's activation.
    """

    kind: str
    input_layer: Draft
    state_layer: Draft
    drafts: list[Draft]
    results: list[Draft]
    gate_order: tuple[int, ...]
    cell_state: Operand = None
    nonlinearity: str = ""

    @property
    def layers(self) -> tuple[Draft, Draft]:
        """The linear layers of input and state."""
        return self.input_layer, self.state_layer


def match_cells(graph: DraftGraph, result: Draft) -> Iterator[CellMatch]:
    """Yield the cells whose new hidden state ``result`` may be, in order of preference.

    The tensors and the uses of intermediate values are not checked.

    Args:
        graph: The use-def chains.
        result: The draft that computes the hidden state.

    Yields:
        A match of an LSTM, GRU or plain cell; see :class:`CellMatch`.
    """
    yield from _match_lstm(graph, result)
    yield from _match_gru(graph, result)
    yield from _match_rnn(graph, result)


def _match_lstm(graph: DraftGraph, result: Draft) -> Iterator[CellMatch]:
    """h' = o * tanh(c'), c' = f*c + i*g; i, f, g and o are a split of the sum of two linear layers."""
    for o, squashed in operand_orders(result, "multiply"):
        output_gate, tanh = producer(graph, o, "sigmoid"), producer(graph, squashed, "tanh")
        state = producer(graph, tanh.inputs[0], "add") if tanh is not None else None
        if output_gate is None or tanh is None or state is None:
            continue
        for kept, added in operand_orders(state, "add"):
            keep, add = producer(graph, kept, "multiply"), producer(graph, added, "multiply")
            for f, c in operand_orders(keep, "multiply"):
                for i, g in operand_orders(add, "multiply"):
                    gates = [producer(graph, i, "sigmoid"), producer(graph, f, "sigmoid"), producer(graph, g, "tanh")]
                    activations = [gate for gate in (*gates, output_gate) if gate is not None]
                    if len(activations) < 4 or keep is None or add is None:
                        continue
                    sums = [activation.inputs[0] for activation in activations]
                    split = _common_split(graph, sums)
                    layers = _summed_layers(graph, split.inputs[0]) if split is not None else None
                    if split is not None and layers is not None:
                        drafts = [result, tanh, state, keep, add, *activations, split, *layers]
                        order = _outputs(sums)
                        yield CellMatch("lstm", layers[0], layers[1], drafts, [result, state], order, c)


def _match_gru(graph: DraftGraph, result: Draft) -> Iterator[CellMatch]:
    """h' = (1 - z)*n + z*h, n = tanh(x_n + r*h_n); r and z are sigmoids of sums, x_* and h_* splits."""
    for updated, kept in operand_orders(result, "add"):
        update, keep = producer(graph, updated, "multiply"), producer(graph, kept, "multiply")
        for complement, n in operand_orders(update, "multiply"):
            for z, h in operand_orders(keep, "multiply"):
                update_gate, tanh = producer(graph, z, "sigmoid"), producer(graph, n, "tanh")
                subtraction = producer(graph, complement, "subtract")
                if update is None or keep is None or update_gate is None or tanh is None or subtraction is None:
                    continue
                ones = producer(graph, subtraction.inputs[0], "full_like", "full")
                is_one = subtraction.inputs[0] == 1 or (ones is not None and ones.attributes["value"] == 1)
                if subtraction.inputs[1] != z or not is_one:
                    continue
                for gates in _match_gru_gates(graph, tanh, update_gate):
                    layers = [producer(graph, split.inputs[0], "linear") for split in gates[:2]]
                    if layers[0] is None or layers[1] is None or not _is_same(graph, layers[1].inputs[0], h):
                        continue
                    drafts = [result, update, keep, update_gate, subtraction, tanh, *gates, layers[0], layers[1]]
                    if ones is not None and graph.is_private(Value(ones.name), drafts):
                        drafts.append(ones)
                    yield CellMatch("gru", layers[0], layers[1], drafts, [result], (0, 1, 2))


def _match_gru_gates(graph: DraftGraph, tanh: Draft, update_gate: Draft) -> Iterator[list[Draft]]:
    """Yield the drafts of a GRU's gates, the splits of the input's and the state's layer first."""
    candidate, update_sum = producer(graph, tanh.inputs[0], "add"), producer(graph, update_gate.inputs[0], "add")
    for x_n, gated in operand_orders(candidate, "add"):
        reset = producer(graph, gated, "multiply")
        for r, h_n in operand_orders(reset, "multiply"):
            reset_gate = producer(graph, r, "sigmoid")
            reset_sum = producer(graph, reset_gate.inputs[0], "add") if reset_gate is not None else None
            for x_r, h_r in operand_orders(reset_sum, "add"):
                for x_z, h_z in operand_orders(update_sum, "add"):
                    gates = ([x_r, x_z, x_n], [h_r, h_z, h_n])
                    splits = [_common_split(graph, group) for group in gates]
                    if None not in splits and [_outputs(group) for group in gates] == [(0, 1, 2)] * 2:
                        drafts = [*splits, candidate, update_sum, reset, reset_gate, reset_sum]
                        yield [draft for draft in drafts if draft is not None]


def _match_rnn(graph: DraftGraph, result: Draft) -> Iterator[CellMatch]:
    """h' = tanh(linear(x) + linear(h)). Other networks have this pattern: the weights must be called i2h and h2h."""
    if result.kind in ("tanh", "relu"):
        total = producer(graph, result.inputs[0], "add")
        layers = _summed_layers(graph, Value(total.name)) if total is not None else None
        if layers is not None and all("2h" in weight_name(layer) for layer in layers[:2]):
            drafts = [result, *layers]
            yield CellMatch("rnn", layers[0], layers[1], drafts, [result], (0,), nonlinearity=result.kind)


def weight_name(layer: Draft) -> str:
    """Return the name of the array of a linear layer's weight, empty if it is computed.

    Args:
        layer: A draft with a role ``weight``.

    Returns:
        The name without ``arg:`` or ``aux:``; of an array that is missing too.
    """
    weight = layer.roles.get("weight")
    if isinstance(weight, Recipe):
        return strip_prefix(weight.arrays[0].name)
    return weight.variable if isinstance(weight, Absent) else ""


def _common_split(graph: DraftGraph, gates: Sequence[Operand]) -> Draft | None:
    """Return the split whose outputs the operands are, each of them once."""
    split = producer(graph, gates[0], "split")
    if split is None or split.attributes["axis"] not in (1, -1) or split.attributes["parts"] != len(gates):
        return None
    return split if set(gates) == {Value(split.name, k) for k in range(len(gates))} else None


def _outputs(gates: Sequence[Operand]) -> tuple[int, ...]:
    """Return the numbers of the split's outputs that the gates are."""
    return tuple(gate.output for gate in gates if isinstance(gate, Value))


def _summed_layers(graph: DraftGraph, operand: Operand) -> tuple[Draft, Draft, Draft] | None:
    """Return the linear layers of input and state, told apart by their weights' names, and the sum of both."""
    total = producer(graph, operand, "add")
    layers = [producer(graph, item, "linear") for item in total.inputs] if total is not None else []
    if total is None or None in layers or layers[0] is layers[1]:
        return None
    first, second = (layer for layer in layers if layer is not None)
    return (second, first, total) if "h2h" in weight_name(first) else (first, second, total)


def _is_same(graph: DraftGraph, first: Operand, second: Operand) -> bool:
    """Return whether two operands are equal: the same value, or both zeros."""
    return first == second or (is_zeros(graph, first) and is_zeros(graph, second))

"""Recurrent cells that a symbol writes out gate by gate, recognised: python/mxnet/gluon/rnn/rnn_cell.py.

One step of an LSTM is two linear layers, a split and nine operators; here it becomes one ``lstm_cell``. What another
part of the graph uses stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Iterator

from mxnet_to_neutral.context import Absent, Conversion, Draft, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, reorder
from mxnet_to_neutral.layers.names import bare
from mxnet_to_neutral.passes.dataflow import Flow
from neutral.graph import Operand, Value
from neutral.operators.recurrent import GATES


@dataclass
class Cell:
    """A cell that was found: its linear layers, the drafts it consists of, and its results, the state h first.

    ``order`` says which of the source's gates each of the catalogue's is.
    """

    kind: str
    from_input: Draft
    from_state: Draft
    parts: list[Draft]
    results: list[Draft]
    order: tuple[int, ...]
    c: Operand = None
    nonlinearity: str = ""


def fold_cells(conversion: Conversion) -> None:
    """Replace every group of drafts that is a cell by the cell."""
    flow = Flow(conversion)
    new: list[Draft] = []
    gone: set[str] = set()
    values: dict[Value, Value] = {}
    for draft in conversion.drafts:
        for cell in (*_lstm(flow, draft), *_gru(flow, draft), *_rnn(flow, draft)):
            if gone.isdisjoint(part.name for part in cell.parts) and _is_closed(flow, cell):
                new.append(_draft(flow, cell))
                gone.update(part.name for part in cell.parts)
                values.update((Value(r.name), Value(draft.name, k)) for k, r in enumerate(cell.results))
                break
    if new:
        flow.replace(new, gone, values)


def _lstm(flow: Flow, out: Draft) -> Iterator[Cell]:
    """h' = o * tanh(c'), c' = f*c + i*g; i, f, g and o are a split of the sum of two linear layers."""
    for o, squashed in _orders(out, "multiply"):
        output, tanh = flow.made(o, "sigmoid"), flow.made(squashed, "tanh")
        state = flow.made(tanh.inputs[0], "add") if tanh is not None else None
        if output is None or tanh is None or state is None:
            continue
        for kept, added in _orders(state, "add"):
            keep, add = flow.made(kept, "multiply"), flow.made(added, "multiply")
            if keep is None or add is None:
                continue
            for (f, c), (i, g) in ((a, b) for a in _orders(keep, "multiply") for b in _orders(add, "multiply")):
                gates = [flow.made(f, "sigmoid"), flow.made(i, "sigmoid"), flow.made(g, "tanh")]
                found = [gate for gate in gates if gate is not None]
                if len(found) < 3:
                    continue
                parts_of_sum = [found[1].inputs[0], found[0].inputs[0], found[2].inputs[0], output.inputs[0]]
                split = _split(flow, parts_of_sum)
                layers = _layers(flow, split.inputs[0]) if split is not None else None
                if split is not None and layers is not None:
                    parts = [out, output, tanh, state, keep, add, *found, split, *layers]
                    yield Cell("lstm", layers[0], layers[1], parts, [out, state], _order(parts_of_sum), c)


def _gru(flow: Flow, out: Draft) -> Iterator[Cell]:
    """h' = (1 - z)*n + z*h, n = tanh(x_n + r*h_n); r and z are sigmoids of sums, x_* and h_* splits."""
    for fresh, kept in _orders(out, "add"):
        new, keep = flow.made(fresh, "multiply"), flow.made(kept, "multiply")
        if new is None or keep is None:
            continue
        for (rest, n), (z, h) in ((a, b) for a in _orders(new, "multiply") for b in _orders(keep, "multiply")):
            update, complement, tanh = flow.made(z, "sigmoid"), flow.made(rest, "subtract"), flow.made(n, "tanh")
            if update is None or complement is None or tanh is None or complement.inputs[1] != z:
                continue
            ones = flow.made(complement.inputs[0], "full_like", "full")
            if complement.inputs[0] != 1 and (ones is None or ones.attributes["value"] != 1):
                continue
            for gates in _gru_gates(flow, tanh, update):
                layers = [flow.made(split.inputs[0], "linear") for split in gates[:2]]
                if layers[0] is None or layers[1] is None or not _same(flow, layers[1].inputs[0], h):
                    continue
                parts = [out, new, keep, update, complement, tanh, *gates, layers[0], layers[1]]
                if ones is not None and flow.is_private(Value(ones.name), parts):
                    parts.append(ones)
                yield Cell("gru", layers[0], layers[1], parts, [out], (0, 1, 2))


def _gru_gates(flow: Flow, tanh: Draft, update: Draft) -> Iterator[list[Draft]]:
    """What gates are made of, from the two splits, of input and state, to ``n`` and ``z``."""
    candidate, update_sum = flow.made(tanh.inputs[0], "add"), flow.made(update.inputs[0], "add")
    for x_n, gated in _orders(candidate, "add"):
        reset = flow.made(gated, "multiply")
        for r, h_n in _orders(reset, "multiply"):
            gate = flow.made(r, "sigmoid")
            reset_sum = flow.made(gate.inputs[0], "add") if gate is not None else None
            for x_r, h_r in _orders(reset_sum, "add"):
                for x_z, h_z in _orders(update_sum, "add"):
                    splits = [_split(flow, [x_r, x_z, x_n]), _split(flow, [h_r, h_z, h_n])]
                    found = [*splits, candidate, update_sum, reset, gate, reset_sum]
                    ordered = [_order([x_r, x_z, x_n]), _order([h_r, h_z, h_n])] == [(0, 1, 2)] * 2
                    if None not in splits and ordered:
                        yield [part for part in found if part is not None]


def _rnn(flow: Flow, out: Draft) -> Iterator[Cell]:
    """h' = tanh(linear(x) + linear(h)). Much else looks so: the weights have to be called i2h and h2h."""
    if out.kind in ("tanh", "relu"):
        total = flow.made(out.inputs[0], "add")
        layers = _layers(flow, Value(total.name)) if total is not None else None
        if total is not None and layers is not None and all("2h" in _weight_name(layer) for layer in layers[:2]):
            yield Cell("rnn", layers[0], layers[1], [out, *layers], [out], (0,), nonlinearity=out.kind)


def _orders(draft: Draft | None, kind: str) -> Iterator[tuple[Operand, ...]]:
    """The two operands of a commutative operator in both orders."""
    if draft is not None and draft.kind == kind:
        yield from permutations(draft.inputs)


def _split(flow: Flow, gates: list[Operand]) -> Draft | None:
    """The split whose outputs these are, all of them."""
    split = flow.made(gates[0], "split")
    if split is None or split.attributes["axis"] not in (1, -1) or split.attributes["parts"] != len(gates):
        return None
    return split if set(gates) == {Value(split.name, k) for k in range(len(gates))} else None


def _order(gates: list[Operand]) -> tuple[int, ...]:
    return tuple(gate.output for gate in gates if isinstance(gate, Value))


def _layers(flow: Flow, gates: Operand) -> tuple[Draft, Draft, Draft] | None:
    """The linear layers of input and state whose sum the gates are, told apart by name, and their sum."""
    total = flow.made(gates, "add")
    layers = [flow.made(operand, "linear") for operand in total.inputs] if total is not None else []
    if total is None or None in layers or layers[0] is layers[1]:
        return None
    first, second = (layer for layer in layers if layer is not None)
    return (second, first, total) if "h2h" in _weight_name(first) else (first, second, total)


def _weight_name(layer: Draft) -> str:
    weight = layer.roles.get("weight")
    if isinstance(weight, Recipe):
        return bare(weight.arrays[0].name)
    return weight.variable if isinstance(weight, Absent) else ""


def _same(flow: Flow, one: Operand, other: Operand) -> bool:
    return one == other or (flow.is_zeros(one) and flow.is_zeros(other))


def _is_closed(flow: Flow, cell: Cell) -> bool:
    """Whether the cell's tensors fit, and nothing else uses what is inside."""
    layers = (cell.from_input, cell.from_state)
    hidden, rest = divmod(cell.from_state.attributes["out_features"], GATES[cell.kind])
    if rest or cell.from_input.attributes["out_features"] != hidden * GATES[cell.kind]:
        return False
    if any(isinstance(role, Value) for layer in layers for role in layer.roles.values()):
        return False
    weight = cell.from_state.roles["weight"]
    if isinstance(weight, Recipe) and weight.tensor.shape[1] != hidden:
        return False
    if len({layer.roles.get("bias") is None for layer in layers}) > 1:
        return False
    tensors = [role for layer in layers for role in layer.roles.values() if isinstance(role, Recipe)]
    if cell.order != tuple(range(len(cell.order))) and not all(_is_plain(tensor) for tensor in tensors):
        return False
    inner = [part for part in cell.parts if part not in cell.results]
    outputs = (Value(part.name, k) for part in inner for k in range(part.attributes.get("parts", 1)))
    return all(flow.is_private(value, cell.parts) for value in outputs)


def _is_plain(tensor: Recipe) -> bool:
    return tensor.origin.rule == "identity" and tensor.arrays[0].plain


def _in_order(tensor: RoleDraft, cell: Cell) -> RoleDraft:
    """The tensor with its gates in the catalogue's order."""
    if not isinstance(tensor, Recipe) or cell.order == tuple(range(len(cell.order))):
        return tensor
    return reorder(tensor.arrays[0], cell.order)


def _draft(flow: Flow, cell: Cell) -> Draft:
    states = [cell.from_state.inputs[0], *([cell.c] if cell.kind == "lstm" else [])]
    attributes: dict[str, Any] = {"hidden_size": cell.from_state.attributes["out_features"] // GATES[cell.kind]}
    if cell.kind == "rnn":
        attributes["nonlinearity"] = cell.nonlinearity
    roles = {
        f"{role}_{matrix}": _in_order(layer.roles.get(role), cell)
        for matrix, layer in (("ih", cell.from_input), ("hh", cell.from_state))
        for role in ("weight", "bias")
    }
    name = re.match(r"(.+?)[._]*i2h", _weight_name(cell.from_input))
    return Draft(
        cell.results[0].name,
        f"{cell.kind}_cell",
        [cell.from_input.inputs[0], *(None if flow.is_zeros(state) else state for state in states)],
        attributes,
        cell.results[0].origin,
        roles,
        name.group(1) if name else None,
    )

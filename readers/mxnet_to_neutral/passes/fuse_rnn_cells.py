"""Fuse the gate arithmetic of unrolled recurrent cells into cell operators.

One step of an LSTM is two linear layers, a split and nine operators in MXNet's symbol; it becomes one ``lstm_cell``.
Cells whose intermediate values have other uses stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

from mxnet_to_neutral.drafts import Conversion, Draft, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, reorder_blocks
from mxnet_to_neutral.passes.patterns import DraftGraph, is_zeros, use_def
from mxnet_to_neutral.passes.rnn_cell_patterns import CellMatch, match_cells, weight_name
from neutral.graph import Operand, Value
from neutral.operators.recurrent import GATES


def fuse_rnn_cells(conversion: Conversion) -> Conversion:
    """Replace the drafts of every recurrent cell by one cell operator.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    graph = use_def(conversion)
    new: list[Draft] = []
    removed: set[str] = set()
    values: dict[Value, Value] = {}
    for draft in conversion.drafts:
        for match in match_cells(graph, draft):
            if removed.isdisjoint(part.name for part in match.drafts) and _can_fuse(graph, match):
                new.append(_cell(graph, match))
                removed.update(part.name for part in match.drafts)
                values.update((Value(r.name), Value(draft.name, k)) for k, r in enumerate(match.results))
                break
    if new:
        conversion.replace(new, removed, values)
    return conversion


def _can_fuse(graph: DraftGraph, match: CellMatch) -> bool:
    """Return whether the tensors fit a cell, and nothing else uses its intermediate values."""
    return _tensors_fit(match) and _is_closed(graph, match)


def _tensors_fit(match: CellMatch) -> bool:
    hidden, rest = divmod(match.state_layer.attributes["out_features"], GATES[match.kind])
    if rest or match.input_layer.attributes["out_features"] != hidden * GATES[match.kind]:
        return False
    if any(isinstance(role, Value) for layer in match.layers for role in layer.roles.values()):
        return False
    weight = match.state_layer.roles["weight"]
    if isinstance(weight, Recipe) and weight.tensor.shape[1] != hidden:
        return False
    if len({layer.roles.get("bias") is None for layer in match.layers}) > 1:
        return False
    tensors = [role for layer in match.layers for role in layer.roles.values() if isinstance(role, Recipe)]
    return _in_order(match) or all(_is_plain(tensor) for tensor in tensors)


def _is_closed(graph: DraftGraph, match: CellMatch) -> bool:
    inner = [draft for draft in match.drafts if draft not in match.results]
    outputs = (Value(draft.name, k) for draft in inner for k in range(draft.attributes.get("parts", 1)))
    return all(graph.is_private(value, match.drafts) for value in outputs)


def _in_order(match: CellMatch) -> bool:
    """Return whether the source's gates are in the catalogue's order."""
    return match.gate_order == tuple(range(len(match.gate_order)))


def _is_plain(tensor: Recipe) -> bool:
    return tensor.origin.rule == "identity" and tensor.arrays[0].plain


def _cell(graph: DraftGraph, match: CellMatch) -> Draft:
    """Return the cell operator, in the place of the new hidden state."""
    states: list[Operand] = [match.state_layer.inputs[0]]
    if match.kind == "lstm":
        states.append(match.cell_state)
    attributes: dict[str, Any] = {"hidden_size": match.state_layer.attributes["out_features"] // GATES[match.kind]}
    if match.kind == "rnn":
        attributes["nonlinearity"] = match.nonlinearity
    roles = {
        f"{role}_{matrix}": _reordered(layer.roles.get(role), match)
        for matrix, layer in (("ih", match.input_layer), ("hh", match.state_layer))
        for role in ("weight", "bias")
    }
    name = re.match(r"(.+?)[._]*i2h", weight_name(match.input_layer))
    return Draft(
        match.results[0].name,
        f"{match.kind}_cell",
        [match.input_layer.inputs[0], *(None if is_zeros(graph, state) else state for state in states)],
        attributes,
        match.results[0].origin,
        roles,
        name.group(1) if name else None,
    )


def _reordered(tensor: RoleDraft, match: CellMatch) -> RoleDraft:
    """Return the tensor with its gates in the catalogue's order."""
    if not isinstance(tensor, Recipe) or _in_order(match):
        return tensor
    return reorder_blocks(tensor.arrays[0], match.gate_order)

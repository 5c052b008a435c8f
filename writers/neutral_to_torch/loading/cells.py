"""Match a recurrent layer of one side with cells in a loop of the other, tensor by tensor; a proof has to decide."""

from __future__ import annotations

import re
from itertools import islice, permutations
from typing import Iterator, Mapping

from neutral.graph import Layer
from neutral.matching.network import Network, describe_store
from neutral.store import Store

_MAX_ORDERS = 24
"""Orders of cells that are tried: cells of one shape could be any of the steps of a layer."""

_CELLS = {"lstm": "lstm_cell", "gru": "gru_cell", "rnn": "rnn_cell"}
_ROLE = re.compile(r"(?P<role>(weight|bias)_(ih|hh))_(?P<place>l\d+(_reverse)?)")


def cell_mappings(store: Store, module: Network) -> Iterator[dict[str, str]]:
    """Yield mappings of the tensors of recurrent layers to those of cells that the other side has instead.

    Nothing but kinds and shapes is compared, so that each mapping has to be proven.

    Args:
        store: The store.
        module: The module's network.

    Yields:
        Tensors of the store to tensors of the module: first with the cells in their order.

    Example:
        >>> from torch import nn
        >>> from neutral.tensor import from_numpy
        >>> from neutral_to_torch.adapters import describe
        >>> values = {f"rnn.{name}": value.detach().numpy() for name, value in nn.GRU(2, 3).named_parameters()}
        >>> tensors = {name: from_numpy(value) for name, value in values.items()}
        >>> roles = {key.split(".")[1]: key for key in tensors}
        >>> store = Store({"rnn": Layer("rnn", "gru", {}, roles)}, tensors)
        >>> [mapping] = cell_mappings(store, describe(nn.Sequential(nn.GRUCell(2, 3))))
        >>> mapping["rnn.weight_ih_l0"]
        '0.weight_ih'
    """
    stored = describe_store(store)
    for one, other, is_reversed in ((stored, module, False), (module, stored, True)):
        for kind, cell_kind in _CELLS.items():
            layers = [layer for layer in one.layers.values() if layer.kind == kind]
            cells = [layer for layer in other.layers.values() if layer.kind == cell_kind]
            steps = [step for layer in layers for step in _steps(layer)]
            if not steps or len(steps) != len(cells):
                continue
            for order in islice(permutations(cells), _MAX_ORDERS):
                pairs: dict[str, str] = {}
                for step, cell in zip(steps, order):
                    if _shapes(one, step) != _shapes(other, cell.tensors):
                        break
                    pairs.update({name: cell.tensors[role] for role, name in step.items()})
                else:
                    yield {value: name for name, value in pairs.items()} if is_reversed else pairs


def _steps(layer: Layer) -> list[Mapping[str, str]]:
    """Return the tensors of each layer and direction of a recurrent layer, by the roles of a cell."""
    steps: dict[str, dict[str, str]] = {}
    for role, name in layer.tensors.items():
        match = _ROLE.fullmatch(role)
        if match is None:  # a projection, which cells do not have
            return []
        steps.setdefault(match["place"], {})[match["role"]] = name
    return list(steps.values())


def _shapes(network: Network, tensors: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    return {role: network.shapes[name] for role, name in tensors.items()}

"""Modules with one change each: none that is proven computes anything else than the store.

Continuous integration runs a part of the changes, the same each time; ``NEUTRAL_ALL_MUTATIONS=1`` runs all of them in
all modes, and prints how many were refused, unproven and proven.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

from mutants import MODES, Network, Pick, Place, convolutional, mixed, module_of, recurrent, sequential, unusual
from neutral.errors import NeutralError
from neutral.store import Store
from neutral_to_torch import build, load_into
from neutral_to_torch.trace.outputs import tensors_in

GROUPS = (convolutional, sequential, mixed, recurrent, unusual)
ALL: tuple[Network, ...] = tuple(network for group in GROUPS for network in group.NETWORKS)
NETWORKS = {network.name: network for network in ALL}
IS_WHOLE = bool(os.environ.get("NEUTRAL_ALL_MUTATIONS"))
SHARE = 6
"""One change in so many runs, and in one mode only, unless all of them are asked for."""

LIMIT = 1e-4

_STORES: dict[str, tuple[Store, nn.Module]] = {}


def stored(network: Network) -> tuple[Store, nn.Module]:
    """Return the store of a network and its own model."""
    if network.name not in _STORES:
        store = network.store()
        _STORES[network.name] = store, build(store)
    return _STORES[network.name]


def error_of(module: nn.Module, network: Network) -> float:
    """Return the largest error of a loaded module's outputs, each in its place, in units of their scale."""
    reference = stored(network)[1]
    worst = 0.0
    for seed, scale in ((11, 0.3), (12, 1.0), (13, 6.0)):
        inputs = network.inputs(torch.Generator().manual_seed(seed), scale)
        with torch.no_grad():
            right = [value.double() for value in tensors_in(reference(*inputs))]
            computed = [value.double() for value in tensors_in(module.eval()(*inputs))]
        if [value.shape for value in right] != [value.shape for value in computed]:
            return float("inf")
        for one, other in zip(right, computed):
            difference = float((one - other).abs().max()) / max(float(one.abs().max()), 1e-30)
            worst = max(worst, difference if difference == difference else float("inf"))
    return worst


def outcome(network: Network, change: Place | None, mode: str) -> tuple[str, float]:
    """Return the grade with which a module is loaded, or ``refused``, and its error."""
    store, _ = stored(network)
    module = module_of(network, Pick(change), mode)
    inputs = network.inputs(torch.Generator().manual_seed(3), 1.0)
    example: Any = None if mode == "none" else inputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plan = load_into(module, store, example=example)
        except NeutralError:
            return "refused", 0.0
        return "proven" if plan.grade.is_proven else "unproven", error_of(module, network)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_right_module_is_loaded(name: str, mode: str) -> None:
    if not IS_WHOLE and MODES.index(mode) not in (list(NETWORKS).index(name) % len(MODES), 4):
        pytest.skip("NEUTRAL_ALL_MUTATIONS=1 runs all modes")
    grade, error = outcome(NETWORKS[name], None, mode)
    assert grade == "proven" and error <= LIMIT


@pytest.mark.parametrize("name", NETWORKS)
def test_a_changed_module_is_never_proven_wrongly(name: str) -> None:
    network, counts, wrong = NETWORKS[name], Counter[str](), []
    offset = list(NETWORKS).index(name)
    for index, change in enumerate(network.places(), offset):
        if not IS_WHOLE and index % SHARE:
            continue
        for mode in MODES if IS_WHOLE else (MODES[index // SHARE % len(MODES)],):
            grade, error = outcome(network, change, mode)
            is_wrong = error > LIMIT
            counts[f"{grade}, {'wrong' if is_wrong else 'right'}" if grade != "refused" else grade] += 1
            if is_wrong and grade == "proven":
                wrong.append((*change, mode, f"{error:.1e}"))
            elif is_wrong and IS_WHOLE:
                print(f"{name}: {change[0]} {change[1]}, {mode}: unproven, {error:.1e}")
    print(name, dict(counts))
    assert not wrong
    assert counts["refused"]


def test_there_are_enough_networks_and_changes() -> None:
    assert len(NETWORKS) >= 20
    assert sum(len(network.places()) for network in NETWORKS.values()) >= 300

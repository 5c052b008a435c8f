"""Recognise a module of the class that ``emit`` writes, whose tensors' places the emitter knows."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import Any, Callable, Sequence

import torch
from torch import nn

from neutral.cut_store import store_with_outputs, stores_up_to_a_node
from neutral.errors import MatchError, NeutralError
from neutral.matching.grade import Grade
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Leftover, Pair
from neutral.store import Store
from neutral.tensor import Tensor
from neutral.verification.sampling import draws
from neutral_to_torch.adapters.state import COUNTER, state_of
from neutral_to_torch.emission.build import import_source
from neutral_to_torch.emission.compose import Emission, compose
from neutral_to_torch.loading.target import TorchTarget

DETAIL = "emitted source"
"""The detail of every pair of an emitted plan."""

_CONSTANT = "a constant that the emitted source computes"


def compose_for(module: nn.Module, store: Store) -> Emission | None:
    """Return the emission of a store, None where a module lacks tensors of its shapes or it cannot be emitted.

    Args:
        module: The module, which may be of any class.
        store: The store.
    """
    if store.graph is None:
        return None
    layers = (store.layers[name] for name in set(store.graph.layer_names()))
    keys = {key for layer in layers for key in layer.tensors.values() if key in store.tensors}
    if Counter(store.tensors[key].shape for key in keys) - Counter(_shapes(module).values()):
        return None
    try:
        return compose(store)
    except NeutralError:
        return None


def store_up_to(module: nn.Module, store: Store, may_lack: Sequence[str]) -> Store | None:
    """Return the store with the part of its graph that a module computes whose source was emitted with other outputs.

    Args:
        module: The module, which may be of any class.
        store: The store.
        may_lack: Shell patterns of layers that the module may lack.

    Returns:
        The store whose emitted class has the module's tensors and code; None for any other module.
    """
    chosen = store_with_outputs(store, _stated_outputs(module), may_lack)
    cuts = stores_up_to_a_node(store, Counter(_shapes(module).values()), may_lack)
    for shorter in chain([] if chosen is None else [chosen], cuts):
        emission = compose_for(module, shorter)
        if emission is not None and has_state_of(module, emission, shorter) and has_code_of(module, emission):
            return shorter
    return None


def _stated_outputs(module: nn.Module) -> list[str]:
    """Return the outputs that the docstring of the file of a module's class states, as the emitter writes it.

    Others may write it, too: it says only which part of the store to try.
    """
    text = getattr(sys.modules.get(type(module).__module__), "__doc__", None) or ""
    lines = text.partition("\nOutputs:\n")[2].splitlines()
    matches = (re.fullmatch(r"    (?P<node>.+?)( \(output (?P<output>\d{1,9})\))?", line) for line in lines)
    return [
        match["node"] if match["output"] is None else f"{match['node']}:{match['output']}" for match in matches if match
    ]


def has_state_of(module: nn.Module, emission: Emission, store: Store) -> bool:
    """Return whether a module has the tensors of an emission's class, under their names and with their shapes.

    Args:
        module: The module, which may be of any class.
        emission: The emission.
        store: Its store.
    """
    tensors = emission.state.tensors(store)
    return _shapes(module) == {name: item.shape for name, item in tensors.items() if not _is_counter(name)}


def has_code_of(module: nn.Module, emission: Emission) -> bool:
    """Return whether the forward methods of a module and of its children are those of an emission's source.

    Args:
        module: The module, which may be of any class.
        emission: The emission.
    """
    with torch.device("meta"):
        model = getattr(import_source(emission.source), emission.class_name)()
    return {path: _code(item) for path, item in module.named_modules()} == {
        path: _code(item) for path, item in model.named_modules()
    }


def emitted_plan(emission: Emission, store: Store) -> Plan:
    """Return the plan by which a module of an emission's class is filled.

    Args:
        emission: The emission.
        store: Its store.

    Returns:
        A complete plan that has not been checked against a module.
    """
    names: dict[str, str] = {}
    for name, key in emission.state.keys.items():
        names.setdefault(key, name)
    paths = emission.state.layers
    pairs = []
    for layer in store.layers.values():
        tensors = {role: names[key] for role, key in layer.tensors.items() if key in names}
        own = {role: f"{paths[layer.name]}.{role}" for role in tensors} if layer.name in paths else {}
        if own and all(emission.state.keys.get(name) == layer.tensors[role] for role, name in own.items()):
            tensors = own
        if tensors:
            pairs.append(Pair(layer.name, paths.get(layer.name, ""), layer.kind, "mapping", DETAIL, tensors))
    constants = (name for name in emission.state.constants if not _is_counter(name))
    return Plan(tuple(pairs), unfilled=tuple(Leftover(name, _CONSTANT, allowed=True) for name in constants))


def check_emitted(
    emission: Emission,
    module: nn.Module,
    store: Store,
    plan_for: Callable[[TorchTarget, Plan], Plan],
    graded: Callable[[Plan], Plan],
) -> Plan | None:
    """Return the graded plan of a module of an emission's class, None where the module has been changed since.

    Args:
        emission: The emission.
        module: The module.
        store: The store.
        plan_for: Checks a plan against a target.
        graded: Grades a plan by running the module.

    Returns:
        A plan without problems; unproven where the module cannot be run, or draws random numbers.
    """
    try:
        plan = plan_for(TorchTarget(module), emitted_plan(emission, store))
    except MatchError:
        return None
    pairs = tuple(
        replace(pair, differences=tuple(item for item in pair.differences if item.effect != "layout"))
        for pair in plan.pairs
    )  # the emitter's source transposes around a recurrent layer
    constants = emission.state.constants
    unfilled = tuple(replace(item, why=_CONSTANT) if item.name in constants else item for item in plan.unfilled)
    plan = replace(plan, pairs=pairs, unfilled=unfilled)
    compared = graded(plan)
    sources = draws(store.graph)
    if compared.problems and not plan.problems and sources and has_code_of(module, emission):
        reason = f"the stored graph draws random numbers ({', '.join(sources)}), which no two runs have in common"
        return replace(plan, grade=Grade(reasons=(reason,)))
    return None if compared.problems else compared


def emitted_constants(module: nn.Module, store: Store, plan: Plan) -> dict[str, tuple[str, Tensor]]:
    """Return the constants of an emitted module that lie on the ``meta`` device, so that nothing has computed them.

    Args:
        module: The module.
        store: The store.
        plan: The plan of the load.

    Returns:
        The name and the value of each, by its name in the state dict.
    """
    state = state_of(module)
    names = {item.name for item in plan.unfilled if item.allowed and item.name in state and state[item.name].is_meta}
    if store.graph is None or not names or not any(pair.detail == DETAIL for pair in plan.pairs):
        return {}
    return {name: (name, tensor) for name, tensor in compose(store).state.constants.items() if name in names}


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    try:
        return {name: tuple(tensor.shape) for name, tensor in state_of(module).items()}
    except MatchError:  # the module is lazy
        return {}


def _code(module: nn.Module) -> tuple[Any, ...]:
    """Return the code of a module's forward; an attribute or hook of the module itself is none of it."""
    code = getattr(type(module).forward, "__code__", None)
    is_altered = "forward" in vars(module) or bool(module._forward_hooks or module._forward_pre_hooks)
    if code is None or is_altered:
        return (id(module),)
    return code.co_code, code.co_names, tuple(item for item in code.co_consts if not hasattr(item, "co_code"))


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == COUNTER

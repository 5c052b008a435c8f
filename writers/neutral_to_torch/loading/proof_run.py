"""Run a module and the store's own model on the same drawn inputs, and measure how their values differ."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

import torch
from torch import nn

from neutral.matching.plan import Plan
from neutral.store import Store
from neutral_to_torch.adapters import has_known_forward
from neutral_to_torch.adapters.state import submodule
from neutral_to_torch.emission.compose import Emission
from neutral_to_torch.loading.dispatch import DispatchMode
from neutral_to_torch.loading.proof_compare import error_of, is_moved
from neutral_to_torch.loading.proof_cost import SizeMode, require_affordable
from neutral_to_torch.loading.proof_inputs import Template, count_draws, draw
from neutral_to_torch.trace import evaluation_mode
from neutral_to_torch.trace.inputs import whole_indices
from neutral_to_torch.trace.outputs import is_transformed, tensors_in

MOVED_TOLERANCE = 1e-4
"""The largest error of outputs that are taken as equal in another order of axes."""

_Calls = dict[str, list[torch.Tensor]]


@dataclass(frozen=True)
class Comparison:
    """Errors of a module against the store's model, the largest over all draws, in units of each value's scale.

    Attributes:
        outputs: The error of each output of the module (row) against each output of the store (column).
        layers: The error of each pair in execution order, by a text that names both sides.
        unlike: How the axes differ of an output of the module (row) that agrees with a stored output (column) in
            another order of axes, or with other axes of one.
        is_single: Whether the module or the store's model computed in single precision.
        notes: Notes for the plan.
        is_named: Whether the module returns its outputs by names, so that their places mean nothing.
        elsewhere: The differences on inputs of other shapes than those of these errors; empty for none.
        is_conflict: Whether ``elsewhere`` refuses a plan, rather than to leave it unproven.
    """

    outputs: tuple[tuple[float, ...], ...]
    layers: Mapping[str, float]
    is_single: bool
    unlike: Mapping[tuple[int, int], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_named: bool = False
    elsewhere: str = ""
    is_conflict: bool = False


@dataclass(frozen=True)
class Trial:
    """Two models that a plan says to be equal, which are run on the same inputs.

    Attributes:
        module: A loaded copy of the module, in double precision.
        reference: The store's model, in double precision.
        emission: Its emission.
        store: The store.
        plan: The plan by which the module was loaded.
    """

    module: nn.Module
    reference: nn.Module
    emission: Emission
    store: Store
    plan: Plan


def compare_draws(trial: Trial, template: Template, order: Sequence[int]) -> Comparison:
    """Run both models on every draw and return their errors.

    Args:
        trial: The models.
        template: Arguments of the module.
        order: The place of the module's tensor for each input of the store.

    Raises:
        UnprovenError: A run would cost too much.
    """
    outputs: list[list[float]] = []
    layers: dict[str, float] = {}
    is_single = is_named = False
    unlike: dict[tuple[int, int], str] = {}
    for number in range(count_draws(template)):
        like = [template.tensors[place] for place in order]
        values = draw(trial.store, trial.emission.inputs, like, number, template.from_example)
        if number == 0:
            require_affordable_run(trial, values)
        with _PrecisionMode() as mode:
            with SizeMode(is_limited=True):
                stored, stored_calls = run_reference(trial, values)
            result, calls = _run_module(trial, template, values, order)
            computed = [value.clone() for value in tensors_in(result)]
            is_named = isinstance(result, Mapping) or dataclasses.is_dataclass(result)
        is_single = is_single or mode.is_single
        errors = [[error_of(value, result) for value in stored] for result in computed]
        outputs = [[max(pair) for pair in zip(*rows)] for rows in zip(outputs, errors)] if outputs else errors
        for row, output in enumerate(computed):
            texts = (_unlike_axes(value, output) for value in stored)
            unlike.update({(row, column): text for column, text in enumerate(texts) if text})
        for name, results in calls.items():
            for result, value in zip(results, stored_calls.get(name, ())):
                layers[name] = max(layers.get(name, 0.0), error_of(value, result))
    return Comparison(tuple(map(tuple, outputs)), layers, is_single, unlike, is_named=is_named)


def _unlike_axes(stored: torch.Tensor, module: torch.Tensor) -> str:
    """Return how the axes of two equal outputs differ; empty where they do not, or where the outputs are not equal."""
    if is_moved(stored, module, MOVED_TOLERANCE):
        return "has its axes in another order than the store's"
    if stored.shape != module.shape and error_of(stored, module) <= MOVED_TOLERANCE:
        return f"has shape {tuple(module.shape)}, the store's {tuple(stored.shape)}"
    return ""


def require_affordable_run(trial: Trial, values: Sequence[torch.Tensor]) -> None:
    """Refuse a run of the store's model that would cost too much.

    Args:
        trial: The models.
        values: The inputs, in the order of the stored graph.

    Raises:
        UnprovenError: It would.
    """
    count = sum(parameter.numel() for parameter in trial.reference.parameters())
    require_affordable(lambda inputs: run_reference(trial, inputs), values, count)


def run_reference(trial: Trial, values: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], _Calls]:
    """Run the store's model.

    Args:
        trial: The models, and the plan whose layers are recorded.
        values: The inputs, in the order of the stored graph.

    Returns:
        The outputs, and the output of each stored layer of the plan, call by call, by a text that names both sides.
    """
    paths = trial.emission.state.modules
    targets = {_title(pair.layer, pair.module): paths[pair.layer] for pair in trial.plan.pairs if pair.layer in paths}
    inputs = [
        value.to(getattr(torch, item.dtype)) if item.dtype and "int" in item.dtype else value
        for value, item in zip(values, trial.emission.inputs)
    ]
    with _recorded(trial.reference, targets) as calls:
        return [value.clone() for value in tensors_in(trial.reference(*inputs))], calls


def _run_module(
    trial: Trial, template: Template, values: Sequence[torch.Tensor], order: Sequence[int]
) -> tuple[Any, _Calls]:
    module, emission = trial.module, trial.emission
    given = list(template.tensors)
    tensors = (*module.parameters(), *module.buffers())
    precision = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float64)
    for place, value in zip(order, values):
        dtype = given[place].dtype
        given[place] = value.to(precision if dtype.is_floating_point else dtype, copy=True)
    args, kwargs = template.with_tensors(given)
    paths = emission.state.modules
    targets = {
        _title(pair.layer, pair.module): pair.module
        for pair in trial.plan.pairs
        if pair.layer in paths and pair.is_whole and (layer := _layer_at(module, pair.module)) is not None
        if has_known_forward(layer)
    }
    with evaluation_mode(module), whole_indices(module), _recorded(module, targets) as calls:
        result = module(*args, **kwargs)
    if isinstance(result, Mapping) and set(result) == {value.node for value in emission.outputs}:
        result = [result[value.node] for value in emission.outputs]
    return result, calls


def _title(layer: str, module: str) -> str:
    return f"{layer}, loaded into {module or 'the module'}"


def _layer_at(model: nn.Module, path: str) -> nn.Module | None:
    """Return the module at a path, None where there is a bare parameter, which computes nothing to compare."""
    try:
        return submodule(model, path)
    except AttributeError:
        return None


@contextlib.contextmanager
def _recorded(model: nn.Module, targets: Mapping[str, str]) -> Iterator[_Calls]:
    """Record the first tensor that each target returns, call by call, in execution order."""
    calls: _Calls = {}
    handles = []
    for name, path in targets.items():

        def record(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
            tensors = tensors_in(output)
            first = next(tensors, None)
            if first is not None and not is_transformed(first):  # such a tensor ends with the transform
                calls.setdefault(name, []).append(first.clone())

        layer = _layer_at(model, path)
        handles += [] if layer is None else [layer.register_forward_hook(record)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


class _PrecisionMode(DispatchMode):
    """Dispatch mode that notices results of less than double precision."""

    def __init__(self) -> None:
        super().__init__()
        self.is_single = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point() and result.dtype != torch.float64:
            self.is_single = True
        return result

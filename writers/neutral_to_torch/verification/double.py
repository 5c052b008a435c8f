"""Run a copy of a module in float64, to measure how much float32 rounds."""

from __future__ import annotations

import copy
import warnings
from typing import Any, Callable, Sequence

import torch
from torch import nn

from neutral.verification.reference import Reference
from neutral_to_torch.trace.inputs import whole_indices
from neutral_to_torch.trace.outputs import tensors_in
from neutral_to_torch.trace.preserve import preserved
from neutral_to_torch.verification.arrays import layer_arrays, to_array
from neutral_to_torch.verification.modes import evaluation_mode

MAX_BYTES = 2 << 30
"""The largest size of the tensors of a copy."""


def run_in_double(
    module: nn.Module,
    targets: Sequence[nn.Module],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    outputs: Callable[[Any], Any] | None = None,
) -> Reference | None:
    """Run a copy of a module in float64.

    Args:
        module: The module; it is not changed.
        targets: Modules in it whose outputs are wanted.
        args: Positional arguments of its ``forward``.
        kwargs: Keyword arguments of its ``forward``.
        outputs: Selects the outputs from the module's result.

    Returns:
        Samples of the outputs, by the modules in ``targets`` and, for the whole, by ``"outputs"``; None where the
        module cannot be copied or run in float64, or is too large.

    Example:
        >>> module = nn.Linear(2, 2)
        >>> x = torch.ones(1, 2)
        >>> reference = run_in_double(module, [module], (x,), {})
        >>> reference.error(module, 0, 0, module(x).detach().numpy()) < 1e-6
        True
    """
    tensors = [*module.parameters(), *module.buffers()]
    if sum(tensor.numel() for tensor in tensors) * 8 > MAX_BYTES:
        return None
    reference = Reference()
    paths = {child: path for path, child in module.named_modules()}

    def observe(target: nn.Module) -> Callable[..., None]:
        return lambda _, __, output: reference.record(target, layer_arrays(output))

    try:
        with preserved(module), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            trial = copy.deepcopy(module).double()
            for target in dict.fromkeys(targets):
                trial.get_submodule(paths[target]).register_forward_hook(observe(target))
            with evaluation_mode(trial), whole_indices(trial):
                result = trial(*map(_double, args), **{name: _double(value) for name, value in kwargs.items()})
        arrays = [to_array(tensor) for tensor in tensors_in(result if outputs is None else outputs(result))]
    except Exception:  # code of the user's that fixes a dtype: there is nothing to measure
        return None
    reference.record("outputs", arrays)
    return reference


def _double(value: Any) -> Any:
    is_floating = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.double() if is_floating else value

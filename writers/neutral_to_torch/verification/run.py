"""Run a PyTorch module on the inputs of a golden file and compare its layers and outputs."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator, Mapping, Sequence

import torch
from torch import nn

from neutral.errors import VerificationError
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral.verification.layers import LayerComparison
from neutral.verification.outputs import compare_outputs
from neutral.verification.report import Report
from neutral_to_torch.adapters import has_known_forward
from neutral_to_torch.adapters.state import submodule
from neutral_to_torch.trace.inputs import arguments, whole_indices
from neutral_to_torch.trace.outputs import tensors_in
from neutral_to_torch.verification.arrays import to_array


def compare_run(
    module: nn.Module,
    golden: Golden,
    plan: Plan | None,
    *,
    store: Store | None,
    tolerance: float,
    end_to_end: float,
    inputs: Sequence[Any] | Mapping[str, Any] | None = None,
    outputs: Callable[[Any], Any] | None = None,
) -> Report:
    """Run a module once and compare it; see :func:`neutral_to_torch.verify`, which makes a plan where there is none.

    Args:
        module: The module; it is run in evaluation mode.
        golden: The recorded values.
        plan: Which layer of the store each submodule holds; None compares the outputs alone.
        store: The store with the graph, None if there is none.
        tolerance: The largest allowed error of a layer, in units of the largest golden magnitude.
        end_to_end: The same for the module's outputs.
        inputs: Arguments of the module in place of the golden inputs.
        outputs: Selects the outputs to compare from what the module returns.

    Returns:
        A row for each compared value.

    Raises:
        VerificationError: The module has no values or cannot be run on these inputs.
    """
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise VerificationError("the module has tensors on the meta device, without values: load it first.")
    layers = LayerComparison(golden, tolerance)
    for pair in plan.pairs if plan is not None else ():
        if pair.kind != "parameter":
            target = submodule(module, pair.module)
            layers.expect(pair, target, is_composite=bool(list(target.children())))
    args, kwargs, notes = arguments(module, golden, inputs)
    with _evaluation_mode(module), torch.no_grad(), _observed_by(layers), whole_indices(module):
        try:
            result = module(*args, **kwargs)
        except Exception as error:
            first = next((row for row in layers.rows if not row.ok), None)
            where = f" Before, {first.layer} differed: {first.hint}." if first is not None else ""
            raise VerificationError(
                f"{type(module).__name__} failed on the golden inputs after {len(layers.rows)} comparisons "
                f"({type(error).__name__}: {error}).{where}"
            ) from error
    arrays = [to_array(tensor) for tensor in tensors_in(result if outputs is None else outputs(result))]
    rows, problems = compare_outputs(arrays, golden, store, end_to_end)
    if plan is None:
        notes = (*notes, "no plan and no store were given, so no layers were compared")
    return Report(
        module=type(module).__name__,
        golden=golden.title,
        rows=(*layers.rows, *rows),
        skipped=tuple(layers.skipped()),
        problems=tuple(problems),
        notes=(*notes, *golden.notes),
    )


@contextlib.contextmanager
def _observed_by(layers: LayerComparison) -> Iterator[None]:
    """Pass every call of the expected modules to a comparison."""

    targets = [target for target in layers.targets if isinstance(target, nn.Module)]
    known = {target for target in targets if has_known_forward(target)}  # before there are hooks

    def observe(target: nn.Module, _: Any, output: Any) -> None:
        arrays = [to_array(tensor) for tensor in tensors_in(output)]
        layers.observe(target, arrays, type(target).__name__, target in known)

    handles = [target.register_forward_hook(observe) for target in targets]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    modes = {child: child.training for child in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for child, mode in modes.items():
            child.training = mode

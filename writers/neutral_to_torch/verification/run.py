"""Run a PyTorch module on the inputs of a golden file and compare its layers and outputs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from neutral.errors import VerificationError
from neutral.matching.plan import Plan
from neutral.reference.diagnosis import with_fault
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral.verification.layers import LayerComparison
from neutral.verification.outputs import compare_outputs, select_outputs
from neutral.verification.reference import Reference
from neutral.verification.report import Report, Row
from neutral.verification.rounding import HIGHEST_MEASURED, LOWEST, LOWEST_OUTPUT
from neutral.verification.sampling import draws, sampled_nodes, sampling_note
from neutral_to_torch.adapters import has_known_forward
from neutral_to_torch.adapters.state import submodule
from neutral_to_torch.trace.inputs import arguments, whole_indices
from neutral_to_torch.trace.outputs import tensors_in
from neutral_to_torch.trace.preserve import preserved
from neutral_to_torch.verification.arithmetic import products_of, rounding_of, unit_of
from neutral_to_torch.verification.arrays import layer_arrays, to_array
from neutral_to_torch.verification.double import run_in_double
from neutral_to_torch.verification.modes import evaluation_mode


@dataclass(frozen=True)
class Tolerances:
    """The largest allowed errors of a run, in units of the largest golden magnitude.

    Attributes:
        layer: That of a layer; None for what follows from the arithmetic.
        output: That of the module's outputs, likewise.
        measure: Where rounding may be the cause of a difference, run a copy in float64 and compare again.
    """

    layer: float | None = None
    output: float | None = None
    measure: bool = False


@dataclass(frozen=True)
class Interface:
    """How a module is called, where it does not take the golden inputs or return the recorded outputs alone.

    Attributes:
        inputs: Arguments of the module in place of the golden inputs.
        outputs: Selects the outputs to compare from the module's result.
    """

    inputs: Sequence[Any] | Mapping[str, Any] | None = None
    outputs: Callable[[Any], Any] | None = None


GOLDEN = Interface()
"""The interface of a module that takes the golden inputs and returns the recorded outputs."""


def compare_run(
    module: nn.Module,
    golden: Golden,
    plan: Plan | None,
    store: Store | None,
    tolerances: Tolerances,
    interface: Interface = GOLDEN,
) -> Report:
    """Run a module once and compare it; see :func:`neutral_to_torch.verify`, which makes a plan where there is none.

    Args:
        module: The module; it is run in evaluation mode.
        golden: The recorded values.
        plan: Which layer of the store each submodule holds; None compares the outputs alone.
        store: The store with the graph, None if there is none.
        tolerances: The largest allowed errors.
        interface: How the module is called.

    Returns:
        A row for each compared value.

    Raises:
        VerificationError: The module has no values or cannot be run on these inputs.
    """
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise VerificationError("the module has tensors on the meta device, without values: load it first.")
    args, kwargs, notes = arguments(module, golden, interface.inputs)
    run = _Run(module, golden, plan, store, (args, kwargs), interface.outputs)
    report, is_near, difference = run.compare(tolerances)
    if is_near and tolerances.measure:
        reference = run_in_double(module, run.targets, args, kwargs, interface.outputs)
        if reference is not None:
            with preserved(module):
                report, _, difference = run.compare(tolerances, reference)
    if difference is not None and tolerances.measure and store is not None:
        report = with_fault(report, store, golden, *difference)
    sources = draws(store.graph if store is not None else None)
    if sources:
        notes = (*notes, sampling_note(sources))
    raised = [row for row in report.rows if row.tolerance > (LOWEST if row.layer is not None else LOWEST_OUTPUT)]
    if tolerances.layer is None and raised:
        largest = max(row.tolerance for row in raised)
        notes = (*notes, f"the tolerance follows from the arithmetic of each layer: up to {largest:.1e} of the scale")
    if plan is None:
        notes = (*notes, "no plan and no store were given, so no layers were compared")
    return replace(report, notes=(*notes, *golden.notes))


@dataclass(frozen=True)
class _Run:
    """The module that a comparison runs, and the arguments."""

    module: nn.Module
    golden: Golden
    plan: Plan | None
    store: Store | None
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    outputs: Callable[[Any], Any] | None

    @property
    def targets(self) -> list[nn.Module]:
        """The modules of the plan's pairs."""
        pairs = self.plan.pairs if self.plan is not None else ()
        return [submodule(self.module, pair.module) for pair in pairs if pair.kind != "parameter"]

    def compare(
        self, tolerances: Tolerances, reference: Reference | None = None
    ) -> tuple[Report, bool, tuple[Row, np.ndarray] | None]:
        """Run the module; return the report, whether rounding may cause a difference, and the first difference."""
        unit = unit_of(self.module)
        sampled = sampled_nodes(self.store.graph if self.store is not None else None)
        layers = LayerComparison(
            self.golden,
            tolerances.layer,
            unit=unit,
            reference=reference,
            sampled=sampled,
            is_numbered=self.store is not None and self.store.graph is None,
        )
        for pair in self.plan.pairs if self.plan is not None else ():
            if pair.kind != "parameter":
                target = submodule(self.module, pair.module)
                layers.expect(pair, target, bool(list(target.children())), products_of(target))
        args, kwargs = self.arguments
        with evaluation_mode(self.module), torch.no_grad(), _observed_by(layers), whole_indices(self.module):
            try:
                result = self.module(*args, **kwargs)
            except Exception as error:
                raise VerificationError(_failure(self.module, layers.rows, error)) from error
        selected = result if self.outputs is None else self.outputs(result)
        arrays = [to_array(tensor) for tensor in tensors_in(selected)]
        rounding = layers.rounding if layers.rounding.depth else rounding_of(self.module)
        rows, skipped, problems = compare_outputs(
            arrays, self.golden, self.store, tolerances.output, rounding=rounding, reference=reference
        )
        near = any(not row.ok and row.scaled_error <= HIGHEST_MEASURED for row in rows)
        report = Report(
            module=type(self.module).__name__,
            golden=self.golden.title,
            rows=(*layers.rows, *rows),
            skipped=(*layers.skipped(), *skipped),
            problems=tuple(problems),
            proves=self.golden.proves,
        )
        difference = layers.first_difference
        if report.first_divergence in rows:
            keys = select_outputs(len(arrays), self.golden, self.store)
            row = report.first_divergence
            difference = row, arrays[keys.index(row.source)]
        return report, layers.is_near or near, difference


def _failure(module: nn.Module, rows: Sequence[Row], error: Exception) -> str:
    first = next((row for row in rows if not row.ok), None)
    where = f" Before, {first.layer} differed: {first.hint}." if first is not None else ""
    return (
        f"{type(module).__name__} failed on the golden inputs after {len(rows)} comparisons "
        f"({type(error).__name__}: {error}).{where}"
    )


@contextlib.contextmanager
def _observed_by(layers: LayerComparison) -> Iterator[None]:
    """Pass every call of the expected modules to a comparison."""

    targets = [target for target in layers.targets if isinstance(target, nn.Module)]
    known = {target for target in targets if has_known_forward(target)}  # before there are hooks

    def observe(target: nn.Module, _: Any, output: Any) -> None:
        layers.observe(target, layer_arrays(output), type(target).__name__, target in known)

    handles = [target.register_forward_hook(observe) for target in targets]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

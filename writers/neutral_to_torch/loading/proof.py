"""Grade a plan: run a loaded copy of the module and the store's own model on drawn inputs, and compare them."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Sequence

import torch
from torch import nn

from neutral.errors import NeutralError
from neutral.matching.grade import Grade
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral_to_torch.adapters.state import COUNTER
from neutral_to_torch.emission.build import load
from neutral_to_torch.emission.compose import Emission, compose
from neutral_to_torch.loading.proof_compare import SINGLE_TOLERANCE, TOLERANCE, output_order
from neutral_to_torch.loading.proof_copy import CopyMode, brief, filled_copy
from neutral_to_torch.loading.proof_cost import UnprovenError
from neutral_to_torch.loading.proof_inputs import templates
from neutral_to_torch.loading.proof_orders import compare_orders, compare_sizes
from neutral_to_torch.loading.proof_run import Comparison, Trial
from neutral_to_torch.trace.preserve import preserved
from neutral_to_torch.verification.run import Tolerances, compare_run

_PRECISIONS = (torch.float64, torch.float32)
"""The precisions in which a module is run: in the second one where it cannot be run in the first."""


@dataclass(frozen=True)
class Grader:
    """Grades the plans of a module and a store.

    Attributes:
        module: The module that plans fill; it is not changed, and runs as a copy.
        store: The store of the plans.
        example: Arguments whose shapes and dtypes are used, not their values; None for none.
        golden: A golden file: its inputs where there is no example, and its values as further evidence.
        emission: The emission of the store where it has been composed; else it is composed when it is needed.
        set_attributes: Whether the load will set attributes that differ.
        allow_output_order: Accept outputs in another order than the store's.
    """

    module: nn.Module
    store: Store
    example: Any = None
    golden: Golden | None = None
    emission: Emission | None = None
    set_attributes: bool = False
    allow_output_order: bool = False

    def grade(self, plan: Plan) -> Plan:
        """Return a plan with its grade, and with a conflict where the loaded module differs from the store's model.

        Args:
            plan: A plan that accounts for all tensors.

        Returns:
            The plan with its grade.
        """
        try:
            with preserved(self.module), warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                return self._graded(plan)
        except UnprovenError as reason:
            return replace(plan, grade=Grade(reasons=(str(reason),)))

    def _graded(self, plan: Plan) -> Plan:
        filled = filled_copy(self.module, self.store, plan, set_attributes=self.set_attributes)
        recorded = self._recorded_evidence(filled, plan)
        try:
            result = self._compared(filled, plan)
        except UnprovenError:
            if recorded:
                return replace(plan, grade=Grade(recorded))
            raise
        excuses = tuple(_excuses(self.module, plan, self.set_attributes))
        tolerance = SINGLE_TOLERANCE if result.is_single or _is_rounded(self.module, plan) else TOLERANCE
        places = output_order(result.outputs, tolerance)
        if places is None:
            text = _difference(result, tolerance)
            conflicts = plan.conflicts if excuses else (*plan.conflicts, text)
            return replace(plan, grade=Grade(reasons=(*excuses, text)), conflicts=conflicts)
        order = _other_order(places)
        if order and not self.allow_output_order:
            text = f"{order}. Pass allow_output_order if that is meant"
            return replace(plan, grade=Grade(reasons=(text,)), conflicts=(*plan.conflicts, text))
        plan = replace(plan, notes=(*plan.notes, *result.notes, *((order,) if order else ())))
        if result.elsewhere:
            conflicts = (*plan.conflicts, result.elsewhere) if result.is_conflict and not excuses else plan.conflicts
            return replace(plan, grade=Grade(reasons=(*excuses, result.elsewhere)), conflicts=conflicts)
        text = _unlike_places(result, places)
        if text and not (self.allow_output_order or plan.unused):
            return replace(plan, grade=Grade(reasons=(text,)))
        plan = replace(plan, notes=(*plan.notes, *((text,) if text else ())))
        reasons = _unlike_axes(result, places) or _unlike_layers(result, tolerance)
        return replace(plan, grade=Grade(reasons=reasons) if reasons else Grade((*recorded, "store")))

    def _recorded_evidence(self, filled: nn.Module, plan: Plan) -> tuple[str, ...]:
        """Return the evidence of a golden file whose values a filled copy computes; empty without."""
        if self.golden is None:
            return ()
        try:
            with preserved(filled):
                run = compare_run(filled, self.golden, plan, self.store, Tolerances(1e-4, 1e-4))
        except NeutralError:
            return ()
        return ("reference" if self.golden.is_reference else "golden",) if run.ok else ()

    def _compared(self, filled: nn.Module, plan: Plan) -> Comparison:
        """Return the comparison in the first precision and with the first arguments with which both models run."""
        try:
            emission = self.emission or compose(self.store)
            reference = load(emission, self.store, torch.float64, None)
        except Exception as error:  # a store that was made in memory is not checked
            raise UnprovenError(f"the stored graph cannot be run ({brief(error)})") from None
        reason = "the shapes of the inputs are unknown; pass an example or a golden file"
        trial = Trial(filled, reference, emission, self.store, plan)
        try:
            arguments = templates(filled, self.store, emission, self.example, self.golden)
            for template, dtype in product(arguments, _PRECISIONS):
                filled.to(dtype)
                try:
                    with contextlib.nullcontext() if dtype == torch.float64 else CopyMode(self.module):
                        result = compare_orders(trial, template)
                    return result if template.from_example else compare_sizes(trial, result)
                except UnprovenError:
                    raise
                except Exception as error:
                    reason = (
                        f"the module and the stored graph cannot both be run on drawn inputs ({brief(error)}); "
                        "pass an example or a golden file"
                    )
        except NeutralError as error:
            reason = brief(error)
        raise UnprovenError(reason)


def _excuses(module: nn.Module, plan: Plan, set_attributes: bool) -> list[str]:
    """Return the known reasons for which outputs may differ, which the plan or the caller accepts."""
    texts = [
        f"{pair.module or 'the module'}: {item}"
        for pair, item in plan.differences
        if item.effect == "inference" and not set_attributes
    ]
    if any(pair.reason == "mapping" for pair in plan.pairs):  # what the mapping's author is told, and not refused for
        texts += [note for note in plan.notes if "the input is " in note]
    texts += [f"the module's {item.name} is not filled" for item in plan.unfilled if COUNTER not in item.name]
    texts += [f"stored {item.name} is not used" for item in plan.unused]
    return texts[:3]


def _is_rounded(module: nn.Module, plan: Plan) -> bool:
    """Return whether values of single precision enter the run: buffers of the module's own, folded layers."""
    filled = {name for pair in plan.pairs for name in (*pair.tensors.values(), *pair.constants)}
    own = [name for name, buffer in module.named_buffers() if buffer.is_floating_point() and name not in filled]
    return bool(own) or any(pair.is_whole and " + " in pair.layer for pair in plan.pairs)


def _difference(result: Comparison, tolerance: float) -> str:
    worst = [min(errors, default=float("inf")) for errors in result.outputs]
    index = next((index for index, error in enumerate(worst) if error > tolerance), 0)
    size = f"by {worst[index]:.1e} of its scale" if worst and worst[index] < float("inf") else "in shape or values"
    text = f"run on drawn inputs, the module's output {index} differs {size} from the store's"
    first = next((layer for layer, error in result.layers.items() if error > tolerance), None)
    return text if first is None else f"{text}; the first layer that differs is {first}"


def _other_order(places: Sequence[int]) -> str:
    """Return in what order the module gives the stored outputs; empty where it is the store's."""
    used = [place for place in places if place >= 0]
    if used == sorted(used):
        return ""
    return "outputs in another order: " + ", ".join(
        f"the module's output {row} is stored output {place}" for row, place in enumerate(places) if place >= 0
    )


def _unlike_places(result: Comparison, places: Sequence[int]) -> str:
    """Return which outputs the module lacks, or has in later or earlier places; empty where it is like the store."""
    lacking = sorted(set(range(len(result.outputs[0]))) - set(places)) if result.outputs else []
    texts = [f"the module does not return stored output {place}" for place in lacking]
    shifted = [(row, place) for row, place in enumerate(places) if place >= 0 and row != place]
    rows = [place for place in places if place >= 0]
    if rows == sorted(rows) and not result.is_named:  # another order has been told
        texts += [f"the module's output {row} is stored output {place}" for row, place in shifted]
    return "; ".join(texts)


def _unlike_axes(result: Comparison, places: Sequence[int]) -> tuple[str, ...]:
    return tuple(
        f"the module's output {row} {text}" for (row, column), text in result.unlike.items() if places[row] == column
    )


def _unlike_layers(result: Comparison, tolerance: float) -> tuple[str, ...]:
    """Return the first layer whose values differ though all outputs agree."""
    limit = max(tolerance, SINGLE_TOLERANCE)
    wrong = [(layer, error) for layer, error in result.layers.items() if error > limit]
    return tuple(
        f"all outputs agree, but {layer} gives other values ({error:.1e} of their scale)" for layer, error in wrong[:1]
    )

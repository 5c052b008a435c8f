"""Grade a plan: run a loaded copy of the module and the store's own model on drawn inputs, and compare them."""

from __future__ import annotations

import contextlib
import copy
import warnings
from dataclasses import replace
from itertools import islice, permutations, product
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
from neutral_to_torch.loading.apply import apply_plan
from neutral_to_torch.loading.dispatch import DispatchMode
from neutral_to_torch.loading.proof_compare import output_order
from neutral_to_torch.loading.proof_cost import UnprovenError
from neutral_to_torch.loading.proof_inputs import Template, templates, uneven_template
from neutral_to_torch.loading.proof_rows import compare_rows
from neutral_to_torch.loading.proof_run import Comparison
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.trace.outputs import tensors_in
from neutral_to_torch.trace.preserve import preserved
from neutral_to_torch.verification.run import compare_run

TOLERANCE = 1e-6
"""The largest error in double precision, in units of the largest value of the store's model."""

SINGLE_TOLERANCE = 1e-4
"""The largest error where the module or the stored graph computes in single precision."""

_PRECISIONS = (torch.float64, torch.float32)
"""The precisions in which a module is run: in the second one where it cannot be run in the first."""

_MAX_BYTES = 1 << 30
_MAX_INPUT_ORDERS = 6


def grade_plan(
    module: nn.Module,
    store: Store,
    plan: Plan,
    example: Any = None,
    golden: Golden | None = None,
    *,
    emission: Emission | None = None,
    set_attributes: bool = False,
    allow_output_order: bool = False,
) -> Plan:
    """Return a plan with its grade, and with a conflict where the loaded module differs from the store's model.

    Args:
        module: The module that the plan fills; it is not changed, and runs as a copy.
        store: The store of the plan.
        plan: A plan that accounts for all tensors.
        example: Arguments whose shapes and dtypes are used, not their values; None for none.
        golden: A golden file: its inputs where there is no example, and its values as further evidence.
        emission: The emission of the store where it has been composed; else it is composed here.
        set_attributes: Whether the load will set attributes that differ.
        allow_output_order: Accept outputs in another order than the store's.

    Returns:
        The plan with its grade.
    """
    try:
        with preserved(module), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return _graded(module, store, plan, example, golden, emission, set_attributes, allow_output_order)
    except UnprovenError as reason:
        return replace(plan, grade=Grade(reasons=(str(reason),)))


def _graded(
    module: nn.Module,
    store: Store,
    plan: Plan,
    example: Any,
    golden: Golden | None,
    emission: Emission | None,
    set_attributes: bool,
    allow_output_order: bool,
) -> Plan:
    trial = _loaded_copy(module, store, plan, set_attributes)
    recorded = golden is not None and _reproduces(trial, golden, plan, store)
    golden_evidence = "reference" if golden is not None and golden.is_reference else "golden"
    try:
        result = _compared(trial, module, store, plan, example, golden, emission)
    except UnprovenError:
        if recorded:
            return replace(plan, grade=Grade((golden_evidence,)))
        raise
    excuses = tuple(_excuses(module, plan, set_attributes))
    tolerance = SINGLE_TOLERANCE if result.is_single or _is_rounded(module, plan) else TOLERANCE
    places = output_order(result.outputs, tolerance)
    if places is None:
        text = _difference(result, tolerance)
        if excuses:
            return replace(plan, grade=Grade(reasons=(*excuses, text)))
        return replace(plan, grade=Grade(reasons=(text,)), conflicts=(*plan.conflicts, text))
    notes = (*plan.notes, *result.notes)
    used = [place for place in places if place >= 0]
    if used != sorted(used):
        text = "outputs in another order: " + ", ".join(
            f"the module's output {row} is stored output {place}" for row, place in enumerate(places) if place >= 0
        )
        if not allow_output_order:
            text += ". Pass allow_output_order if that is meant"
            return replace(plan, grade=Grade(reasons=(text,)), conflicts=(*plan.conflicts, text))
        notes = (*notes, text)
    if result.elsewhere:
        conflicts = (*plan.conflicts, result.elsewhere) if result.is_conflict and not excuses else plan.conflicts
        return replace(plan, notes=notes, grade=Grade(reasons=(*excuses, result.elsewhere)), conflicts=conflicts)
    text = _unlike_places(result, places)
    if text and (allow_output_order or plan.unused):
        notes = (*notes, text)
    elif text:
        return replace(plan, notes=notes, grade=Grade(reasons=(text,)))
    unlike = [
        f"the module's output {row} {text}" for (row, column), text in result.unlike.items() if places[row] == column
    ]
    if unlike:
        return replace(plan, notes=notes, grade=Grade(reasons=tuple(unlike)))
    wrong = [layer for layer, error in result.layers.items() if error > max(tolerance, SINGLE_TOLERANCE)]
    if wrong:
        text = f"all outputs agree, but {wrong[0]} gives other values ({result.layers[wrong[0]]:.1e} of their scale)"
        return replace(plan, notes=notes, grade=Grade(reasons=(text,)))
    evidence = (*((golden_evidence,) if recorded else ()), "store")
    return replace(plan, notes=notes, grade=Grade(evidence))


def _loaded_copy(module: nn.Module, store: Store, plan: Plan, set_attributes: bool) -> nn.Module:
    if store.graph is None:
        raise UnprovenError("the store has no graph: its checkpoint had no symbol")
    if plan.problems:
        raise UnprovenError("store and module do not fit")
    tensors = [*module.parameters(), *module.buffers()]
    if any(is_sharded(tensor) for tensor in tensors):
        raise UnprovenError("the module is spread over processes")
    if sum(tensor.size for tensor in store.tensors.values()) * 8 > _MAX_BYTES:
        raise UnprovenError("the store is too large for a run in double precision")
    try:
        trial = copy.deepcopy(module).cpu() if not any(t.is_meta for t in tensors) else copy.deepcopy(module)
        if not any(tensor.is_meta for tensor in tensors):
            trial.double()
        apply_plan(trial, store, plan, set_attributes=set_attributes)
        if any(tensor.is_meta for tensor in (*trial.parameters(), *trial.buffers())):
            raise UnprovenError("the module has tensors on the meta device that nothing fills")
        return trial.double().eval()
    except UnprovenError:
        raise
    except Exception as error:
        raise UnprovenError(f"the module cannot be copied and filled ({_brief(error)})") from None


def _compared(
    trial: nn.Module,
    module: nn.Module,
    store: Store,
    plan: Plan,
    example: Any,
    golden: Golden | None,
    emission: Emission | None,
) -> Comparison:
    """Return the comparison in the first precision, arguments and order of inputs in which both models run."""
    try:
        emission = emission or compose(store)
        reference = load(emission, store, torch.float64, None)
    except Exception as error:  # a store that was made in memory is not checked
        raise UnprovenError(f"the stored graph cannot be run ({_brief(error)})") from None
    reason = "the shapes of the inputs are unknown; pass an example or a golden file"
    try:
        for template, dtype in product(templates(trial, store, emission, example, golden), _PRECISIONS):
            try:
                with contextlib.nullcontext() if dtype == torch.float64 else _CopyMode(module):
                    result = _in_any_order(trial.to(dtype), reference, emission, store, plan, template)
                return (
                    result
                    if template.from_example
                    else _at_another_size(result, trial, reference, emission, store, plan)
                )
            except UnprovenError:
                raise
            except Exception as error:
                reason = (
                    f"the module and the stored graph cannot both be run on drawn inputs ({_brief(error)}); "
                    "pass an example or a golden file"
                )
    except NeutralError as error:
        reason = _brief(error)
    raise UnprovenError(reason)


class _CopyMode(DispatchMode):
    """Dispatch mode that refuses tensors of a module whose copy is run: a function of the copy refers to the module.

    In double precision they fail without it, since the module has another precision.

    Args:
        module: The module that was copied.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.tensors = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(id(tensor) in self.tensors for tensor in tensors_in((args, kwargs))):
            raise UnprovenError("the module cannot be run as a copy: a function in it refers to the module itself")
        return func(*args, **(kwargs or {}))


def _in_any_order(
    trial: nn.Module, reference: nn.Module, emission: Emission, store: Store, plan: Plan, template: Template
) -> Comparison:
    inputs = emission.inputs
    count = len(template.names)
    if count != len(inputs):
        raise UnprovenError(f"the module takes {count} tensors and the stored graph {len(inputs)}")
    by_name = {name: index for index, name in enumerate(template.names)}
    if set(by_name) == {item.name for item in inputs}:
        return compare_rows(trial, reference, emission, store, plan, template, [by_name[i.name] for i in inputs])
    first = compare_rows(trial, reference, emission, store, plan, template, list(range(count)))
    if output_order(first.outputs, SINGLE_TOLERANCE) is None:
        for order in islice(permutations(range(count)), 1, _MAX_INPUT_ORDERS):
            try:
                other = compare_rows(trial, reference, emission, store, plan, template, list(order))
            except Exception:  # this order does not fit
                continue
            if output_order(other.outputs, TOLERANCE) is not None:
                pairs = (f"{template.names[index]} is {item.name}" for index, item in zip(order, inputs))
                text = "inputs in another order, which their names do not say: " + ", ".join(pairs)
                return replace(other, notes=(*other.notes, text), elsewhere=text)
    return first


def _at_another_size(
    result: Comparison, trial: nn.Module, reference: nn.Module, emission: Emission, store: Store, plan: Plan
) -> Comparison:
    """Return a comparison, with the differences on inputs of uneven sizes, where the graph and the module take such."""
    template = uneven_template(trial, store)
    if template is None or result.elsewhere or output_order(result.outputs, SINGLE_TOLERANCE) is None:
        return result
    try:
        other = _in_any_order(trial, reference, emission, store, plan, template)
    except Exception:  # either side is made for other sizes
        return result
    if output_order(other.outputs, SINGLE_TOLERANCE) is not None:
        return result
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in template.tensors)
    text = f"the outputs agree for some shapes of the inputs, and not for {shapes}"
    return replace(result, elsewhere=f"{text}; pass an example of the shape that is meant")


def _reproduces(trial: nn.Module, golden: Golden, plan: Plan, store: Store) -> bool:
    try:
        with preserved(trial):
            return compare_run(trial, golden, plan, store=store, tolerance=1e-4, end_to_end=1e-4).ok
    except NeutralError:
        return False


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


def _unlike_places(result: Comparison, places: Sequence[int]) -> str:
    """Return which outputs the module lacks, or has in later or earlier places; empty where it is like the store."""
    lacking = sorted(set(range(len(result.outputs[0]))) - set(places)) if result.outputs else []
    texts = [f"the module does not return stored output {place}" for place in lacking]
    shifted = [(row, place) for row, place in enumerate(places) if place >= 0 and row != place]
    rows = [place for place in places if place >= 0]
    if rows == sorted(rows) and not result.is_named:  # another order has been told
        texts += [f"the module's output {row} is stored output {place}" for row, place in shifted]
    return "; ".join(texts)


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]

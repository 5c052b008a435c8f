"""Plan how a store fills a PyTorch module."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from torch import nn

from neutral.errors import MatchError, NeutralError
from neutral.matching import Mappable, planning
from neutral.matching.mapping_file import resolve_mapping
from neutral.matching.plan import Plan
from neutral.matching.refusal import refuse
from neutral.store import Store
from neutral.verification.golden import Golden, open_golden
from neutral_to_torch.loading.cells import cell_mappings
from neutral_to_torch.loading.emitted import check_emitted, compose_for, has_code_of, has_state_of, store_up_to
from neutral_to_torch.loading.proof import Grader
from neutral_to_torch.loading.prove import reproduces
from neutral_to_torch.loading.states import without_states
from neutral_to_torch.loading.target import TorchTarget, rewritten_targets, trace_target


def make_plan(
    module: nn.Module,
    store: Store,
    mapping: Mappable = None,
    example: Any = None,
    *,
    golden: str | os.PathLike[str] | Golden | None = None,
    strict: bool = True,
    allow_unused: Iterable[str] = (),
    allow_missing: Iterable[str] = (),
    allow_attributes: Iterable[str] = (),
    fold_batch_norms: bool = False,
    set_attributes: bool = False,
    allow_output_order: bool = False,
    require_proof: bool = False,
) -> Plan:
    """Plan how a store fills a module, changing neither.

    Args:
        module: The module to be filled.
        store: The store.
        mapping: Known matches: a dict from stored layers (or tensor keys) to module paths (or parameter names), a
            plan, or the path of a TOML file with either. A plan is complete: nothing else is matched.
        example: Arguments to trace the module with: a tensor, a tuple of arguments, or a dict by name.
        golden: A golden file. Its inputs trace the module without an example, and its recorded values decide
            ambiguities.
        strict: Refuse unmatched layers, differences in dataflow and attributes that change the results. With False
            they are only reported; shape, value and ambiguity conflicts always raise.
        allow_unused: Shell patterns of stored layers that may stay unused.
        allow_missing: Shell patterns of the module's layers or tensors that may stay unfilled.
        allow_attributes: Shell patterns of attributes that may differ though they change the results: ``eps``, or
            ``conv1.stride`` by the layer's name on either side.
        fold_batch_norms: Fold batch norms that the module lacks into the layers before them.
        set_attributes: Plan for a load that sets the attributes that differ.
        allow_output_order: Accept outputs in another order than the store's.
        require_proof: Refuse a plan that is unproven; see :class:`neutral.matching.grade.Grade`.

    Returns:
        The plan. ``print(plan)`` shows it as a table.

    Raises:
        MatchError: Store and module do not fit.
        UsageError: The mapping names something unknown, or the module cannot be run on the example.

    Example:
        >>> import numpy as np
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> layers = {"fc": Layer("fc", "linear", {"out_features": 2}, {"weight": "fc.weight"})}
        >>> store = Store(layers, {"fc.weight": from_numpy(np.ones((2, 3), np.float32))})
        >>> print(make_plan(nn.Sequential(nn.Linear(3, 2, bias=False)), store, {"fc": "0"}))
        stored layer  kind    module  matched by
        fc            linear  0       mapping
    """
    mapping = resolve_mapping(mapping)
    if golden is not None and not isinstance(golden, Golden):
        golden = open_golden(golden)
    shorter = store_up_to(module, store, tuple(allow_unused)) if mapping is None else None
    store, end = (
        (store, "")
        if shorter is None or shorter.graph is None
        else (shorter, ", ".join(dict.fromkeys(item.node for item in shorter.graph.outputs)))
    )
    store, zeros = without_states(module, store, example) if golden is None else (store, "")
    emission = None if mapping is not None else compose_for(module, store)
    grader = Grader(module, store, example, golden, emission, set_attributes, allow_output_order)
    recorded = golden
    allowed = tuple(allow_unused), tuple(allow_missing), tuple(allow_attributes)

    def plan_for(candidate: TorchTarget, known: Plan | Mapping[str, str] | None = mapping) -> Plan:
        return planning.make_plan(
            candidate,
            store,
            known,
            strict=strict,
            allow_unused=allowed[0],
            allow_missing=allowed[1],
            allow_attributes=allowed[2],
            set_attributes=set_attributes,
            fold_batch_norms=fold_batch_norms,
            prove=(lambda _, candidate_plan: _is_proven(grader, candidate_plan))
            if recorded is None
            else (lambda candidate_store, plan: reproduces(module, candidate_store, plan, recorded)),
        )

    is_emitted = emission is not None and has_state_of(module, emission, store)
    plan = check_emitted(emission, module, store, plan_for, grader.grade) if emission and is_emitted else None
    if emission is None or plan is None or not (plan.grade.is_proven or has_code_of(module, emission)):
        is_plan = isinstance(mapping, Plan)
        target = TorchTarget(module) if is_plan else trace_target(module, store.graph, example, golden)
        refusal: MatchError | None = None
        matched: Plan | None = None
        try:
            matched = grader.grade(_best_plan(target, store, plan_for))
            refusal = refuse(target, store, matched) if strict and matched.problems else None
        except MatchError as error:
            refusal = error
        if mapping is None and (refusal is not None or matched is None or matched.problems):
            by_cells = _plan_by_cells(target, store, plan_for, grader.grade)
            refusal, matched = (refusal, matched) if by_cells is None else (None, by_cells)
        if refusal is not None and plan is None:
            raise refusal
        if refusal is None and matched is not None:
            plan = matched if plan is None or not matched.problems else plan
    assert plan is not None
    if end:
        plan = replace(
            plan, notes=(*plan.notes, f"compared with the store up to {end}, where the module's source ends")
        )
    if zeros:
        plan = replace(plan, notes=(*plan.notes, zeros))
    if require_proof and not plan.grade.is_proven:
        raise MatchError(
            f"the plan for {type(module).__name__} is {plan.grade}; nothing has been loaded. "
            "Pass an example or a golden file, or load without require_proof."
        )
    return plan


def _is_proven(grader: Grader, plan: Plan) -> bool:
    """Return whether a plan that need not account for all tensors is proven on drawn inputs."""
    if grader.store.graph is None:
        return False
    try:
        target = TorchTarget(grader.module)
        checked = planning.make_plan(target, grader.store, plan, strict=False, set_attributes=grader.set_attributes)
    except NeutralError:
        return False
    return grader.grade(checked).grade.is_proven


def _plan_by_cells(
    target: TorchTarget,
    store: Store,
    plan_for: Callable[[TorchTarget, Mapping[str, str]], Plan],
    graded: Callable[[Plan], Plan],
) -> Plan | None:
    """Return a proven plan of a module that has cells in a loop for a recurrent layer of the store, or the reverse."""
    for mapping in cell_mappings(store, target.network):
        with contextlib.suppress(MatchError):
            plan = graded(plan_for(target, mapping))
            if plan.grade.is_proven and not plan.problems:
                note = "a recurrent layer of one side is cells in a loop on the other: by shapes, and the proof"
                return replace(plan, notes=(*plan.notes, note))
    return None


def _best_plan(target: TorchTarget, store: Store, plan_for: Callable[[TorchTarget], Plan]) -> Plan:
    """Return the plan of the module as it was traced, or of an equal network that fits where that does not.

    Raises:
        MatchError: No network fits; the message is that of the traced one.
    """
    error: MatchError | None = None
    plan: Plan | None = None
    try:
        plan = plan_for(target)
    except MatchError as refusal:
        error = refusal
    if plan is not None and not plan.problems:
        return plan
    for candidate, rewriting in rewritten_targets(target, store):
        with contextlib.suppress(MatchError):
            other = plan_for(candidate)
            if any(pair.module in rewriting.padded and item.attribute == "padding" for pair, item in other.differences):
                continue
            if plan is None or len(other.problems) < len(plan.problems):
                plan = replace(other, notes=(*other.notes, *rewriting.notes))
    if plan is None:
        assert error is not None
        raise error
    return plan

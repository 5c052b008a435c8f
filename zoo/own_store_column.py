"""Load a model's own store into its emitted module, for the column of the zoo matrix: the cost is limited."""

from __future__ import annotations

import warnings
from typing import Any, Mapping

from error_texts import one_line
from reference_column import has_no_store

MOST_PROVEN_PRODUCTS = 1_500_000_000
"""Products of all layers of a run up to which the plan is graded, too, by running the loaded module."""

FILLED, PROVEN = "filled", "proven"


def is_missing(row: Mapping[str, Any]) -> bool:
    """Return whether a result is of before the store was loaded into the emitted module."""
    return not row.get("own") and not has_no_store(row)


def own_store_facts(store: Any, golden: str) -> dict[str, Any]:
    """Fill an instance of the emitted class by the emitter's plan, and compare its state with the store's model.

    Args:
        store: The converted model.
        golden: MXNet's values, on whose inputs a module is run that is not too large.

    Returns:
        ``own``: ``proven``; ``filled`` where every tensor is right and the plan was not graded; ``filled: …`` with the
        reason where the plan is unproven; or ``differs: …``, ``refused: …`` or ``failed: …``.
    """
    import torch

    from neutral import reference
    from neutral.errors import NeutralError
    from neutral.verification.golden import open_golden
    from neutral_to_torch.emission.build import import_source, load
    from neutral_to_torch.emission.compose import compose

    try:
        emission = compose(store)
        module = getattr(import_source(emission.source), emission.class_name)()
        recorded = open_golden(golden)
        is_small = reference.products_of(store, recorded) <= MOST_PROVEN_PRODUCTS
        text = _load(module, emission, store, recorded if is_small else None)
        right, filled = load(emission, store, None, None).state_dict(), module.state_dict()
    except NeutralError as error:
        return _facts(f"refused: {error}")
    except Exception as error:
        return _facts(f"failed: {type(error).__name__}: {error}")
    wrong = [name for name in {**right, **filled} if not _is_counter(name) and not _equal(right, filled, name, torch)]
    return _facts(f"differs: {', '.join(wrong)}" if wrong else text)


def _load(module: Any, emission: Any, store: Any, golden: Any) -> str:
    """Fill the module, graded if there are golden values, and return how it is filled."""
    import neutral_to_torch
    from neutral.matching.planning import make_plan
    from neutral_to_torch.loading.apply import apply_plan
    from neutral_to_torch.loading.emitted import DETAIL, check_emitted

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if golden is not None:
            plan = neutral_to_torch.load_into(module, store, golden=golden)
        else:
            plan = check_emitted(emission, module, store, lambda target, known: make_plan(target, store, known), _same)
            if plan is None:
                return "differs: the emitter's plan does not fit"
            apply_plan(module, store, plan)
    if any(pair.detail != DETAIL for pair in plan.pairs):
        return "differs: the plan is not the emitter's"
    if golden is None:
        return FILLED
    return PROVEN if plan.grade.is_proven else f"{FILLED}: {plan.grade}"


def _same(plan: Any) -> Any:
    """Leave a plan without a grade."""
    return plan


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == "num_batches_tracked"


def _equal(right: Mapping[str, Any], filled: Mapping[str, Any], name: str, torch: Any) -> bool:
    """Return whether both states have the same bytes under a name."""
    one, other = right.get(name), filled.get(name)
    if one is None or other is None or one.dtype != other.dtype:
        return False
    return bool(torch.equal(one.nan_to_num(), other.nan_to_num()))


def _facts(text: str) -> dict[str, Any]:
    return {"own": one_line(text, 200)}

"""Test a plan by running a loaded copy of the module on recorded inputs."""

from __future__ import annotations

import copy
import warnings

from torch import nn

from neutral.errors import NeutralError
from neutral.matching.heuristics import HEURISTICS
from neutral.matching.plan import Plan
from neutral.matching.planning import make_plan
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral_to_torch.loading.apply import apply_plan
from neutral_to_torch.loading.target import TorchTarget
from neutral_to_torch.verification.run import Tolerances, compare_run


def reproduces(module: nn.Module, store: Store, plan: Plan, golden: Golden) -> bool:
    """Return whether a copy of the module, loaded by a plan, computes the recorded values in every layer and output.

    Args:
        module: The module; it is not changed.
        store: The store of the plan.
        plan: A plan, which need not account for all tensors.
        golden: The recorded values.

    Returns:
        False also where the copy cannot be run on the golden inputs.
    """
    trial = copy.deepcopy(module)
    tolerance = HEURISTICS.golden_tolerance
    try:
        checked = make_plan(TorchTarget(trial), store, plan, strict=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            apply_plan(trial, store, checked, set_attributes=True)
        return compare_run(trial, golden, plan, store, Tolerances(tolerance, tolerance)).ok
    except NeutralError:
        return False

"""Verify a loaded module against a golden file."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from torch import nn

from neutral.errors import UsageError
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden, open_golden
from neutral.verification.output_ties import with_tied_outputs
from neutral.verification.report import Report
from neutral_to_torch.emission.build import is_built_from
from neutral_to_torch.loading.planning import make_plan
from neutral_to_torch.verification.run import Interface, Tolerances, compare_run
from neutral_to_torch.verification.verify_graph import run_graph


def verify(
    module: nn.Module,
    golden: str | os.PathLike[str] | Golden,
    plan: Plan | None = None,
    *,
    store: Store | None = None,
    tolerance: float | None = None,
    end_to_end: float | None = None,
    inputs: Sequence[Any] | Mapping[str, Any] | None = None,
    outputs: Callable[[Any], Any] | None = None,
) -> Report:
    """Run a module on the inputs of a golden file and compare its layers and outputs with the recorded ones.

    The outputs are compared with the golden ones, or, where the store's graph has fewer since some are for training
    only, with the recorded values of the graph's outputs. Errors are in units of the largest golden magnitude of a
    tensor; integers have to be equal. The module runs in evaluation mode, without gradients, and is left in the mode
    it was in.

    Args:
        module: A loaded module.
        golden: The golden file.
        plan: The layers to compare; without it a plan is made from ``store``; without both only outputs are compared.
        store: The store that the module was loaded from.
        tolerance: The largest allowed error of a layer. By default it follows from the arithmetic: the products that
            are summed in the layers so far, and, where that does not suffice, the error of float32 against a run of a
            copy in float64. It is at least 1e-5, and less than 1e-4.
        end_to_end: The largest allowed error of an output. By default as for layers, but at least 5e-5.
        inputs: Tensors or arrays in the place of the golden inputs, in order or by argument name. Golden inputs are
            passed by name where ``forward`` has arguments of their names, else in order; labels are not passed.
        outputs: Select from the module's result, where that is more than the golden outputs or in another order.
            Tensors in tuples, lists and dicts count in their order.

    Returns:
        A row for each comparison, in execution order, the outputs last. Outputs of an emitted module that differ
        because nearly equal numbers were sorted or compared in another way are not compared, on evidence.

    Raises:
        VerificationError: The module cannot be run on these inputs.

    Example:
        >>> import numpy as np
        >>> from neutral.tensor import from_numpy
        >>> from neutral.verification.golden import GoldenInput
        >>> tensors = {"x": from_numpy(np.float32([-1, 2])), "act": from_numpy(np.float32([0, 2]))}
        >>> inputs, internals = (GoldenInput("x", "x"),), {("act", 0): "act"}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", inputs, ("act",), internals, (), tensors)
        >>> verify(nn.ReLU(), golden).ok, verify(nn.Identity(), golden).ok
        (True, False)
    """
    if not isinstance(golden, Golden):
        golden = open_golden(golden)
    if plan is None and store is not None:
        try:
            plan = make_plan(module, store, golden=golden, strict=False)
        except UsageError:  # the module does not run on the inputs, which the run below reports
            plan = make_plan(module, store, strict=False)
    tolerances = Tolerances(tolerance, end_to_end, measure=True)
    report = compare_run(module, golden, plan, store, tolerances, Interface(inputs, outputs))
    if store is None or report.ok or inputs is not None or not is_built_from(module, store):
        return report
    return with_tied_outputs(report, store, golden, run_graph)

"""Load a store into a module that the user wrote."""

from __future__ import annotations

import os
import warnings
from typing import Any, Iterable

import torch
from torch import nn

from neutral.matching import Mappable
from neutral.matching.grade import UnprovenWarning
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral.verification.golden import Golden
from neutral_to_torch.loading.apply import apply_plan, warn_of_differences
from neutral_to_torch.loading.planning import make_plan
from neutral_to_torch.loading.unsaved import remember_unsaved


def load_into(
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
    set_attributes: bool = False,
    fold_batch_norms: bool = False,
    allow_output_order: bool = False,
    require_proof: bool = False,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Plan:
    """Fill a module with the tensors of a store.

    Layers that the mapping does not name are matched by names and by dataflow. The module runs once on ``example`` to
    record its dataflow; without it on the inputs of ``golden``, else on random inputs where the store's graph has
    their shapes. Everything is checked before the module is changed: kinds and shapes always, and with ``strict`` that
    every stored tensor is used, every parameter and persistent buffer is filled, and no attribute differs that changes
    the results.

    Where the module has one layer and the store several, or the other way round (a fused projection of queries, keys
    and values, branches of a grouped convolution), the layers are regrouped, and the plan names them accordingly
    (``q + k + v``, ``qkv[0:64]``). A recurrent layer may be one vector of a store without a graph
    (``rnn_param[lstm(hidden_size=6, num_layers=1)]``).

    Parameters stay the same objects and are filled in place, in their own dtype; on the ``meta`` device they are
    replaced by tensors that map the store's file, in the stored dtype. Of tensors that are spread over processes
    (``DTensor``: FSDP2, tensor parallelism) every process fills its own part, and reads no other.

    Args:
        module: The module to fill.
        store: The store.
        mapping: Known matches: a dict from stored layers (or tensor keys) to module paths (or parameter names), a
            plan, or the path of a TOML file with either. A plan is complete: nothing else is matched.
        example: Arguments to run the module on: a tensor, a tuple of arguments, or a dict by name.
        golden: A golden file, for its inputs and to decide ambiguous matches by its recorded values.
        strict: Refuse leftovers on either side, differences in dataflow, and attributes (``eps``, ``stride``) that
            change the results. With False they are only reported; shape and ambiguity conflicts always raise.
        allow_unused: Shell patterns of stored layers that may stay unused.
        allow_missing: Shell patterns of the module's layers or tensors that may stay unfilled.
        allow_attributes: Shell patterns of attributes that may keep the module's value though it changes the results:
            ``eps``, or ``conv1.stride`` by the layer's name on either side. A warning lists them.
        set_attributes: Give the module the stored values of attributes that differ, ``requires_grad=False`` for a
            batch norm's weight that the source does not train among them. Weights do not hold them:
            :func:`neutral.matching.unsaved.unsaved_attributes` lists those that were set, each with the line of the
            module's source to change, and ``save_weights`` warns of them.
        fold_batch_norms: Fold batch norms that the module lacks into the convolutions before them.
        allow_output_order: Accept outputs in another order than the store's.
        require_proof: Refuse a plan that is unproven. Otherwise an :class:`~neutral.matching.grade.UnprovenWarning`
            says why.
        dtype: The dtype of all floating tensors after; None to keep the module's.
        device: The device of all tensors after; None to keep the module's.

    Returns:
        The plan that was followed.

    Raises:
        MatchError: Store and module do not fit. Nothing has been changed.
        UsageError: The mapping names something unknown, or the module cannot be run on the example.

    Example:
        >>> from neutral.graph import Layer
        >>> from neutral.tensor import from_numpy
        >>> tensors = {"fc.weight": from_numpy(torch.ones(2, 3).numpy())}
        >>> sizes = {"out_features": 2, "flatten": True}
        >>> store = Store({"fc": Layer("fc", "linear", sizes, {"weight": "fc.weight"})}, tensors, None)
        >>> module = nn.Sequential()
        >>> module.fc = nn.Linear(3, 2, bias=False)
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", UnprovenWarning)  # there is no graph to run
        ...     print(load_into(module, store))
        stored layer  kind    module  matched by
        fc            linear  fc      name
        >>> float(module.fc.weight.detach().sum())
        6.0
    """
    plan = make_plan(
        module,
        store,
        mapping,
        example,
        golden=golden,
        strict=strict,
        allow_unused=allow_unused,
        allow_missing=allow_missing,
        allow_attributes=allow_attributes,
        fold_batch_norms=fold_batch_norms,
        set_attributes=set_attributes,
        allow_output_order=allow_output_order,
        require_proof=require_proof,
    )
    plan = apply_plan(module, store, plan, set_attributes=set_attributes, dtype=dtype, device=device)
    warn_of_differences(plan)
    if set_attributes:
        plan = remember_unsaved(module, plan)
    if not plan.grade.is_proven:
        warnings.warn(f"the module is loaded, but {plan.grade}", UnprovenWarning, stacklevel=2)
    return plan

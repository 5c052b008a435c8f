"""Proving a loaded module: run it on recorded inputs and compare every layer that has a name."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from neutral.errors import UsageError, VerificationError
from neutral.matching.plan import Pair, Plan
from neutral.store import Store
from neutral.verification.comparison import compare, likely_cause, spread
from neutral.verification.golden import Golden, open_golden
from neutral.verification.report import Report, Row, Skipped
from neutral_to_torch.adapters import has_known_forward
from neutral_to_torch.loading.planning import make_plan
from neutral_to_torch.trace.inputs import arguments, whole_indices


def verify(
    module: nn.Module,
    golden: str | os.PathLike[str] | Golden,
    plan: Plan | None = None,
    *,
    store: Store | None = None,
    tolerance: float = 1e-5,
    end_to_end: float = 1e-4,
    inputs: Sequence[Any] | Mapping[str, Any] | None = None,
    outputs: Callable[[Any], Any] | None = None,
) -> Report:
    """Run ``module`` on the inputs of a golden file and compare its layers and outputs with the recorded ones.

    ``plan`` says which module is which stored layer; without it, one is made from ``store``; without that too, only the
    outputs are compared. What the module returns is compared with the golden outputs, or, where the store's graph has
    fewer since some were of use in training only, with what was recorded of the graph's outputs. ``tolerance`` is for
    layers and ``end_to_end`` for outputs, both in units of the largest golden magnitude of the tensor. Integers have to
    be equal.

    The inputs go to ``forward`` by name where its arguments have the golden names, else in order; labels do not.
    ``inputs`` replaces them: tensors or arrays, as a sequence or by argument name. ``outputs`` picks from what the
    module returns, where that is more than the golden outputs or in another order; tensors in tuples, lists and dicts
    count in their order. The module runs in evaluation mode, without gradients, and is left in the mode it was in.

    Raises VerificationError where the module cannot be run on these inputs.
    """
    if not isinstance(golden, Golden):
        golden = open_golden(golden)
    if plan is None and store is not None:
        try:
            plan = make_plan(module, store, golden=golden, strict=False)
        except UsageError:  # it does not run: which is said below
            plan = make_plan(module, store, strict=False)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise VerificationError("the module has tensors on the meta device, without values: load it first.")
    watch = _Watch(golden, tolerance)
    for pair in plan.pairs if plan is not None else ():
        watch.add(pair, module)
    args, kwargs, notes = arguments(module, golden, inputs)
    with _evaluation(module), torch.no_grad(), whole_indices(module), watch.hooks():
        try:
            result = module(*args, **kwargs)
        except Exception as error:
            first = next((row for row in watch.rows if not row.ok), None)
            where = f" Before, {first.layer} differed: {first.hint}." if first is not None else ""
            raise VerificationError(
                f"{type(module).__name__} failed on the golden inputs after {len(watch.rows)} comparisons "
                f"({type(error).__name__}: {error}).{where}"
            ) from error
    found = [_array(tensor) for tensor in tensors_in(result if outputs is None else outputs(result))]
    rows, problems = _compare_outputs(found, golden, _output_keys(len(found), golden, store), end_to_end)
    if plan is None:
        notes = (*notes, "no plan and no store were given, so no layers were compared")
    return Report(
        module=type(module).__name__,
        golden=f"{os.path.basename(golden.path)} ({golden.framework} {golden.framework_version})",
        rows=(*watch.rows, *rows),
        skipped=tuple(watch.skipped()),
        problems=tuple(problems),
        notes=(*notes, *golden.notes),
    )


@dataclass(frozen=True)
class _Use:
    """A recorded run of a layer: its node, its outputs' keys, and the pair it belongs to."""

    node: str
    keys: dict[int, str]
    pair: Pair


class _Watch:
    """Compares each call of each watched module while the module runs, so that nothing has to be kept."""

    def __init__(self, golden: Golden, tolerance: float) -> None:
        self.golden = golden
        self.tolerance = tolerance
        self.rows: list[Row] = []
        self.waiting: dict[nn.Module, list[_Use]] = defaultdict(list)
        self.left_out: list[Skipped] = []
        self._keys: dict[str, dict[int, str]] = {}
        for (node, index), key in golden.internals.items():
            self._keys.setdefault(node, {})[index] = key
        self._order = {node: position for position, node in enumerate(self._keys)}

    def add(self, pair: Pair, module: nn.Module) -> None:
        """Watch the module of a pair for the golden outputs of the pair's nodes."""
        if pair.kind == "parameter":
            return
        recorded = [node for node in pair.nodes if node in self._keys]
        target = module.get_submodule(pair.module)
        if not pair.is_whole and list(target.children()):
            self.left_out.append(Skipped(pair.layer, pair.module, "its tensors are in a module that does more"))
        elif not recorded:
            self.left_out.append(Skipped(pair.layer, pair.module, "the golden file has no output of its node"))
        else:
            self.waiting[target] += [_Use(node, self._keys[node], pair) for node in recorded]
            self.waiting[target].sort(key=lambda use: self._order[use.node])

    @contextlib.contextmanager
    def hooks(self) -> Iterator[None]:
        handles = [target.register_forward_hook(self._called) for target in self.waiting]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def skipped(self) -> Iterator[Skipped]:
        """What was not compared, after the run."""
        yield from self.left_out
        for uses in self.waiting.values():
            for use in uses:
                yield Skipped(use.pair.layer, use.pair.module, f"the module did not run for {use.node}")

    def _called(self, target: nn.Module, _: Any, output: Any) -> None:
        """Compare a call with the first use left that it equals, or else with the first use left."""
        uses = self.waiting[target]
        if not uses:
            return
        found = [_array(tensor) for tensor in tensors_in(output)]
        attempts = (self._compare(use, found) for use in uses)
        first = next(attempts)
        rows, use = (first, uses[0])
        if not all(row.ok for row in first):
            better = ((rows, use) for rows, use in zip(attempts, uses[1:]) if rows and all(row.ok for row in rows))
            rows, use = next(better, (first, uses[0]))
        uses.remove(use)
        if not all(row.ok for row in rows) and not has_known_forward(target):
            worst = max(row.scaled_error for row in rows)
            why = f"{type(target).__name__} has its own forward and gives something else ({worst:.1e} of the scale)"
            self.left_out.append(Skipped(use.pair.layer, use.pair.module, why))
        elif rows:
            self.rows += rows
        else:
            why = f"nothing to compare in its output for {use.node}"
            self.left_out.append(Skipped(use.pair.layer, use.pair.module, why))

    def _compare(self, use: _Use, found: Sequence[np.ndarray]) -> list[Row]:
        rows = []
        for index, key in use.keys.items():
            if index >= len(found):
                continue
            expected = _in_layout(self.golden.array(key), index, use.pair)
            if expected.size or found[index].size:
                one_for_all = spread(found[index], expected.shape)  # of an initial state, which is that of each sample
                rows.append(_row(one_for_all, expected, self.tolerance, use.node, use.pair))
        return rows


def _row(
    found: np.ndarray, golden: np.ndarray, tolerance: float, source: str, pair: Pair | None, hint: str = ""
) -> Row:
    comparison = compare(found, golden)
    if not comparison.within(tolerance):
        shapes = "" if found.shape == golden.shape else f"{found.shape} against {golden.shape}: "
        hint = hint or shapes + likely_cause(found, golden)
    return Row(
        layer=None if pair is None else pair.layer,
        module=None if pair is None else pair.module,
        kind="" if pair is None else pair.kind,
        source=source,
        shape=golden.shape,
        comparison=comparison,
        tolerance=tolerance,
        hint=hint,
    )


def _output_keys(count: int, golden: Golden, store: Store | None) -> Sequence[str]:
    """The keys of what a module that returns ``count`` tensors is to be compared with."""
    graph = store.graph if store is not None else None
    if count == len(golden.outputs) or graph is None or count != len(graph.outputs):
        return golden.outputs
    recorded = [golden.internals.get((value.node, value.output)) for value in graph.outputs]
    found = [key for key in recorded if key is not None]
    return found if len(found) == count else golden.outputs


def _compare_outputs(
    found: Sequence[np.ndarray], golden: Golden, keys: Sequence[str], tolerance: float
) -> tuple[list[Row], list[str]]:
    problems = []
    if len(found) != len(keys):
        problems.append(
            f"the module returns {len(found)} tensors and the golden file has {len(golden.outputs)} outputs "
            f"({', '.join(golden.outputs)}). Say with `outputs` which of them they are"
        )
        return [], problems
    rows = []
    for array, key in zip(found, keys):
        expected = golden.array(key)
        if not expected.size and not array.size:
            continue
        hint = ""
        if not compare(array, expected).within(tolerance):
            hint = _stops_early(array, golden, tolerance)
        rows.append(_row(array, expected, tolerance, key, None, hint))
    return rows, problems


def _stops_early(found: np.ndarray, golden: Golden, tolerance: float) -> str:
    """Whether the module's output is what another node gave: a network without its last operators, say."""
    for (node, index), key in golden.internals.items():
        alike = golden.tensors[key].shape == found.shape and key not in golden.outputs
        if alike and compare(found, golden.array(key)).within(tolerance):
            return f"it equals output {index} of {node}: the module ends elsewhere"
    return ""


def _in_layout(golden: np.ndarray, index: int, pair: Pair) -> np.ndarray:
    """The golden array in the module's data layout, where the plan says that it is another."""
    for difference in pair.differences:
        if difference.attribute == "batch_first" and index == 0 and golden.ndim == 3:
            return golden.swapaxes(0, 1)
        if difference.attribute == "axis" and pair.kind == "layer_norm" and isinstance(difference.stored, int):
            return np.moveaxis(golden, difference.stored, -1)
        last = difference.stored in ("channels_last", -1)
        if difference.attribute in ("layout", "axis") and last and golden.ndim > 2:
            return np.moveaxis(golden, -1, 1)
    return golden


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of nested tuples, lists and dicts, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)


def _array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array


@contextlib.contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    modes = {child: child.training for child in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for child, mode in modes.items():
            child.training = mode

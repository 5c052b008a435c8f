"""Compare the outputs of a module's layers with recorded ones while the module runs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Hashable, Iterator, Mapping, Sequence

from neutral.matching.plan_entries import Pair
from neutral.operators.recurrent import GATES
from neutral.verification.comparison import spread
from neutral.verification.golden import Golden
from neutral.verification.reference import Reference
from neutral.verification.report import Row, Skipped
from neutral.verification.rounding import HIGHEST_MEASURED, SINGLE, UNITS, Rounding
from neutral.verification.rows import compare_to_row
from neutral.verification.sampling import sampled_reason

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class _RecordedUse:
    """A recorded run of a layer: its node, the keys of its outputs, and its pair."""

    node: str
    keys: dict[int, str]
    pair: Pair


class LayerComparison:
    """Comparison of each call of each module of a plan, at the time of the call, so that no array has to be kept.

    A writer calls :meth:`expect` for every pair, then runs its module and calls :meth:`observe` at every call of one of
    :attr:`targets`.

    Attributes:
        rows: The comparisons, in the order in which the modules ran.
        rounding: The arithmetic of all layers that have run.
        first_difference: The first row beyond its tolerance with what was observed; None where there is none, or where
            the module's data layout is another one.
        is_near: Whether a value differs by so little that rounding may be the cause, which a reference would tell.

    Args:
        golden: The recorded values.
        tolerance: The largest allowed error, in units of the largest golden magnitude; None for what follows from the
            arithmetic of each layer.
        unit: The unit roundoff of the module's dtype.
        reference: A run of the module in float64 on the same inputs; None for none.
        sampled: The nodes whose values random numbers decide, with the nodes that draw them.
        is_numbered: Whether records of one name are calls of one layer, as of a network without a graph.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> recorded = {"y": from_numpy(numpy.ones((1, 2), "float32"))}
        >>> golden = Golden("net.golden", "mxnet", "1.9.1", (), ("y",), {("fc", 0): "y"}, (), recorded)
        >>> comparison = LayerComparison(golden, 1e-5)
        >>> pair = Pair("fc", "head", "linear", "name", "", {"weight": "head.weight"}, nodes=("fc",))
        >>> comparison.expect(pair, "head", is_composite=False)
        >>> comparison.observe("head", [numpy.ones((1, 2), "float32")], "Linear", has_known_forward=True)
        >>> [(row.name, row.ok) for row in comparison.rows], list(comparison.skipped())
        ([('fc', True)], [])
    """

    def __init__(
        self,
        golden: Golden,
        tolerance: float | None,
        *,
        unit: float = SINGLE,
        reference: Reference | None = None,
        sampled: Mapping[str, str] | None = None,
        is_numbered: bool = False,
    ) -> None:
        self.golden = golden
        self.tolerance = tolerance
        self.rounding = Rounding(0, 0, unit)
        self.is_near = False
        self.first_difference: tuple[Row, np.ndarray] | None = None
        self._reference = reference or Reference()
        self._sampled = sampled or {}
        self._is_numbered = is_numbered
        self._calls: Counter[Hashable] = Counter()
        self._products: dict[Hashable, int] = {}
        self.rows: list[Row] = []
        self._expected: dict[Hashable, list[_RecordedUse]] = defaultdict(list)
        self._skipped: list[Skipped] = []
        self._keys: dict[str, dict[int, str]] = {}
        for (node, index), key in golden.internals.items():
            self._keys.setdefault(node, {})[index] = key
        self._order = {node: position for position, node in enumerate(self._keys)}

    @property
    def targets(self) -> list[Hashable]:
        """The modules whose calls are to be observed."""
        return list(self._expected)

    def expect(self, pair: Pair, target: Hashable, is_composite: bool, products: int = 1) -> None:
        """Expect calls of the module of a pair, one for each recorded node of the pair.

        Args:
            pair: A pair of the plan.
            target: The module, or any key for it.
            is_composite: Whether the module contains other modules.
            products: The number of products that an element of its output sums; in recurrent layers, for each step.
        """
        if pair.kind == "parameter":
            return
        nodes = [each for node in pair.nodes for each in self._repeated(node)] if self._is_numbered else pair.nodes
        recorded = [node for node in nodes if node in self._keys]
        if not pair.is_whole and is_composite:
            self._skip(pair, "its tensors are in a module that does more")
        elif not recorded:
            self._skip(pair, "the golden file has no output of its node")
        else:
            self._products[target] = products
            self._expected[target] += [_RecordedUse(node, self._keys[node], pair) for node in recorded]
            self._expected[target].sort(key=lambda use: self._order[use.node])

    def observe(self, target: Hashable, outputs: Sequence[np.ndarray], type_name: str, has_known_forward: bool) -> None:
        """Compare a call with the first expected use that it equals, or else with the first expected one.

        Args:
            target: The module that was called.
            outputs: The arrays that it returned, in order.
            type_name: The name of its class, for messages.
            has_known_forward: Whether it computes only the layer of its pair. A module with a forward of its own may
                return something else; it is then not compared.
        """
        uses = self._expected[target]
        if not uses:
            return
        self._count(target, uses[0].pair, outputs)
        attempts = (self._compare(target, use, outputs) for use in uses)
        first = next(attempts)
        rows, use = (first, uses[0])
        if not all(row.ok for row in first):
            equal = ((rows, use) for rows, use in zip(attempts, uses[1:]) if rows and all(row.ok for row in rows))
            rows, use = next(equal, (first, uses[0]))
        uses.remove(use)
        self._calls[target] += 1
        wrong = [row for row in rows if not row.ok]
        self.is_near |= any(row.scaled_error <= HIGHEST_MEASURED for row in wrong)
        if wrong and use.node in self._sampled and all(math.isfinite(row.scaled_error) for row in rows):
            self._skip(use.pair, sampled_reason(self._sampled[use.node]))
        elif wrong and not has_known_forward:
            worst = max(row.scaled_error for row in rows)
            why = f"{type_name} has its own forward and gives something else ({worst:.1e} of the scale)"
            self._skip(use.pair, why)
        elif rows:
            if wrong and all(row.ok for row in self.rows) and not use.pair.differences and rows[0] is wrong[0]:
                self.first_difference = wrong[0], spread(outputs[0], wrong[0].shape)
            self.rows += rows
        else:
            self._skip(use.pair, f"nothing to compare in its output for {use.node}")

    def skipped(self) -> Iterator[Skipped]:
        """Yield the pairs that were not compared, after the run.

        Yields:
            The stored layer, its module, and the reason.
        """
        yield from self._skipped
        for uses in self._expected.values():
            for use in uses:
                yield Skipped(use.pair.layer, use.pair.module, f"the module did not run for {use.node}")

    def _repeated(self, node: str) -> list[str]:
        """Return the names of the records of a node that ran several times."""
        names = [node]
        while names[-1] in self._keys:
            names.append(f"{node}#{len(names) + 1}")
        return names

    def _count(self, target: Hashable, pair: Pair, outputs: Sequence[np.ndarray]) -> None:
        """Count the products of a call, with those before it."""
        steps = max(outputs[0].shape[:2], default=1) if pair.kind in GATES and outputs else 1
        products = self.rounding.products + self._products[target] * max(steps, 1)
        self.rounding = replace(self.rounding, depth=self.rounding.depth + 1, products=products)

    def _skip(self, pair: Pair, why: str) -> None:
        self._skipped.append(Skipped(pair.layer, pair.module, why))

    def _compare(self, target: Hashable, use: _RecordedUse, outputs: Sequence[np.ndarray]) -> list[Row]:
        rows = []
        for index, key in use.keys.items():
            if index >= len(outputs):
                continue
            golden = _in_module_layout(self.golden.array(key), index, use.pair)
            if golden.size or outputs[index].size:
                unit = max(self.rounding.unit, UNITS.get(self.golden.tensors[key].dtype, SINGLE))
                measured = self._reference.error(target, self._calls[target], index, outputs[index])
                rounding = replace(self.rounding, unit=unit, measured=measured)
                row = self._compare_arrays(outputs[index], golden, use, rounding)
                if not row.ok and index == 0 and golden.ndim == 3 and use.pair.kind in GATES:
                    # the module may take the batch first
                    swapped = self._compare_arrays(outputs[index], golden.swapaxes(0, 1), use, rounding)
                    row = swapped if swapped.ok else row
                rows.append(row)
        return rows

    def _compare_arrays(self, output: np.ndarray, golden: np.ndarray, use: _RecordedUse, rounding: Rounding) -> Row:
        observed = spread(output, golden.shape)  # an initial state is that of each sample
        return compare_to_row(observed, golden, self.tolerance, use.node, use.pair, rounding=rounding)


def _in_module_layout(golden: np.ndarray, index: int, pair: Pair) -> np.ndarray:
    """Return a golden array in the data layout of the module, where the plan has a difference of layout."""
    import numpy as np

    moved: np.ndarray = golden
    for difference in pair.differences:
        if difference.attribute == "batch_first" and index == 0 and golden.ndim == 3:
            moved = golden.swapaxes(0, 1)
            break
        if difference.attribute == "axis" and pair.kind == "layer_norm" and isinstance(difference.stored, int):
            moved = np.moveaxis(golden, difference.stored, -1)
            break
        is_last = difference.stored in ("channels_last", -1)
        if difference.attribute in ("layout", "axis") and is_last and golden.ndim > 2:
            moved = np.moveaxis(golden, -1, 1)
            break
    return moved

"""Explain rows that differ, by running parts of the model on recorded values: ties, and rounding that is amplified."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence, Tuple

import numpy as np

from neutral.errors import VerificationError
from neutral.verification.comparison import compare
from neutral.verification.golden import Golden
from neutral.verification.report import TIES, Row
from neutral.verification.sampling import sampled_reason
from neutral.verification.ties import Step, explain_ties, ordering_sources, random_sources
from neutral_to_onnx.verification.sessions import OnnxModel
from neutral_to_onnx.verification.steps import recompute, steps_of

ArrayType = Tuple[Tuple[int, ...], "np.dtype[Any]"]
"""The shape and the dtype of a value in the model."""

PART_NBYTES = 1 << 28
"""Bytes of recorded values on which a part of the model is run."""

FROM_RECORDED = "of values before it: "
"""The start of the hint at a value that differs and is right when it is computed from recorded values."""

SINGLE_STEP = 1e-5
"""The largest error that a few operators leave, in units of the largest recorded magnitude."""


@dataclass(frozen=True)
class RecordedValues(Mapping[str, np.ndarray]):
    """The recorded arrays by name of value, inputs included, read one at a time.

    Attributes:
        golden: The golden file.
        places: The key of each recorded value.
        types: The shape and dtype of each in the model; arrays are given in them.
        inputs: The arrays of the inputs.
    """

    golden: Golden
    places: Mapping[str, str]
    types: Mapping[str, ArrayType]
    inputs: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.places:
            return self.inputs[name]
        shape, dtype = self.types[name]
        return self.golden.array(self.places[name]).astype(dtype).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        yield from self.inputs
        yield from self.places

    def __len__(self) -> int:
        return len(self.inputs) + len(self.places)

    def nbytes(self, name: str) -> int:
        """Return the size of an array, which is not read.

        Args:
            name: The name of a value.

        Returns:
            The number of bytes.
        """
        return self.golden.tensors[self.places[name]].nbytes if name in self.places else self.inputs[name].nbytes


@dataclass(frozen=True)
class Explanations:
    """The explanations of the rows that differ.

    Attributes:
        undecided: The reason of each row that ties or random numbers decide.
        hints: The evidence on others.
    """

    undecided: Mapping[Row, str] = field(default_factory=dict)
    hints: Mapping[Row, str] = field(default_factory=dict)


def explain(model: OnnxModel, values: RecordedValues, rows: Sequence[Row], outputs: Sequence[Row]) -> Explanations:
    """Explain rows that differ; see :mod:`neutral.verification.ties`.

    Args:
        model: The model.
        values: The recorded values.
        rows: The comparisons of values, named by their sources.
        outputs: The comparisons of outputs, whose sources are keys of recorded arrays.

    Returns:
        Reasons and hints by row; empty if no row differs, and where shapes do.
    """
    if all(row.ok for row in (*rows, *outputs)) or not all(math.isfinite(row.scaled_error) for row in rows):
        return Explanations()
    steps = steps_of(model, values)
    names = {**{row: row.source for row in rows}, **_names_of(outputs, values)}
    sampled = random_sources(steps)
    drawn = {row: sampled_reason(sampled[name]) for row, name in names.items() if not row.ok and name in sampled}
    wrong = {row.source: row for row in rows if not row.ok and row not in drawn}
    computed: dict[str, np.ndarray] = {}
    try:
        for part in _parts(steps, list(wrong), values):
            computed.update(recompute(model, values, part))
    except VerificationError:  # a part that cannot be run alone proves nothing
        return Explanations(drawn)
    tolerances = {name: row.tolerance for name, row in wrong.items()}
    errors = {row.source: row.scaled_error for row in rows}
    ties = explain_ties(steps, errors, tolerances, values.__getitem__, lambda _: computed)
    tied = {wrong[name]: reason for name, reason in ties.items()}
    different = {row: names[row] for row in outputs if not row.ok and row not in drawn}
    tied.update(_tied_outputs(different, steps, wrong, ties))
    hints = {row: _hint(computed[name], values[name]) for name, row in wrong.items() if name not in ties}
    return Explanations({**drawn, **tied}, hints)


def _names_of(outputs: Sequence[Row], values: RecordedValues) -> dict[Row, str]:
    """Return the name of the value that each output is; "" where it is not a recorded one."""
    names = {key: name for name, key in values.places.items()}
    return {row: names.get(row.source, "") for row in outputs}


def _parts(steps: Mapping[str, Step], names: Sequence[str], values: RecordedValues) -> Iterator[list[str]]:
    """Yield names in groups whose values and operands are together as large as may be in memory at once."""
    group: list[str] = []
    nbytes = 0
    for name in names:
        own = values.nbytes(name) + sum(map(values.nbytes, steps[name].operands))
        if group and nbytes + own > PART_NBYTES:
            yield group
            group, nbytes = [], 0
        group.append(name)
        nbytes += own
    if group:
        yield group


def _hint(computed: np.ndarray, recorded: np.ndarray) -> str:
    comparison = compare(computed, recorded)
    if not comparison.within(SINGLE_STEP):
        return ""
    return f"{FROM_RECORDED}from the recorded ones, the result is right ({comparison.scaled_error:.0e} of the scale)"


def _tied_outputs(
    outputs: Mapping[Row, str], steps: Mapping[str, Step], wrong: Mapping[str, Row], ties: Mapping[str, str]
) -> dict[Row, str]:
    """Return the reason of each output that ties decide, alone or in the whole model as onnxruntime optimises it."""
    sources = ordering_sources(steps)
    reasons = {}
    for row, name in outputs.items():
        if name in ties:
            reasons[row] = ties[name]
        elif name in sources and name not in wrong:
            reasons[row] = (
                f"{TIES}{sources[name]} orders or compares numbers that onnxruntime rounds in another way when it "
                "optimises the whole model; the same file, run with its inner values, gives the recorded value"
            )
    return reasons

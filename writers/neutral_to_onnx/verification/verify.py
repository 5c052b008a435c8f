"""Verify an ONNX file against a golden file: every value that has the name of a recorded node, and the outputs."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Iterator, Mapping

from neutral.errors import VerificationError
from neutral.graph import Graph, Value
from neutral.matching.plan_entries import Pair
from neutral.store import Store
from neutral.verification.golden import Golden, open_golden
from neutral.verification.outputs import compare_outputs
from neutral.verification.report import Report, Row, Skipped
from neutral.verification.rows import compare_to_row
from neutral_to_onnx.verification.explanations import ArrayType, RecordedValues, explain
from neutral_to_onnx.verification.sessions import OnnxModel
from neutral_to_onnx.verification.steps import KIND

TOLERANCE = 1e-4
"""The largest error of a value, in units of the largest golden magnitude; what rounding in another order may cause."""

HALF_TOLERANCE = 2e-2
"""The same for a model in float16."""

GROUP_NBYTES = 1 << 28
"""Bytes of recorded values that are compared after one run."""


def verify(
    model: str | os.PathLike[str] | OnnxModel,
    golden: str | os.PathLike[str] | Golden,
    *,
    tolerance: float | None = None,
    end_to_end: float | None = None,
) -> Report:
    """Run an ONNX model on the inputs of a golden file and compare every named value and output with the recorded ones.

    Args:
        model: The file, or a model.
        golden: The golden file.
        tolerance: The largest allowed error, in units of the largest golden magnitude; None for 1e-4, and 2e-2 of a
            model in float16. Integers have to be equal.
        end_to_end: The same for outputs; None for ``tolerance``.

    Returns:
        A row for each comparison, in execution order, the outputs last. The outputs are those of the model as it is,
        with every optimisation of onnxruntime. Values that differ because nearly equal numbers were sorted or compared
        in another way, or random numbers were drawn, are not compared, with the evidence as the reason.

    Raises:
        SourceError: A file cannot be read.
        VerificationError: The model cannot be run on these inputs.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from neutral.graph import Input, Node
        >>> from neutral.tensor import from_numpy
        >>> from neutral.verification.golden import GoldenInput
        >>> from neutral_to_onnx.writing import write
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> tensors = {"x": from_numpy(np.float32([-1, 2])), "act": from_numpy(np.float32([0, 2]))}
        >>> golden = Golden(
        ...     "net.golden", "mxnet", "1.9.1", (GoldenInput("x", "x"),), ("act",), {("act", 0): "act"}, (), tensors
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.onnx")
        ...     written = write(Store({}, {}, graph), path)
        ...     [(row.name, row.ok) for row in verify(path, golden).rows]
        [('act', True), ('output', True)]
    """
    if not isinstance(model, OnnxModel):
        model = OnnxModel.open(model)
    if not isinstance(golden, Golden):
        golden = open_golden(golden)
    inputs = {item.name: golden.array(item.key) for item in golden.inputs}
    if tolerance is None:
        half = any(item.data_type == 10 for item in model.proto.graph.initializer)
        tolerance = HALF_TOLERANCE if half else TOLERANCE
    recorded = _recorded_values(model, golden)
    if golden.internals and not recorded:
        raise VerificationError(f"no value of {model.name} has the name of a node of {golden.title}.")
    pairs = _pairs(model)
    rows: list[Row] = []
    types: dict[str, ArrayType] = {}
    for group in _groups(recorded, golden):
        for name, observed in zip(group, model.run(inputs, list(group))):
            types[name] = observed.shape, observed.dtype
            rows.append(compare_to_row(observed, golden.array(group[name]), tolerance, name, pairs.get(name)))
    limit = tolerance if end_to_end is None else end_to_end
    compared, skipped, problems = compare_outputs(model.run(inputs), golden, _outputs(model), limit)
    known = explain(model, RecordedValues(golden, recorded, types, inputs), rows, compared)
    skipped += [
        Skipped(row.name, row.place, known.undecided[row]) for row in (*rows, *compared) if row in known.undecided
    ]
    missing = len(golden.internals) - len(recorded)
    notes = (f"{missing} recorded values have no counterpart of their name in the model",) if missing else ()
    return Report(
        model.name,
        golden.title,
        tuple(
            replace(row, hint=known.hints.get(row) or row.hint)
            for row in (*rows, *compared)
            if row not in known.undecided
        ),
        tuple(skipped),
        tuple(problems),
        (*notes, *golden.notes),
        golden.proves,
    )


def _recorded_values(model: OnnxModel, golden: Golden) -> dict[str, str]:
    """Return the keys of recorded arrays by the name of the value, in execution order."""
    keys = {node if not index else f"{node}:{index}": key for (node, index), key in golden.internals.items()}
    names = [name for node in model.proto.graph.node for name in node.output]
    return {name: keys[name] for name in names if name in keys}


def _groups(recorded: Mapping[str, str], golden: Golden) -> Iterator[dict[str, str]]:
    """Yield values of which as many bytes are recorded as are to be in memory at once."""
    group: dict[str, str] = {}
    nbytes = 0
    for name, key in recorded.items():
        if group and nbytes + golden.tensors[key].nbytes > GROUP_NBYTES:
            yield group
            group, nbytes = {}, 0
        group[name] = key
        nbytes += golden.tensors[key].nbytes
    if group:
        yield group


def _pairs(model: OnnxModel) -> dict[str, Pair]:
    """Return the layer of each value, as the doc strings of the nodes state it."""
    pairs = {}
    for node in model.proto.graph.node:
        stated = KIND.fullmatch(node.doc_string)
        kind, layer = (stated[1], stated[2] or node.name) if stated else ("", node.name)
        for name in node.output:
            pairs[name] = Pair(layer, name, kind, "name")
    return pairs


def _outputs(model: OnnxModel) -> Store:
    """Return a store whose graph has the outputs of the model, by which the recorded ones are found."""
    values = []
    for item in model.proto.graph.output:
        later = re.fullmatch(r"(.*):([0-9]{1,9})", item.name, re.DOTALL)
        values.append(Value(later[1], int(later[2])) if later else Value(item.name))
    return Store({}, {}, Graph((), (), tuple(values)))

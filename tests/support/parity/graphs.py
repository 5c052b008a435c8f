"""A whole checkpoint against its golden file: every operator by itself, then the outputs of the whole.

The operators are computed twice: as emitted for PyTorch, and by the reference. The whole is run in PyTorch, and as an
ONNX file by onnxruntime.

By itself, an operator is fed with what MXNet computed before it, so the error is its own. In the whole, the rounding of
all that came before is in each layer as well, as much enlarged as random parameters enlarge any difference; what
counts there is the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import mxnet_to_neutral
import neutral
import neutral.reference
import neutral_to_onnx
import neutral_to_torch
from neutral.errors import UnsupportedError
from neutral.verification.golden import Golden, open_golden
from parity.onnx_check import INSTALLED
from parity.onnx_refusals import unexpected

OPERATOR_TOLERANCE = 1e-5
OUTPUT_TOLERANCE = 1e-4

MOST_PRODUCTS = 10_000_000_000
"""Products of all layers in a run that is compared with the reference too: some seconds."""


def check_graph(source: Sequence[Any], golden: Path, folder: Path) -> Any:
    """Convert what ``source`` names, by way of a stored file, and compare; give the store."""
    with mxnet_to_neutral.read(*source) as read:
        read.save(folder / "model.safetensors")
    store = neutral.open(folder / "model.safetensors")
    operators = neutral_to_torch.verify_operators(store, golden, tolerance=OPERATOR_TOLERANCE)
    assert operators.ok, operators.summary
    recorded = open_golden(golden)
    if neutral.reference.products_of(store, recorded) <= MOST_PRODUCTS:
        evaluated = neutral.reference.verify_operators(store, recorded, tolerance=OPERATOR_TOLERANCE)
        assert evaluated.ok, evaluated.summary
    module = neutral_to_torch.build(store)
    paths = {layer: path for layer, path in neutral_to_torch.plan_of(store).items() if layer in store.layers}
    plan = neutral_to_torch.make_plan(module, store, paths, strict=False)
    whole = neutral_to_torch.verify(
        module, golden, plan, store=store, tolerance=OUTPUT_TOLERANCE, end_to_end=OUTPUT_TOLERANCE
    )
    outputs = [row for row in whole.rows if row.layer is None]
    assert outputs and not whole.problems and all(row.ok for row in outputs), str(whole)
    check_onnx_file(store, recorded, folder)
    return store


def check_onnx_file(store: Any, golden: Golden, folder: Path) -> None:
    """Write the store as an ONNX file and compare its outputs; a refusal must be a recorded one."""
    if not INSTALLED:
        return
    recorded = {item.name: golden.tensors[item.key].shape for item in golden.inputs}
    shapes = {item.name: recorded[item.name] for item in store.graph.inputs}
    free = {name: (0, *(-1 for _ in shape[1:])) for name, shape in shapes.items() if shape}
    try:
        try:
            neutral_to_onnx.write(store, folder / "model.onnx", shapes=free)
        except UnsupportedError as error:
            if not any("--shape" in problem for problem in error.problems):
                raise
            neutral_to_onnx.write(store, folder / "model.onnx", shapes=shapes)
        if any(item.shape is not None for item in store.graph.inputs):
            neutral_to_onnx.write(store, folder / "model.onnx", shapes=shapes)
    except UnsupportedError as error:
        assert not unexpected(error.problems), error
        return
    report = neutral_to_onnx.verify(folder / "model.onnx", golden, tolerance=OUTPUT_TOLERANCE)
    outputs = [row for row in report.rows if row.layer is None]
    assert outputs and not report.problems and all(row.ok for row in outputs), str(report)

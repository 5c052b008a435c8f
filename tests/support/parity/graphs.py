"""A whole checkpoint against its golden file: every operator by itself, then the outputs of the whole.

By itself, an operator is fed with what MXNet computed before it, so the error is its own. In the whole, the rounding of
all that came before is in each layer as well, as much enlarged as random parameters enlarge any difference; what
counts there is the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import mxnet_to_neutral
import neutral
import neutral_to_torch

OPERATOR_TOLERANCE = 1e-5
OUTPUT_TOLERANCE = 1e-4


def check_graph(source: Sequence[Any], golden: Path, folder: Path) -> Any:
    """Convert what ``source`` names, by way of a stored file, and compare; give the store."""
    with mxnet_to_neutral.read(*source) as read:
        read.save(folder / "model.safetensors")
    store = neutral.open(folder / "model.safetensors")
    operators = neutral_to_torch.verify_operators(store, golden, tolerance=OPERATOR_TOLERANCE)
    assert operators.ok, operators.summary
    module = neutral_to_torch.build(store)
    paths = {layer: path for layer, path in neutral_to_torch.plan_of(store).items() if layer in store.layers}
    plan = neutral_to_torch.make_plan(module, store, paths, strict=False)
    whole = neutral_to_torch.verify(
        module, golden, plan, store=store, tolerance=OUTPUT_TOLERANCE, end_to_end=OUTPUT_TOLERANCE
    )
    outputs = [row for row in whole.rows if row.layer is None]
    assert outputs and not whole.problems and all(row.ok for row in outputs), str(whole)
    return store

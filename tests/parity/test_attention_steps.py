"""Recurrences with attention at every step against MXNet: they are written as loops, whatever the number of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402
from neutral_to_torch.emission.compose import compose  # noqa: E402
from parity.against import check_checkpoint, to_torch  # noqa: E402

BATCH, FEATURES, HIDDEN = 3, 6, 8


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def inputs_of(model: str, steps: int) -> dict[str, np.ndarray]:
    data, memory = values(BATCH, steps, FEATURES), values(BATCH, 4, HIDDEN, seed=1)
    h, c = values(BATCH, HIDDEN, seed=2), values(BATCH, HIDDEN, seed=3)
    named: dict[str, dict[str, np.ndarray]] = {
        "bahdanau": {"data": data, "memory": memory, "h": h, "c": c},
        "luong": {"data": data, "memory": memory},
        "multi_head": {"data": values(steps, BATCH, FEATURES), "memory": memory, "h": h},
        "speech": {"data": data, "memory": memory, "h": h},
        "by_hand": {"data": data, "h": h},
        "greedy": {"memory": memory, "h": h, "word": np.array([0, 3, 6], "float32")},
        "two_before": {"data": data, "h": h},
        "one_differs": {"data": data, "h": h},
    }
    return named.get(model, {"data": data})


def check(mxnet: Any, tmp_path: Path, model: str, steps: int) -> str:
    """Outputs and every layer in every step against MXNet; gives the source."""
    prefix, inputs = str(tmp_path / f"{model}{steps}"), inputs_of(model, steps)
    expected = mxnet.call("attention_steps:run", model=model, steps=steps, inputs=inputs, prefix=prefix)
    module = check_checkpoint(prefix, {name: to_torch(array) for name, array in inputs.items()}, expected)
    store = mxnet_to_neutral.read(prefix)
    report = neutral_to_torch.verify(module, f"{prefix}-golden.safetensors", store=store)
    assert report.ok, report
    assert store.graph is not None
    calls = {node.name for node in store.graph.nodes if node.layer is not None and store.layers[node.layer].tensors}
    missing = calls - {row.source for row in report.rows}
    assert len(missing) == len(report.skipped) and len(missing) <= (2 if model == "outside" else 0)
    return compose(store, class_name="Net").source


LOOPS = {"outside": 30, "bahdanau": 100, "luong": 30, "multi_head": 30, "speech": 30, "by_hand": 100, "smoothed": 100}
"""The number of steps of the longer one of two networks, by model."""


@pytest.mark.parametrize("model", LOOPS)
def test_the_lines_do_not_grow_with_the_steps(mxnet: Any, tmp_path: Path, model: str) -> None:
    short, long = check(mxnet, tmp_path, model, 10), check(mxnet, tmp_path, model, LOOPS[model])
    assert short.count("\n") == long.count("\n")
    assert short.count("        for ") == long.count("        for ") == 1


def test_outputs_one_by_one(mxnet: Any, tmp_path: Path) -> None:
    """Each of them stands in the docstring, the annotation and the result."""
    source = check(mxnet, tmp_path, "greedy", 20)
    assert source.count("        for ") == 1 and source.count("self.gru(") == 2


def test_steps_that_differ_in_the_middle(mxnet: Any, tmp_path: Path) -> None:
    short, long = check(mxnet, tmp_path, "one_differs", 10), check(mxnet, tmp_path, "one_differs", 40)
    assert short.count("\n") == long.count("\n")
    assert short.count("        for ") == 2 and short.count("* 0.5") == 1 and short.count("* 0.25") == 2


def test_steps_that_read_the_state_of_two_steps_before(mxnet: Any, tmp_path: Path) -> None:
    assert "        for " not in check(mxnet, tmp_path, "two_before", 10)

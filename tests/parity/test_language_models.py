"""Transformers against MXNet, and how they read."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402
from free_sizes import free_size  # noqa: E402
from parity.against import check_checkpoint, to_torch  # noqa: E402

BATCH, LENGTH, UNITS = 2, 7, 16
RANDOM = np.random.RandomState(0)
WORDS = RANDOM.randint(0, 30, (BATCH, LENGTH)).astype("float32")
KINDS = (np.arange(LENGTH) > 3).astype("float32") * np.ones((BATCH, 1), "float32")
LENGTHS = np.array([7, 4], "float32")

MODELS = {
    "bert": {"data0": WORDS, "data1": KINDS, "data2": LENGTHS},
    "encoder": {"data0": RANDOM.randn(BATCH, LENGTH, 9).astype("float32"), "data1": LENGTHS},
    "decoder": {"data0": WORDS, "data1": RANDOM.randn(BATCH, 5, UNITS).astype("float32")},
    "interleaved_decoder": {
        "data0": RANDOM.randn(LENGTH, BATCH, UNITS).astype("float32"),
        "data1": RANDOM.randn(5, BATCH, UNITS).astype("float32"),
    },
}


def check(mxnet: Any, tmp_path: Path, model: str) -> Any:
    """Outputs and every layer against MXNet."""
    prefix, inputs = str(tmp_path / model), MODELS[model]
    expected = mxnet.call("language:run", model=model, inputs=inputs, prefix=prefix)
    module = check_checkpoint(prefix, {name: to_torch(array) for name, array in inputs.items()}, expected)
    report = neutral_to_torch.verify(module, f"{prefix}-golden.safetensors", store=mxnet_to_neutral.read(prefix))
    assert report.ok, report
    return module


@pytest.mark.parametrize("model", MODELS)
def test_transformers(mxnet: Any, tmp_path: Path, model: str) -> None:
    check(mxnet, tmp_path, model)


def test_interleaved_projections_are_layers_of_their_own(mxnet: Any, tmp_path: Path) -> None:
    module = check(mxnet, tmp_path, "bert")
    names = [name.rpartition(".")[2] for name, child in module.named_modules() if isinstance(child, torch.nn.Linear)]
    assert [sum(name.endswith(role) for name in names) for role in ("query", "key", "value", "proj")] == [2, 2, 2, 2]
    source = inspect.getsource(inspect.getmodule(type(module)))
    assert "features: int, num_heads: int = 4" in source
    assert "attention_scores(self.query(x), self.key(x), heads=self.num_heads)" in source


def test_a_bert_exports_with_a_free_batch_and_length(mxnet: Any, tmp_path: Path) -> None:
    module = check(mxnet, tmp_path, "bert")
    batch, length = free_size("batch", 2), torch.export.Dim("length", min=2, max=12)
    shapes = ({0: batch, 1: length}, {0: batch, 1: length}, {0: batch})
    given = tuple(to_torch(array) for array in MODELS["bert"].values())
    exported = torch.export.export(module, given, dynamic_shapes=shapes)
    words, kinds = torch.randint(0, 30, (3, 11)).float(), torch.zeros(3, 11)
    other = (words, kinds, torch.tensor([11.0, 2.0, 5.0]))
    for actual, wanted in zip(exported.module()(*other), module(*other)):
        torch.testing.assert_close(actual, wanted)

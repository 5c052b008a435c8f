"""Where MXNet disagrees with itself: a note at export, and a hint from ``verify`` at the layer where it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
import neutral
import neutral_to_torch


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def recorded(mxnet: Any, folder: Path, expression: str, inputs: dict[str, np.ndarray], stored: list[str]) -> Any:
    """Return the store of an expression, and the report on its module against what MXNet's stock build records."""
    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    mxnet.call("operators:run_expression", expression=expression, inputs=inputs, prefix=prefix, stored=tuple(stored))
    given = {name: array for name, array in inputs.items() if name not in stored}
    mxnet.call("models:capture", prefix=prefix, inputs=given, golden=golden)
    with mxnet_to_neutral.read(prefix) as source:
        source.save(folder / "model.safetensors")
    with neutral.open(folder / "model.safetensors") as store:
        module = neutral_to_torch.build(store)
        plan = neutral_to_torch.make_plan(module, store, strict=False)
        report = neutral_to_torch.verify(module, golden, plan, store=store)
        return store.notes, report


def test_softmax_of_samples_of_four_dimensions(mxnet: Any, tmp_path: Path) -> None:
    expression = (
        "sym.SoftmaxOutput(sym.Convolution(x, w, kernel=(1, 1), num_filter=4, no_bias=True), label, name='head')"
    )
    inputs = {"x": values(2, 3, 5, 6), "w": values(4, 3, 1, 1, seed=1), "label": np.zeros((2, 4, 5), np.float32)}
    notes, report = recorded(mxnet, tmp_path, expression, inputs, ["w"])
    assert any(note.startswith("SoftmaxOutput: ") and "oneDNN" in note for note in notes)
    assert not report.ok
    assert "the recorded values are as with the last axis normalized" in str(report) and "oneDNN" in str(report)


def test_lengths_of_sequences(mxnet: Any, tmp_path: Path) -> None:
    """On the CPU MXNet ignores them."""
    rnn = "sym.RNN(x, p, sym.zeros((1, 3, 3)), sym.zeros((1, 3, 3)), length, state_size=3, num_layers=1, mode='lstm'"
    inputs = {"x": values(4, 3, 2), "p": values(4 * 3 * (2 + 3 + 2), seed=1), "length": np.float32([4, 2, 1])}
    notes, report = recorded(mxnet, tmp_path, f"{rnn}, use_sequence_length=True)", inputs, ["p"])
    assert any(note.startswith("RNN: ") and "use_sequence_length" in note for note in notes)
    assert not report.ok
    assert "the recorded values are as with the lengths of the sequences ignored" in str(report)


WRONG_SUMS = "the recorded values are as with the wrong sums of the CPU kernel of MXNet 1 for a dilated Deconvolution"

DILATED = [
    "w, kernel=(3, 3), num_filter=2, no_bias=True, stride=(2, 2), dilate=(2, 2)",
    "w, b, kernel=(3, 2), num_filter=6, num_group=3, stride=(2, 3), dilate=(3, 2), pad=(1, 2), adj=(1, 2), no_bias=0",
    "w, kernel=(4, 2), num_filter=2, no_bias=True, stride=(3, 1), dilate=(2, 2), target_shape=(15, 8)",
]


def dilated(arguments: str, dtype: str) -> dict[str, np.ndarray]:
    kernel = (4, 2) if "(4, 2)" in arguments else (3, 2) if "(3, 2)" in arguments else (3, 3)
    inputs = {"x": values(2, 3, 5, 6), "w": values(3, 2, *kernel, seed=1)}
    if "num_group" in arguments:
        inputs["b"] = values(6, seed=2)
    return {name: array.astype(dtype) for name, array in inputs.items()}


@pytest.mark.parametrize("arguments", DILATED)
def test_a_dilated_transposed_convolution_with_a_stride(mxnet: Any, tmp_path: Path, arguments: str) -> None:
    """MXNet's own kernel computes float64."""
    inputs = dilated(arguments, "float64")
    notes, report = recorded(mxnet, tmp_path, f"sym.Deconvolution(x, {arguments})", inputs, [*inputs][1:])
    assert any(note.startswith("Deconvolution: ") and "wrong numbers" in note for note in notes)
    assert not report.ok
    assert WRONG_SUMS in str(report)


@pytest.mark.parametrize("arguments", DILATED[:2])
def test_onednn_computes_a_dilated_transposed_convolution_rightly(mxnet: Any, tmp_path: Path, arguments: str) -> None:
    """It has no kernel that crops an odd surplus, as the last one's target shape asks for."""
    inputs = dilated(arguments, "float32")
    notes, report = recorded(mxnet, tmp_path, f"sym.Deconvolution(x, {arguments})", inputs, [*inputs][1:])
    assert any(note.startswith("Deconvolution: ") and "wrong numbers" in note for note in notes)
    assert report.ok and "wrong sums" not in str(report)


def test_a_stride_along_one_axis_and_a_dilation_along_the_other(mxnet: Any, tmp_path: Path) -> None:
    arguments = "w, kernel=(3, 3), num_filter=2, no_bias=True, stride=(2, 1), dilate=(1, 2)"
    inputs = dilated(arguments, "float64")
    notes, report = recorded(mxnet, tmp_path, f"sym.Deconvolution(x, {arguments})", inputs, ["w"])
    assert report.ok and not [note for note in notes if note.startswith("Deconvolution")]


def test_nothing_is_noted_where_mxnet_agrees(mxnet: Any, tmp_path: Path) -> None:
    head = "sym.SoftmaxOutput(sym.FullyConnected(x, w, num_hidden=4, no_bias=True), label, name='head')"
    inputs = {"x": values(2, 3), "w": values(4, 3, seed=1), "label": np.zeros(2, np.float32)}
    notes, report = recorded(mxnet, tmp_path, head, inputs, ["w"])
    assert report.ok and not [note for note in notes if "MXNet" in note]

"""The training step of whole models, as ``zoo/run.py --training`` compares it with real MXNet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import matrix
import numpy as np
import pytest
import run
import torch
import training_column
from float32_positions import float32_positions

MODELS = {
    "sequences/gluon_lstm": "equal",
    "attention/decoder": "equal",
    "control flow/nested": "equal",
    "regions/detector": "equal",
    "gluoncv/cifar_resnet20_v1": "equal",
    "gluoncv/custom_mask_rcnn_fpn": "equal",  # its statistics are frozen
    "gluoncv/resnest50": "unstable: the module's own results move by ",
    "gluoncv/ssd_300_mobilenet0.25_custom": "not run: a batch norm has one value per channel, on which torch",
    "attention/bert": "equal in float32: in float64, MXNetError: Check failed: inputs[0].type_flag_",
    "sequences/bucketing_cells": "not run: ValueError: the checkpoint has no array lstm_l0_i2h_weight",
    "int8/residual": "not run: its layers compute in integers",
}


@pytest.mark.parametrize("model", MODELS)
def test_a_training_step_of_a_model_of_the_zoo(mxnet: Any, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    if model not in mxnet.call("zoo:names") and not model.startswith("int8/"):
        pytest.skip(f"the package of {model} is not beside MXNet")
    monkeypatch.setattr(run, "_processes", {"zoo": mxnet})
    row = run.work_training(model, {"zoo": os.environ["NEUTRAL_MXNET_PYTHON"]})
    assert row["model"] == model and row["training"].startswith(MODELS[model]), row
    assert row["training"] != "equal" or row["training_error"] <= 1e-6


def test_a_step_of_another_momentum_differs(mxnet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_another_momentum(module: Any) -> Any:
        for layer in module.modules():
            if hasattr(layer, "momentum"):
                layer.momentum += 0.01
        return recorded(module)

    recorded = training_column._batches
    monkeypatch.setattr(training_column, "_batches", with_another_momentum)
    monkeypatch.setattr(run, "_processes", {"zoo": mxnet})
    row = run.work_training("gluoncv/cifar_resnet20_v1", {"zoo": os.environ["NEUTRAL_MXNET_PYTHON"]})
    assert row["training"].startswith("differs: ") and "running_" in row["training"], row


@pytest.mark.parametrize(
    "options", ["height=64, width=61", "height=31, width=200, align_corners=False", "height=1, width=7"]
)
def test_positions_of_resized_images_are_those_of_float32(mxnet: Any, tmp_path: Path, options: str) -> None:
    """In float64 MXNet's resized images are 1e-5 off: a network with few values per batch norm makes 5e-3 of it."""
    expression = f"sym.contrib.BilinearResize2D(x, {options})"
    x = np.random.RandomState(0).randn(2, 3, 128, 96)
    head = np.random.RandomState(1).randn(*mxnet.call("training:output_shape", expression=expression, inputs={"x": x}))
    arguments = {"expression": expression, "inputs": {"x": x}, "head": head, "stored": []}
    step = mxnet.call("training:step", prefix=str(tmp_path / "m"), **arguments)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    resize = {"size": head.shape[2:], "mode": "bilinear", "align_corners": "False" not in options}
    exact = torch.nn.functional.interpolate(tensor, **resize)
    with float32_positions():
        result = torch.nn.functional.interpolate(tensor, **resize)
    result.backward(torch.from_numpy(head))
    assert np.abs(result.detach().numpy() - step["output"]).max() < 1e-14
    assert tensor.grad is not None and np.abs(tensor.grad.numpy() - step["x"]).max() < 1e-13
    if "31" not in options:
        assert 1e-8 < np.abs(exact.detach().numpy() - step["output"]).max() < 1e-4 or "=1," in options


ZERO_GRADIENTS = {
    "std": "mx.np.std(x, axis=0)",
    "var": "mx.np.var(x, axis=0)",
    "percentile": "mx.np.percentile(x, 30, axis=0)",
    "quantile": "mx.np.quantile(x, 0.3, axis=0)",
    "pinv": "mx.np.linalg.pinv(x)",
    "eigvalsh": "mx.np.linalg.eigvalsh(x)",
}


@pytest.mark.parametrize("function", sorted(ZERO_GRADIENTS))
def test_functions_whose_gradient_is_zero_in_mxnet(mxnet: Any, function: str) -> None:
    x = np.random.RandomState(0).randn(4, 4)
    gradient = mxnet.call("training:numpy_gradient", expression=ZERO_GRADIENTS[function], x=x + x.T)
    assert not gradient.any()


def test_the_column_is_in_the_table_if_steps_were_compared() -> None:
    row = {**vars(run.Result("mxnet/a", "equal")), "own": "filled", "onnx": "equal", "reference": "equal"}
    versions = {"mxnet": "1.9.1", "gluoncv": "0.10.5"}
    assert "training" not in matrix.document([row], 1, versions)
    text = matrix.document([{**row, "training": "equal", "training_error": 2e-9}], 1, versions)
    assert "own store | training | status" in text and "| filled | 2.0e-09 | equal |" in text
    assert "Of 1 models that are converted: 1 equal." in text

"""A part of the zoo matrix, as ``zoo/run.py`` runs it: one model of each family, emitted, run, compared with MXNet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matrix
import pytest
import run
from run import check

MODELS = (
    "mxnet/alexnet",
    "mxnet/mobilenet_v2_0_25",
    "mxnet/resnet18_v2",
    "mxnet/resnet50_v1",
    "gluoncv/alpha_pose_resnet101_v1b_coco",
    "gluoncv/cifar_wideresnet16_10",
    "gluoncv/deeplab_resnet50_citys",
    "gluoncv/fcn_resnet50_ade",
    "gluoncv/i3d_resnet50_v1_kinetics400",
    "gluoncv/icnet_resnet50_citys",
    "gluoncv/mobilenetv3_small",
    "gluoncv/psp_resnet50_ade",
    "gluoncv/simple_pose_resnet18_v1b",
    "gluoncv/slowfast_4x16_resnet50_kinetics400",
    "gluoncv/ssd_512_resnet50_v1_voc",
    "gluoncv/yolo3_darknet53_voc",
    "gluonnlp/bert",
    "gluonnlp/bert_for_training",
    "gluonnlp/roberta",
    "gluonnlp/convolutional_encoder",
    "sequences/bucketing_cells",
    "attention/decoder",
    "control flow/nested",
    "regions/detector",
)

MODELS_OF_MXNET_2 = (
    "mxnet2/resnet18_v1",
    "mxnet2/lstm_projected",
    "mxnet2/lstm_states",
    "mxnet2/stacked_cells",
    "mxnet2/transformer_encoder",
    "mxnet2/transformer_decoder",
)

ONNX = "equal" if find_spec("onnxruntime") else "not run: onnxruntime is not installed"


@pytest.fixture(scope="module")
def names(mxnet: Any) -> list[str]:
    return list(mxnet.call("zoo:names"))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_the_zoo(mxnet: Any, names: list[str], tmp_path: Path, model: str) -> None:
    if model not in names:
        pytest.skip(f"the package of {model} is not beside MXNet")
    result = check(model, mxnet, tmp_path)
    assert result.status in ("equal", "ties") and result.own in ("proven", "filled"), result
    assert result.reference == "equal" or result.reference.startswith("not run: too large"), result


@pytest.mark.parametrize("model", MODELS_OF_MXNET_2)
def test_a_model_of_mxnet_2(mxnet2: Any, tmp_path: Path, model: str) -> None:
    assert model in mxnet2.call("zoo2:names")
    result = check(model, mxnet2, tmp_path)
    assert (result.status, result.reference, result.onnx, result.own) == ("equal", "equal", ONNX, "proven"), result


def test_models_of_mxnet_2_run_in_its_process(mxnet2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_processes", {"zoo2": mxnet2})
    assert run.work("mxnet2/lstm", {"zoo": "no such Python"}).status == "equal"
    assert run.work("mxnet2/none", {"zoo": "no such Python"}).status == "not exported"
    with pytest.raises(FileNotFoundError, match="no such Python"):
        run.work("sequences/gluon_lstm", {"zoo": "no such Python"})


def test_the_table_says_that_mxnet_2_is_left_out() -> None:
    row = vars(run.Result("mxnet2/lstm", "equal"))
    versions = {"mxnet": "1.9.1", "gluoncv": "0.10.5", "gluonts": "0.9.9"}
    assert "Models of MXNet 2 are left out" in matrix.document([], 0, versions)
    whole = matrix.document([row], 1, {**versions, "mxnet2": "2.0.0b1"})
    assert "GluonTS 0.9.9 and MXNet 2.0.0b1;" in whole and "left out" not in whole
    assert "## MXNet 2\n" in whole and "| lstm |" in whole

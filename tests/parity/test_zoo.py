"""A part of the zoo matrix, as ``zoo/run.py`` runs it: one model of each family, emitted, run, compared with MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
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


@pytest.fixture(scope="module")
def names(mxnet: Any) -> list[str]:
    return list(mxnet.call("zoo:names"))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_the_zoo(mxnet: Any, names: list[str], tmp_path: Path, model: str) -> None:
    if model not in names:
        pytest.skip(f"the package of {model} is not beside MXNet")
    result = check(model, mxnet, tmp_path)
    assert result.status in ("equal", "ties"), result
    assert result.reference == "equal" or result.reference.startswith("not run: too large"), result

"""Checkpoints of MXNet's zoos into the same networks by other people: no mapping, and equal outputs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import mxnet_to_neutral
import neutral_to_torch
from neutral.errors import MatchError
from parity.architectures import TWINS, Twin

missing = [name for name in ("torchvision", "timm") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")

QUICK = [twin for twin in TWINS if twin.quick]


@pytest.mark.parametrize("twin", QUICK, ids=[twin.model for twin in QUICK])
def test_a_twin_is_matched_and_equal(mxnet: Any, tmp_path: Path, twin: Twin) -> None:
    prefix, golden = str(tmp_path / "model"), str(tmp_path / "golden.safetensors")
    mxnet.call("zoo:make", name=twin.model, prefix=prefix, golden=golden)
    module = twin.module()
    with mxnet_to_neutral.read(prefix, 0) as store:
        plan = neutral_to_torch.load_into(module, store, golden=golden, set_attributes=True)
        report = neutral_to_torch.verify(module, golden, plan, store=store, tolerance=1e-4, end_to_end=1e-4)
        assert {pair.layer for pair in plan.pairs} == set(store.layers)
    assert report.ok, report


@pytest.fixture(scope="module")
def resnet(mxnet: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    folder = tmp_path_factory.mktemp("resnet")
    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    mxnet.call("zoo:make", name="mxnet/resnet18_v1", prefix=prefix, golden=golden)
    return mxnet_to_neutral.read(prefix, 0), golden


def twin_of_resnet() -> Any:
    return TWINS[0].module()


def other_stride(module: Any) -> None:
    module.layer3[0].conv1.stride = (1, 1)
    module.layer3[0].downsample[0].stride = (1, 1)


def other_padding(module: Any) -> None:
    module.layer2[1].conv2.padding = (0, 0)
    module.layer2[1].conv1.padding = (2, 2)


def other_dilation(module: Any) -> None:
    module.layer1[1].conv1.dilation = module.layer1[1].conv1.padding = (2, 2)


def other_eps(module: Any) -> None:
    module.layer2[0].bn1.eps = 1e-1


def other_activation(module: Any) -> None:
    module.layer4[1].relu = nn.LeakyReLU(0.2)


def other_pooling(module: Any) -> None:
    module.maxpool = nn.AvgPool2d(3, 2, 1)


class Backwards(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in reversed(self):
            x = block(x)
        return x


def missing_layer(module: Any) -> None:
    module.layer1[0].bn2 = nn.Identity()


def more_layers(module: Any) -> None:
    module.layer1.append(type(module.layer1[0])(64, 64))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_activation, "layer4.1"),
        (other_pooling, "layer1.0"),
        (missing_layer, "stage1_batchnorm1"),
        (more_layers, "layer1.2"),
    ],
)
def test_another_network_is_refused_and_the_place_is_named(resnet: tuple[Any, str], change: Any, named: str) -> None:
    store, golden = resnet
    module = twin_of_resnet()
    change(module)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(MatchError) as refusal:
        neutral_to_torch.load_into(module, store, golden=golden)
    assert named in str(refusal.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (other_stride, {("layer3.0.conv1", "stride"), ("layer3.0.downsample.0", "stride")}),
        (other_padding, {("layer2.1.conv1", "padding"), ("layer2.1.conv2", "padding")}),
        (other_dilation, {("layer1.1.conv1", "dilation"), ("layer1.1.conv1", "padding")}),
        (other_eps, {("layer2.0.bn1", "eps")}),
    ],
)
def test_other_attributes_are_warned_of_and_can_be_set(
    resnet: tuple[Any, str], change: Any, expected: set[tuple[str, str]]
) -> None:
    store, golden = resnet
    module = twin_of_resnet()
    change(module)
    with pytest.raises(MatchError, match="changes the results"):
        neutral_to_torch.load_into(module, store, golden=golden)
    with pytest.warns(UserWarning, match="attributes differ"):
        plan = neutral_to_torch.load_into(module, store, golden=golden, allow_attributes=["*"])
    assert {(pair.module, difference.attribute) for pair, difference in plan.differences} == expected
    assert not neutral_to_torch.verify(module, golden, plan).ok
    plan = neutral_to_torch.load_into(module, store, golden=golden, set_attributes=True)
    assert neutral_to_torch.verify(module, golden, plan).ok


def test_blocks_are_filled_in_the_order_they_run_in(resnet: tuple[Any, str]) -> None:
    store, golden = resnet
    module = twin_of_resnet()
    module.layer1 = Backwards(*module.layer1)
    plan = neutral_to_torch.load_into(module, store, golden=golden)
    modules = {pair.layer.partition("_")[2]: pair.module for pair in plan.pairs}
    assert (modules["stage1_conv0"], modules["stage1_conv2"]) == ("layer1.1.conv1", "layer1.0.conv1")
    assert neutral_to_torch.verify(module, golden, plan).ok

"""Weights that PyTorch trained, back in MXNet: a checkpoint that MXNet loads, and computes the same with."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral_to_torch
import torch_to_neutral
from neutral.errors import UnsupportedError
from neutral.store import Store
from neutral_to_mxnet import write
from parity.against import compare
from parity.architectures import TWINS

INPUTS = {
    "fixed_scales": np.random.RandomState(0).randn(2, 3, 8, 8).astype(np.float32),
    "packed": np.random.RandomState(0).randint(0, 11, (7, 2)).astype(np.float32),
    "groups": np.random.RandomState(0).randn(2, 3, 8, 8).astype(np.float32),
}


def trained(module: Any, path: Path) -> Store:
    """The state dict of a module whose parameters are not what they were."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.05)
    torch.save(module.state_dict(), path)
    return torch_to_neutral.read(path)


def checkpoint(mxnet: Any, folder: Path, network: str) -> Store:
    mxnet.call("served:make", network=network, prefix=str(folder / "model"))
    return mxnet_to_neutral.read(folder / "model", 0)


@pytest.mark.parametrize("network", ["fixed_scales", "packed"])
def test_the_emitted_module_goes_back(mxnet: Any, tmp_path: Path, network: str) -> None:
    """Without a mapping, as by a plan: also scales that the symbol fixed, packed vectors and transposed layouts."""
    like = checkpoint(mxnet, tmp_path, network)
    module = neutral_to_torch.build(like)
    weights = trained(module, tmp_path / "trained.pth")
    done = write(weights, tmp_path / "back", like=like, epoch=7)
    by_plan = write(weights, tmp_path / "plan", like=like, mapping=neutral_to_torch.make_plan(module, like))
    assert by_plan.names == done.names
    assert [path.name for path in done.paths] == ["back-0007.params", "back-symbol.json"]
    assert any("does not fix the scale of arg:bn1_gamma" in note for note in done.notes) == (network == "fixed_scales")
    data = INPUTS[network]
    [served] = mxnet.call("served:outputs", prefix=str(tmp_path / "back"), inputs={"data": data}, epoch=7)
    compare(module(torch.from_numpy(data)), served)


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_a_module_by_others_goes_back_by_its_plan(mxnet: Any, tmp_path: Path) -> None:
    mxnet.call("zoo:make", name=TWINS[0].model, prefix=str(tmp_path / "model"), golden=str(tmp_path / "g.safetensors"))
    like, module = mxnet_to_neutral.read(tmp_path / "model", 0), TWINS[0].module()
    data = np.random.RandomState(0).randn(1, 3, 224, 224).astype(np.float32)
    neutral_to_torch.make_plan(module, like, example=torch.from_numpy(data)).save(tmp_path / "plan.toml")
    weights = trained(module, tmp_path / "trained.pth")
    write(weights, tmp_path / "back", like=like, mapping=tmp_path / "plan.toml")
    [served] = mxnet.call("served:outputs", prefix=str(tmp_path / "back"), inputs={"data": data})
    with torch.no_grad():
        compare(module(torch.from_numpy(data)), served)


def test_what_mxnet_has_no_place_for_is_refused(mxnet: Any, tmp_path: Path) -> None:
    """MXNet's group norm has one scale for a group, PyTorch's one for a channel."""
    like = checkpoint(mxnet, tmp_path, "groups")
    module = neutral_to_torch.build(like)
    plan = neutral_to_torch.make_plan(module, like)
    with pytest.raises(UnsupportedError, match=r"norm\.weight: array 'arg:norm_gamma' has one value for 3 channels"):
        write(trained(module, tmp_path / "trained.pth"), tmp_path / "back", like=like, mapping=plan)
    assert not list(tmp_path.glob("back*"))

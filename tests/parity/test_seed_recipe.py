"""The recipe that people follow by hand, as it stands: a ResNet20 face model, names equal on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import mxnet_to_neutral  # noqa: E402
import neutral  # noqa: E402
import neutral_to_torch  # noqa: E402

STAGES = ((1, 16, 1), (2, 32, 2), (3, 64, 4), (4, 128, 1))


class ResNet20Face(nn.Module):
    """As one writes it: layers are registered by stage, all names as in the symbol."""

    def __init__(self, in_features: int = 128 * 7 * 6) -> None:
        super().__init__()
        previous = 3
        for stage, channels, units in STAGES:
            first = f"{stage}_1"
            self.add_module(f"conv{first}", nn.Conv2d(previous, channels, 3, stride=2, padding=1))
            self.add_module(f"relu{first}", nn.PReLU(channels))
            for layer in range(2, 2 + 2 * units):
                name = f"{stage}_{layer}"
                self.add_module(f"conv{name}", nn.Conv2d(channels, channels, 3, padding=1, bias=False))
                self.add_module(f"bn{name}", nn.BatchNorm2d(channels))
                self.add_module(f"relu{name}", nn.PReLU(channels))
            previous = channels
        self.fc5 = nn.Linear(in_features, 128)

    def unit(self, x: torch.Tensor, name: str) -> torch.Tensor:
        for layer in ("conv", "bn", "relu"):
            x = self.get_submodule(layer + name)(x)
        return x

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        x = data
        for stage, _, units in STAGES:
            x = self.get_submodule(f"relu{stage}_1")(self.get_submodule(f"conv{stage}_1")(x))
            for layer in range(2, 2 + 2 * units, 2):
                x = x + self.unit(self.unit(x, f"{stage}_{layer}"), f"{stage}_{layer + 1}")
        return self.fc5(x.flatten(1))


@pytest.fixture(scope="module")
def files(mxnet: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The store and the golden file of the MXNet side."""
    folder = tmp_path_factory.mktemp("seed")
    mxnet.call("models:resnet20_face", prefix=str(folder / "face"), golden=str(folder / "golden.safetensors"))
    with mxnet_to_neutral.read(folder / "face", 0) as store:
        store.save(folder / "face.safetensors")
    return folder / "face.safetensors", folder / "golden.safetensors"


def test_loads_by_name_and_equals_mxnet_in_every_layer(files: tuple[Path, Path]) -> None:
    path, golden = files
    module = ResNet20Face()
    with neutral.open(path) as store:
        plan = neutral_to_torch.load_into(module, store)
        layers = len(store.layers)
    report = neutral_to_torch.verify(module, golden=golden, plan=plan)
    assert report.ok, str(report)
    assert len(plan.pairs) == layers == 20 + 16 + 20 + 1
    assert len([row for row in report.rows if row.layer is not None]) >= layers
    assert max(row.scaled_error for row in report.rows) <= 1e-5


def test_a_wrong_slope_is_found_in_its_layer(files: tuple[Path, Path]) -> None:
    path, golden = files
    module = ResNet20Face()
    with neutral.open(path) as store:
        plan = neutral_to_torch.load_into(module, store)
    with torch.no_grad():
        module.get_submodule("relu2_3").weight += 0.01
    report = neutral_to_torch.verify(module, golden=golden, plan=plan)
    assert not report.ok
    assert report.first_divergence.layer == "relu2_3"

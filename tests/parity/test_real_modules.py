"""Real checkpoints of public projects into modules written by hand, every layer against MXNet 1.9.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import mxnet_to_neutral  # noqa: E402
import neutral  # noqa: E402
import neutral_to_torch  # noqa: E402

MTCNN = "real/mxnet_mtcnn_face_detection/model"


class ProposalNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.pool1(self.prelu1(self.conv1(data)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), F.softmax(self.conv4_1(x), dim=1)


class RefineNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.conv5_1, self.conv5_2 = nn.Linear(128, 2), nn.Linear(128, 4)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.pool(self.prelu1(self.conv1(data)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x)).flatten(1)
        x = self.prelu4(self.conv4(x))
        return self.conv5_2(x), F.softmax(self.conv5_1(x), dim=1)


class OutputNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.conv5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.conv6_1, self.conv6_2, self.conv6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = F.max_pool2d(self.prelu1(self.conv1(data)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu2(self.conv2(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu3(self.conv3(x)), 2, 2, ceil_mode=True)
        x = self.prelu4(self.conv4(x)).flatten(1)
        x = self.prelu5(self.conv5(x))
        return self.conv6_3(x), self.conv6_2(x), F.softmax(self.conv6_1(x), dim=1)


class LeNet(nn.Module):
    """``MXNet-Deep-Learning-in-Action``, chapter 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(data)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1)))))
        return F.softmax(self.fc3(x), dim=1)


@pytest.mark.parametrize(
    ("prefix", "epoch", "module", "shape"),
    [
        (f"{MTCNN}/det1", 1, ProposalNet, (2, 3, 37, 52)),
        (f"{MTCNN}/det2", 1, RefineNet, (3, 3, 24, 24)),
        (f"{MTCNN}/det3", 1, OutputNet, (2, 3, 48, 48)),
        ("real/MXNet-Deep-Learning-in-Action/chapter4-toyClassification/output/LeNet", 10, LeNet, (2, 1, 28, 28)),
    ],
    ids=["proposal", "refine", "output", "lenet"],
)
def test_equals_mxnet_in_every_layer(
    prefix: str,
    epoch: int,
    module: type[nn.Module],
    shape: tuple[int, ...],
    mxnet: Any,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    source = str(shared_data / prefix)
    data = np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)
    golden = tmp_path / "golden.safetensors"
    mxnet.call("models:capture", prefix=source, inputs={"data": data}, golden=str(golden), epoch=epoch)
    with mxnet_to_neutral.read(source, epoch) as store:
        store.save(tmp_path / "model.safetensors")
    network = module()
    with neutral.open(tmp_path / "model.safetensors") as store:
        plan = neutral_to_torch.load_into(network, store)
        layers = set(store.layers)
    report = neutral_to_torch.verify(network, golden=golden, plan=plan)
    assert report.ok, str(report)
    assert layers <= {row.layer for row in report.rows}

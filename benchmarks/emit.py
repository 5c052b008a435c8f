"""Compare emitted with hand-written modules: forward pass and training step; time to build a ResNet-152.

    PYTHONPATH=tests/support python benchmarks/emit.py

The networks are those of ``tests/support/networks.py`` at full width, on images of 32x32; the hand-written modules are
those of torchvision. The two alternate, and the fastest run of each is reported.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Sequence

import torch
import torch.nn.functional as F
from common import own_peak, table
from torch import nn

import networks
from neutral_to_torch.emission.build import build

TURNS = 15


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        width = outputs // 4
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return F.relu(self.bn3(self.conv3(out)) + shortcut)


def resnet(units: Sequence[int] = (3, 4, 6, 3), width: int = 64) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    inputs = width
    for stage, count in enumerate(units):
        for unit in range(count):
            outputs = 4 * width * 2**stage
            layers.append(Bottleneck(inputs, outputs, 2 if unit == 0 and stage else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * 4, 10), nn.Softmax(dim=1))


def mobilenet() -> nn.Module:
    def unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = unit(3, 32, 3, 2, 1)
    inputs = 32
    for wider, stride in [(2, 1), (2, 2), (4, 1), (4, 2), (4, 1), (4, 1), (8, 2), (8, 1)]:
        outputs = 32 * wider
        layers += unit(inputs, inputs, 3, stride, inputs) + unit(inputs, outputs, 1, 1, 1)
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 4, 10), nn.Softmax(dim=1))


def step(model: nn.Module, images: torch.Tensor) -> None:
    model.zero_grad()
    model(images).square().sum().backward()


def forward(model: nn.Module, images: torch.Tensor) -> None:
    with torch.no_grad():
        model(images)


def seconds(action: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - start


def compare(emitted: nn.Module, written: nn.Module, action: Callable[..., Any], images: torch.Tensor) -> list[str]:
    """Return the fastest run of each in milliseconds, and their ratio."""
    times: dict[nn.Module, list[float]] = {emitted: [], written: []}
    for _ in range(TURNS):
        for model, durations in times.items():
            durations.append(seconds(action, model, images))
    fastest, reference = min(times[emitted][2:]), min(times[written][2:])
    return [f"{1000 * fastest:.1f}", f"{1000 * reference:.1f}", f"{fastest / reference:.3f}"]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [("network", "pass", "emitted, ms", "hand-written, ms", "ratio")]
    pairs = {
        "ResNet-50": (build(networks.resnet(width=64)), resnet(), 8),
        "MobileNet": (build(networks.mobilenet(width=32)), mobilenet(), 32),
    }
    for name, (emitted, written, batch) in pairs.items():
        images = torch.randn(batch, 3, 32, 32)
        for name_of_pass, action, training in (("forward", forward, False), ("training step", step, True)):
            cells = compare(emitted.train(training), written.train(training), action, images)
            rows.append((name, name_of_pass, *cells))
    table("Emitted and hand-written modules", rows)

    store = networks.resnet((3, 8, 36, 3), width=64)
    build(networks.resnet((1, 1)))
    elapsed = min(seconds(build, store) for _ in range(3))
    title = "Building a ResNet-152"
    table(title, [("layers", "seconds", "peak, MiB"), (str(len(store.layers)), f"{elapsed:.2f}", f"{own_peak():.0f}")])


if __name__ == "__main__":
    main()

"""Emitted modules against the same architectures written by hand, and how long ``build`` takes.

    python benchmarks/emitted.py --mxnet PYTHON

The checkpoints come from MXNet's own model zoo, with its initial weights.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Callable

import torch
from common import folder, table
from torch import nn

import mxnet_to_neutral
import neutral
import neutral_to_torch

EXPORT = """
import sys, mxnet as mx
from mxnet.gluon.model_zoo import vision
for name in sys.argv[2:]:
    net = vision.get_model(name)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    net(mx.nd.ones((1, 3, 64, 64)))
    net.export(sys.argv[1] + "/" + name)
"""

BUILD = """
import sys, time, torch, neutral, neutral_to_torch
start = time.perf_counter()
with neutral.open(sys.argv[1]) as store:
    neutral_to_torch.build(store)
print(time.perf_counter() - start)
"""


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, project: bool) -> None:
        super().__init__()
        inner = outputs // 4
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, stride), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, 1, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, outputs, 1), nn.BatchNorm2d(outputs)
        projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = projection if project else None
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


def resnet50() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for stage, (outputs, units) in enumerate(((256, 3), (512, 4), (1024, 6), (2048, 3))):
        for unit in range(units):
            layers.append(Bottleneck(inputs, outputs, 2 if stage and not unit else 1, not unit))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def mobilenet() -> nn.Module:
    def convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = convolution(3, 32, 3, 2)
    inputs = 32
    for outputs, stride in (
        *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
        *(((512, 1),) * 5),
        *((1024, 2), (1024, 1)),
    ):
        layers += convolution(inputs, inputs, 3, stride, groups=inputs) + convolution(inputs, outputs, 1, 1)
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def forward(module: nn.Module, data: torch.Tensor) -> Callable[[], None]:
    module.eval()

    def run() -> None:
        with torch.no_grad():
            module(data)

    return run


def training_step(module: nn.Module, data: torch.Tensor) -> Callable[[], None]:
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)

    def run() -> None:
        optimizer.zero_grad()
        module(data).square().mean().backward()
        optimizer.step()

    return run


def ratio(emitted: Callable[[], None], by_hand: Callable[[], None], times: int) -> float:
    """The fastest run of one against the other's; they take turns."""
    best = [float("inf"), float("inf")]
    for _ in range(times):
        for index, action in enumerate((emitted, by_hand)):
            start = time.perf_counter()
            action()
            best[index] = min(best[index], time.perf_counter() - start)
    return best[0] / best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxnet", default=os.environ.get("NEUTRAL_MXNET_PYTHON"), help="a Python that has MXNet")
    python = parser.parse_args().mxnet
    if not python:
        parser.error("say with --mxnet which Python has MXNet")
    data = torch.randn(4, 3, 224, 224)
    rows = [["network", "forward, emitted / by hand", "training step, emitted / by hand"]]
    with folder() as place:
        names = {"resnet50_v1": resnet50, "mobilenet1.0": mobilenet}
        subprocess.run([python, "-c", EXPORT, str(place), *names, "resnet152_v1"], check=True, capture_output=True)
        for name in (*names, "resnet152_v1"):
            with mxnet_to_neutral.read(place / name, 0) as store:
                store.save(place / f"{name}.safetensors")
        for name, write in names.items():
            with neutral.open(place / f"{name}.safetensors") as store:
                emitted = neutral_to_torch.build(store)
            by_hand = write()
            sizes = [sum(p.numel() for p in module.parameters()) for module in (emitted, by_hand)]
            assert sizes[0] == sizes[1], f"{name} by hand has {sizes[1]} parameters, emitted {sizes[0]}"
            row = [ratio(make(emitted, data), make(by_hand, data), 12) for make in (forward, training_step)]
            rows.append([name, *(f"{value:.3f}" for value in row)])
        table("Emitted modules", rows)
        command = [sys.executable, "-c", BUILD, str(place / "resnet152_v1.safetensors")]
        times = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    table("build of a ResNet-152", [["seconds beyond importing torch"], [f"{min(times):.2f}"]])


if __name__ == "__main__":
    main()

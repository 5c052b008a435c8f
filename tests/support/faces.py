"""The head of a face recognition network, as a module and as a store."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from neutral.store import Store
from stores import Builder


class Face(nn.Module):
    """The head of a face recognition network as people write it: flat names, some convolutions with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.relu1_1 = nn.PReLU(8)
        self.conv1_2 = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
        self.bn1_2 = nn.BatchNorm2d(8)
        self.relu1_2 = nn.PReLU(8)
        self.conv2_1 = nn.Conv2d(8, 16, 3, 2, 1)
        self.relu2_1 = nn.PReLU(16)
        self.fc5 = nn.Linear(16 * 4 * 4, 10)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        x = self.relu1_1(self.conv1_1(data))
        x = x + self.relu1_2(self.bn1_2(self.conv1_2(x)))
        return self.fc5(self.relu2_1(self.conv2_1(x)).flatten(1))


def face(spell=lambda name: name) -> Builder:
    b = Builder()
    b.convolution(spell("conv1_1"), 3, 8, stride=(2, 2))
    b.prelu(spell("relu1_1"), 8)
    b.convolution(spell("conv1_2"), 8, 8, bias=False)
    b.batch_norm(spell("bn1_2"), 8)
    b.prelu(spell("relu1_2"), 8)
    b.convolution(spell("conv2_1"), 8, 16, stride=(2, 2))
    b.prelu(spell("relu2_1"), 16)
    b.linear(spell("fc5"), 16 * 4 * 4, 10)
    return b


def assert_holds(module: nn.Module, store: Store, plan) -> None:
    """Every tensor of every pair has the stored values."""
    state = module.state_dict()
    for pair in plan.pairs:
        for role, name in pair.tensors.items():
            np.testing.assert_array_equal(state[name].numpy(), store[store.layers[pair.layer].tensors[role]])

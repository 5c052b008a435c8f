"""The network of ``net.params``, written by hand in PyTorch."""

import torch
from torch import nn


class Net(nn.Module):
    """Classify images (N, 3, 8, 8): scores (N, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dense = nn.Linear(4 * 6 * 6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(torch.relu(self.norm(self.conv(x))).flatten(1))

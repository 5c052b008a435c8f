"""The network of ``shapes-symbol.json``, written by hand in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Shapes(nn.Module):
    """Classify images (N, 1, 24, 24) as disc, square, cross or ring: probabilities (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.relu1_1 = nn.PReLU(8)
        self.conv1_2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1_2 = nn.BatchNorm2d(8, eps=2e-5)
        self.relu1_2 = nn.PReLU(8)
        self.conv1_3 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1_3 = nn.BatchNorm2d(8, eps=1e-3)
        self.conv2_1 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.relu2_1 = nn.PReLU(16)
        self.conv2_2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn2_2 = nn.BatchNorm2d(16, eps=2e-5)
        self.relu2_2 = nn.PReLU(16)
        self.conv2_3 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn2_3 = nn.BatchNorm2d(16, eps=1e-3)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fc = nn.Linear(144, 4)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        x = self.relu1_1(self.conv1_1(data))
        x = x + self.bn1_3(self.conv1_3(self.relu1_2(self.bn1_2(self.conv1_2(x)))))
        x = self.relu2_1(self.conv2_1(x))
        x = x + self.bn2_3(self.conv2_3(self.relu2_2(self.bn2_2(self.conv2_2(x)))))
        return F.softmax(self.fc(self.pool(x).flatten(1)), dim=1)

"""One of two processes that load a store into a module spread over both. Prints the bytes read and the values."""

from __future__ import annotations

import json
import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

import neutral
from neutral_to_torch import load_into


class Net(nn.Module):
    """Odd sizes, so that parts are unequal, and one of them is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 7, 3, padding=1)
        self.bn = nn.BatchNorm2d(7)
        self.act = nn.PReLU(1)
        self.fc = nn.Linear(7 * 8 * 8, 501)
        self.out = nn.Linear(501, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.fc(self.act(self.bn(self.conv(x))).flatten(1)))


def columns(module: nn.Module) -> None:
    """Tensor parallelism by hand: the large matrix by its columns."""
    mesh = init_device_mesh("cpu", (2,))
    module.fc.weight = nn.Parameter(distribute_tensor(module.fc.weight.detach(), mesh, [Shard(1)]))


def main(way: str, path: str) -> None:
    dist.init_process_group("gloo")
    read = 0
    pread = os.pread

    def counted(*arguments: int) -> bytes:
        nonlocal read
        data = pread(*arguments)
        read += len(data)
        return data

    with torch.device("meta" if way == "meta" else "cpu"):
        module = Net().eval()
    if way == "columns":
        columns(module)
    else:
        fully_shard(module.fc)
        fully_shard(module)
    example = None if way == "columns" else torch.zeros(1, 3, 8, 8)
    with neutral.open(path) as store:
        mapping = {name: name for name in ("conv", "bn", "act", "fc", "out")}
        os.pread = counted  # type: ignore[assignment]
        load_into(module, store, mapping, None if way == "meta" else example)
        os.pread = pread
        state = module.state_dict()
        equal = {}
        for layer in store.layers.values():
            for role, key in layer.tensors.items():
                value = state[f"{layer.name}.{role}"]
                whole = value.full_tensor() if isinstance(value, DTensor) else value
                equal[key] = bool(torch.equal(whole, torch.from_numpy(store[key])))
    result = None
    if way != "columns":
        with torch.no_grad():
            result = module(torch.ones(2, 3, 8, 8)).tolist()
    print(json.dumps({"read": read, "equal": equal, "result": result}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])

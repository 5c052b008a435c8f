"""Modules on the meta device, and memory: the weights are the file's own pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import neutral
from neutral.errors import MatchError
from neutral.graph import Layer
from neutral.store import Store
from neutral.tensor import FileRange, Tensor, from_numpy
from neutral_to_torch import load_into
from neutral_to_torch.plugin import TorchWriter
from stores import Builder


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1)
        self.bn = nn.BatchNorm2d(8)
        self.act = nn.PReLU(8)
        self.fc = nn.Linear(64, 5)


def net_store() -> Builder:
    b = Builder(5)
    b.convolution("conv", 3, 8, bias=False)
    b.batch_norm("bn", 8)
    b.prelu("act", 1)
    b.linear("fc", 64, 5)
    return b


def on_meta() -> Net:
    with torch.device("meta"):
        return Net()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    net_store().store().save(tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def mapped_ranges(path: Path) -> list[range]:
    """The addresses at which this process has the file mapped."""
    ranges = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(path)):
            start, end = line.split()[0].split("-")
            ranges.append(range(int(start, 16), int(end, 16)))
    return ranges


def test_a_meta_module_gets_values_and_its_counters(path: Path) -> None:
    module = on_meta()
    module.bn.weight.requires_grad_(False)
    with neutral.open(path) as store:
        plan = load_into(module, store)
        real = Net()
        load_into(real, store)
    assert not any(tensor.is_meta for tensor in module.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(module.state_dict().values(), real.state_dict().values()))
    assert plan.pairs[0].constants == {"bias": "zeros"}
    assert module.bn.num_batches_tracked.item() == 0
    assert isinstance(module.fc.weight, nn.Parameter)
    assert module.fc.weight.requires_grad and not module.bn.weight.requires_grad


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list its mappings")
def test_weights_are_the_files_pages_and_outlive_the_store(path: Path) -> None:
    module = on_meta()
    with neutral.open(path) as store:
        load_into(module, store)
        expected = store["fc.weight"]
    ranges = mapped_ranges(path)
    inside = {
        name: any(tensor.data_ptr() in addresses for addresses in ranges)
        for name, tensor in module.state_dict().items()
    }
    materialized = {"conv.bias", "act.weight", "bn.num_batches_tracked"}  # a constant, an expanded slope, a counter
    assert {name for name, mapped in inside.items() if not mapped} == materialized
    np.testing.assert_array_equal(module.fc.weight.detach().numpy(), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a signal would end this process")
def test_commands_map_no_file(path: Path) -> None:
    """A file that shrinks while it is mapped ends the process that reads it by SIGBUS."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            module = on_meta()
            with neutral.open(path) as store:
                TorchWriter().load_into(module, store)
                expected = store["fc.weight"]
            os.truncate(path, 0)
            code = int(not np.array_equal(module.fc.weight.detach().numpy(), expected))
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_training_a_mapped_module_leaves_the_file_alone(path: Path) -> None:
    module = on_meta()
    before = path.read_bytes()
    with neutral.open(path) as store:
        load_into(module, store)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module.fc(torch.randn(2, 64)).sum().backward()
    optimizer.step()
    assert path.read_bytes() == before
    with neutral.open(path) as store:
        assert not np.array_equal(module.fc.weight.detach().numpy(), store["fc.weight"])


def test_the_stored_dtype_is_kept_unless_another_is_asked_for(tmp_path: Path) -> None:
    b = Builder()
    half = b.values(5, 64).astype(np.float16)
    b.layer("fc", "linear", {"weight": half}, {"out_features": 5, "flatten": True})
    b.store().save(tmp_path / "half.safetensors")
    for asked, expected in ((None, torch.float16), (torch.float32, torch.float32)):
        with torch.device("meta"):
            module = nn.ModuleDict({"fc": nn.Linear(64, 5, bias=False)})
        with neutral.open(tmp_path / "half.safetensors") as store:
            load_into(module, store, dtype=asked, device="cpu")
        assert module["fc"].weight.dtype == expected
        np.testing.assert_array_equal(module["fc"].weight.detach().numpy(), half)


def test_a_recurrent_module_runs_on_its_new_parameters() -> None:
    with torch.device("meta"):
        module = nn.ModuleDict({"lstm": nn.LSTM(3, 4)})
    right = nn.LSTM(3, 4)
    attributes = {"hidden_size": 4, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "projection_size": 0}
    attributes.update(clip_min=None, clip_max=None, clip_nan=False)
    b = Builder()
    b.layer("lstm", "lstm", {role: p.detach().numpy() for role, p in right.named_parameters()}, attributes)
    load_into(module, b.store())
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(module["lstm"](x), right(x), rtol=0, atol=0)


def test_bytes_that_are_not_aligned_are_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "raw").write_bytes(b"x" + values.tobytes())
    layer = Layer("fc", "linear", {"out_features": 2, "flatten": True}, {"weight": "fc.weight"})
    tensor = Tensor("F32", (2, 3), (FileRange(str(tmp_path / "raw"), 1, 24),))
    with torch.device("meta"):
        module = nn.ModuleDict({"fc": nn.Linear(3, 2, bias=False)})
    load_into(module, Store({"fc": layer}, {"fc.weight": tensor}))
    np.testing.assert_array_equal(module["fc"].weight.detach().numpy(), values)


def test_a_tensor_in_pieces_is_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "raw").write_bytes(values.tobytes())
    layer = Layer("fc", "linear", {"out_features": 2, "flatten": True}, {"weight": "fc.weight"})
    pieces = tuple(FileRange(str(tmp_path / "raw"), start, 12) for start in (12, 0))
    with torch.device("meta"):
        module = nn.ModuleDict({"fc": nn.Linear(3, 2, bias=False)})
    load_into(module, Store({"fc": layer}, {"fc.weight": Tensor("F32", (2, 3), pieces)}))
    np.testing.assert_array_equal(module["fc"].weight.detach().numpy(), values[::-1])


def test_integers_on_meta_take_the_modules_dtype() -> None:
    with torch.device("meta"):
        module = nn.Module()
        module.register_buffer("index", torch.zeros(3, dtype=torch.int64))
        module.scale = nn.Parameter(torch.zeros(3))
    tensors = {"index": from_numpy(np.arange(3, dtype=np.int32)), "scale": from_numpy(np.arange(3, dtype=np.int8))}
    layers = {name: Layer(name, "parameter", {}, {"value": name}) for name in tensors}
    load_into(module, Store(layers, tensors))
    assert module.index.dtype == torch.int64 and module.index.tolist() == [0, 1, 2]
    assert module.scale.dtype == torch.float32 and module.scale.tolist() == [0, 1, 2]


def test_a_buffer_that_no_state_dict_has_is_named_before_anything_is_touched(path: Path) -> None:
    module = on_meta()
    module.register_buffer("grid", torch.zeros(3, device="meta"), persistent=False)
    with neutral.open(path) as store, pytest.raises(MatchError, match="grid is a buffer on the meta device"):
        load_into(module, store)
    assert module.fc.weight.is_meta


MEASURE = """
import json, resource, sys, torch
from torch import nn
import neutral, neutral_to_torch

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

path, device = sys.argv[1:]
with torch.device(device):
    module = nn.ModuleDict({f"fc{i}": nn.Linear(2048, 2048, bias=False) for i in range(12)})
if device == "cpu":
    for p in module.parameters():
        p.detach().zero_()  # so that its memory is there before
with neutral.open(path) as store:
    before = peak()
    neutral_to_torch.load_into(module, store)
    after = peak()
print(json.dumps([before, after, sum(p.numel() * 4 for p in module.parameters())]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss counts kilobytes on Linux")
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_there_is_no_second_copy_of_the_weights(tmp_path: Path, device: str) -> None:
    """200 MB of weights: a meta module takes none of it, an initialised one a few megabytes to read with."""
    rows = np.zeros((2048, 2048), np.float32)
    layers, tensors = {}, {}
    for i in range(12):
        name = f"fc{i}"
        layers[name] = Layer(name, "linear", {"out_features": 2048, "flatten": True}, {"weight": f"{name}.weight"})
        tensors[f"{name}.weight"] = from_numpy(rows)
    path = tmp_path / "big.safetensors"
    Store(layers, tensors).save(path, digests=False)
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), device], capture_output=True, text=True, check=True
    )
    before, after, weights = json.loads(result.stdout)
    assert weights > 200e6
    assert after - before < 24e6

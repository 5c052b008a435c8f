"""Verification without a tolerance: rounding is equal, faults are found, and samples are not compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from golden_files import write_golden
from neutral.graph import Graph, Input, Node, Value
from neutral.matching.plan import Plan
from neutral.store import Store
from neutral_to_torch import build, load_into, verify, verify_operators
from neutral_to_torch.verification.double import run_in_double
from stores import Builder

WIDTH = 1024


class Cancelling(nn.Module):
    """Sums of about 512 whose differences of about 1 matter: float32 leaves more than 1e-5 of them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.bn = nn.Linear(WIDTH, 32), nn.BatchNorm1d(32)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.bn(self.fc(data))


class Fixed(Cancelling):
    """The same, in a class that cannot run in float64."""

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.bn(self.fc(data.float()))


def right_case(folder: Path, module: nn.Module) -> tuple[Plan, Path]:
    """Load a module, and record what a framework gives that sums in another order."""
    b = Builder(2)
    b.linear("fc", WIDTH, 32)
    b.batch_norm("bn", 32)
    arrays = dict(zip(("fc.weight", "fc.bias"), (b.random.uniform(0.9, 1.1, (32, WIDTH)), np.zeros(32))))
    store = b.store(graph=True)
    plan = load_into(module, store)
    data = b.random.uniform(0, 1, (8, WIDTH)).astype(np.float32)
    with torch.no_grad():
        module.fc.weight.copy_(torch.from_numpy(arrays["fc.weight"]))
        module.fc.bias.zero_()
        module.bn.running_mean.copy_(module.fc(torch.from_numpy(data)).mean(0))
    weight = module.fc.weight.detach().numpy()
    halves = np.zeros((8, 32, 2), np.float32)
    for index in range(0, WIDTH, 2):  # one product after the other, even and odd ones apart
        halves += data[:, None, index : index + 2] * weight[None, :, index : index + 2]
    total = halves.sum(2)
    bn = module.bn
    with torch.no_grad():
        result = bn.eval()(torch.from_numpy(total)).numpy()
    golden = write_golden(folder / "golden.safetensors", {"data": data}, {"fc": total, "bn": result}, ["bn"])
    return plan, golden


def test_float32s_own_noise_is_equal_and_a_fault_of_1e_4_is_found(tmp_path: Path) -> None:
    module = Cancelling()
    plan, golden = right_case(tmp_path, module)
    tight = verify(module, golden, plan, tolerance=1e-5)
    row = tight.rows[1]
    assert not row.ok and 1e-5 < row.scaled_error < 9e-5 and row.tolerance == 1e-5
    assert row.hint.startswith("rounding: float32 differs from float64 by ")
    report = verify(module, golden, plan)
    assert report.ok, str(report)
    assert row.scaled_error < report.rows[1].tolerance <= 9e-5
    assert report.rows[0].tolerance < 1.5e-5, "the layer before loses nothing"
    assert "the tolerance follows from the arithmetic" in report.notes[-1]
    for index, layer in enumerate((module.fc, module.bn)):
        bias = layer.bias.detach().clone()
        with torch.no_grad():
            layer.bias += 1e-4 * report.rows[index].comparison.scale
            faulty = verify(module, golden, plan)
            assert faulty.first_divergence is faulty.rows[index], str(faulty)
            layer.bias.copy_(bias)
    assert verify(module, golden, plan).ok


def test_where_float64_cannot_be_run_the_length_of_sums_decides(tmp_path: Path) -> None:
    module = Fixed()
    plan, golden = right_case(tmp_path, module)
    assert run_in_double(module, [module.fc], (torch.zeros(1, WIDTH),), {}) is None
    report = verify(module, golden, plan)
    assert [row.tolerance for row in report.rows] == [1e-5, 1e-5, 5e-5]
    assert not report.rows[1].ok and "order" not in report.rows[1].hint and "factor" not in report.rows[1].hint


def test_the_module_is_left_as_it_was_by_the_measurement(tmp_path: Path) -> None:
    module = Cancelling()
    plan, golden = right_case(tmp_path, module)
    module.train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert verify(module, golden, plan).ok
    assert module.training and module.bn.training and not module.fc._forward_hooks
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def noisy_store(*, deterministic: bool) -> Store:
    """data -> y = data + noise, drawn anew in each run; with ``deterministic`` also z = exp(data)."""
    noise = {"shape": (2, 8), "place": "whole", "dtype": "float32"}
    nodes = (
        Node("noise", "random_normal", (0.0, 1.0, None), noise),
        Node("y", "add", (Value("data"), Value("noise")), {}),
        Node("z", "exp", (Value("data"),), {}),
    )
    outputs = (Value("y"), Value("z")) if deterministic else (Value("y"),)
    return Store({}, {}, Graph((Input("data", (2, 8)),), nodes if deterministic else nodes[:2], outputs))


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_graph_that_draws_random_numbers_is_said_to_sample(tmp_path: Path, deterministic: bool) -> None:
    store = noisy_store(deterministic=deterministic)
    random = np.random.default_rng(5)
    data, noise = random.normal(size=(2, 2, 8)).astype(np.float32)
    recorded = {"noise": noise, "y": data + noise, **({"z": np.exp(data)} if deterministic else {})}
    outputs = ["y", "z"] if deterministic else ["y"]
    golden = write_golden(tmp_path / "g.safetensors", {"data": data}, recorded, outputs)
    report = verify(build(store), golden, store=store)
    assert report.ok is deterministic
    (item,) = report.skipped
    assert (item.layer, item.module) == ("output", "internals.y_output")
    assert item.why == "sampled: it follows from random numbers that noise (random_normal) draws"
    assert any(
        note.startswith("the graph samples: noise (random_normal) draws random numbers") for note in report.notes
    )
    assert "factor" not in str(report)
    assert deterministic or report.summary.endswith("1 not compared: " + item.why)
    operators = verify_operators(store, golden)
    assert operators.ok and [(item.layer, item.module) for item in operators.skipped] == [("noise", "random_normal")]


def test_samples_of_another_shape_are_different(tmp_path: Path) -> None:
    store = noisy_store(deterministic=False)
    data = np.zeros((2, 8), np.float32)
    golden = write_golden(tmp_path / "g.safetensors", {"data": data}, {"y": np.zeros((2, 9), np.float32)}, ["y"])
    report = verify(build(store), golden, store=store)
    assert not report.ok and not report.skipped and "(2, 8) against (2, 9)" in report.rows[0].hint

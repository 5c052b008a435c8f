"""Branches of equal layers, whose names do not tell which is which, decided by what MXNet recorded."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import mxnet_to_neutral
import neutral_to_torch
from neutral.errors import MatchError
from neutral.store import Store
from neutral_to_torch.loading import proof_cost


class Branch(nn.Sequential):
    def __init__(self, channels: int = 4) -> None:
        inner, outer = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        super().__init__(inner, nn.ReLU(), outer, nn.BatchNorm2d(channels, eps=1e-3))


class Sum(nn.Module):
    """Its branches are registered in another order than they run in."""

    def __init__(self) -> None:
        super().__init__()
        self.north, self.east, self.west = Branch(), Branch(), Branch()
        self.head = nn.Linear(4 * 6 * 6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head((self.west(x) + self.north(x) + self.east(x)).flatten(1))


class Weighted(Sum):
    """One branch counts twice, which is what no stored network does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head((self.west(x) + self.north(x) + 2 * self.east(x)).flatten(1))


@pytest.fixture(scope="module")
def recorded(mxnet: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    folder = tmp_path_factory.mktemp("ties")
    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    mxnet.call("served:record", network="branches", prefix=prefix, golden=golden)
    return mxnet_to_neutral.read(prefix, 0), golden


def test_without_evidence_nothing_is_picked(recorded: tuple[Store, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The network counts as too large to be run."""
    monkeypatch.setattr(proof_cost, "FEW_PRODUCTS", 0)
    monkeypatch.setattr(proof_cost, "MOST_BYTES", 0)
    module = Sum()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(MatchError, match="ambiguous: by dataflow"):
        neutral_to_torch.load_into(module, recorded[0], example=torch.zeros(2, 4, 6, 6))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_the_stored_graph_decides(recorded: tuple[Store, str]) -> None:
    store, golden = recorded
    module = Sum().eval()
    plan = neutral_to_torch.load_into(module, store, example=torch.zeros(2, 4, 6, 6))
    assert plan.grade.proven_by == ("store",) and neutral_to_torch.verify(module, golden, plan, store=store).ok


def test_recorded_values_decide(recorded: tuple[Store, str]) -> None:
    store, golden = recorded
    module = Sum().eval()
    plan = neutral_to_torch.load_into(module, store, golden=golden)
    assert neutral_to_torch.verify(module, golden, plan, store=store).ok
    decided = [pair for pair in plan.pairs if pair.reason == "activation"]
    assert len(decided) == 6 and "one of 2 alike" in decided[0].detail  # the third is added last
    owner = {pair.nodes[0]: pair.module.split(".")[0] for pair in plan.pairs}
    for first in (0, 2, 4):  # layers of one branch stay together
        assert owner[f"convolution{first}"] == owner[f"convolution{first + 1}"] == owner[f"batchnorm{first // 2}"]


def test_what_no_choice_reproduces_stays_open(recorded: tuple[Store, str]) -> None:
    with pytest.raises(MatchError):
        neutral_to_torch.load_into(Weighted(), recorded[0], golden=recorded[1])

"""Plans as data: the table, the file, and loading with one again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from neutral.errors import MatchError, UsageError
from neutral.matching.plan_entries import Pair
from neutral_to_torch import Plan, load_into, make_plan
from stores import Builder


def store() -> Builder:
    b = Builder()
    b.convolution("conv0", 3, 4)
    b.batch_norm("bn0", 4, eps=1e-3)
    b.linear("dense0", 6, 2)
    b.linear("dense1", 6, 2)
    return b


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 4, 3, 1, 1)
        self.bn0 = nn.BatchNorm2d(4)
        self.fc0 = nn.Linear(6, 2)
        self.fc1 = nn.Linear(6, 2)
        self.extra = nn.Parameter(torch.zeros(1))


def test_the_table_shows_each_pair_and_its_evidence() -> None:
    plan = make_plan(Net(), store().store(), allow_missing=["extra"], allow_attributes=["eps"])
    assert str(plan) == "\n".join(
        [
            "stored layer  kind         module  matched by             remarks",
            "conv0         convolution  conv0   name",
            "bn0           batch_norm   bn0     name                   "
            "eps is 0.001 in the store and 1e-05 in the module: changes the results (allowed)",
            "dense0        linear       fc0     name (usual synonyms)",
            "dense1        linear       fc1     name (usual synonyms)",
            "",
            "Not filled in the module:",
            "  extra: the store has nothing of its name (parameter, (1,)) (allowed)",
        ]
    )


def test_a_saved_plan_loads_the_same_again(tmp_path: Path) -> None:
    first, second = Net(), Net()
    with pytest.warns(UserWarning, match="eps"):
        plan = load_into(first, store().store(), allow_missing=["extra"], allow_attributes=["eps"])
    plan.save(tmp_path / "plan.toml")
    for mapping in (tmp_path / "plan.toml", str(tmp_path / "plan.toml"), Plan.load(tmp_path / "plan.toml"), plan):
        with pytest.warns(UserWarning, match="eps"):
            again = load_into(second, store().store(), mapping)
        assert [(pair.layer, pair.module, pair.tensors) for pair in again.pairs] == [
            (pair.layer, pair.module, pair.tensors) for pair in plan.pairs
        ]
        assert {pair.reason for pair in again.pairs} == {"mapping"}
        assert again.pairs[0].detail == "plan: name"
        assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values()))


def test_an_edited_plan_is_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    make_plan(Net(), store().store(), allow_missing=["extra"], allow_attributes=["eps"]).save(path)
    text = path.read_text()
    swapped = text.replace('module = "fc0"', 'module = "x"').replace('module = "fc1"', 'module = "fc0"')
    path.write_text(swapped.replace('module = "x"', 'module = "fc1"'))
    plan = make_plan(Net(), store().store(), path)
    assert {pair.layer: pair.module for pair in plan.pairs}["dense0"] == "fc1"
    assert plan.pairs[-1].tensors == {"weight": "fc0.weight", "bias": "fc0.bias"}


def test_a_pair_that_was_taken_out_of_a_plan_is_not_found_again(tmp_path: Path) -> None:
    plan = make_plan(Net(), store().store(), allow_missing=["extra"], allow_attributes=["eps"])
    shorter = Plan(plan.pairs[:-1], plan.unused, plan.unfilled)
    with pytest.raises(MatchError, match=r"stored dense1 not used"):
        make_plan(Net(), store().store(), shorter)


def test_a_mapping_file_is_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('dense0 = "fc1"\n"dense1" = "fc0"\n')
    plan = make_plan(Net(), store().store(), path, allow_missing=["extra"], allow_attributes=["eps"])
    assert {pair.layer: pair.module for pair in plan.pairs}["dense0"] == "fc1"


def test_a_plan_of_another_store_is_refused() -> None:
    with pytest.raises(UsageError, match="'gone', which the store lacks"):
        make_plan(Net(), store().store(), Plan((Pair("gone", "fc0", "linear", "name"),)))

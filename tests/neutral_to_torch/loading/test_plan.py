"""Plans as data: the table, the file, and loading with one again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neutral.errors import MatchError, SourceError, TargetError, UsageError
from neutral.matching.attributes import Difference
from neutral.matching.mapping_file import read_mapping
from neutral.matching.plan import Leftover, Pair
from neutral.text import printable
from neutral_to_torch import Plan, load_into, make_plan
from stores import Builder

# any text that UTF-8 can carry, which TOML has to keep
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TABLE = st.dictionaries(TEXT, TEXT, max_size=3)
VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    TEXT,
    st.lists(st.integers(-5, 5)).map(tuple),
)
DIFFERENCES = st.builds(Difference, TEXT, VALUE, VALUE, TEXT, st.booleans())


@st.composite
def some_pairs(draw: Any) -> Pair:
    module = draw(TEXT)
    roles = draw(st.lists(TEXT, max_size=3, unique=True))
    child = f"{module}." if module else ""
    return Pair(
        layer=draw(TEXT),
        module=module,
        kind=draw(TEXT),
        reason=draw(TEXT),
        detail=draw(TEXT),
        tensors=draw(st.one_of(TABLE, st.just({role: child + role for role in roles}))),
        dropped=draw(TABLE),
        constants=draw(TABLE),
        differences=tuple(draw(st.lists(DIFFERENCES, max_size=2))),
        nodes=tuple(draw(st.lists(TEXT, max_size=2))),
    )


LEFTOVERS = st.lists(st.builds(Leftover, TEXT, TEXT, st.booleans()), max_size=2).map(tuple)
PLANS = st.builds(Plan, st.lists(some_pairs(), max_size=3).map(tuple), LEFTOVERS, LEFTOVERS, st.tuples(TEXT))


@given(PLANS)
def test_a_plan_reads_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    plan.save(path)
    assert Plan.load(path) == plan


@given(PLANS)
def test_the_table_is_aligned_and_cannot_act_on_a_terminal(plan: Plan) -> None:
    head, *lines = str(plan).split("\n")
    assert all(line.isprintable() for line in (head, *lines))
    if any(pair.layer and pair.kind for pair in plan.pairs):
        start = head.index("kind")
        kinds = [line[start:].split(" ")[0] for line in lines[: len(plan.pairs)]]
        assert kinds == [printable(pair.kind).split(" ")[0] for pair in plan.pairs]


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


def test_the_table_says_what_goes_where_and_why() -> None:
    plan = make_plan(Net(), store().store(), allow_missing=["extra"])
    assert str(plan) == "\n".join(
        [
            "stored layer  kind         module  matched by             remarks",
            "conv0         convolution  conv0   name",
            "bn0           batch_norm   bn0     name                   "
            "eps is 0.001 in the store and 1e-05 in the module: changes the results",
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
        plan = load_into(first, store().store(), allow_missing=["extra"])
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
    make_plan(Net(), store().store(), allow_missing=["extra"]).save(path)
    text = path.read_text()
    swapped = text.replace('module = "fc0"', 'module = "x"').replace('module = "fc1"', 'module = "fc0"')
    path.write_text(swapped.replace('module = "x"', 'module = "fc1"'))
    plan = make_plan(Net(), store().store(), path)
    assert {pair.layer: pair.module for pair in plan.pairs}["dense0"] == "fc1"
    assert plan.pairs[-1].tensors == {"weight": "fc0.weight", "bias": "fc0.bias"}


def test_a_pair_that_was_taken_out_of_a_plan_is_not_found_again(tmp_path: Path) -> None:
    plan = make_plan(Net(), store().store(), allow_missing=["extra"])
    shorter = Plan(plan.pairs[:-1], plan.unused, plan.unfilled)
    with pytest.raises(MatchError, match=r"stored dense1 not used"):
        make_plan(Net(), store().store(), shorter)


def test_a_mapping_file_is_lines_of_names(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('dense0 = "fc1"\n"dense1" = "fc0"\n')
    assert read_mapping(path) == {"dense0": "fc1", "dense1": "fc0"}
    plan = make_plan(Net(), store().store(), path, allow_missing=["extra"])
    assert {pair.layer: pair.module for pair in plan.pairs}["dense0"] == "fc1"


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "a = 1",
        "neutral_plan = 2",
        "neutral_plan = 1\npair = 3",
        "neutral_plan = 1\n[[pair]]\nlayer = 'a'",
        "neutral_plan = 1\n[[pair]]\nlayer = 1\nmodule = 'a'",
        "neutral_plan = 1\n[[unused]]\nnothing = 1",
        "\udcff",
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError, match=r"map\.toml"):
        read_mapping(path)


def test_files_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        Plan.load(tmp_path / "none.toml")
    with pytest.raises(TargetError, match="cannot be written"):
        Plan(()).save(tmp_path / "none" / "plan.toml")
    (tmp_path / "map.toml").write_text('a = "b"\n')
    with pytest.raises(SourceError, match="a mapping, not a plan"):
        Plan.load(tmp_path / "map.toml")


def test_a_plan_of_other_things_is_refused() -> None:
    with pytest.raises(UsageError, match="'gone', which the store lacks"):
        make_plan(Net(), store().store(), Plan((Pair("gone", "fc0", "linear", "name"),)))

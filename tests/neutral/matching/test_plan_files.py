"""Plans and mappings as data and as files, read by one parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neutral.errors import SourceError, TargetError, UsageError
from neutral.mapping import Entry
from neutral.mapping import read_mapping as read_entries
from neutral.matching.attributes import Difference
from neutral.matching.mapping_file import read_mapping
from neutral.matching.plan import Plan, Problem, find_problems
from neutral.matching.plan_entries import Leftover, Pair
from neutral.matching.rename_patterns import expand_patterns
from neutral.text import printable

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


@settings(deadline=None)
@given(PLANS)
def test_a_plan_reads_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    plan.save(path)
    assert Plan.load(path) == plan


@settings(deadline=None)
@given(PLANS)
def test_the_table_is_aligned_and_cannot_act_on_a_terminal(plan: Plan) -> None:
    head, *lines = str(plan).split("\n")
    assert all(line.isprintable() for line in (head, *lines))
    if any(pair.layer and pair.kind for pair in plan.pairs):
        start = head.index("kind")
        kinds = [line[start:].split(" ")[0] for line in lines[: len(plan.pairs)]]
        assert kinds == [printable(pair.kind).split(" ")[0] for pair in plan.pairs]


def test_a_plan_file_has_one_line_a_layer(tmp_path: Path) -> None:
    roles = {"weight": "features.0.weight", "bias": "features.0.bias"}
    pairs = [Pair(f"conv{k}", "features.0", "convolution", "name", tensors=roles) for k in range(20)]
    plan = Plan((*pairs, Pair('a.b \n"c"', "", "parameter", "structure", "why", constants={"x": "zeros"})))
    plan.save(tmp_path / "plan.toml")
    lines = (tmp_path / "plan.toml").read_text().splitlines()
    assert sum(line.lstrip().startswith("{ layer = ") for line in lines) == 21 and len(lines) < 40
    assert Plan.load(tmp_path / "plan.toml") == plan


def test_a_mapping_file_is_lines_of_names(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('dense0 = "fc1"\n"dense1" = "fc0"\n')
    assert read_mapping(path) == {"dense0": "fc1", "dense1": "fc0"}


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "a = 1",
        "neutral_plan = 2",
        "neutral_plan = true",
        "neutral_plan = 1.5",
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
    (tmp_path / "map.toml").write_text('a = "b"\n')
    with pytest.raises(TargetError, match="cannot be written"):
        Plan(()).save(tmp_path / "map.toml" / "plan.toml")
    with pytest.raises(SourceError, match="a mapping, not a plan"):
        Plan.load(tmp_path / "map.toml")


SAVED_PLAN = """
neutral_plan = 1
notes = []
conflicts = []

[[unused]]
name = "aux"
why = "the module has nothing of its name"
allowed = true

[[pair]]
layer = "bn0"
module = "features.bn"
kind = "batch_norm"
reason = "structure"
detail = ""
nodes = ["bn0_fwd"]
roles = ["running_mean", "running_var"]
constants = { bias = "zeros" }
dropped = { weight = "ones" }
differences = [{ attribute = "eps", stored = 0.001, module = 1e-05, effect = "inference", applied = false }]

[[pair]]
layer = "table"
module = "features"
tensors = { value = "features.position" }
"""


def test_a_plan_file_of_version_1_reads(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SAVED_PLAN)
    plan = Plan.load(path)
    assert read_mapping(path) == plan
    assert plan.unused == (Leftover("aux", "the module has nothing of its name", True),)
    norm, table = plan.pairs
    assert norm.tensors == {role: f"features.bn.{role}" for role in ("running_mean", "running_var")}
    assert norm.differences == (Difference("eps", 0.001, 1e-05, "inference"),)
    assert (table.reason, table.tensors, table.is_whole) == ("mapping", {"value": "features.position"}, False)


def test_entries_of_a_plan_are_the_same_from_memory_and_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SAVED_PLAN)
    layers = {"bn0": None, "table": None}
    entries = read_entries(path, layers)
    assert entries == read_entries(Plan.load(path), layers)
    assert entries["bn0"] == Entry(
        module="features.bn",
        tensors={role: f"features.bn.{role}" for role in ("running_mean", "running_var")},
        dropped={"weight": "ones"},
        constants={"features.bn.bias": "zeros"},
    )
    assert entries["table"].name("value") == "features.position"
    with pytest.raises(UsageError, match=r"plan\.toml: the checkpoint has no layer 'table'"):
        read_entries(path, {"bn0": None})


@pytest.mark.parametrize("version", ["0", "2", "99", "true", "1.5", '"1"'])
def test_every_reader_refuses_an_unknown_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SAVED_PLAN.replace("neutral_plan = 1", f"neutral_plan = {version}"))
    for read in (Plan.load, read_mapping, lambda file: read_entries(file, {"bn0": None, "table": None})):
        with pytest.raises(SourceError, match=r"plan\.toml: unknown plan version .*; this Neutral reads version 1"):
            read(path)


def test_leftovers_that_are_not_allowed_are_the_problems_of_a_plan() -> None:
    plan = Plan(
        (),
        unused=(Leftover("a", "no partner"), Leftover("b", "no partner"), Leftover("c", "a counter", allowed=True)),
        unfilled=(Leftover("x", "no partner"), Leftover("y", "a buffer", allowed=True), Leftover("z", "no source")),
        conflicts=("conv0 is before conv1 in the store, after it in the module",),
    )
    assert plan.problems == (
        "conv0 is before conv1 in the store, after it in the module",
        "stored a, b not used and the module's x not filled: no partner",
        "the module's z not filled: no source",
    )


def test_differences_with_tuples_and_without_a_value_are_kept(tmp_path: Path) -> None:
    differences = (
        Difference("stride", (1, 1), (2, 2), "other shapes", False),
        Difference("axis", None, 1, "another axis", True),
    )
    plan = Plan((Pair("b", "y", "convolution", "name", differences=differences),))
    plan.save(tmp_path / "plan.toml")
    assert Plan.load(tmp_path / "plan.toml") == plan


def test_differences_of_a_plan_come_with_their_pairs() -> None:
    difference = Difference("stride", (1, 1), (2, 2), "other shapes", False)
    pairs = (Pair("a", "x", "relu", "name"), Pair("b", "y", "convolution", "name", differences=(difference,)))
    assert Plan(pairs).differences == ((pairs[1], difference),)


def test_the_table_names_leftovers_conflicts_and_notes() -> None:
    plan = Plan(
        (Pair("fc0", "", "linear", "mapping", "given", constants={"bias": "zeros"}, dropped={"scale": "ones"}),),
        unused=(Leftover("aux", "no partner"), Leftover("bn0.count", "a counter", allowed=True)),
        unfilled=(Leftover("head.bias", "no source"),),
        notes=("a note",),
        conflicts=("another order",),
    )
    assert str(plan).split("\n\n") == [
        "stored layer  kind    module        matched by       remarks\n"
        "fc0           linear  (the module)  mapping (given)  bias filled with zeros; scale left out, it is all ones",
        "Not used of the store:\n  aux: no partner\n  bn0.count: a counter (allowed)",
        "Not filled in the module:\n  head.bias: no source",
        "Other dataflow:\n  another order",
        "Notes:\n  a note",
    ]


def test_patterns_rename_layers_and_tensors() -> None:
    lines = {r"layers\.(\d+)\.conv": "features.$1.0", "layers.1.conv": "stem", r"(\w+)\.bias": "$1_bias", "gone": "x"}
    assert expand_patterns(lines, ["layers.0.conv", "layers.1.conv"], ["fc.bias", "layers.0.conv.weight"]) == {
        "layers.0.conv": "features.0.0",
        "layers.1.conv": "stem",
        "fc.bias": "fc_bias",
        "gone": "x",
    }


def test_names_with_special_characters_are_names_first() -> None:
    assert expand_patterns({"q + k": "qk", "a[0:2]": "b", "(": "c"}, ["q + k", "a[0:2]", "("]) == {
        "q + k": "qk",
        "a[0:2]": "b",
        "(": "c",
    }
    assert expand_patterns({"(unknown": "c"}, ["known"]) == {"(unknown": "c"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({r"fc(\d)": "head$2"}, r"refers to \$2, and .* has 1 groups"),
        ({r"fc(\d)": "head$1", r"f.1": "x"}, "both match fc1"),
    ],
)
def test_patterns_that_cannot_be_are_refused(lines: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand_patterns(lines, ["fc1", "fc2"])


def test_a_pattern_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backtracking takes time exponential in the name for the first, and its cube for the second."""
    monkeypatch.setenv("NEUTRAL_LIMIT_PATTERN_SECONDS", "1")
    for pattern, name in (("(a+)+b", "a" * 64), ("(.*)_(.*)_(.*)_b", "_" * 20_000)):
        with pytest.raises(UsageError, match=r"takes too long\. .* NEUTRAL_LIMIT_PATTERN_SECONDS"):
            expand_patterns({pattern: "x"}, [name])
    assert expand_patterns({"a+": "x"}, ["a" * 64]) == {"a" * 64: "x"}


def test_patterns_rename_layers_for_writing_too() -> None:
    entries = read_entries({r"conv(\d)": "features.$1"}, {"conv0": None, "conv1": None, "fc": None})
    assert {name: entry.module for name, entry in entries.items()} == {"conv0": "features.0", "conv1": "features.1"}


def test_the_table_of_a_plan_moves_its_remarks_below_where_it_is_too_wide() -> None:
    pairs = (Pair("fc0", "head", "linear", "name", dropped={"bias": "zeros"}), Pair("fc1", "", "linear", "name"))
    plan = Plan(pairs)
    remark = "bias left out, it is all zeros"
    widest = max(map(len, plan.to_text().split("\n")))
    assert plan.to_text(widest) == plan.to_text() and "Remarks:" not in plan.to_text()
    assert "remarks" in plan.to_text().split("\n")[0]
    narrow = plan.to_text(widest - 1)
    assert narrow.endswith(f"Remarks:\n  fc0: {remark}") and "remarks" not in narrow.split("\n")[0]
    assert narrow.split("\n")[0].endswith("matched by")
    assert [line.split()[-1] for line in narrow.split("\n") if line.startswith("fc")] == ["name", "name"]
    assert all("layouts" not in pair.to_dict() for pair in pairs)
    assert "Remarks:" not in Plan(pairs[1:]).to_text(10)
    assert "<td>head</td>" in plan._repr_html_() and "<td>(the module)</td>" in plan._repr_html_()


def test_a_problem_lists_as_many_names_as_asked_for() -> None:
    problem = Problem("of no use", unused=("a", "b", "c"))
    assert problem.text() == problem.text(3) == "stored a, b, c not used: of no use"
    assert problem.text(2) == "stored a, b and 1 more not used: of no use"
    difference = Difference("eps", 1.0, 2.0, "inference")
    plan = Plan(tuple(Pair("a", module, "norm", "name", differences=(difference,)) for module in ("", "m")))
    (problem,) = find_problems(plan)
    assert (problem.modules, problem.layers) == (("the module", "m"), ("a", "a"))

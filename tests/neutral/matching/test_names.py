"""Names that match, and names that must not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neutral.graph import Layer, LayerSource
from neutral.matching import Matching, NameMatcher, Network, run_matchers
from neutral.matching.names import _MatchBySpelling, common_prefix, replace_synonyms, words_of
from neutral.matching.structure import StructureMatcher


def network(*layers: tuple[str, str, Any], nodes: dict[str, str] | None = None) -> Network:
    """Layers as (name, kind, shape of the weight), or (name, kind, {role: shape})."""
    layers_by_name, shapes = {}, {}
    for name, kind, shape in layers:
        roles = shape if isinstance(shape, dict) else {"value" if kind == "parameter" else "weight": shape}
        keys = {role: name if kind == "parameter" else f"{name}.{role}" for role in roles}
        shapes.update({keys[role]: roles[role] for role in roles})
        layers_by_name[name] = Layer(name, kind, {}, keys, LayerSource((nodes or {}).get(name)))
    return Network(layers_by_name, shapes)


def linears(*names: str, **options: Any) -> Network:
    return network(*((name, "linear", (2, 3)) for name in names), **options)


def match(stored: Network, module: Network) -> Matching:
    return run_matchers([NameMatcher()], stored, module)


def pairs(matching: Matching) -> dict[str, str]:
    return {item.stored: item.module for item in matching.matches}


@pytest.mark.parametrize(
    ("stored", "module", "detail"),
    [
        ("conv1_1", "conv1_1", ""),
        ("conv1_1", "conv1.1", "spelling"),
        ("stage1_unit1_bn1", "stage1.unit1.bn1", "spelling"),
        ("Stage1-Unit1/BN1", "stage1.unit1.bn1", "spelling"),
        ("features_0_fwd", "features.0", "spelling"),
        ("block_1", "block1", "spelling"),
        ("batchnorm0", "bn0", "usual synonyms"),
        ("dense0", "fc0", "usual synonyms"),
        ("fullyconnected1", "linear1", "usual synonyms"),
        ("layer_norm_2", "ln2", "usual synonyms"),
        ("word_embedding", "word_embed", "usual synonyms"),
        ("conv2d3", "convolution3", "usual synonyms"),
    ],
)
def test_usual_spellings_match(stored: str, module: str, detail: str) -> None:
    # a second layer without any relation keeps the names from sharing a prefix
    matching = match(linears(stored, "a"), linears(module, "z"))
    assert pairs(matching) == {stored: module}
    assert matching.matches[0].detail == detail and matching.matches[0].reason == "name"


@pytest.mark.parametrize(
    ("stored", "module"),
    [
        ("conv1_1", "conv1_2"),
        ("conv11", "conv1_1"),
        ("conv1", "conv"),
        ("stage1_conv0", "conv0"),
        ("fc", "classifier"),
        ("bn1", "fc1"),
        ("conv0", "conv1"),
    ],
)
def test_other_names_do_not_match(stored: str, module: str) -> None:
    assert not match(linears(stored, "a"), linears(module, "z")).matches


def test_a_prefix_of_all_names_does_not_count() -> None:
    stored = linears("resnetv10_conv0", "resnetv10_stage1_conv0", "resnetv10_stage1_conv1")
    module = linears("backbone.conv0", "backbone.stage1.conv0", "backbone.stage1.conv1")
    assert pairs(match(stored, module)) == dict(zip(stored.layers, module.layers))
    assert pairs(match(stored, linears("conv0", "stage1.conv0", "stage1.conv1"))) == {
        "resnetv10_conv0": "conv0",
        "resnetv10_stage1_conv0": "stage1.conv0",
        "resnetv10_stage1_conv1": "stage1.conv1",
    }


def test_a_prefix_of_some_names_counts() -> None:
    matching = match(linears("a_conv0", "a_conv1", "b_conv0"), linears("conv0", "conv1", "x"))
    assert not matching.matches


def test_the_name_of_the_sources_node_counts_too() -> None:
    stored = linears("weights_of_it", "a", nodes={"weights_of_it": "head"})
    assert pairs(match(stored, linears("head", "z"))) == {"weights_of_it": "head"}


def test_two_candidates_are_ambiguous_and_none_is_taken() -> None:
    matching = match(linears("conv1_1"), linears("conv1.1", "conv.1.1"))
    assert not matching.matches
    assert {(r.side, r.name) for r in matching.remarks} == {
        ("stored", "conv1_1"),
        ("module", "conv1.1"),
        ("module", "conv.1.1"),
    }
    assert all("ambiguous" in r.text for r in matching.remarks)
    matching = match(linears("conv1.1", "conv.1.1"), linears("conv1_1"))
    assert not matching.matches and len({r.name for r in matching.remarks}) == 3


def test_the_very_name_comes_before_a_spelling() -> None:
    matching = match(linears("conv1_1", "conv1.1"), linears("conv1.1", "conv1_1"))
    assert pairs(matching) == {"conv1_1": "conv1_1", "conv1.1": "conv1.1"}


def test_kinds_decide_between_equal_spellings() -> None:
    stored = network(("stage_1", "convolution", (4, 4, 3, 3)), ("stage.1", "batch_norm", (4,)))
    module = network(("STAGE1", "batch_norm", (4,)), ("Stage1", "convolution", (4, 4, 3, 3)))
    assert pairs(match(stored, module)) == {"stage_1": "Stage1", "stage.1": "STAGE1"}


def test_a_kind_known_from_names_only_gives_way_to_the_modules() -> None:
    module = network(("norm", "group_norm", (4,)))
    stored = network(("norm", "layer_norm", (4,)))
    assert not match(stored, module).matches
    guessed = Network(
        {"norm": Layer("norm", "layer_norm", {}, {"weight": "norm.weight"}, typed_by="names")}, stored.shapes
    )
    assert pairs(match(guessed, module)) == {"norm": "norm"}


def test_shapes_are_no_evidence_but_a_condition() -> None:
    matching = match(linears("fc"), network(("fc", "linear", (5, 3)), ("other", "linear", (2, 3))))
    assert not matching.matches
    assert any("fc.weight has shape (2, 3), the module's fc.weight has (5, 3)" in r.text for r in matching.remarks)


def test_single_tensors_match_where_one_side_has_no_type() -> None:
    stored = network(("bn0_gamma", "parameter", (4,)), ("bn0_moving_mean", "parameter", (4,)))
    module = network(("bn0", "batch_norm", {"weight": (4,), "running_mean": (4,)}))
    matching = match(stored, module)
    assert {(m.stored, m.module, *m.roles.items()) for m in matching.matches} == {
        ("bn0_gamma", "bn0", ("value", "weight")),
        ("bn0_moving_mean", "bn0", ("value", "running_mean")),
    }
    assert not any(m.whole for m in matching.matches)


NAMES = st.text(st.sampled_from("ab12_.-/"), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.sets(NAMES, min_size=1, max_size=6), st.sets(NAMES, min_size=1, max_size=6))
def test_a_match_is_one_to_one_and_of_the_same_words(stored: set[str], module: set[str]) -> None:
    stored_names, module_names = sorted(stored), sorted(module)
    matching = match(linears(*stored_names), linears(*module_names))
    assert (
        len({m.stored for m in matching.matches}) == len({m.module for m in matching.matches}) == len(matching.matches)
    )
    for m in matching.matches:
        spellings = []
        for name, names in ((m.stored, stored_names), (m.module, module_names)):
            words = words_of(name)
            spellings.append({replace_synonyms(words), replace_synonyms(words[len(common_prefix(names)) :])})
        assert m.stored == m.module or spellings[0] & spellings[1]
    assert stored & module <= {m.stored for m in matching.matches if m.stored == m.module}


@settings(deadline=None)
@given(
    st.permutations(["conv1_1", "conv1.2", "fc", "bn_3", "x"]),
    st.permutations(["conv1.1", "conv1_2", "FC", "bn3", "y"]),
)
def test_the_order_of_layers_does_not_matter(stored: list[str], module: list[str]) -> None:
    assert pairs(match(linears(*stored), linears(*module))) == {
        "conv1_1": "conv1.1",
        "conv1.2": "conv1_2",
        "fc": "FC",
        "bn_3": "bn3",
    }


def test_plain_words() -> None:
    assert replace_synonyms(words_of("resnet_batch_norm_1_gamma")) == ("resnet", "bn", "1", "weight")
    assert replace_synonyms(words_of("l0_i2h_weight")) == ("l", "0", "ih", "weight")


def test_thousands_of_layers_are_compared_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons = 0
    are_comparable = _MatchBySpelling._are_comparable

    def counting(self: _MatchBySpelling, *items: Any) -> bool:
        nonlocal comparisons
        comparisons += 1
        return are_comparable(self, *items)

    monkeypatch.setattr(_MatchBySpelling, "_are_comparable", counting)
    names = [f"stage{i % 7}_unit{i}_conv{j}" for i in range(1000) for j in range(5)]
    matching = match(linears(*names), linears(*(name.replace("_", ".") for name in names)))
    assert len(matching.matches) == len(names) == 5000
    assert comparisons <= 2 * len(names)


def test_remarks_on_layers_that_matched_later_are_dropped() -> None:
    stored = network(("fc", "linear", (2, 3)), ("norm", "layer_norm", (3,)))
    module = network(("fc", "linear", (2, 3)), ("norm", "batch_norm", (3,)))
    matching = match(stored, module)
    assert {(r.side, r.name) for r in matching.remarks} == {("stored", "norm"), ("module", "norm")}
    assert len({r.text for r in matching.remarks}) == 1


COUNTED_FROM_0, COUNTED_FROM_1 = ("dense0", "dense1", "dense2"), ("fc1", "fc2", "fc3")


def test_names_that_agree_after_a_shift_are_evidence_for_the_shift() -> None:
    stored, module = linears(*COUNTED_FROM_0), linears(*COUNTED_FROM_1)
    assert pairs(match(stored, module)) == dict(zip(COUNTED_FROM_0, COUNTED_FROM_1))
    assert pairs(match(module, stored)) == dict(zip(COUNTED_FROM_1, COUNTED_FROM_0))
    assert match(stored, module).matches[0].detail == "numbered from 0 on one side and from 1 on the other"
    units = [f"stage{stage}_conv{unit}" for stage in (1, 2) for unit in (0, 1)]
    others = [f"layer.stage{stage}.conv{unit}" for stage in (1, 2) for unit in (1, 2)]
    assert pairs(match(linears(*units), linears(*others))) == dict(zip(units, others))


@pytest.mark.parametrize(
    "others", [("fc1", "fc2", "out"), ("fc1", "fc2"), ("fc1", "fc2", "fc4"), ("fc1", "fc2", "fc2b")]
)
def test_partial_agreement_of_numbers_is_no_evidence(others: tuple[str, ...]) -> None:
    matching = match(linears(*COUNTED_FROM_0), linears(*others))
    assert not matching.matches
    assert any("numbered from 0 on one side and from 1 on the other" in remark.text for remark in matching.remarks)


def test_shapes_decide_how_names_are_numbered() -> None:
    sizes = {"dense0": (4, 3), "dense1": (5, 4), "dense2": (6, 5)}
    stored = network(*((name, "linear", shape) for name, shape in sizes.items()))
    shifted = network(("fc1", "linear", (4, 3)), ("fc2", "linear", (5, 4)), ("out", "linear", (6, 5)))
    assert pairs(match(stored, shifted)) == {"dense0": "fc1", "dense1": "fc2"}
    equal = network(("fc1", "linear", (5, 4)), ("fc2", "linear", (6, 5)), ("stem", "linear", (4, 3)))
    assert pairs(match(stored, equal)) == {"dense1": "fc1", "dense2": "fc2"}


def test_numbers_that_begin_alike_are_compared_as_they_are() -> None:
    stored, module = linears("fc1", "fc2", "fc3"), linears("fc1", "fc2", "head")
    assert pairs(match(stored, module)) == {"fc1": "fc1", "fc2": "fc2"}
    assert pairs(match(linears("fc0", "x"), linears("fc1", "z"))) == {}  # one name shows no numbering


def test_leftovers_of_a_shape_that_names_have_matched_are_not_paired_by_it() -> None:
    stored, module = linears("fc1", "fc2", "fc3"), linears("fc1", "fc2", "head")
    assert pairs(run_matchers([StructureMatcher()], stored, module)) == {"fc1": "fc1", "fc2": "fc2"}
    stored = network(("fc1", "linear", (2, 3)), ("fc2", "linear", (5, 2)))
    module = network(("fc1", "linear", (2, 3)), ("head", "linear", (5, 2)))
    assert pairs(run_matchers([StructureMatcher()], stored, module)) == {"fc1": "fc1", "fc2": "head"}

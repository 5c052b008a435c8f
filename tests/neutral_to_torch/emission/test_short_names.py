"""Names of a model's attributes without scopes of the source that say nothing."""

from __future__ import annotations

import pytest

from neutral_to_torch.emission.structure.naming import split_words
from neutral_to_torch.emission.structure.short_names import ScopeNames


def shortened(*names: str) -> list[str]:
    return list(ScopeNames([name.split("_") for name in names]).shorten({name: name for name in names}).values())


def test_a_scope_without_a_sibling_is_dropped() -> None:
    assert shortened("bertmodel0_word_embed", "bertencoder0_position") == ["word_embed", "position"]


def test_a_scope_stays_before_the_name_of_a_kind() -> None:
    assert shortened("ssdhead0_extra1", "ssdhead0_conv1") == ["extra1", "ssd_head_conv1"]


def test_scopes_that_differ_by_their_counters_stay() -> None:
    assert shortened("convpredictor0_conv", "convpredictor1_conv") == ["conv_predictor0_conv", "conv_predictor1_conv"]


def test_names_that_would_become_equal_stay() -> None:
    assert shortened("encoder0_embed", "decoder0_embed") == ["encoder0_embed", "decoder0_embed"]


@pytest.mark.parametrize("name", ["layer1_attention", "stage2_down", "backbone_stem"])
def test_numbers_of_places_stay(name: str) -> None:
    assert shortened(name, "fc") == [name, "fc"]


@pytest.mark.parametrize(("token", "words"), [("convpredictor", "conv_predictor"), ("depthdecoder", "depthdecoder")])
def test_tokens_are_split_where_all_words_are_known(token: str, words: str) -> None:
    assert split_words(token) == words

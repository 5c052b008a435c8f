"""Blocks of a graph: by names, and of long levels by dataflow; their order is an execution order."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neutral.nesting import nested
from neutral.page.folding import LARGEST, fold
from neutral.page.ordering import ordered


def leaves(entry: Any) -> Iterator[int]:
    if isinstance(entry, int):
        yield entry
    else:
        for member in entry["members"]:
            yield from leaves(member)


def blocks(entry: Any) -> Iterator[Any]:
    if not isinstance(entry, int):
        yield entry
        for member in entry["members"]:
            yield from blocks(member)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]]]:
    parts = st.sampled_from(["a", "b1", "b2", "", "stage", "_"])
    names = draw(st.lists(st.lists(parts, min_size=1, max_size=4).map("_".join), min_size=1, max_size=120))
    count = len(names)
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = draw(st.lists(pairs, max_size=3 * count))
    return names, sorted({(min(pair), max(pair)) for pair in edges if pair[0] != pair[1]})


@given(graphs())
def test_every_node_is_in_the_tree_once_and_in_order(graph: tuple[list[str], list[tuple[int, int]]]) -> None:
    names, edges = graph
    tree = fold(names, edges)
    assert list(leaves(tree)) == list(range(len(names)))
    for block in blocks(tree):
        assert 0 < len(block["members"]) <= LARGEST
    for block in list(blocks(tree))[1:]:
        assert len(list(leaves(block))) >= 3


@given(graphs())
def test_the_order_is_an_execution_order(graph: tuple[list[str], list[tuple[int, int]]]) -> None:
    names, edges = graph
    order = ordered(names, edges)
    assert sorted(order) == list(range(len(names)))
    place = {node: position for position, node in enumerate(order)}
    assert all(place[producer] < place[consumer] for producer, consumer in edges)


def test_the_residual_units_of_a_long_stage_are_blocks() -> None:
    """ResNet's stages are one level of names: their units are found where a single value passes."""
    names, edges, last = ["stem"], [], 0
    for unit in range(6):
        start = last
        for part in ("conv", "bn", "relu", "conv", "bn", "add", "relu"):
            names.append(f"stage_{part}{unit}")
            edges.append((last, len(names) - 1))
            last = len(names) - 1
        edges.append((start, last - 1))
    for head in range(10):
        names.append(f"head{head}")
        edges.append((last + head, last + head + 1))
    tree = fold(names, edges)
    (stage,) = [entry for entry in tree["members"] if not isinstance(entry, int)]
    units = [entry for entry in stage["members"] if not isinstance(entry, int)]
    assert [len(list(leaves(unit))) for unit in units] == [7] * 6


def test_a_chain_is_divided_into_even_runs() -> None:
    names = [f"conv{number}" for number in range(1500)]
    tree = fold(names, [(number, number + 1) for number in range(1499)])
    sizes = [len(list(leaves(entry))) for entry in tree["members"]]
    assert sum(sizes) == 1500 and len(sizes) <= LARGEST and max(sizes) <= 3 * min(sizes)


def test_a_shared_mask_does_not_divide_a_block() -> None:
    names = ["layer0_query", "mask_expand", "layer0_softmax", "layer1_query", "mask_cast", "layer1_softmax"]
    edges = [(0, 2), (1, 2), (2, 3), (3, 5), (1, 4), (4, 5)]
    order = ordered(names, edges)
    assert [names[node] for node in order] == [
        "mask_expand",
        "mask_cast",
        "layer0_query",
        "layer0_softmax",
        "layer1_query",
        "layer1_softmax",
    ]


def test_groups_that_depend_on_each_other_stay_in_execution_order() -> None:
    names = ["a_first", "b_first", "a_second", "b_second"]
    assert ordered(names, [(0, 1), (1, 2), (2, 3)]) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "names", [["a." * length + "x" for length in range(1, 2000)], ["", "_", "..", "a_"], ["a"] * 50]
)
def test_unusual_names(names: list[str]) -> None:
    assert list(leaves(fold(names, []))) == list(range(len(names)))
    assert [item.first for item in nested(names) if not item.is_group] == list(range(len(names)))
    assert sorted(ordered(names, [])) == list(range(len(names)))

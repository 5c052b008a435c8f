"""Rewriting utilities against their definitions, on random graphs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from neutral.graph import Node, Value
from neutral.rewriting import UniqueNames, UseDef, reachable, resolve_all, sort_topologically
from neutral.rewriting.replacement import replace_operations


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Draw nodes in execution order; each uses earlier nodes and the input ``x``."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(0, 8))):
        names = ["x", *(node.name for node in nodes)]
        operands = draw(st.lists(st.sampled_from(names), max_size=3))
        nodes.append(Node(f"n{number}", "add", tuple(Value(name) for name in operands), {}))
    return nodes


def ancestors(nodes: list[Node], name: str) -> set[str]:
    """Return the names on which an operation depends, itself included."""
    by_name = {node.name: node for node in nodes}
    names = {name}
    for value in by_name[name].operands if name in by_name else ():
        names |= ancestors(nodes, value.node)
    return names


@settings(deadline=None)
@given(graphs(), st.data())
def test_reachable_keeps_the_ancestors_of_the_outputs(nodes: list[Node], data: st.DataObject) -> None:
    outputs = data.draw(st.lists(st.sampled_from(["x", *(node.name for node in nodes)]), max_size=2))
    kept, names = reachable(nodes, [Value(name) for name in outputs])
    assert names == {ancestor for name in outputs for ancestor in ancestors(nodes, name)}
    assert kept == [node for node in nodes if node.name in names]


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_sorted_operations_follow_their_operands(nodes: list[Node], random: object) -> None:
    shuffled = list(nodes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    names: set[str] = {"x"}
    for node in sort_topologically(shuffled):
        assert all(value.node in names for value in node.operands)
        names.add(node.name)
    assert len(names) == len(nodes) + 1
    assert sort_topologically(nodes) == nodes


@settings(deadline=None)
@given(graphs())
def test_every_use_has_its_user(nodes: list[Node]) -> None:
    chains = UseDef(nodes, [Value("x")])
    for node in nodes:
        assert chains.definition(Value(node.name)) is node
        users = [user for user in nodes if Value(node.name) in user.operands]
        assert chains.users.get(Value(node.name), []) == users
        assert chains.count(Value(node.name)) == len(users)
        assert chains.is_private(Value(node.name), users)
        assert not users or not chains.is_private(Value(node.name), users[1:])
    assert chains.definition(1.5) is None and chains.definition(Value("x")) is None
    assert not chains.is_private(Value("x"), nodes)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "a_2", "b"])))
def test_names_are_unique(names: list[str]) -> None:
    unique = UniqueNames(separator="_")
    given_names = [unique(name) for name in names]
    assert len(set(given_names)) == len(names)
    for name in given_names:
        unique.discard(name)
    assert [unique(name) for name in names[:1]] == names[:1]


def test_replacements_are_followed_to_the_end() -> None:
    a, b, c = (Value(name) for name in "abc")
    assert resolve_all((a, b, c), {a: b, b: c}) == (c, c, c)


def test_replaced_operations_take_the_place_of_the_removed_ones() -> None:
    x, y = (Node(name, "relu", (Value("in"),), {}) for name in "xy")
    helper, new = Node("helper", "exp", (Value("in"),), {}), Node("x", "exp", (Value("helper"),), {})
    last = Node("last", "exp", (Value("y"),), {})
    operations = replace_operations([x, y], [helper, new, last], {"x"})
    assert operations == [helper, new, y, last]
    assert replace_operations([x, y], [], {"x"}) == [y]

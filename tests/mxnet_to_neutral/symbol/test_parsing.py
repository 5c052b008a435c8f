"""Symbol JSON: what is read, and what each kind of broken file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mxnet_to_neutral.symbol import Entry, Symbol, parse_symbol, read_symbol
from mxnet_to_neutral.symbol.checks import shorten
from mxnet_to_neutral.symbol.mutable import list_names
from neutral.errors import FormatError, NeutralError, SourceError


def variable(name: str, **more: Any) -> dict[str, Any]:
    return {"op": "null", "name": name, "inputs": [], **more}


def operator(op: str, name: str, inputs: list[Any], **more: Any) -> dict[str, Any]:
    return {"op": op, "name": name, "inputs": inputs, **more}


def document(nodes: list[Any], version: int | None = 10901, **more: Any) -> dict[str, Any]:
    """A symbol whose output is its last node."""
    return {
        "nodes": nodes,
        "arg_nodes": [i for i, node in enumerate(nodes) if node["op"] == "null"],
        "heads": [[len(nodes) - 1, 0, 0]],
        **({} if version is None else {"attrs": {"mxnet_version": ["int", version]}}),
        **more,
    }


def dense() -> list[Any]:
    return [
        variable("data"),
        variable("fc_weight", attrs={"__shape__": "(3, 0)", "num_hidden": "3"}),
        variable("fc_bias"),
        operator(
            "FullyConnected",
            "fc",
            [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
            attrs={"num_hidden": "3", "__profiler_scope__": "<unk>:"},
        ),
    ]


def parsed(document: Any) -> Symbol:
    return parse_symbol(json.dumps(document), "model-symbol.json")


def problem(document: Any) -> str:
    """The message of the error that the document must raise, which always names the file."""
    with pytest.raises(FormatError) as caught:
        parsed(document)
    message = str(caught.value)
    assert message.startswith("model-symbol.json")
    return message


def test_nodes_edges_and_attributes() -> None:
    symbol = parsed(document(dense()))

    assert [node.name for node in symbol.nodes] == ["data", "fc_weight", "fc_bias", "fc"]
    fc = symbol.nodes[3]
    assert fc.inputs == (Entry(0, 0), Entry(1, 0), Entry(2, 0))
    assert fc.attributes == {"num_hidden": "3"}
    assert fc.hidden == {"__profiler_scope__": "<unk>:"}
    assert symbol.arguments == (0, 1, 2)
    assert symbol.heads == (Entry(3, 0),)
    assert symbol.version == (1, 9, 1)
    assert symbol.numpy_shape is False
    assert symbol.notes == ()


def test_hidden_attributes_have_a_name_between_underscores() -> None:
    texts = {"__x__": "hidden", "____": "too short", "__x": "open", "x__": "open"}
    act = parsed(document([variable("x"), operator("Activation", "a", [[0, 0]], attrs=texts)])).nodes[1]

    assert act.hidden == {"__x__": "hidden"}
    assert act.attributes == {"____": "too short", "__x": "open", "x__": "open"}


def test_what_a_variable_inherited_from_its_consumer_is_hidden() -> None:
    weight = parsed(document(dense())).nodes[1]

    assert weight.is_variable
    assert weight.attributes == {}
    assert weight.hidden == {"__shape__": "(3, 0)", "num_hidden": "3"}


def test_consumers_and_indices() -> None:
    nodes = [variable("x"), operator("elemwise_add", "twice", [[0, 0], [0, 0]])]
    symbol = parsed(document(nodes))

    assert symbol.consumers == (((1, 0), (1, 1)), ())
    assert symbol.indices == {"x": (0,), "twice": (1,)}
    assert symbol.head_nodes == {1} and symbol.output_counts == [1, 1]
    nodes = [variable("x"), operator("SliceChannel", "s", [[0, 0]]), operator("relu", "y", [[1, 2]])]
    assert parsed(document(nodes)).output_counts == [1, 3, 1]


def test_auxiliary_states_follow_from_the_position_in_the_operator() -> None:
    names = ["data", "g", "b", "m", "v"]
    nodes = [variable(name) for name in names] + [operator("BatchNorm", "bn", [[i, 0, 0] for i in range(5)])]
    symbol = parsed(document(nodes))

    assert [symbol.nodes[i].name for i in symbol.auxiliaries] == ["m", "v"]
    nodes[-1]["inputs"].pop()
    assert [symbol.nodes[i].name for i in parsed(document(nodes)).auxiliaries] == ["m"]


@pytest.mark.parametrize("key", ["param", "attr", "attrs"])
def test_every_era_names_the_attributes_otherwise(key: str) -> None:
    nodes = [variable("x"), operator("Activation", "a", [[0, 0]], **{key: {"act_type": "relu"}})]

    assert parsed(document(nodes)).nodes[1].attributes == {"act_type": "relu"}


def test_attr_wins_over_param_as_in_mxnet() -> None:
    act = operator("Activation", "a", [[0, 0]], param={"act_type": "tanh"}, attr={"act_type": "relu"})

    assert parsed(document([variable("x"), act])).nodes[1].attributes == {"act_type": "relu"}


def test_attr_and_attrs_must_agree() -> None:
    act = operator("Activation", "a", [[0, 0]], attr={"act_type": "tanh"}, attrs={"act_type": "relu"})

    assert "nodes[1] ('a'): 'attr' and 'attrs' disagree on 'act_type'" in problem(document([variable("x"), act]))


def test_numpy_shape() -> None:
    attrs = {"mxnet_version": ["int", 10600], "is_np_shape": ["int", 1]}

    assert parsed(document([variable("x")], attrs=attrs)).numpy_shape is True


def test_unknown_attributes_of_the_graph_are_noted() -> None:
    symbol = parsed(document([variable("x")], attrs={"mxnet_version": ["int", 10901], "flavour": ["str", "x"]}))

    assert symbol.notes == ("attributes of the graph that no MXNet writes: 'flavour'",)


def test_the_moving_average_of_a_regulariser_is_an_auxiliary_state() -> None:
    nodes = [variable("x"), variable("average"), operator("IdentityAttachKLSparseReg", "sparse", [[0, 0], [1, 0]])]
    symbol = parsed(document(nodes))

    assert [symbol.nodes[index].name for index in symbol.auxiliaries] == ["average"]


def test_nodes_are_put_into_mxnets_order_and_those_nobody_needs_are_left_out() -> None:
    nodes = [variable("bias"), variable("unused"), *dense()]
    nodes[-1]["inputs"] = [[2, 0], [3, 0], [0, 0]]
    symbol = parsed(document(nodes))

    assert [node.name for node in symbol.nodes] == ["data", "fc_weight", "bias", "fc"]
    assert symbol.notes == ("left out 2 nodes that no output needs: 'unused', 'fc_bias'",)


def test_control_dependencies_keep_their_nodes() -> None:
    nodes = [variable("x"), variable("y"), operator("_copy", "c", [[0, 0, 0]], control_deps=[1])]

    assert [node.name for node in parsed(document(nodes)).nodes] == ["x", "y", "c"]


def test_a_name_used_twice_is_legal_and_noted() -> None:
    nodes = [variable("x"), variable("x"), operator("elemwise_add", "sum", [[0, 0], [1, 0]])]

    assert parsed(document(nodes)).notes == ("names used by more than one node: 'x'",)


def test_unknown_keys_of_the_graph_are_noted() -> None:
    symbol = parsed(document([variable("x")], comment="mine"))

    assert symbol.notes == ("keys of the graph that no MXNet writes: 'comment'",)


def test_a_version_of_the_future_is_noted() -> None:
    symbol = parsed(document([variable("x")], version=20000))
    assert (symbol.version, symbol.notes) == ((2, 0, 0), ())
    assert parsed(document([variable("x")], version=20099)).notes == ()
    assert "newer than any" in parsed(document([variable("x")], version=20100)).notes[0]
    assert parsed(document([variable("x")], version=30102)).notes == (
        "written by MXNet 3.1.2, newer than any this reader knows",
    )


def nested(depth: int) -> dict[str, Any]:
    inner = document([variable("x")], version=None)
    for _ in range(depth):
        inner = document([variable("x"), operator("_foreach", "f", [[0, 0]], subgraphs=[inner])], version=None)
    return inner


def test_subgraphs() -> None:
    symbol = parsed(nested(2))

    inner = symbol.nodes[1].subgraphs[0]
    assert inner.nodes[1].operator == "_foreach"
    assert [node.name for node in inner.nodes[1].subgraphs[0].nodes] == ["x"]


def test_subgraphs_nested_without_end() -> None:
    assert parsed(nested(16)).nodes[1].operator == "_foreach"
    assert "subgraphs are nested more than 16 deep" in problem(nested(17))


def test_the_states_of_a_fused_operator_are_those_of_its_subgraph() -> None:
    names = ["data", "w", "g", "b", "mean", "var"]
    inside = [variable(f"{name}0") for name in names]
    inside.insert(2, operator("Convolution", "conv", [[0, 0], [1, 0]], attrs={"no_bias": "True"}))
    inside.append(operator("BatchNorm", "bn", [[2, 0], [3, 0], [4, 0], [5, 0], [6, 0]]))
    another = [*map(variable, "dgbmv"), operator("BatchNorm", "bn", [[i, 0] for i in range(5)])]
    fused = operator(
        "_sg_mkldnn_conv",
        "sg",
        [[i, 0] for i in range(6)],
        attrs={"with_relu": "true"},
        subgraphs=[document(inside, version=None), document(another, version=None)],  # of which the first counts
    )
    symbol = parsed(document([*map(variable, names), fused]))

    assert [symbol.nodes[i].name for i in symbol.auxiliaries] == ["mean", "var"]
    assert symbol.nodes[6].attributes == {"with_act": "true"}


def test_the_symbol_inside_what_block_save_writes() -> None:
    text = json.dumps(document(dense()))
    child = {"hybridized": True, "inputs": ["{}"], "symbol": "not this one", "params": {}}
    saved = {"net0": {"hybridized": True, "inputs": ["{}"], "symbol": text, "params": {}, "dense1": child}}
    symbol = parsed(saved)

    assert [node.name for node in symbol.nodes] == ["data", "fc_weight", "fc_bias", "fc"]
    assert symbol.notes == ("written by Block.save; took the symbol of block 'net0'",)


def test_block_save_without_one_graph_for_the_whole() -> None:
    text = json.dumps(document(dense()))
    children = {"dense1": {"symbol": text}, "dense2": {"symbol": text}}

    assert "JSON without a graph: found an object" in problem({"net0": {"symbol": "{}"}})
    assert "found the keys none, expected" in problem({})
    keys = [letter * 50 for letter in "abcdefg"]
    assert f"found the keys {', '.join(repr(key)[:40] for key in keys[:6])}, expected" in problem(dict.fromkeys(keys))
    assert "2 graphs and none for the whole model" in problem({"net0": {"hybridized": False, **children}})
    assert "saved after it was hybridized" in problem({"net0": {"hybridized": False, "params": {}}})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html></html>", "HTML"),
        (b"\x12\x01\x00\x00\x00\x00\x00\x00" + bytes(24), "parameter file"),
        (b"\x80\x04\x95\x00", "pickle"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"\xff\xfe{\x00", "UTF-16"),
    ],
)
def test_what_is_no_symbol_at_all_is_named_for_what_it_is(content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        parse_symbol(content, "model-symbol.json")


def test_an_error_message_of_a_storage_is_no_symbol() -> None:
    message = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    with pytest.raises(SourceError, match=r"m\.json: .* error message of S3 or a similar storage \(AccessDenied\)"):
        parse_symbol(message, "m.json")


def test_broken_text_is_located_by_byte() -> None:
    with pytest.raises(FormatError) as not_text:
        parse_symbol(b'{"nodes": "\xe9"}', "f.json")
    assert not_text.value.offset == 11

    with pytest.raises(FormatError) as truncated:
        parse_symbol('{"é": [1, '.encode(), "f.json")
    assert truncated.value.offset == 11
    assert "not JSON" in str(truncated.value)


def test_a_byte_order_mark_is_noted() -> None:
    assert parse_symbol(b"\xef\xbb\xbf" + json.dumps(document([variable("x")])).encode(), "f").notes == (
        "starts with a byte order mark, which MXNet does not accept",
    )


def test_control_characters_inside_names_as_mxnet_writes_them() -> None:
    text = json.dumps(document([variable("@")])).replace("@", "a\x01b")

    assert parse_symbol(text, "f").nodes[0].name == "a\x01b"


def test_bombs() -> None:
    for bomb in ("[" * 200_000, '{"a":' * 200_000, '{"nodes":' + "[" * 200_000):
        with pytest.raises(FormatError, match="nested too deeply"):
            parse_symbol(bomb, "bomb.json")
    with pytest.raises(FormatError, match="an integer of 5000000 digits"):
        parse_symbol('{"nodes": ' + "1" * 5_000_000 + "}", "bomb.json")


def test_a_file_too_large_to_be_a_symbol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_GRAPH_BYTES", "100")
    with pytest.raises(SourceError, match="too large for a symbol"):
        parse_symbol(b"[" + b" " * 100, "huge.json")
    with pytest.raises(FormatError, match="not JSON"):
        parse_symbol(b"[" + b" " * 99, "large.json")


def test_of_a_file_too_large_to_be_a_symbol_one_byte_more_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m-symbol.json"
    path.write_text(json.dumps(document(dense())))
    monkeypatch.setenv("NEUTRAL_LIMIT_GRAPH_BYTES", str(path.stat().st_size))
    assert read_symbol(path).heads
    monkeypatch.setenv("NEUTRAL_LIMIT_GRAPH_BYTES", "100")
    with pytest.raises(SourceError, match="101 bytes is too large for a symbol"):
        read_symbol(path)


def test_integers_have_up_to_20_digits() -> None:
    assert f"'nodes' is {'1' * 20}, expected an array" in problem({"nodes": int("1" * 20)})
    assert "an integer of 21 digits, expected at most 20" in problem({"nodes": int("1" * 21)})


@pytest.mark.parametrize("content", ["1", "null", '"nodes"', "[]", "{}", '{"layers": []}'])
def test_json_that_is_no_graph(content: str) -> None:
    with pytest.raises(FormatError, match="JSON without a graph"):
        parse_symbol(content, "f")


def change(path: str, value: Any) -> dict[str, Any]:
    """The dense document with the element at a dotted path replaced, or deleted where the value is ``...``."""
    changed = json.loads(json.dumps(document(dense())))
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    target = changed
    for key in parents:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("nodes", {}, "'nodes' is an object of 0, expected an array"),
        ("nodes.1", 7, "nodes[1]: found 7, expected an object"),
        ("nodes.1.name", ..., "nodes[1]: 'name': found None, expected a string"),
        ("nodes.1.name", "\ud800", "half of a surrogate pair"),
        ("nodes.1.op", "", "nodes[1] ('fc_weight'): 'op' is empty"),
        ("nodes.1.op", 3, "nodes[1] ('fc_weight'): 'op': found 3, expected a string"),
        ("nodes.1.attributes", {"a": "b"}, "nodes[1] ('fc_weight'): holds 'attributes', which no MXNet writes"),
        ("nodes.3.attrs.num_hidden", 3, "nodes[3] ('fc'): attribute 'num_hidden': found 3, expected a string"),
        ("nodes.3.attrs", [], "nodes[3] ('fc'): 'attrs': found an array of 0, expected an object"),
        ("nodes.3.inputs", ..., "nodes[3] ('fc'): 'inputs' is missing, expected an array"),
        ("nodes.3.inputs.1", [1], "nodes[3] ('fc'), input 1: found an array of 1, expected [node, output]"),
        ("nodes.3.inputs.1", [3, 0, 0], "nodes[3] ('fc'), input 1: refers to node 3, expected one of the 3"),
        ("nodes.3.inputs.1", [9, 0, 0], "nodes[3] ('fc'), input 1: refers to node 9, expected one of the 3"),
        ("nodes.3.inputs.1", [-1, 0, 0], "nodes[3] ('fc'), input 1: found -1, expected an integer from 0 to 2"),
        ("nodes.3.inputs.1", [True, 0], "nodes[3] ('fc'), input 1: found True, expected an integer"),
        ("nodes.3.inputs.1", [1.0, 0], "nodes[3] ('fc'), input 1: found 1.0, expected an integer"),
        ("nodes.3.inputs.1", ["1", 0], "nodes[3] ('fc'), input 1: found '1', expected an integer"),
        ("nodes.3.inputs.1", [1, "0", 0], "nodes[3] ('fc'), input 1, output of 'fc_weight': found '0'"),
        ("nodes.3.inputs.1", [1, -1], "nodes[3] ('fc'), input 1, output of 'fc_weight': found -1"),
        ("nodes.3.inputs.1", [1, 2], "output 2 of the variable 'fc_weight', which has only output 0"),
        ("nodes.3.subgraphs", [3], "nodes[3] ('fc'), subgraphs[0]: found 3, expected a graph"),
        ("nodes.3.control_deps", [3], "nodes[3] ('fc'): 'control_deps': found 3, expected an integer from 0 to 2"),
        ("nodes.2.inputs", [[0, 0]], "nodes[2] ('fc_bias'): a variable with 1 inputs, expected none"),
        ("heads", [], "'heads' is empty, expected at least one output"),
        ("heads", ..., "'heads' is missing"),
        ("heads.0", [4, 0, 0], "heads[0]: refers to node 4"),
        ("heads.0", [3, 2**40, 0], "heads[0], output of 'fc': found 1099511627776"),
        ("heads.0", [3, 2**20, 0], "heads[0], output of 'fc': found 1048576, expected less than 1048576 outputs"),
        ("arg_nodes", ..., "'arg_nodes' is missing"),
        ("arg_nodes.0", 4, "'arg_nodes': found 4, expected an integer from 0 to 3"),
        ("arg_nodes.0", 3, "'arg_nodes' holds 3, which is 'FullyConnected', expected variables only"),
        ("attrs", [], "'attrs' of the graph: found an array of 0"),
        ("attrs.mxnet_version", "1.9.1", "'attrs' gives 'mxnet_version' as '1.9.1', expected [type, value]"),
        (
            "attrs.mxnet_version",
            ["int", 1, 2],
            "'attrs' gives 'mxnet_version' as an array of 3, expected [type, value]",
        ),
        ("attrs.mxnet_version", ["int", "1"], "'mxnet_version': found '1', expected an integer"),
        ("attrs.mxnet_version", ["int", 10**8], "'mxnet_version': found 100000000, expected an integer"),
        ("attrs.is_np_shape", ["int", 2**31], "'is_np_shape': found 2147483648, expected an integer"),
        ("nodes.1.name", ["x" * 99], "nodes[1]: 'name': found an array of 1, expected a string"),
        ("nodes.3.op", "", "'op' is empty, expected an operator's name, or \"null\" for a variable"),
    ],
)
def test_broken_graphs_say_where_what_and_what_was_expected(path: str, value: Any, says: str) -> None:
    assert says in problem(change(path, value))


def test_variables_that_arg_nodes_lacks_are_noted_and_kept() -> None:
    symbol = parsed({**document(dense()), "arg_nodes": [0, 1]})

    assert symbol.notes == ("'arg_nodes' does not list all variables; the nodes themselves were followed",)
    assert [symbol.nodes[index].name for index in symbol.arguments] == ["data", "fc_weight", "fc_bias"]


def test_values_are_shown_in_60_characters_and_names_in_80() -> None:
    assert shorten("x" * 58) == repr("x" * 58)
    assert shorten("x" * 59) == "'" + "x" * 56 + "..."
    assert list_names("abcde") == "'a', 'b', 'c', 'd', 'e'"
    assert list_names(["x" * 99, *"bcdef"]) == "'" + "x" * 79 + ", 'b', 'c', 'd', 'e' and 1 more"


def test_terminal_escapes_in_names_do_not_reach_the_message() -> None:
    message = problem(document([operator("\x1b[31mEvil", "\x1b[2J", [[0, 0]])]))

    assert "\x1b" not in message


def test_reading_files(tmp_path: Path) -> None:
    path = tmp_path / "m-symbol.json"
    path.write_text(json.dumps(document(dense())))
    assert read_symbol(path) == read_symbol(str(path)) == parse_symbol(path.read_bytes(), "elsewhere")

    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_symbol(tmp_path / "missing.json")
    with pytest.raises(SourceError, match="a directory, expected a symbol file"):
        read_symbol(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_symbol("nul\0byte")


def test_every_symbol_of_the_real_data_parses(shared_data: Path) -> None:
    files = sorted(shared_data.rglob("*.json"))
    assert len(files) > 50
    for file in files:
        symbol = read_symbol(file)
        assert symbol.nodes, file
        for index, node in enumerate(symbol.nodes):
            assert all(entry.node < index for entry in node.inputs), (file, node.name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BASES = [json.dumps(document(dense())).encode(), json.dumps(nested(2)).encode()]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_content_gives_a_symbol_or_our_error(content: bytes | str) -> None:
    succeeds_or_is_refused(content)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BASES), st.data())
def test_any_damage_gives_a_symbol_or_our_error(base: bytes, data: st.DataObject) -> None:
    content = bytearray(base)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 12)))
        content[start:end] = data.draw(st.binary(max_size=6) | st.sampled_from([b"-1", b"[", b'"', b"9" * 30]))
    succeeds_or_is_refused(bytes(content))


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix] * bool(prefix) + [path for key, item in items for path in paths(item, (*prefix, key))]


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BASES), JSON, st.data())
def test_any_wrong_element_gives_a_symbol_or_our_error(base: bytes, element: Any, data: st.DataObject) -> None:
    changed = json.loads(base)
    *parents, last = data.draw(st.sampled_from(paths(changed)))
    target = changed
    for key in parents:
        target = target[key]
    target[last] = element
    succeeds_or_is_refused(json.dumps(changed))


@pytest.mark.parametrize("base", BASES)
def test_truncation_at_every_byte_is_refused(base: bytes) -> None:
    for length in range(len(base)):
        with pytest.raises(NeutralError):
            parse_symbol(base[:length], "f")


def succeeds_or_is_refused(content: bytes | str) -> None:
    try:
        symbol = parse_symbol(content, "f")
    except NeutralError as error:
        assert str(error).startswith("f")
    else:
        assert symbol.heads
        assert all(entry.node < index for index, node in enumerate(symbol.nodes) for entry in node.inputs)
        repr(symbol).encode()

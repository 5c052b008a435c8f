"""Every kind of the catalogue, with values of every attribute type, survives encoding and decoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neutral.errors import StoreError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.manifest import decode, encode
from neutral.operators import Operator, catalogue
from neutral.store import Store
from samples import sample_store

BODY = Graph((Input("i", None, None),), (Node("n", "relu", (Value("i"),), {}),), (Value("n"),))

VALUES: dict[str, Any] = {
    "int": 3,
    "float": float("-inf"),
    "bool": True,
    "str": "text",
    "ints": (1, 2),
    "floats": (0.5, float("inf")),
    "optional_ints": (None, 2),
    "graph": BODY,
    "json": {"key": [1, None, "a"]},
}


def attributes(operator: Operator) -> dict[str, Any]:
    return {a.name: a.choices[0] if a.choices else VALUES[a.type] for a in operator.attributes}


@pytest.mark.parametrize("kind", [operator.kind for operator in catalogue])
def test_attributes_of_every_kind(kind: str) -> None:
    operator = catalogue[kind]
    node = Node("node", kind, (Value("x"), 2.0, None, True, float("inf")), attributes(operator))
    empty = Node("empty", kind, (), {a.name: None for a in operator.attributes})
    layer = Layer("layer", kind, attributes(operator), {})
    store = Store({"layer": layer}, {}, Graph((Input("x"),), (node, empty), (Value("node", 1),)))
    contents = decode("".join(encode(store, {}, {})), "x")
    assert contents["graph"] == store.graph
    assert contents["layers"] == store.layers


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"eps": "many"}, "expected a number, found 'many'"),
        ({"epsilon": 1.0}, "unknown attribute 'epsilon' of instance_norm; expected one of eps"),
    ],
)
def test_invalid_attributes(attributes: dict[str, Any], message: str, tmp_path: Path) -> None:
    manifest = json.loads("".join(encode(sample_store(tmp_path), {}, {})))
    manifest["layers"][0].update(kind="instance_norm", attributes=attributes)
    with pytest.raises(StoreError, match=message):
        decode(json.dumps(manifest), "x")


@pytest.mark.parametrize("place", ["layers", "graph"])
def test_an_operator_that_the_catalogue_lacks_is_named(place: str, tmp_path: Path) -> None:
    manifest = json.loads("".join(encode(sample_store(tmp_path), {}, {})))
    items = manifest["layers"] if place == "layers" else manifest["graph"]["nodes"]
    items[0]["kind"] = "warp_drive"
    with pytest.raises(StoreError, match=r"^m\.safetensors: .*warp_drive"):
        decode(json.dumps(manifest), "m.safetensors")


def test_two_layers_of_one_name(tmp_path: Path) -> None:
    manifest = json.loads("".join(encode(sample_store(tmp_path), {}, {})))
    manifest["layers"].append(manifest["layers"][0])
    with pytest.raises(StoreError, match="two layers have the same name"):
        decode(json.dumps(manifest), "x")


def test_characters_that_are_escaped_as_surrogate_pairs() -> None:
    text = '{"format":"neutral","version":1,"layers":[],"graph":null,"source":null,"digests":{},"notes":["%s"]}'
    assert decode(text % "\\ud83d\\ude00", "m.safetensors")["notes"] == ("😀",)
    for half in ("\\ud83d", "\\uDE00"):
        with pytest.raises(StoreError, match=r"m\.safetensors: its manifest is damaged \(UnicodeEncodeError"):
            decode(text % half, "m.safetensors")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "gguf", "version": 1}', "x: its manifest is of format 'gguf', not 'neutral'"),
        (f'{{"format": {"1" * 20}, "version": 1}}', f"its manifest is of format {'1' * 20}, not 'neutral'"),
        (f'{{"format": {"1" * 21}, "version": 1}}', "a number of 21 digits; at most 20 are allowed"),
    ],
)
def test_the_format_is_named_and_numbers_have_up_to_20_digits(text: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        decode(text, "x")

"""docs/manifest.schema.json accepts the manifests that Neutral writes and refuses those that Neutral refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from neutral.dtypes import DTYPE_NAME
from neutral.errors import StoreError
from neutral.graph import Graph, Input, Layer, LayerSource, Node, Value
from neutral.manifest import DECODERS, decode, encode
from neutral.store import Store
from samples import ROOT, sample_store

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def schema() -> Any:
    document = json.loads((ROOT / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def manifest_of(store: Store) -> Any:
    digests = dict.fromkeys(store.tensors, "0" * 64)
    return json.loads("".join(encode(store, digests, {})))


def test_it_accepts_a_full_manifest(schema: Any, tmp_path: Path) -> None:
    schema.validate(manifest_of(sample_store(tmp_path)))


def test_it_accepts_an_empty_store(schema: Any) -> None:
    schema.validate(manifest_of(Store({}, {})))


def test_it_accepts_every_kind_of_operand_and_attribute(schema: Any) -> None:
    infinite = {"eps": float("inf")}
    layer = Layer("n", "instance_norm", infinite, {}, LayerSource(), "names")
    node = Node(
        "n", "instance_norm", (Value("x"), 1, 2.5, True, None, float("-inf")), infinite, "n", {"weight": Value("x")}
    )
    graph = Graph((Input("x"), Input("y", (None, 2), "float32")), (node,), (Value("n"),))
    store = Store({"n": layer}, {}, graph)
    text = "".join(encode(store, {}, {}))
    schema.validate(json.loads(text))
    assert decode(text, "x")["graph"] == graph


def test_it_knows_the_dtypes(schema: Any) -> None:
    assert set(schema.schema["$defs"]["dtype"]["enum"]) == set(DTYPE_NAME.values())


BROKEN: dict[str, Callable[[Any], Any]] = {
    "no notes": lambda m: m.pop("notes"),
    "another key": lambda m: m.update(extra=1),
    "another version": lambda m: m.update(version=2),
    "another format": lambda m: m.update(format="other"),
    "layers as a table": lambda m: m.update(layers={}),
    "layer without a kind": lambda m: m["layers"][0].pop("kind"),
    "layer with an unknown typed_by": lambda m: m["layers"][0].update(typed_by="chance"),
    "key that is a number": lambda m: m["layers"][0]["tensors"].update(weight=1),
    "origin without a rule": lambda m: m["layers"][0]["source"]["origins"]["bias"].pop("rule"),
    "digest in capitals": lambda m: m["digests"].update({"fc.bias": "A" * 64}),
    "short digest": lambda m: m["digests"].update({"fc.bias": "0" * 63}),
    "note that is a number": lambda m: m["notes"].append(1),
    "value without output": lambda m: m["graph"]["nodes"][0]["inputs"].append(["data"]),
    "value of three": lambda m: m["graph"]["nodes"][0]["inputs"].append(["data", 0, 0]),
    "negative output": lambda m: m["graph"]["outputs"].append(["act", -1]),
    "operand that is a word": lambda m: m["graph"]["nodes"][0]["inputs"].append("infinity"),
    "layer null": lambda m: m["graph"]["nodes"][0].update(layer=None),
    "dimension that is text": lambda m: m["graph"]["inputs"][0].update(shape=["N", 3]),
    "dtype that is unknown": lambda m: m["graph"]["inputs"][0].update(dtype="F32"),
    "negative size": lambda m: m["source"]["files"][0].update(size=-1),
    "text and pieces": lambda m: m["source"]["files"][0].update(text=""),
    "pieces without skeleton": lambda m: m["source"]["files"][0].pop("skeleton"),
    "neither text nor pieces": lambda m: m["source"]["files"][1].pop("text"),
    "negative piece": lambda m: m["source"]["files"][0]["pieces"].append(-1),
    "piece true": lambda m: m["source"]["files"][0]["pieces"].append(True),
    "piece without tensor": lambda m: m["source"]["files"][0]["pieces"].append({"permutation": [0]}),
    "piece with another key": lambda m: m["source"]["files"][0]["pieces"].append({"tensor": "a", "end": 1}),
    "piece without an end": lambda m: m["source"]["files"][0]["pieces"].append({"tensor": "a", "start": 1}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_schema_and_reader_refuse_the_same(name: str, schema: Any, tmp_path: Path) -> None:
    manifest = manifest_of(sample_store(tmp_path))
    BROKEN[name](manifest)
    assert not schema.is_valid(manifest)
    with pytest.raises(StoreError):
        decode(json.dumps(manifest), "x")


def test_the_schema_is_made_from_the_validators() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_manifest_schema.py"), "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("version", [0, 2, "1", None, [1], True, 1.0])
def test_an_unknown_version_is_named(version: Any, tmp_path: Path) -> None:
    manifest = {**manifest_of(sample_store(tmp_path)), "version": version}
    with pytest.raises(StoreError, match=r"x: the manifest has version .* reads version 1\. Use a newer Neutral"):
        decode(json.dumps(manifest), "x")


def test_a_decoder_of_another_version_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifest_of(sample_store(tmp_path))
    expected = decode(json.dumps(manifest), "x")
    monkeypatch.setitem(DECODERS, 2, lambda document: DECODERS[1]({**document, "version": 1}))
    assert decode(json.dumps({**manifest, "version": 2}), "x") == expected

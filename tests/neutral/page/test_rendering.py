"""Pages are one file that nothing from a file can change: names are data, and the policy allows no other script."""

from __future__ import annotations

import json
import runpy
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neutral.graph import Graph, Input, Layer, LayerSource, Node, Origin, Value
from neutral.page import MARK, network_document, render_page
from neutral.store import Store
from neutral.tensor import Tensor
from pages import Page

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "-->]]>",
    "<img src=x onerror=alert(1)>",
    "${title} $policy $$",
    "\u202egnp.exe\u2028\x00\x1b[31m",
    "\ud800",
    "'\"&amp;<>",
    "</title></style><svg onload=alert(1)>",
    "__proto__",
    "constructor",
]

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=30))
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(title=TEXTS, document=st.dictionaries(TEXTS, VALUES, max_size=5))
@pytest.mark.parametrize("kind", ["network", "catalogue"])
def test_no_text_changes_the_structure_of_a_page(kind: str, title: str, document: dict[str, Any]) -> None:
    html = render_page(kind, title, document)
    html.encode()  # lone surrogates are escaped
    page, plain = Page(html), Page(render_page(kind, "title", {}))
    assert page.elements == plain.elements
    assert page.scripts == plain.scripts
    text = json.dumps(document)
    if "NaN" not in text and "Infinity" not in text:
        assert page.document == json.loads(text)


@pytest.mark.parametrize("kind", ["network", "catalogue"])
def test_the_policy_allows_the_scripts_and_the_style_of_the_page_alone(kind: str) -> None:
    page = Page(render_page(kind, "title", {"name": HOSTILE[0]}))

    def digests(texts: list[str]) -> list[str]:
        return [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]

    assert page.policy == {
        "default-src": ["'none'"],
        "style-src": digests(page.texts["style"]),
        "script-src": digests(page.scripts),
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert len(page.scripts) == (2 if kind == "network" else 1)


@pytest.mark.parametrize("kind", ["network", "catalogue"])
def test_a_page_refers_to_nothing_outside_and_has_no_inline_handlers(kind: str) -> None:
    html = render_page(kind, "title", {})
    page = Page(html)
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} and not names & {"src", "href", "style", "action"}
    assert MARK in html[:2000]
    own = page.scripts[-1]
    assert not any(word in own for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))
    assert "http" not in own.replace("http://www.w3.org/2000/svg", "")


def test_numbers_that_json_lacks_become_text() -> None:
    document = Page(
        render_page("network", "t", {"a": [float("nan"), float("-inf")], "b": {"c": float("inf")}})
    ).document
    assert document == {"a": ["nan", "-inf"], "b": {"c": "inf"}}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_names_of_a_store_are_data(name: str) -> None:
    tensors = {f"{name}.value": Tensor("F32", (2,), lambda: (bytes(8),))}
    source = LayerSource(name, name, {"value": Origin((name,), "transpose")})
    layers = {name: Layer(name, "parameter", {}, {"value": f"{name}.value"}, source)}
    nodes = (Node(f"{name}/", "relu", (Value(name),), {}), Node(f"{name}.", "opaque", (), {"operator": name}, name))
    store = Store(layers, tensors, Graph((Input(name),), nodes, (Value(f"{name}/"),)), notes=(name,))
    tensor = {"role": "value", "key": f"{name}.value", "buffer": False, "shape": (2,), "dtype": "F32", "elements": 2}
    layer = {"name": name, "kind": "parameter", "attributes": {}, "tensors": [tensor], "parameters": 2}
    summary: dict[str, Any] = {"inputs": {}, "layers": []}
    document = network_document(store, {"path": name, "layers": [layer], "others": [], "notes": [name]}, summary, {})
    page = Page(render_page("network", name, document))
    assert page.elements == Page(render_page("network", "title", {})).elements
    shown = page.document
    assert shown["notes"] == [name] and shown["layers"][0]["tensors"][0]["origin"]["arrays"] == [name]
    assert [vertex["name"] for vertex in shown["graph"]["vertices"]] == [name, f"{name}/", f"{name}.", f"{name}/"]


def test_the_libraries_are_those_that_were_published() -> None:
    """The digests are those of the files of the packages, which ``.ci/vendor.py`` fetches."""
    root = Path(__file__).parents[3]
    script = runpy.run_path(str(root / ".ci" / "vendor.py"), run_name="vendor")
    contents = {name: (root / name).read_bytes() for name in script["FILES"]}
    vendored = {str(path.relative_to(root)) for path in (root / "neutral" / "page" / "vendor").iterdir()}
    assert vendored <= contents.keys() and script["differing"](contents) == []
    layout = "neutral/page/vendor/dagre.min.js"
    changed = {**contents, layout: contents[layout] + b" "}
    assert [line.partition(":")[0] for line in script["differing"](changed)] == [layout]
    licences = [content for name, content in contents.items() if name.endswith("LICENSE")]
    assert len(licences) == 2 and all(b"Permission is hereby granted" in content for content in licences)

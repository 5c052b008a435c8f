"""Objects in notebooks and interpreters: short texts, tables as HTML, and tensors as arrays."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from browser import BROWSER, REASON, drive
from cli_cases import linear_store
from neutral.cli import main
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Leftover, Pair
from neutral.notebook import MOST_ROWS, html_table
from neutral.store import Store, open_store
from neutral.verification.comparison import Comparison
from neutral.verification.report import Report, Row


def test_texts_are_short_whatever_the_size() -> None:
    nodes = tuple(Node(f"n{i}", "relu", (Value("x"),), {}) for i in range(1000))
    plan = Plan(tuple(Pair(f"a{i}", f"b{i}", "linear", "name") for i in range(1000)), (Leftover("c", "unused"),))
    rows = tuple(Row("fc", "fc", "linear", "fc", (2,), Comparison(0.0, 0.0, 1.0, 0.0, 1.0), 1e-5) for _ in range(1000))
    report = Report("Net", "golden.safetensors", rows)
    layer = Layer("fc", "linear", {"out_features": 2, "flatten": False}, {"weight": "fc.weight", "bias": "fc.bias"})
    assert repr(plan) == "<Plan: 1000 layers matched, 1 unused, 0 unfilled, 0 conflicts>"
    assert repr(layer) == "<Layer fc: linear, weight, bias>"
    assert repr(report).startswith("<Report Net: equal: 1000 layers and 0 outputs compared")
    assert repr(Graph((Input("x"),), nodes, (Value("n9"),))).endswith(": 1 inputs, 1000 nodes, 1 outputs>")
    assert max(map(len, map(repr, (plan, layer, report, linear_store())))) < 200


def test_graphs_that_differ_have_texts_that_differ() -> None:
    """Passes compare attributes by their texts, and the attributes of a loop are graphs."""
    body = Graph((Input("x"),), (Node("n", "add", (Value("x"), 1.0), {}),), (Value("n"),))
    other = replace(body, nodes=(replace(body.nodes[0], inputs=(Value("x"), 2.0)),))
    outer = [Graph((), (Node("loop", "while_loop", (), {"body": graph}),), ()) for graph in (body, other)]
    assert repr(body) != repr(other) and repr(outer[0]) != repr(outer[1])
    assert repr(body) == repr(Graph(body.inputs, body.nodes, body.outputs))


def test_html_shows_every_row_and_escapes_names() -> None:
    store = linear_store("<fc&>")
    assert store.graph is not None
    for item in (store, store.graph, store.layers["<fc&>"]):
        page = item._repr_html_()
        assert "&lt;fc&amp;&gt;" in page and "<fc" not in page and page.count("<table>") == 1
    assert "weight F32 [2, 3]" in store._repr_html_()
    plan = Plan((Pair("<a>", "b", "linear", "name"),))
    assert "<td>&lt;a&gt;</td><td>linear</td><td>b</td>" in plan._repr_html_()
    row = Row("<a>", "m", "linear", "a", (2,), Comparison(1.0, 1.0, 1.0, 1.0, 0.5), 1e-5, "hint")
    page = Report("Net", "g", (row,))._repr_html_()
    assert "<td>differs</td><td>&lt;a&gt;</td><td>m</td>" in page and "Net: different" in page


def test_a_long_table_is_cut_and_says_so() -> None:
    page = html_table("t", ("a",), ((str(i),) for i in range(MOST_ROWS + 5)), MOST_ROWS + 5)
    assert page.count("<tr>") == MOST_ROWS + 1 and "and 5 more" in page


def test_a_tensor_of_a_store_is_an_array(tmp_path: object) -> None:
    store: Store = linear_store()
    assert np.array_equal(np.asarray(store["fc1.bias"]), np.array([1, -1], np.float32))


def test_plot_is_the_page_of_inspect_in_a_frame(tmp_path: Path) -> None:
    linear_store('<fc&">').save(tmp_path / "net.safetensors")
    assert main(["inspect", str(tmp_path / "net.safetensors"), "--html", str(tmp_path / "page.html"), "--quiet"]) == 0
    with open_store(tmp_path / "net.safetensors") as store:
        picture = store.plot()
        shaped = store.plot({"data": (7, 3)})
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert picture.html == page and '"output_shape":[7,2]' not in page
    assert "[7,2]" in shaped.html
    frame = picture._repr_html_()
    source = re.fullmatch(
        r'<iframe title="net.safetensors" sandbox="allow-scripts" srcdoc="([^"]*)" style="[^"]*"></iframe>', frame
    )
    assert source is not None and "<" not in source[1] and frame.isascii() and unescape(source[1]) == page
    picture.save(tmp_path / "saved.html")
    assert (tmp_path / "saved.html").read_text(encoding="utf-8") == page
    assert repr(picture).startswith("<Picture net.safetensors: ") and len(repr(picture)) < 100
    assert linear_store().plot().title == "unsaved store"


@pytest.mark.skipif(BROWSER is None, reason=REASON)
def test_a_browser_draws_the_page_in_the_frame_whatever_the_encoding_and_keeps_it_apart(tmp_path: Path) -> None:
    probe = """
      let outside = "reached";
      try { outside = parent.document.title } catch (error) { outside = error.name }
      parent.postMessage([document.querySelectorAll("#tabs button").length, outside], "*");"""
    digest = b64encode(sha256(probe.encode()).digest()).decode()
    picture = linear_store().plot()
    page = picture.html.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    page = page.replace("</body>", f"<script>{probe}</script></body>")
    frame = replace(picture, html=page)._repr_html_()
    notebook = f'<html><head><meta charset="windows-1252"></head><body>{frame}</body></html>'
    driver = "return await new Promise((done) => addEventListener('message', (event) => done(event.data)))"
    (tabs, outside), console = drive(notebook, driver, tmp_path)
    assert tabs > 2 and outside == "SecurityError"
    assert [line for line in console if "Security Policy" in line] == []

"""Pages in a real browser: what they draw, what keys and clicks do, and that hostile names do nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browser import BROWSER, REASON, drive
from cli_cases import linear_store
from neutral.cli.description import describe
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.page import network_document, render_page
from neutral.store import Store

pytestmark = pytest.mark.skipif(BROWSER is None, reason=REASON)

EVIL = "</script><img src=x onerror=document.title='owned'>"


def network(stages: int, units: int, verification: dict[str, Any] | None = None, evil: str = "") -> str:
    """Return the page of a chain of residual units in stages."""
    nodes, last = [Node(f"net_stem{evil}", "relu", (Value("data"),), {})], f"net_stem{evil}"
    if evil:
        attributes = {"operator": evil, "attributes": {evil: evil}, "reason": f"unknown {evil}"}
        nodes.append(Node(f"net_opaque{evil}", "opaque", (Value(last),), attributes))
    for stage in range(stages):
        for unit in range(units):
            start, prefix = last, f"net_stage{stage}_unit{unit}_"
            for part in ("a", "b", "c"):
                nodes.append(Node(f"{prefix}{part}", "relu", (Value(last),), {}))
                last = nodes[-1].name
            nodes.append(Node(f"{prefix}sum", "add", (Value(last), Value(start)), {}))
            last = nodes[-1].name
    graph = Graph((Input("data", (1, 3)),), tuple(nodes), (Value(last),))
    layers = {f"spare{evil}": Layer(f"spare{evil}", "parameter", {}, {})} if evil else {}
    layer_rows = [
        {"name": name, "kind": "parameter", "attributes": {}, "tensors": [], "parameters": 0, "typed_by": "graph"}
        for name in layers
    ]
    description = {
        "path": f"net{evil}",
        "is_store": True,
        "source": {"framework": f"mxnet{evil}", "version": None, "files": []},
        "totals": {"layers": len(layers), "tensors": 0, "parameters": 0, "buffers": 0, "bytes": 0},
        "layers": layer_rows,
        "others": [],
        "notes": [f"note{evil}"],
    }
    rows = [{"node": node.name, "output_shape": (1, 3), "multiply_adds": 3} for node in nodes]
    summary = {"inputs": {"data": (1, 3)}, "layers": rows, "totals": {"multiply_adds": 3}, "notes": []}
    return render_page(
        "network", f"net{evil}", network_document(Store(layers, {}, graph), description, summary, {}, verification)
    )


def row(name: str, error: float | None, ok: bool, hint: str = "") -> dict[str, Any]:
    numbers = {"max_error": error, "mean_error": error, "scaled_error": error, "cosine": 1.0, "tolerance": 1e-5}
    return {
        "layer": name,
        "module": name,
        "kind": "relu",
        "source": name,
        "shape": [1, 3],
        "ok": ok,
        "hint": hint,
        **numbers,
    }


def verification(rows: list[dict[str, Any]], first: int | None) -> dict[str, Any]:
    texts = {"summary": "different: 3 layers", "module": "Net", "golden": "g", "proves": "writer"}
    return {
        "ok": first is None,
        "first_divergence": first,
        "rows": rows,
        "skipped": [],
        "problems": [],
        "notes": [],
        **texts,
    }


def test_keys_and_clicks(tmp_path: Path) -> None:
    driver = """
    const svg = document.getElementById("graph"), details = document.getElementById("details");
    const press = (key) => svg.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const names = () => [...svg.querySelectorAll("g.box .name")].map((text) => text.textContent);
    await wait();
    const result = { folded: names(), edges: svg.querySelectorAll("path.edge").length };
    press("ArrowDown"); press("ArrowDown"); press("ArrowDown"); await wait();
    result.block = details.querySelector("h2").textContent;
    press("Enter"); await wait();
    result.opened = names();
    press("Escape"); await wait();
    result.closed = details.hidden;
    svg.querySelector("g.box:not(.open) .frame").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await wait();
    result.clicked = details.querySelector("h2").textContent;
    const field = document.getElementById("search");
    field.value = "unit1 sum"; field.dispatchEvent(new Event("input")); await wait();
    result.found = [...document.querySelectorAll("#found button")].map((button) => button.firstChild.textContent);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" })); await wait();
    result.revealed = [details.querySelector("h2").textContent, names().includes("sum")];
    result.selected = svg.querySelectorAll(".selected").length;
    press("f"); await wait(); result.refolded = names().length;
    document.getElementById("theme").click(); result.theme = document.documentElement.dataset.theme;
    document.getElementById("tab-findings").click(); await wait();
    result.findings = document.getElementById("findings-view").innerText;
    return result;
    """
    result, console = drive(network(2, 2), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["folded"] == ["data", "stem", "stage0", "stage1", "net_stage1_unit1_sum"]
    assert result["edges"] == 4
    assert result["block"] == "stage0" and {"unit0", "unit1"} <= set(result["opened"])
    assert result["closed"] is True and result["clicked"] == "data"
    assert result["found"] == ["net_stage0_unit1_sum", "net_stage1_unit1_sum", "net_stage1_unit1_sum"]
    assert result["revealed"] == ["net_stage0_unit1_sum", True] and result["selected"] == 1
    assert result["refolded"] == 5 and result["theme"] == "dark"
    assert "note" in result["findings"]


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    driver = """
    for (const id of ["graph", "layers", "findings", "source"]) {
      document.getElementById("tab-" + id).click();
      await wait();
    }
    document.getElementById("tab-graph").click();
    select(model.vertices[1]); await wait();
    return {
      title: document.title, heading: document.getElementById("title").textContent,
      images: document.images.length, scripts: document.scripts.length,
      shown: document.getElementById("details").querySelector("h2").textContent,
      note: document.getElementById("findings-view").textContent,
    };
    """
    result, console = drive(network(1, 1, evil=EVIL), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["title"] == f"net{EVIL}" and result["heading"] == f"net{EVIL}" and result["images"] == 0
    assert result["scripts"] == 4  # the document, the layout, the page's own, the driver
    assert result["shown"] == f"net_stem{EVIL}" and f"note{EVIL}" in result["note"]
    assert f"net_opaque{EVIL}: {EVIL}: unknown {EVIL}" in result["note"]


def test_the_policy_forbids_what_is_not_of_the_page(tmp_path: Path) -> None:
    html = network(1, 1).replace("<main>", "<main><script>document.title = 'owned'</script><img src='x.png'>")
    title, console = drive(html, "return document.title", tmp_path)
    assert title == "net" and any("Content Security Policy" in line for line in console)


def test_the_first_divergence_is_marked_and_found(tmp_path: Path) -> None:
    names = [f"net_stage{stage}_unit1_b" for stage in range(3)]
    rows = [row(names[0], 1e-7, True), row(names[1], 0.2, False, "the sign is turned"), row(names[2], None, False)]
    driver = """
    await wait();
    const classes = (nodes) => [...nodes].map((node) => node.getAttribute("class"));
    const result = { blocks: classes(document.querySelectorAll("#graph g.box.block")) };
    result.verdict = document.getElementById("verdict").innerText;
    document.querySelector("#verdict button").click(); await wait();
    const view = document.getElementById("verification-view");
    result.points = classes(view.querySelectorAll(".chart circle"));
    result.label = view.querySelector(".first-label").textContent;
    result.text = view.innerText;
    view.querySelector(".comparison button").click(); await wait();
    result.shown = [document.getElementById("graph-view").hidden, document.querySelector("#details h2").textContent];
    result.cause = document.querySelector("#details .comparison").innerText;
    return result;
    """
    result, console = drive(network(3, 2, verification(rows, 1)), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert ["good" in text.split() for text in result["blocks"]] == [True, False, False]
    assert ["first" in text.split() for text in result["blocks"]] == [False, True, False]
    assert result["points"] == ["good", "bad", "bad"] and names[1] in result["label"]
    assert names[1] in result["verdict"] and "Likely cause: the sign is turned" in result["text"]
    assert result["shown"] == [False, names[1]] and "First divergence" in result["cause"]


def test_a_graph_of_1500_nodes(tmp_path: Path) -> None:
    """Few elements are in the page at once: at a readable scale, those in view; far away, no text."""
    driver = """
    await wait();
    const count = () => document.querySelectorAll("#graph *").length;
    const result = { vertices: model.vertices.length, folded: count() };
    view.openAll(true); await wait();
    result.open = count();
    result.boxes = view.scene.boxes.filter((box) => !box.port).length;
    result.arrangements = view.layout.arrangements.size;
    view.select(model.vertices[1200], { open: true, centre: true }); await wait();
    result.selected = document.querySelectorAll("#graph .selected").length;
    return result;
    """
    result, console = drive(network(25, 15), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["vertices"] == 1503 and result["boxes"] > 1503
    assert result["folded"] < 400 and result["open"] < 1500
    assert result["arrangements"] < 40  # units that are alike are laid out once
    assert result["selected"] == 1


def test_a_phone(tmp_path: Path) -> None:
    driver = """
    const wide = () => document.documentElement.scrollWidth;
    await wait();
    const result = { width: innerWidth, start: wide() };
    select(model.vertices[5]); await wait();
    const place = document.getElementById("details").getBoundingClientRect();
    const box = document.querySelector("#graph .selected").getBoundingClientRect();
    result.sheet = [place.left, place.right, place.top > innerHeight * 0.4];
    result.inSight = box.top > 0 && box.bottom < place.top;
    document.getElementById("tab-verification").click(); await wait();
    const size = (node) => parseFloat(getComputedStyle(node).fontSize);
    result.text = Math.min(...[...document.querySelectorAll(".chart text")].map(size));
    result.chart = document.querySelector(".chart svg").getBoundingClientRect().right <= innerWidth;
    result.end = wide();
    return result;
    """
    rows = [row("net_stage0_unit1_b", 1e-7, True)]
    result, console = drive(network(3, 2, verification(rows, None)), driver, tmp_path, (500, 900))
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["start"] <= result["width"] and result["end"] <= result["width"]
    assert result["sheet"] == [0, result["width"], True] and result["inSight"]
    assert result["text"] >= 11 and result["chart"]


def test_a_verification_without_a_network_and_layers_without_a_graph(tmp_path: Path) -> None:
    driver = """
    await wait();
    const tabs = () => [...document.querySelectorAll("#tabs button")].map((tab) => tab.textContent);
    const shown = document.querySelector("main > section:not([hidden])");
    const result = { tabs: tabs(), text: shown.innerText, points: shown.querySelectorAll(".chart circle").length };
    shown.querySelector("tr.link")?.click(); await wait();
    return { ...result, details: shown.querySelector(".layer-details")?.innerText ?? "" };
    """
    report = {"verification": verification([row("fc", 1e-7, True)], None)}
    result, console = drive(render_page("network", "Verification of Net", report), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["tabs"] == ["Verification"] and result["points"] == 1 and "fc" in result["text"]
    store = linear_store()
    store.graph = None
    key = next(iter(store.tensors))
    counts = {"minimum": 0.0, "maximum": 2.0, "mean": 1.0, "nan": 3, "infinite": 0, "zeros": 1, "histogram": (1, 0, 2)}
    document = network_document(store, describe(store, "layers"), {"inputs": {}, "layers": []}, {key: counts})
    result, console = drive(render_page("network", "layers", document), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["tabs"] == ["Layers", "Findings", "Source"]
    assert "NaN: 3" in result["details"] and key in result["details"]


def test_the_catalogue_puts_failures_first_and_marks_what_to_know(tmp_path: Path) -> None:
    common = {
        "layers": 1,
        "parameters": 8,
        "dtypes": ["float32"],
        "nbytes": 32,
        "digest": "ab",
        "error": None,
        "address": None,
    }
    entries = [
        {
            **common,
            "name": f"good{EVIL}",
            "status": "converted",
            "has_graph": True,
            "opaque": 2,
            "address": "good.safetensors",
        },
        {
            **common,
            "name": "bare",
            "status": "converted",
            "has_graph": False,
            "opaque": 0,
            "address": "bare.safetensors",
        },
        {**common, "name": "bad", "status": "failed", "has_graph": None, "opaque": 0, "error": "not readable"},
    ]
    driver = """
    const cells = (row) => [...row.children].slice(0, 3).map((cell) => cell.textContent);
    const rows = () => [...document.querySelectorAll("tbody tr")].map(cells);
    const result = { first: rows(), head: document.getElementById("origin").textContent };
    const choice = document.querySelector("select");
    choice.value = [...choice.options].find((option) => option.text.startsWith("with opaque")).value;
    choice.dispatchEvent(new Event("change")); result.opaque = rows().length;
    choice.value = "0"; choice.dispatchEvent(new Event("change"));
    document.querySelectorAll("th button")[1].click(); result.sorted = rows().map((cells) => cells[1]);
    const field = document.querySelector("input"); field.value = "readable"; field.dispatchEvent(new Event("input"));
    result.filtered = rows().map((cells) => cells[1]);
    result.links = [...document.querySelectorAll("a")].length;
    return result;
    """
    result, console = drive(render_page("catalogue", "Archive", {"entries": entries}), driver, tmp_path)
    assert console == [] and not isinstance(result, str), (result, console)
    assert result["first"] == [
        ["failed", "bad", ""],
        ["converted", f"good{EVIL}", "2 opaque operators"],
        ["converted", "bare", "no graph"],
    ]
    assert result["head"].startswith("1 failed · 2 converted")
    assert result["opaque"] == 1 and result["sorted"] == ["bad", "bare", f"good{EVIL}"]
    assert result["filtered"] == ["bad"] and result["links"] == 0

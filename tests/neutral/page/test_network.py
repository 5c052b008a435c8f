"""The document of a network's page, from `neutral inspect --html` and `neutral verify --html`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_cases import Run, linear_store
from neutral.cli import main
from neutral.page.network import RULES
from neutral.store import open_store
from neutral.store.statistics import histogram_of, statistics_of
from neutral.tensor import from_numpy
from pages import Page

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "shapes"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    from cli_cases import Result

    def call(*words: object) -> Result:
        code = main([str(word) for word in words])
        return Result(code, *capsys.readouterr())

    return call


def page_of(run: Run, tmp_path: Path, *words: object) -> dict[str, Any]:
    result = run(*words, "--html", tmp_path / "page.html")
    assert result.code in (0, 7), result.err
    return Page((tmp_path / "page.html").read_text(encoding="utf-8")).document


def test_the_page_of_an_example(run: Run, tmp_path: Path) -> None:
    document = page_of(run, tmp_path, "inspect", EXAMPLE / "shapes", "--shape", "data=2,1,24,24")
    graph = document["graph"]
    vertices = graph["vertices"]
    assert document["path"] == "shapes" and document["verification"] is None
    assert [vertex["type"] for vertex in (vertices[0], vertices[-1])] == ["input", "output"]
    assert document["summary"]["inputs"] == {"data": [2, 1, 24, 24]}
    first = next(vertex for vertex in vertices if vertex["name"] == "conv1_1")
    assert first["shape"] == [2, 8, 12, 12] and first["operands"] == [["input", 0, 0]]
    assert ["kernel_size", "(3, 3)"] in first["attributes"] and first["multiply_adds"] == 2 * 8 * 12 * 12 * 9
    layer = next(layer for layer in document["layers"] if layer["name"] == "conv1_1")
    weight = layer["tensors"][0]
    assert weight["origin"] == {"arrays": ["arg:conv1_1_weight"], "rule": "identity", "meaning": "as stored"}
    assert weight["statistics"]["nan"] == 0 and sum(weight["statistics"]["histogram"]) == weight["elements"]
    assert set(document["kinds"]) == {vertex["kind"] for vertex in vertices if vertex["type"] == "node"}
    assert document["kinds"]["convolution"]["attributes"]["stride"]


def test_operands_come_before_their_users_and_every_vertex_is_in_the_tree(run: Run, tmp_path: Path) -> None:
    graph = page_of(run, tmp_path, "inspect", EXAMPLE / "shapes")["graph"]

    def leaves(members: list[Any]) -> list[int]:
        return [
            leaf for member in members for leaf in ([member] if isinstance(member, int) else leaves(member["members"]))
        ]

    assert leaves(graph["tree"]) == list(range(len(graph["vertices"])))
    for number, vertex in enumerate(graph["vertices"]):
        assert all(operand[1] < number for operand in vertex["operands"] if len(operand) == 3)
        assert vertex["label"] and vertex["label"] in vertex["name"]


def test_a_store_without_a_graph_has_its_layers(run: Run, tmp_path: Path) -> None:
    store = linear_store()
    store.graph = None
    store.save(tmp_path / "layers.safetensors")
    document = page_of(run, tmp_path, "inspect", tmp_path / "layers.safetensors")
    assert document["graph"] is None and len(document["layers"]) == 1
    assert document["layers"][0]["tensors"][0]["sha256"]


def test_nan_of_a_tensor_is_counted(run: Run, tmp_path: Path) -> None:
    store = linear_store()
    (key, tensor), *_ = store.tensors.items()
    values = tensor.numpy()
    values.reshape(-1)[:2] = np.nan, np.inf
    store.tensors = {**store.tensors, key: from_numpy(values)}
    store.save(tmp_path / "nan.safetensors")
    document = page_of(run, tmp_path, "inspect", tmp_path / "nan.safetensors")
    statistics = document["layers"][0]["tensors"][0]["statistics"]
    assert (statistics["nan"], statistics["infinite"]) == (1, 1)


def test_a_verification_is_on_the_page_of_its_network(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("torch.nn")
    words = ("verify", EXAMPLE / "shapes", "--golden", EXAMPLE / "golden.safetensors")
    document = page_of(run, tmp_path, *words)
    assert document["verification"]["ok"] and document["verification"]["first_divergence"] is None
    assert document["summary"]["inputs"]["data"][1:] == [1, 24, 24]
    names = {vertex["name"] for vertex in document["graph"]["vertices"]}
    assert {row["source"] for row in document["verification"]["rows"] if row["layer"]} <= names


def test_a_page_is_replaced_and_the_same_again(run: Run, tmp_path: Path) -> None:
    assert run("inspect", EXAMPLE / "shapes", "--html", tmp_path / "page.html").code == 0
    before = (tmp_path / "page.html").read_bytes()
    assert run("inspect", EXAMPLE / "shapes", "--html", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").read_bytes() == before


def test_the_meanings_are_those_of_the_documented_rules() -> None:
    rows = (ROOT / "docs" / "format.md").read_text().partition("| rule | the tensor is |")[2].split("\n\n")[0]
    documented = {line.split("`")[1].split()[0] for line in rows.splitlines() if line.startswith("| `")}
    assert set(RULES) == documented


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
def test_histograms_count_every_finite_element(dtype: str) -> None:
    drawn = np.random.default_rng(0).normal(0, 30, 1000).clip(-100, 100)
    values = (drawn > 0) if dtype == "bool" else np.abs(drawn).astype(dtype)
    tensor = from_numpy(values)
    counts = histogram_of(tensor, statistics_of(tensor), bins=8)
    expected, _ = np.histogram(values.astype(np.float64), 8)
    assert sum(counts) == 1000 and max(abs(np.array(counts) - expected)) <= 2  # values at the ends of intervals


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ()),
        ([np.nan, np.inf], ()),
        ([2.0, 2.0, np.nan], (2,)),
        ([-np.finfo(np.float64).max, 0.0, np.finfo(np.float64).max], (1, 0, 1, 1)),
        ([0.0, 5e-324], (2, 0, 0, 0)),
    ],
)
def test_histograms_of_extreme_values(values: list[float], expected: tuple[int, ...]) -> None:
    tensor = from_numpy(np.array(values, np.float64))
    assert histogram_of(tensor, statistics_of(tensor), bins=4) == expected


def test_the_example_is_a_store_too(tmp_path: Path, run: Run) -> None:
    assert run("export", EXAMPLE / "shapes", "-o", tmp_path / "store.safetensors").code == 0
    document = page_of(run, tmp_path, "inspect", tmp_path / "store.safetensors")
    with open_store(tmp_path / "store.safetensors") as store:
        assert document["totals"]["layers"] == len(store.layers)
    assert all(tensor["sha256"] for layer in document["layers"] for tensor in layer["tensors"])

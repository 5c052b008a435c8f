"""`inspect --summary` and `--stats`: shapes, arithmetic, nesting by names, statistics, and the width of the table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_cases import Run, linear_store
from neutral.cli.summary_table import summary_lines
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.reference import multiply_adds
from neutral.store import Store
from neutral.tensor import from_numpy

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shapes" / "shapes"


def row(name: str, **changes: Any) -> dict[str, Any]:
    base = {"layer": name, "node": name, "kind": "convolution", "output_shape": (1, 64, 112, 112), "parameters": 1000}
    return {**base, "multiply_adds": 2_500_000, "dtype": "F32", "bytes": 4000, "repeated": False, **changes}


def table(names: list[str], width: int = 200, depth: int | None = None) -> list[str]:
    totals = {"parameters": 0, "multiply_adds": 0, "bytes": 0}
    document = {"inputs": {}, "layers": [row(name) for name in names], "totals": totals, "notes": []}
    return list(summary_lines(document, width, depth))


def test_the_summary_of_an_example(run: Run) -> None:
    result = run("inspect", EXAMPLE, "--shape", "data=2,1,24,24")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert "input: data (2, 1, 24, 24)" in lines and max(map(len, lines)) <= 80
    start = next(number for number, line in enumerate(lines) if line.startswith("layer "))
    assert [line.split() for line in lines[start : start + 2]] == [
        ["layer", "kind", "output", "parameters", "mult-adds", "dtype", "size"],
        ["conv1_1", "convolution", "(2,", "8,", "12,", "12)", "80", "20.7", "k", "F32", "320", "bytes"],
    ]
    assert lines[-1].startswith("total: 7,732 parameters, ")
    summary = run("inspect", EXAMPLE, "--shape", "data=2,1,24,24", "--json").json["summary"]
    assert summary["inputs"] == {"data": [2, 1, 24, 24]} and summary["notes"] == []
    first = summary["layers"][0]
    assert first["multiply_adds"] == 2 * 8 * 12 * 12 * 9 and first["output_shape"] == [2, 8, 12, 12]
    assert summary["layers"][-1]["multiply_adds"] == 2 * 4 * 144
    assert summary["totals"]["multiply_adds"] == sum(item["multiply_adds"] for item in summary["layers"])


def test_sizes_that_the_graph_leaves_free_are_named(run: Run, store: Path) -> None:
    summary = run("inspect", EXAMPLE, "--summary", "--json").json["summary"]
    assert summary["inputs"]["data"][:2] == [1, 1]
    assert "the graph leaves sizes free; the first common ones that fit are taken: data (1, 1," in summary["notes"][0]
    known = run("inspect", store, "--summary", "--json").json["summary"]
    assert known["inputs"] == {"data": [1, 3]} and known["notes"] == []
    assert [item["multiply_adds"] for item in known["layers"]] == [6]


def test_names_of_thousands_of_parts_are_nested() -> None:
    """Each level was a call within the one before, which ended in a RecursionError."""
    lines = table([".".join("a" * count) for count in range(1, 1501)], width=10_000)
    assert len(lines) == 1 + 2 * 1500 - 2 + 1
    assert lines[-2].startswith("  " * 1498 + "a.a ")
    alike = table([f"{'a.' * 20_000}{end}" for end in "bc"], width=100_000)
    assert [line.split()[0][-3:] for line in alike[1:4]] == ["a.a", "b", "c"]


def test_nodes_without_tensors_are_shown_when_asked_for(run: Run) -> None:
    kinds = [
        item["kind"] for item in run("inspect", EXAMPLE, "--summary", "--nodes", "--json").json["summary"]["layers"]
    ]
    assert len(kinds) == 20 and "add" in kinds
    assert len(run("inspect", EXAMPLE, "--summary", "--json").json["summary"]["layers"]) == 15


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--shape", "dta=1,3"), 2, "no input 'dta'; its inputs are data. Did you mean 'data'?"),
        (("--shape", "data=1,4"), 3, "takes 3 features; its input has 4"),
    ],
)
def test_mistakes(run: Run, store: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = run("inspect", store, *words)
    assert result.code == code and message in result.err, result.err


def test_without_a_graph_or_with_an_opaque_node_shapes_are_unknown_and_it_is_said(run: Run, tmp_path: Path) -> None:
    store = linear_store()
    Store(store.layers, store.tensors).save(tmp_path / "layers.safetensors")
    summary = run("inspect", tmp_path / "layers.safetensors", "--summary", "--json").json["summary"]
    assert summary["layers"][0]["output_shape"] is None and summary["totals"]["parameters"] == 8
    assert summary["notes"] == ["shapes of outputs are unknown, since there is no graph"]
    assert store.graph is not None
    attributes = {"operator": "Odd", "attributes": {}, "reason": "no rule"}
    nodes = (*store.graph.nodes, Node("odd", "opaque", (Value("fc1"),), attributes))
    Store(store.layers, store.tensors, Graph(store.graph.inputs, nodes, (Value("odd"),))).save(
        tmp_path / "odd.safetensors"
    )
    result = run("inspect", tmp_path / "odd.safetensors", "--summary")
    assert result.code == 0 and "note: shapes of outputs are unknown: the graph cannot be evaluated" in result.out


def test_layers_are_nested_by_the_parts_of_their_names() -> None:
    names = ["net_stem.conv", "net_stem.bn", "net_body.0.conv", "net_body.0.bn", "net_body.1.conv", "net_fc"]
    labels = [line.split("  ")[0] if not line.startswith(" ") else line[: line.index("convolution")].rstrip() or line
              for line in table(names)[1:-1] if "convolution" in line]  # fmt: skip
    assert [label.strip() for label in labels] == ["conv", "bn", "conv", "bn", "1.conv", "fc"]
    folded = [line.split()[0] for line in table(names, depth=1)[1:-1]]
    assert folded == ["net", "stem", "body", "fc"]
    body = next(line for line in table(names, depth=1) if line.strip().startswith("body"))
    assert "3,000" in body and "7.5 M" in body


def test_names_that_are_a_part_of_another_are_no_group_of_one() -> None:
    assert [line.split()[0] for line in table(["a", "a_b", "c_d", "e"])[1:-1]] == ["a", "a_b", "c_d", "e"]


@pytest.mark.parametrize("width", [52, 60, 80, 120])
def test_the_table_fits_the_width(width: int) -> None:
    names = ["a_rather_long_prefix_of_a_layer_in_a_network_" + part for part in ("first_convolution", "second_one")]
    lines = table(names, width)
    assert max(map(len, lines[:-1])) <= width
    if width < 120:
        assert "dtype" not in lines[0]
    assert "output" in lines[0] and "parameters" in lines[0]


def test_a_shared_layer_counts_its_parameters_once_and_its_arithmetic_twice(tmp_path: Path, run: Run) -> None:
    layer = Layer("fc", "linear", {"out_features": 3, "flatten": False}, {"weight": "fc.weight"})
    nodes = tuple(
        Node(name, "linear", (Value(operand),), layer.attributes, layer="fc")
        for name, operand in (("a", "x"), ("b", "a"))
    )
    tensors = {"fc.weight": from_numpy(np.ones((3, 3), np.float32))}
    Store({"fc": layer}, tensors, Graph((Input("x", (None, 3)),), nodes, (Value("b"),))).save(
        tmp_path / "s.safetensors"
    )
    summary = run("inspect", tmp_path / "s.safetensors", "--summary", "--json").json["summary"]
    assert summary["totals"] == {"parameters": 9, "multiply_adds": 18, "bytes": 36}
    assert "shared" in run("inspect", tmp_path / "s.safetensors", "--summary").out


def test_the_arithmetic_of_kinds() -> None:
    x, y, n = Value("x"), Value("y"), Value("n")

    def count(kind: str, attributes: dict[str, Any], shapes: list[tuple[int, ...]], tensors: Any = ()) -> int:
        values = dict(zip((x, y), shapes[:-1]))
        return multiply_adds(Node("n", kind, tuple(values), attributes), {**values, n: shapes[-1]}, dict(tensors))

    weight = {"weight": (4, 3, 2, 2)}
    assert count("transposed_convolution", {}, [(2, 4, 5, 5), (2, 3, 10, 10)], weight) == 2 * 25 * math.prod(
        (4, 3, 2, 2)
    )
    assert count("matmul", {}, [(7, 2, 3), (7, 3, 5), (7, 2, 5)]) == 7 * 2 * 5 * 3
    assert count("attention_scores", {"heads": 2}, [(4, 1, 8), (5, 1, 8), (2, 4, 5)]) == 2 * 4 * 5 * 4
    assert count("self_attention_scores", {"heads": 2}, [(4, 1, 24), (2, 4, 4)]) == 2 * 4 * 4 * 4
    assert count("attention_values", {"heads": 2}, [(5, 1, 8), (2, 4, 5), (4, 1, 8)]) == 4 * 8 * 5
    recurrent = {"weight_ih_l0": (8, 3), "weight_hh_l0": (8, 2), "bias_ih_l0": (8,)}
    assert count("lstm", {}, [(6, 1, 3), (6, 1, 2)], recurrent) == 6 * (24 + 16)
    assert count("relu", {}, [(6, 3), (6, 3)]) == 0


def test_statistics_of_tensors(run: Run, tmp_path: Path) -> None:
    values = np.array([0, 0, -1.5, 4, np.nan, -np.inf], np.float32)
    tensors = {"a.value": from_numpy(values), "b": from_numpy(np.array([2, 4], np.int64)), "e": from_numpy(values[:0])}
    layer = Layer("a", "parameter", {}, {"value": "a.value"})
    Store({"a": layer}, tensors).save(tmp_path / "s.safetensors")
    rows = {
        item.pop("key"): item for item in run("inspect", tmp_path / "s.safetensors", "--stats", "--json").json["stats"]
    }
    assert rows["a.value"] == {
        "dtype": "F32",
        "shape": [6],
        "elements": 6,
        "minimum": -1.5,
        "maximum": 4.0,
        "mean": 0.625,
        "nan": 1,
        "infinite": 1,
        "zeros": 2,
    }
    assert [rows["b"][name] for name in ("minimum", "maximum", "mean", "zeros")] == [2, 4, 3.0, 0]
    assert [rows["e"][name] for name in ("minimum", "mean", "zeros")] == [None, None, 0]
    text = run("inspect", tmp_path / "s.safetensors", "--stats").out
    line = next(line for line in text.splitlines() if line.startswith("a.value"))
    assert line.split() == ["a.value", "F32", "6", "-1.5", "4", "0.625", "1", "1", "2"]


def test_the_totals_are_those_that_torch_counts(run: Run) -> None:
    """torch counts two operations for each multiply-add of a convolution or a linear layer."""
    torch = pytest.importorskip("torch.nn").modules.module.torch
    from torch.utils.flop_counter import FlopCounterMode

    import neutral_to_torch
    from mxnet_to_neutral import read

    totals = run("inspect", EXAMPLE, "--shape", "data=2,1,24,24", "--json").json["summary"]["totals"]
    with read(EXAMPLE) as store, FlopCounterMode(display=False) as counter, torch.no_grad():
        module = neutral_to_torch.build(store).eval()
        module(torch.zeros(2, 1, 24, 24))
    assert totals["multiply_adds"] == counter.get_total_flops() // 2 > 0
    assert totals["parameters"] == sum(parameter.numel() for parameter in module.parameters())
    stored = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
    assert abs(totals["bytes"] - stored) <= 8 * 20, "torch counts batches, in a number of 8 bytes for each batch norm"

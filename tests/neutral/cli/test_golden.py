"""``neutral golden``, and ``neutral verify --reference``: values of the reference, and what they prove."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import Run, linear_store
from neutral.errors import SourceError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.reference import record
from neutral.store import Store
from neutral.tensor import from_numpy
from neutral.verification.golden import open_golden

X = np.array([[1, 2, 3], [0, 1, 0]], np.float32)
EXPECTED = X @ np.arange(6, dtype=np.float32).reshape(2, 3).T + np.array([1, -1], np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "wide.npy", X.astype(np.float64))
    return tmp_path


def test_the_file_holds_the_values_and_says_who_computed_them(run: Run, store: Path, data: Path) -> None:
    result = run("golden", store, "--input", f"data={data}/x.npy", "-o", data / "golden.safetensors")
    assert result.code == 0, result.err
    assert "they prove the writer, not the reader" in result.out
    golden = open_golden(data / "golden.safetensors")
    assert (golden.framework, golden.is_reference, golden.proves) == ("neutral-reference", True, "writer")
    assert any("prove the writer, not the reader" in note for note in golden.notes)
    assert (golden.outputs, dict(golden.internals)) == (("internals.fc1",), {("fc1", 0): "internals.fc1"})
    np.testing.assert_array_equal(golden.array("inputs.data"), X)
    np.testing.assert_array_equal(golden.array("internals.fc1"), EXPECTED)


def test_inputs_are_drawn_in_the_shape_of_the_option_or_of_the_graph(run: Run, store: Path, data: Path) -> None:
    path = data / "golden.safetensors"
    document = run("golden", store, "--shape", "data=4,3", "--seed", "7", "-o", path, "--json").json
    assert (document["seed"], document["proves"], document["outputs"]) == (7, "writer", ["internals.fc1"])
    assert open_golden(path).array("inputs.data").shape == (4, 3)
    assert document["notes"][1] == "data: standard normal numbers of shape (4, 3), seed 7."
    first = path.read_bytes()
    assert run("golden", store, "--shape", "data=4,3", "--seed", "7", "-o", path).code == 0
    assert path.read_bytes() == first, "the same run gives the same bytes"
    assert run("golden", store, "-o", path).code == 0
    assert open_golden(path).array("inputs.data").shape == (2, 3)


def test_double_precision_is_recorded(run: Run, store: Path, data: Path) -> None:
    words = ("golden", store, "--input", f"data={data}/wide.npy", "-o", data / "golden.safetensors")
    assert run(*words, "--precision", "float64", "--json").json["seed"] is None
    golden = open_golden(data / "golden.safetensors")
    assert golden.array("internals.fc1").dtype == np.float64
    assert golden.array("inputs.data").dtype == np.float32
    assert "data: float64 values, taken as float32." in golden.notes


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("-o", "{}/golden.npz"), 2, "unknown suffix; expected .safetensors"),
        (("--shape", "dat=1,3", "-o", "{}/g.safetensors"), 2, "no input 'dat'; its inputs are data. Did you mean"),
        (("--input", "data={}/x.npy", "--shape", "data=2,3", "-o", "{}/g.safetensors"), 2, "both values and a shape"),
        (("--shape", "data=2,4", "-o", "{}/g.safetensors"), 3, "shape (2, 4); the graph declares (any, 3)"),
    ],
)
def test_mistakes(run: Run, store: Path, data: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = run("golden", store, *(word.format(data) for word in words))
    assert result.code == code and message in result.err, result.err
    assert not list(data.glob("g*.safetensors"))


def test_free_sizes_are_the_first_that_fit_or_are_asked_for(run: Run, data: Path) -> None:
    linear = linear_store()
    assert linear.graph is not None
    graph = replace(linear.graph, inputs=(Input("data"),))
    Store(linear.layers, linear.tensors, graph).save(data / "free.safetensors")
    document = run("golden", data / "free.safetensors", "-o", data / "g.safetensors", "--json").json
    note = "data: standard normal numbers of shape (2, 3), seed 0; the graph leaves sizes free, these are the first"
    assert document["notes"][1].startswith(note)
    relu = Graph((Input("x"),), (Node("y", "relu", (Value("x"),), {}),), (Value("y"),))
    Store({}, {}, relu).save(data / "unknown.safetensors")
    result = run("golden", data / "unknown.safetensors", "-o", data / "h.safetensors")
    assert result.code == 2 and "no common size fits: pass its values or its shape" in result.err
    assert run("golden", data / "unknown.safetensors", "--shape", "x=4", "-o", data / "h.safetensors").code == 0


def test_a_store_that_changes_meanwhile_is_noticed(store: Path, data: Path) -> None:
    with neutral.open(store) as opened, pytest.raises(SourceError, match="changed"):

        def change(done: int, total: int) -> None:
            linear_store("fc1", ("another",)).save(store)

        record(opened, {"data": X}, data / "g.safetensors", progress=change)
    assert not (data / "g.safetensors").exists()


@pytest.mark.parametrize("into", [(), ("--into", "nets:Net")])
def test_a_module_is_compared_with_the_reference(run: Run, store: Path, modules: Path, into: tuple[str, ...]) -> None:
    result = run("verify", store, "--reference", *into)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1].endswith("this proves the writer, not the reader")
    document = run("verify", store, "--reference", *into, "--shape", "data=4,3", "--json").json
    assert [document[key] for key in ("ok", "proves", "reference", "golden_file")] == [True, "writer", True, None]
    assert [(row["layer"], row["shape"]) for row in document["rows"]] == [("fc1", [4, 2]), (None, [4, 2])]
    assert any("Only a record of the original framework" in note for note in document["notes"])


def test_a_module_that_computes_something_else_differs(run: Run, store: Path, modules: Path, data: Path) -> None:
    source = (modules / "nets.py").read_text()
    (modules / "nets.py").write_text(source.replace("return ", "return 1.001 * ", 1))
    words = ("verify", store, "--reference", "--into", "nets:Net", "--input", f"data={data}/x.npy")
    result = run(*words, "--json")
    assert result.code in (6, 7), result.out


def test_a_golden_file_of_the_reference_serves_load_and_is_named_as_evidence(
    run: Run, store: Path, modules: Path
) -> None:
    assert run("golden", store, "-o", "golden.safetensors").code == 0
    result = run("load", store, "--into", "nets:Net", "--golden", "golden.safetensors", "-o", "weights.pth")
    assert result.code == 0, result.err
    assert "this proves the writer, not the reader" in result.out
    assert "proven by the reference's values" in result.out


BRANCHES = """
import torch
from torch import nn


class Branches(nn.Module):
    def __init__(self, weight=1):
        super().__init__()
        self.north = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
        self.west = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
        self.weight = weight

    def forward(self, x):
        north, west = self.north(x), self.west(x)
        return torch.atan(north) + torch.atan(west) if self.weight == 1 else torch.atan(north) + 2 * torch.atan(west)
"""


def branches_store() -> Store:
    """A sum of two branches of equal layers, which neither names nor dataflow tell apart."""
    sizes = {"out_features": 3, "flatten": False}
    random = np.random.default_rng(0)
    nodes, layers, tensors = [], {}, {}
    for branch in "ab":
        for position, source in (("inner", "x"), ("outer", f"act_{branch}")):
            name = f"{position}_{branch}"
            nodes.append(Node(name, "linear", (Value(source),), sizes, name))
            layers[name] = Layer(name, "linear", sizes, {role: f"{name}.{role}" for role in ("weight", "bias")})
            tensors[f"{name}.weight"] = from_numpy(random.standard_normal((3, 3)).astype("f4"))
            tensors[f"{name}.bias"] = from_numpy(random.standard_normal(3).astype("f4"))
            if position == "inner":
                nodes.append(Node(f"act_{branch}", "relu", (Value(name),), {}))
        nodes.append(Node(f"atan_{branch}", "atan", (Value(f"outer_{branch}"),), {}))
    nodes.append(Node("sum", "add", (Value("atan_b"), Value("atan_a")), {}))
    return Store(layers, tensors, Graph((Input("x", (None, 3)),), tuple(nodes), (Value("sum"),)))


def test_the_reference_decides_ambiguous_layers_and_refuses_what_no_choice_reproduces(
    run: Run, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neutral_to_torch.loading import proof_cost

    (modules / "branches.py").write_text(BRANCHES)
    branches_store().save("branches.safetensors")
    words = ("load", "branches.safetensors", "--into", "branches.py:Branches", "-o", "weights.pth", "--json")
    with monkeypatch.context() as patch:  # a network that is too large to be run decides nothing
        patch.setattr(proof_cost, "FEW_PRODUCTS", 0)
        patch.setattr(proof_cost, "MOST_BYTES", 0)
        refused = run(*words)
    assert refused.code == 6 and "--reference, which computes them from the store" in refused.err
    decided = run(*words, "--reference")
    assert decided.code == 0, decided.err
    document = decided.json
    assert document["grade"]["proven_by"][0] == "reference" and document["proof"]["proves"] == "writer"
    pairs = document["plan"]["pair"]
    assert {pair["reason"] for pair in pairs} == {"activation"}
    owner = {pair["layer"]: pair["module"].partition(".")[0] for pair in pairs}
    assert owner["inner_a"] == owner["outer_a"] != owner["inner_b"] == owner["outer_b"]
    assert run(*words, "--reference", "--kwargs", '{"weight": 2}').code == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "one of the arguments --golden --reference is required"),
        (("--golden", "g", "--reference"), "not allowed with argument"),
        (("--golden", "g", "--input", "data=x.npy"), "--input gives the inputs of --reference"),
        (("--reference", "--shape", "data=2,3", "--input", "data=x.npy"), "give one of them"),
    ],
)
def test_mistakes_of_verify(
    run: Run, store: Path, modules: Path, data: Path, words: tuple[str, ...], message: str
) -> None:
    result = run("verify", store, *words)
    assert result.code == 2 and message in result.err, result.err

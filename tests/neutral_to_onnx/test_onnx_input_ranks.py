"""Ranks of inputs that the graph leaves free: inferred from shapes on which the network runs, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import onnx  # noqa: E402

import neutral.reference  # noqa: E402
from neutral.cli import main  # noqa: E402
from neutral.errors import UnsupportedError, UsageError  # noqa: E402
from neutral.graph import Graph, Input, Layer, Node, Value  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from neutral_to_onnx import write  # noqa: E402

TENSORS = {
    "fc.weight": from_numpy(np.random.RandomState(0).randn(5, 12).astype("float32")),
    "fc.bias": from_numpy(np.zeros(5, np.float32)),
    "words.weight": from_numpy(np.random.RandomState(1).randn(7, 12).astype("float32")),
}
LINEAR = {"out_features": 5, "flatten": True}


def perceptron() -> Store:
    """A network as MXNet's symbols describe it: an input without a shape, flattened by the first layer."""
    layers = {"fc": Layer("fc", "linear", LINEAR, {"weight": "fc.weight", "bias": "fc.bias"})}
    nodes = (
        Node("fc", "linear", (Value("data"),), LINEAR, "fc"),
        Node("out", "softmax", (Value("fc"),), {"axis": -1}),
    )
    return Store(layers, TENSORS, Graph((Input("data"),), nodes, (Value("out"),)))


def shapes_of(path: Path) -> dict[str, list[int | str]]:
    inputs = onnx.load(str(path)).graph.input
    return {item.name: [dim.dim_param or dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in inputs}


def test_the_rank_is_inferred_and_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, x = perceptron(), np.random.RandomState(2).randn(3, 12).astype("float32")
    store.save(tmp_path / "net.safetensors")
    assert main(["emit", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "net.onnx")]) == 0
    assert "note: the rank of the input 'data' is inferred, since the graph does not state it: (batch, 12)" in (
        capsys.readouterr().out
    )
    assert shapes_of(tmp_path / "net.onnx") == {"data": ["batch", 12]}
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    (expected,) = neutral.reference.run(store, {"data": x}).values()
    np.testing.assert_allclose(session.run(None, {"data": x})[0], expected, atol=1e-6)


def test_a_stated_shape_is_not_inferred_and_the_batch_can_be_fixed(tmp_path: Path) -> None:
    assert not write(perceptron(), tmp_path / "net.onnx", shapes={"data": (-1, 3, 2, 2)}).inferred
    assert shapes_of(tmp_path / "net.onnx") == {"data": ["batch", 3, 2, 2]}
    assert write(perceptron(), tmp_path / "net.onnx", batch=4).inferred == {"data": (4, 12)}


def test_extents_that_the_network_does_not_demand_stay_free(tmp_path: Path) -> None:
    """Two sequences whose lengths must be equal."""
    rows = {"out_features": 5, "flatten": False}
    nodes = (
        Node("weights", "softmax", (Value("a"),), {"axis": 2}),
        Node("sum", "add", (Value("weights"), Value("b")), {}),
        Node("flat", "flatten", (Value("sum"),), {}),
        Node("fc", "linear", (Value("sum"),), rows, "fc"),
    )
    layers = {"fc": Layer("fc", "linear", rows, {"weight": "fc.weight", "bias": "fc.bias"})}
    store = Store(layers, TENSORS, Graph((Input("a"), Input("b")), nodes, (Value("fc"), Value("flat"))))
    shapes = write(store, tmp_path / "net.onnx").inferred
    assert shapes == {"a": ("batch", "a_dim_1", 12), "b": ("b_dim_0", "b_dim_1", 12)}


@pytest.mark.parametrize("kind", ["relu", "concatenate"])
def test_what_stays_open_is_refused(tmp_path: Path, kind: str) -> None:
    """Any rank fits the one, and none that is tried the other."""
    operands = (Value("a"), Value("b")) if kind == "concatenate" else (Value("b"),)
    node = Node("out", kind, operands, {"axis": 1} if kind == "concatenate" else {})
    store = Store({}, {}, Graph((Input("a", (2, 3, 5, 7, 11)), Input("b")), (node,), (Value("out"),)))
    with pytest.raises(UnsupportedError) as raised:
        write(store, tmp_path / "net.onnx")
    assert raised.value.problems[0] == "inputs of unknown rank (1 node: b)"
    assert raised.value.problems[1].endswith("a number for each dimension: --shape b=N,C,H,W")
    assert not list(tmp_path.iterdir())


def pooled(features: int) -> Store:
    """Bins of adaptive pooling, which depend on the size of the image, and a layer after as many features."""
    pool = Node("pool", "adaptive_average_pool", (Value("data"),), {"output_size": (2, 3)})
    flat = Node("flat", "flatten", (Value("data"),), {})
    nodes = (pool, flat, Node("fc", "linear", (Value("flat"),), LINEAR, "fc"))
    layers = {"fc": Layer("fc", "linear", LINEAR, {"weight": "fc.weight"})}
    weight = from_numpy(np.ones((5, features), np.float32))
    outputs = (Value("pool"), Value("fc")) if features else (Value("pool"),)
    graph = Graph((Input("data", (None, 3, None, None)),), nodes if features else (pool,), outputs)
    return Store(layers if features else {}, {"fc.weight": weight} if features else {}, graph)


def test_a_size_that_a_rule_needs_and_the_network_demands_is_not_asked_for(tmp_path: Path) -> None:
    write(pooled(3 * 8 * 8), tmp_path / "net.onnx")
    assert shapes_of(tmp_path / "net.onnx") == {"data": ["batch", 3, 8, 8]}


def test_advice_on_sizes_can_be_followed(tmp_path: Path) -> None:
    pooled(0).save(tmp_path / "net.safetensors")
    command = ["emit", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "net.onnx")]
    with pytest.raises(UnsupportedError) as raised:
        write(pooled(0), tmp_path / "net.onnx")
    assert raised.value.problems[0].startswith("kind adaptive_average_pool: its bins depend on the size of the image")
    option = raised.value.problems[1].rpartition(": ")[2].split()
    assert option == ["--shape", "data=1,3,224,224"]
    assert main([*command, *option]) == 0
    assert shapes_of(tmp_path / "net.onnx") == {"data": [1, 3, 224, 224]}


@pytest.mark.parametrize("unsqueezed", [True, False])
def test_states_of_recurrent_layers_have_the_shape_of_the_layer(tmp_path: Path, unsqueezed: bool) -> None:
    sizes = {"bidirectional": False, "dropout": 0.0, "hidden_size": 4, "num_layers": 1}
    names = {"weight_ih_l0": (12, 3), "weight_hh_l0": (12, 4), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
    random = np.random.default_rng(0)
    tensors = {f"r.{role}": from_numpy(random.standard_normal(shape, np.float32)) for role, shape in names.items()}
    layers = {"r": Layer("r", "gru", sizes, {role: f"r.{role}" for role in names})}
    state = Node("state", "unsqueeze", (Value("h"),), {"axis": 0})
    layer = Node("r", "gru", (Value("x"), Value("state" if unsqueezed else "h")), sizes, "r")
    nodes = (state, layer) if unsqueezed else (layer,)
    store = Store(layers, tensors, Graph((Input("x"), Input("h")), nodes, (Value("r"),)))
    write(store, tmp_path / "net.onnx")
    free = ["h_dim_0", 4] if unsqueezed else [1, "h_dim_1", 4]
    assert shapes_of(tmp_path / "net.onnx") == {"x": ["batch", "x_dim_1", 3], "h": free}
    write(store, tmp_path / "net.onnx", batch=7)
    assert shapes_of(tmp_path / "net.onnx") == {"x": [7, "x_dim_1", 3], "h": [7, 4] if unsqueezed else free}
    given, _ = neutral.reference.draw_inputs(store, {})
    assert given["h"].shape == ((2, 4) if unsqueezed else (1, 2, 4))


def test_a_symbol_without_parameters_is_refused_as_such(tmp_path: Path) -> None:
    nodes = tuple(Node(n, "linear", (Value(x),), LINEAR) for n, x in (("a", "data"), ("b", "a")))
    with pytest.raises(UnsupportedError, match=r"no tensor 'weight'; the parameters .* not there \(2 nodes: a, b\)"):
        write(Store({}, {}, Graph((Input("data", (1, 12)),), nodes, (Value("b"),))), tmp_path / "net.onnx")


def test_states_of_a_rank_that_the_operator_lacks_are_refused(tmp_path: Path) -> None:
    """NumPy broadcasts a vector to the states, the operator of ONNX does not."""
    names = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,), "bias_hh_l0": (16,)}
    tensors = {f"r.{role}": from_numpy(np.zeros(shape, np.float32)) for role, shape in names.items()}
    clips = {"clip_max": None, "clip_min": None, "clip_nan": False}
    sizes = {"bidirectional": False, "dropout": 0.0, "hidden_size": 4, "num_layers": 1, "projection_size": 0}
    layers = {"r": Layer("r", "lstm", {**clips, **sizes}, {role: f"r.{role}" for role in names})}
    node = Node("r", "lstm", (Value("x"), Value("h"), Value("c")), {**clips, **sizes}, "r")
    store = Store(layers, tensors, Graph((Input("x"), Input("h"), Input("c")), (node,), (Value("r"),)))
    with pytest.raises(UsageError, match=r"input 'h' cannot have the shape \(1,\); the graph demands \(1, any, 4\)"):
        write(store, tmp_path / "net.onnx", shapes={"h": (1,), "c": (1,)})
    assert not list(tmp_path.iterdir())


def test_each_output_of_unknown_rank_is_named(tmp_path: Path) -> None:
    x, y = Value("x"), Value("y")
    identity = Graph((Input("x"), Input("y")), (), (x, y))
    wider = Node("wide", "unsqueeze", (x,), {"axis": 0})
    other = Graph((Input("x"), Input("y")), (wider,), (Value("wide"), y))
    branch = Node("choice", "branch", (Value("flag"), x, y), {"then": identity, "otherwise": other})
    inputs = (Input("flag", (1,)), Input("x", (2,)), Input("y", (2,)))
    graph = Graph(inputs, (branch,), (Value("choice"), Value("choice", 1)))
    with pytest.raises(UnsupportedError) as refused:
        write(Store({}, {}, graph), tmp_path / "net.onnx")
    assert refused.value.problems[0].startswith("outputs of unknown rank (1 node: choice)")

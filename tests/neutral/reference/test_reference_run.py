"""Evaluation of graphs: selection of outputs, checks before anything runs, dtypes, memory."""

from __future__ import annotations

import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neutral.errors import MismatchError, UnsupportedError, UsageError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.operators import Operator, catalogue
from neutral.reference import FUNCTIONS, multiply_adds, run
from neutral.store import Store
from neutral.tensor import from_numpy
from samples import run_python

X = np.array([[1.0, -2.0, 3.0]], np.float32)
LINEAR = {"out_features": 2, "flatten": False}


def network(shape: Any = (None, 3), dtype: str | None = "float32") -> Store:
    nodes = (
        Node("fc", "linear", (Value("data"),), LINEAR, "fc"),
        Node("act", "relu", (Value("fc"),), {}),
        Node("parts", "split", (Value("act"),), {"axis": 1, "parts": 2}),
        Node("sum", "add", (Value("parts", 1), Value("extra")), {}),
    )
    graph = Graph((Input("data", shape, dtype), Input("extra")), nodes, (Value("sum"), Value("parts", 1)))
    arrays = {"weight": np.array([[1, 0, 1], [0, 1, 2]], np.float32), "bias": np.array([0.5, -1], np.float32)}
    layers = {"fc": Layer("fc", "linear", LINEAR, {role: f"fc.{role}" for role in arrays})}
    return Store(layers, {f"fc.{role}": from_numpy(array) for role, array in arrays.items()}, graph)


def test_outputs_are_named_after_nodes_and_numbers() -> None:
    result = run(network(), {"data": X, "extra": np.float32(10)})
    assert {name: array.tolist() for name, array in result.items()} == {"sum": [[13.0]], "parts:1": [[3.0]]}


def test_chosen_outputs_need_only_the_inputs_that_they_depend_on() -> None:
    result = run(network(), {"data": X}, outputs=["fc", "parts:0"])
    assert {name: array.tolist() for name, array in result.items()} == {"fc": [[4.5, 3.0]], "parts:0": [[4.5]]}
    assert list(run(network(), {"data": X}, until="parts")) == ["parts", "parts:1"]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"inputs": {"dat": X}}, UsageError, "no input 'dat'; its inputs are data, extra"),
        ({"inputs": {"data": X}}, UsageError, "no array is given for the inputs extra"),
        ({"outputs": ["fcc"]}, UsageError, "no node 'fcc'"),
        ({"outputs": ["parts:2"]}, UsageError, "has 2 outputs"),
        ({"precision": "float8"}, UsageError, "unknown precision 'float8'"),
        ({"inputs": {"data": X[0], "extra": X}}, MismatchError, r"shape \(3,\); the graph declares \(any, 3\)"),
        ({"inputs": {"data": X[:, :2], "extra": X}}, MismatchError, r"shape \(1, 2\)"),
        ({"inputs": {"data": X.astype("f8"), "extra": X}}, MismatchError, "dtype float64; the graph declares float32"),
        ({"inputs": {"data": X, "extra": np.array(["a"])}}, MismatchError, "expected numbers"),
    ],
)
def test_errors(changes: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run(network(), **{"inputs": {"data": X, "extra": X}, **changes})


def test_operands_that_do_not_fit_are_named_with_their_node() -> None:
    with pytest.raises(MismatchError, match=r"node 'fc' \(linear\) cannot be computed from float32\(1, 2\)"):
        run(network(shape=None), {"data": X[:, :2]}, outputs=["fc"])


def test_a_store_without_a_graph_cannot_be_run() -> None:
    with pytest.raises(UsageError, match="has no graph"):
        run(Store({}, {}), {})


def test_kinds_without_a_function_are_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue._operators, "untold", Operator("untold", "output = input."))
    monkeypatch.setitem(FUNCTIONS, "relu", pytest.fail)
    body = Graph((), (Node("inner", "untold", (Value("x"),), {}),), ())
    nodes = (
        Node("act", "relu", (Value("x"),), {}),
        Node("old", "opaque", (Value("act"),), {}),
        Node("loop", "foreach", (Value("old"),), {"body": body, "sequences": 1, "states": 0}),
    )
    with pytest.raises(UnsupportedError) as raised:
        run(Store({}, {}, Graph((Input("x"),), nodes, (Value("loop"),))), {"x": X})
    assert raised.value.problems == ("opaque (node 'old')", "untold (node 'inner')")


def test_precision_holds_for_inputs_tensors_and_results() -> None:
    store = network(dtype=None)
    inputs = {"data": X, "extra": X[:, :1]}
    assert run(store, inputs)["sum"].dtype == np.float32
    assert run(store, inputs, precision="float64")["sum"].dtype == np.float64


def test_float16_is_computed_in_float32_and_rounded_once() -> None:
    nodes = (
        Node("sum", "sum", (Value("x"),), {"axes": None, "exclude": False, "keepdim": False, "at_least_1d": False}),
    )
    x = np.full(4096, 0.1, np.float16)
    total = run(Store({}, {}, Graph((Input("x"),), nodes, (Value("sum"),))), {"x": x})["sum"]
    assert total.dtype == np.float16 and total == np.float16(x.astype(np.float64).sum())


def test_values_are_freed_after_their_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[np.ndarray]] = []

    def relu(input: np.ndarray) -> np.ndarray:
        assert sum(reference() is not None for reference in alive) <= 1
        result = input + 1
        alive.append(weakref.ref(result))
        return result

    monkeypatch.setitem(FUNCTIONS, "relu", relu)
    nodes = tuple(Node(f"n{i + 1}", "relu", (Value(f"n{i}"),), {}) for i in range(5))
    run(Store({}, {}, Graph((Input("n0"),), nodes, (Value("n5"),))), {"n0": np.zeros(3, np.float32)})
    assert len(alive) == 5


def peak_memory(nodes: tuple[Node, ...], x: np.ndarray) -> int:
    """The most bytes that a run holds at once, besides its input."""
    store = Store({}, {}, Graph((Input("n0"),), nodes, (Value(nodes[-1].name),)))
    run(store, {"n0": x[:1]})  # what the first run of a kind imports and caches
    tracemalloc.start()
    try:
        run(store, {"n0": x})
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_the_live_values() -> None:
    x = np.ones((64, 4096), np.float32)
    kinds = [("relu", ()), ("add", (1.5,)), ("sigmoid", ())] * 34
    chain = tuple(Node(f"n{i + 1}", kind, (Value(f"n{i}"), *more), {}) for i, (kind, more) in enumerate(kinds))
    assert len(chain) > 100 and peak_memory(chain, x) < 6 * x.nbytes
    kept = Node("sum", "add", (Value("n102"), Value("n1")), {})
    assert x.nbytes <= peak_memory((*chain, kept), x) - 1 < 7 * x.nbytes


def test_memory_is_that_of_the_live_values_in_a_loop() -> None:
    x = np.ones((64, 4096), np.float32)
    body = Graph(
        (Input("state"),),
        tuple(Node(f"s{i + 1}", "relu", (Value(f"s{i}" if i else "state"),), {}) for i in range(20)),
        (Value("s20"),),
    )
    until = Graph((Input("state"),), (Node("more", "greater", (1.0, 0.0), {"dtype": None}),), (Value("more"),))
    how = {"condition": until, "body": body, "states": 1, "max_iterations": 10}
    assert peak_memory((Node("loop", "while_loop", (Value("n0"),), how),), x) < 6 * x.nbytes


def test_tensors_of_a_file_are_read_and_not_mapped(tmp_path: Path) -> None:
    """Use of a mapped file that shrinks ends the process by a signal."""
    from neutral.reference.tensors import layer_tensors
    from neutral.store import open_store

    path = tmp_path / "net.safetensors"
    network().save(path)
    with open_store(path) as store:
        weight = layer_tensors(store, "fc")["weight"]
        assert not isinstance(weight, np.memmap) and not isinstance(weight.base, np.memmap)
        expected = run(network(), {"data": X}, outputs=["fc"])["fc"]
        np.testing.assert_array_equal(run(store, {"data": X}, outputs=["fc"])["fc"], expected)


def test_only_numpy_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    network().save(path)
    script = (
        "import sys, neutral, neutral.reference, numpy\n"
        "store = neutral.open(sys.argv[1]); x = numpy.ones((1, 3), 'float32')\n"
        "print(neutral.reference.run(store, {'data': x, 'extra': x[:, :1]})['sum'].tolist())\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted({'torch', 'onnx', 'onnxruntime', 'h5py', 'scipy', 'safetensors', 'mxnet'} & names))\n"
    )
    done = run_python(script, str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[[3.0]]", ""]


def test_tensors_of_a_file_are_in_memory_one_layer_at_a_time(tmp_path: Path) -> None:
    from neutral.store import open_store

    attributes = {"out_features": 512, "flatten": False}
    names = [f"fc{number}" for number in range(20)]
    layers = {name: Layer(name, "linear", attributes, {"weight": f"{name}.weight"}) for name in names}
    weight = np.eye(512, dtype=np.float32)
    tensors = {f"{name}.weight": from_numpy(weight) for name in names}
    nodes = tuple(Node(name, "linear", (Value(last),), attributes, name) for last, name in zip(["x", *names], names))
    graph = Graph((Input("x", (1, 512), "float32"),), nodes, (Value("fc19"),))
    Store(layers, tensors, graph).save(tmp_path / "net.safetensors")
    x = np.arange(512, dtype=np.float32)[None]
    with open_store(tmp_path / "net.safetensors") as store:
        run(store, {"x": x})  # what the first run imports and caches
        tracemalloc.start()
        try:
            result = run(store, {"x": x})["fc19"]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    np.testing.assert_array_equal(result, x)
    assert weight.nbytes <= peak < 4 * weight.nbytes


@pytest.mark.parametrize("kind", sorted(operator.kind for operator in catalogue if operator.kind != "opaque"))
def test_the_cost_of_a_node_without_known_shapes_is_0(kind: str) -> None:
    node = Node("y", kind, (Value("a"), Value("b")), {"heads": 2})
    assert multiply_adds(node, {}, {}) == 0

"""Options of the writer: parts of networks, versions of the operators, float16, external data, simplification."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import onnx  # noqa: E402

import networks  # noqa: E402
import neutral.reference  # noqa: E402
from neutral.errors import UnsupportedError  # noqa: E402
from neutral.graph import Graph, Input, Layer, Node, Value  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from neutral_to_onnx import write  # noqa: E402

NETWORKS: dict[str, Callable[[], Store]] = {
    "resnet": lambda: networks.resnet((1, 1, 1)),
    "mobilenet": networks.mobilenet,
    "vgg": networks.vgg,
}
IMAGE = np.random.RandomState(0).randn(2, 3, 32, 32).astype("float32")


def run(path: Path) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (item,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {item.name: IMAGE})))


def reference(store: Store, *outputs: str) -> dict[str, Any]:
    assert store.graph is not None
    key = store.graph.inputs[0].name
    return dict(neutral.reference.run(store, {key: IMAGE}, outputs=list(outputs) or None))


def assert_equal(results: dict[str, np.ndarray], expected: dict[str, Any], tolerance: float = 1e-5) -> None:
    assert list(results) == list(expected)
    for name, array in expected.items():
        assert results[name].dtype == array.dtype and results[name].shape == array.shape
        assert np.abs(results[name] - array).max() <= tolerance * np.abs(array).max()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"outputs": ["stage1_unit1_conv1", "stem_relu"]}, ["stage1_unit1_conv1", "stem_relu"]),
        ({"until": "stage1_unit1_relu1"}, ["stage1_unit1_relu1"]),
    ],
)
def test_a_network_can_end_at_other_nodes(tmp_path: Path, options: dict[str, Any], names: list[str]) -> None:
    store = networks.resnet((1, 1, 1))
    assert store.graph is not None
    names = [next(n.name for n in store.graph.nodes if n.name.startswith(name)) for name in names]
    written = write(store, tmp_path / "net.onnx", **options)
    assert list(written.outputs) == names and written.nodes < len(store.graph.nodes) // 2
    assert_equal(run(tmp_path / "net.onnx"), reference(store, *names))


@pytest.mark.parametrize("opset", [22, 23])
@pytest.mark.parametrize("name", NETWORKS)
def test_newer_operators_compute_the_same(tmp_path: Path, name: str, opset: int) -> None:
    """onnxruntime has all kernels that these networks need, though not those of RoiAlign and others."""
    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 20):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} runs opset 21 at most")
    store = NETWORKS[name]()
    assert write(store, tmp_path / "net.onnx", opset=opset).opset == opset
    assert onnx.load(str(tmp_path / "net.onnx")).opset_import[0].version == opset
    assert_equal(run(tmp_path / "net.onnx"), reference(store))


def test_weights_above_the_limit_of_a_message_are_external(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = networks.vgg()
    size = write(store, tmp_path / "net.onnx").path.stat().st_size
    monkeypatch.setattr("neutral_to_onnx.files.LARGEST_MESSAGE", size + 100)
    assert write(store, tmp_path / "net.onnx").weights == tmp_path / "net.onnx"
    monkeypatch.setattr("neutral_to_onnx.files.LARGEST_MESSAGE", size - 100)
    written = write(store, tmp_path / "net.onnx")
    assert written.weights == tmp_path / "net.onnx.data" and written.weights.stat().st_size > size // 2
    assert written.path.stat().st_size < size // 2
    assert_equal(run(tmp_path / "net.onnx"), reference(store))


@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_is_near_single_precision(tmp_path: Path, name: str) -> None:
    """Inputs and outputs keep float32; 1e-2 of the scale is ten roundings of float16."""
    store = NETWORKS[name]()
    single, half = tmp_path / "single.onnx", tmp_path / "half.onnx"
    write(store, single)
    write(store, half, fp16=True)
    onnx.checker.check_model(str(half), full_check=True)
    assert half.stat().st_size < single.stat().st_size
    graph = onnx.load(str(half)).graph
    weights = {item.name: item.data_type for item in graph.initializer}
    for layer in store.layers.values():
        wanted = onnx.TensorProto.FLOAT16 if layer.kind in ("convolution", "linear") else onnx.TensorProto.FLOAT
        assert all(weights[key] == wanted for key in layer.tensors.values())
    ends = {item.name: item.type.tensor_type.elem_type for item in (*graph.input, *graph.output)}
    assert set(ends.values()) == {onnx.TensorProto.FLOAT}
    expected = run(single)
    assert_equal(run(half), expected, 1e-2)
    assert any((run(half)[key] != array).any() for key, array in expected.items())


def test_half_precision_leaves_indices_exact(tmp_path: Path) -> None:
    """An index is an input of float32 and may be 2049, which float16 has not."""
    table = {"num_embeddings": 3000, "embedding_dim": 2}
    layers = {"words": Layer("words", "embedding", table, {"weight": "words.weight"})}
    tensors = {"words.weight": from_numpy((np.arange(6000).reshape(3000, 2) % 1000).astype("float32"))}
    node = Node("row", "embedding", (Value("x"),), table, "words")
    write(Store(layers, tensors, Graph((Input("x", (1,)),), (node,), (Value("row"),))), tmp_path / "n.onnx", fp16=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    (rows,) = session.run(None, {"x": np.array([2049], np.float32)})
    assert rows.dtype == np.float32 and rows.tolist() == [[98, 99]]


def test_half_precision_of_branches_is_refused(tmp_path: Path) -> None:
    body = Graph((Input("s"),), (Node("t", "relu", (Value("s"),), {}),), (Value("t"),))
    node = Node("either", "branch", (Value("x"), Value("x")), {"then": body, "otherwise": body})
    store = Store({}, {}, Graph((Input("x", (1,)),), (node,), (Value("either"),)))
    write(store, tmp_path / "single.onnx")
    with pytest.raises(UnsupportedError, match=r"kind branch: .* leave out --fp16"):
        write(store, tmp_path / "half.onnx", fp16=True)
    assert not (tmp_path / "half.onnx").exists()


@pytest.mark.parametrize("name", NETWORKS)
def test_simplification_leaves_the_numbers_equal(tmp_path: Path, name: str) -> None:
    onnxslim = pytest.importorskip("onnxslim", reason="onnxslim is not installed")
    store = NETWORKS[name]()
    write(store, tmp_path / "net.onnx")
    onnx.save(onnxslim.slim(onnx.load(str(tmp_path / "net.onnx"))), str(tmp_path / "slim.onnx"))
    assert_equal(run(tmp_path / "slim.onnx"), run(tmp_path / "net.onnx"))

"""Whole networks as ONNX files: numbers at every level of optimisation, names, metadata, shapes, external data."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import onnx  # noqa: E402

import networks  # noqa: E402
import neutral.reference  # noqa: E402
from cli_cases import Result, Run  # noqa: E402
from neutral import plugins  # noqa: E402
from neutral.cli import main  # noqa: E402
from neutral.errors import UsageError  # noqa: E402
from neutral.graph import Graph, Input, Node, Value  # noqa: E402
from neutral.store import Store, open_store  # noqa: E402
from neutral_to_onnx import verify, write  # noqa: E402

LEVELS = onnxruntime.GraphOptimizationLevel
IMAGE = np.random.RandomState(0).randn(2, 3, 32, 32).astype("float32")
NETWORKS: dict[str, Callable[[], Store]] = {
    "resnet": lambda: networks.resnet((1, 1, 1)),
    "mobilenet": networks.mobilenet,
    "vgg": networks.vgg,
}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """``cli("emit", store, ...)`` runs a command and returns its exit code and output."""

    def call(*words: object) -> Result:
        code = main([str(word) for word in words])
        return Result(code, *capsys.readouterr())

    return call


def run(path: Path, level: Any = LEVELS.ORT_ENABLE_ALL, **inputs: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results: list[np.ndarray] = session.run(None, inputs)
    return results


def input_of(store: Store) -> tuple[str, np.ndarray]:
    assert store.graph is not None
    (item,) = store.graph.inputs
    shape = [size or extent for size, extent in zip(item.shape or IMAGE.shape, IMAGE.shape)]
    return item.name, np.random.RandomState(0).randn(*shape).astype("float32")


@pytest.mark.parametrize("opset", [17, 21])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_what_the_reference_computes(tmp_path: Path, name: str, opset: int) -> None:
    store = NETWORKS[name]()
    key, x = input_of(store)
    write(store, tmp_path / "net.onnx", opset=opset)
    (expected,) = neutral.reference.run(store, {key: x}).values()
    for level in (LEVELS.ORT_DISABLE_ALL, LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED, LEVELS.ORT_ENABLE_ALL):
        (result,) = run(tmp_path / "net.onnx", level, **{key: x})
        assert np.abs(result - expected).max() <= 1e-5 * np.abs(expected).max()


def test_names_and_metadata_are_those_of_the_store(tmp_path: Path) -> None:
    store = networks.resnet((1, 1))
    store.save(tmp_path / "net.safetensors")
    with open_store(tmp_path / "net.safetensors") as stored:
        write(stored, tmp_path / "net.onnx")
        graph = stored.graph
        assert graph is not None
        model = onnx.load(str(tmp_path / "net.onnx"))
        onnx.checker.check_model(model, full_check=True)
        assert [item.name for item in model.graph.input] == [item.name for item in graph.inputs]
        assert [item.name for item in model.graph.output] == [value.node for value in graph.outputs]
        assert {item.name for item in model.graph.initializer} == set(stored.tensors)
        nodes = {node.name: node for node in model.graph.node}
        assert {node.name for node in graph.nodes} <= set(nodes)
        assert nodes["stage1_unit1_conv1"].doc_string == "kind convolution, layer stage1_unit1_conv1"
        metadata = {item.key: item.value for item in model.metadata_props}
        assert json.loads(metadata["neutral.digests"]) == dict(stored.digests)


def test_no_node_is_superfluous(tmp_path: Path) -> None:
    """A node for each of the store's, and the one that flattens for the last layer."""
    store = networks.resnet((1, 1, 1))
    write(store, tmp_path / "net.onnx")
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "net.onnx")).graph.node}
    assert not kinds & {"Transpose", "Reshape", "Cast", "Identity", "Shape"}


def test_free_dimensions_have_names_and_can_be_fixed(tmp_path: Path) -> None:
    def shapes() -> list[list[Any]]:
        model = onnx.load(str(tmp_path / "net.onnx"))
        values = (*model.graph.input, *model.graph.output)
        return [[dim.dim_param or dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in values]

    window = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "rounding": "up", "layout": "channels_first"}
    graph = Graph(
        (Input("data", (None, 3, None, None)),), (Node("p", "max_pool", (Value("data"),), window),), (Value("p"),)
    )
    store = Store({}, {}, graph)
    write(store, tmp_path / "net.onnx")
    assert shapes()[0] == ["batch", 3, "height", "width"]
    x = IMAGE[:, :, :7, :9]
    assert run(tmp_path / "net.onnx", data=x)[0].shape == (2, 3, 4, 5)
    write(store, tmp_path / "net.onnx", batch=4)
    assert shapes()[0] == [4, 3, "height", "width"]
    write(store, tmp_path / "net.onnx", shapes={"data": (-1, 3, 8, 9)})
    assert shapes() == [["batch", 3, 8, 9], ["batch", 3, 4, 5]]
    with pytest.raises(UsageError, match="cannot have the shape"):
        write(store, tmp_path / "net.onnx", shapes={"data": (1, 3, 8)})
    with pytest.raises(UsageError, match="no input 'date'"):
        write(store, tmp_path / "net.onnx", shapes={"date": (1, 3, 8, 8)})


def test_a_shape_that_the_symbol_states_can_be_replaced_by_one_on_which_the_network_runs(tmp_path: Path) -> None:
    """Symbols often state the batch and the image size of the training."""
    store = networks.resnet((1, 1))
    assert store.graph is not None
    (item,) = store.graph.inputs
    stated = Store(store.layers, store.tensors, replace(store.graph, inputs=(replace(item, shape=(32, 3, 32, 32)),)))

    def shape() -> list[int | str]:
        (item,) = onnx.load(str(tmp_path / "net.onnx")).graph.input
        return [dim.dim_param or dim.dim_value for dim in item.type.tensor_type.shape.dim]

    write(stated, tmp_path / "net.onnx")
    assert shape() == [32, 3, 32, 32]
    write(stated, tmp_path / "net.onnx", shapes={item.name: (0, -1, 0, 0)})
    assert shape() == ["batch", 3, "height", "width"]
    (expected,) = neutral.reference.run(store, {item.name: IMAGE}).values()
    np.testing.assert_allclose(run(tmp_path / "net.onnx", **{item.name: IMAGE})[0], expected, atol=1e-5)
    with pytest.raises(
        UsageError, match=r"cannot have the shape \(1, 4, 32, 32\); the graph demands \(32, 3, 32, 32\)"
    ):
        write(stated, tmp_path / "net.onnx", shapes={item.name: (1, 4, 32, 32)})


def test_external_data_hold_the_weights(tmp_path: Path) -> None:
    store = networks.resnet((1, 1))
    key, x = input_of(store)
    whole = write(store, tmp_path / "whole.onnx")
    split = write(store, tmp_path / "split.onnx", external_data=True)
    assert whole.weights == whole.path and split.weights == tmp_path / "split.onnx.data"
    onnx.checker.check_model(str(split.path), full_check=True)
    (tmp_path / "moved").mkdir()
    for path in (split.path, split.weights):
        path.rename(tmp_path / "moved" / path.name)
    np.testing.assert_array_equal(run(tmp_path / "moved" / "split.onnx", **{key: x}), run(whole.path, **{key: x}))


def test_a_model_is_written_the_same_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(networks.resnet((1, 1)), tmp_path / f"{name}.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_the_command_line_writes_and_verifies(cli: Run, tmp_path: Path) -> None:
    store = networks.resnet((1, 1))
    key, x = input_of(store)
    store.save(tmp_path / "net.safetensors")
    model, golden = str(tmp_path / "net.onnx"), str(tmp_path / "golden.safetensors")
    result = cli("emit", tmp_path / "net.safetensors", "-o", model, "--opset", "17", "--batch", "2")
    assert result.code == 0 and "opset 17" in result.out
    neutral.reference.record(store, {key: x}, golden)
    result = cli("verify", model, "--golden", golden)
    assert result.code == 0, result.out + result.err
    report = verify(model, golden)
    assert report.ok and len(report.rows) > 10 and report.rows[0].kind == "convolution"
    damaged = onnx.load(model)
    weight = next(item for item in damaged.graph.initializer if item.name.endswith("conv1.weight"))
    weight.raw_data = onnx.numpy_helper.to_array(weight).__mul__(np.float32(1.01)).tobytes()
    onnx.save(damaged, model)
    report = verify(model, golden)
    assert not report.ok and report.first_divergence is not None
    assert report.first_divergence.name == weight.name.rpartition(".")[0]
    assert cli("verify", model, "--golden", golden).code == 7
    assert cli("verify", tmp_path / "net.safetensors", "--to", "onnx", "--golden", golden).code == 0


@pytest.mark.parametrize("words", [("--class-name", "Net"), ("--pth",)])
def test_options_of_another_writer_are_refused(cli: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    networks.vgg().save(tmp_path / "net.safetensors")
    result = cli("emit", tmp_path / "net.safetensors", "-o", tmp_path / "net.onnx", *words)
    assert result.code == 2 and f"no option {words[0]}" in result.err
    torch_writer = plugins.load(plugins.WRITERS, "torch")
    with pytest.raises(UsageError, match="the writer 'torch' has no option --opset, --shape"):
        torch_writer.emit(networks.vgg(), tmp_path / "net.py", opset=17, shapes={})


def test_names_of_the_package_are_functions_whatever_is_imported_before() -> None:
    """A module of the package was called like a function, and took its place when it was imported."""
    program = (
        "import neutral_to_onnx, pkgutil, importlib\n"
        "for module in pkgutil.walk_packages(neutral_to_onnx.__path__, 'neutral_to_onnx.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert all(callable(getattr(neutral_to_onnx, name)) for name in neutral_to_onnx.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

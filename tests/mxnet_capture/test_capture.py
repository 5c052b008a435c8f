"""The capture script: what it records is what MXNet computes, and it runs on every Python that MXNet had."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "readers" / "mxnet_capture.py"
PYTHONS = ("2.7", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """A Python of this version: on the path, or among pyenv's."""
    installed = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*"))
    if installed:
        return str(installed[-1] / "bin" / "python")
    return shutil.which(f"python{version}")


@pytest.mark.parametrize("version", PYTHONS)
def test_the_script_compiles_on_every_python_that_mxnet_had(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    shutil.copy(SCRIPT, tmp_path / "mxnet_capture.py")
    subprocess.run([python, "-W", "error", "-m", "py_compile", "mxnet_capture.py"], cwd=tmp_path, check=True)


def test_the_script_needs_the_standard_library_numpy_and_mxnet_only() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    beyond = {"argparse", "collections", "contextlib", "glob", "hashlib", "importlib", "io", "json", "os", "re"}
    assert imported - beyond == {"__future__", "struct", "sys", "numpy", "mxnet", "PIL"}


def test_uv_is_told_which_mxnet_to_bring() -> None:
    block = re.search(r"^# /// script\n((?:#.*\n)+?)# ///$", SCRIPT.read_text(), re.MULTILINE)
    assert block is not None
    lines = [line[2:] for line in block.group(1).splitlines()]
    assert lines == ['requires-python = ">=3.8,<3.12"', 'dependencies = ["mxnet==1.9.1", "numpy<1.24", "pillow"]']


def test_without_mxnet_it_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mxnet.py").write_text("raise ImportError('No module named mxnet')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(SCRIPT), "run", "model", "-o", "golden.safetensors"]
    result = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 3
    assert result.stderr.startswith("error: MXNet cannot be imported") and result.stderr.count("\n") == 1


try:
    import mxnet as mx

    import mxnet_capture
except Exception:
    mx = None

needs_mxnet = pytest.mark.skipif(mx is None, reason="MXNet is not installed in this environment")


def read_golden(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with safe_open(str(path), "numpy") as file:
        metadata = file.metadata()
    assert set(metadata) == {"format", "golden"} and metadata["format"] == "pt"
    golden = json.loads(metadata["golden"])
    assert metadata["golden"] == json.dumps(golden, sort_keys=True)
    tensors = load_file(str(path))
    named = [entry["key"] for entry in golden["inputs"] + golden["internals"]] + golden["outputs"]
    assert set(named) == set(tensors)
    return golden, tensors


def small_network() -> Any:
    x = mx.sym.Variable("data")
    x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=4, name="conv")
    x = mx.sym.BatchNorm(x, fix_gamma=True, name="bn")
    x = mx.sym.Activation(x, act_type="relu", name="relu")
    x = mx.sym.FullyConnected(x, num_hidden=3, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def random_parameters(symbol: Any, **shapes: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    random = np.random.RandomState(7)
    arg_shapes, _, aux_shapes = symbol.infer_shape(**shapes)
    values = [
        {name: mx.nd.array(random.uniform(0.1, 1, shape)) for name, shape in zip(names, group) if name not in shapes}
        for names, group in (
            (symbol.list_arguments(), arg_shapes),
            (symbol.list_auxiliary_states(), aux_shapes),
        )
    ]
    for name in [name for name in values[0] if name.endswith("label")]:
        del values[0][name]
    return values[0], values[1]


@pytest.fixture
def data() -> np.ndarray:
    return np.random.RandomState(3).standard_normal((2, 3, 6, 6)).astype(np.float32)


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    symbol = small_network()
    prefix = str(tmp_path / "model")
    mx.model.save_checkpoint(prefix, 0, symbol, *random_parameters(symbol, data=(2, 3, 6, 6)))
    return prefix


def run(*arguments: Any) -> int:
    return mxnet_capture.main(["run", *map(str, arguments)])


@needs_mxnet
class TestCheckpoint:
    def test_records_every_operator_under_its_node(self, checkpoint: str, data: np.ndarray, tmp_path: Path) -> None:
        np.savez(tmp_path / "inputs.npz", data=data)
        assert run(checkpoint, 0, "--input", tmp_path / "inputs.npz", "-o", tmp_path / "g") == 0
        golden, tensors = read_golden(tmp_path / "g")
        assert [entry["node"] for entry in golden["internals"]] == ["conv", "bn", "relu", "fc", "softmax"]
        assert golden["outputs"] == ["internals.softmax_output"]
        assert golden["inputs"] == [
            {"name": "data", "key": "inputs.data", "label": False},
            {"name": "softmax_label", "key": "inputs.softmax_label", "label": True},
        ]
        assert golden["version"] == 1 and golden["framework"] == "mxnet"
        assert golden["framework_version"] == mx.__version__ and golden["seed"] is None
        assert golden["sources"]["symbol"]["name"] == "model-symbol.json"
        assert golden["sources"]["parameters"]["size"] == os.path.getsize(checkpoint + "-0000.params")
        assert any("softmax_label" in note for note in golden["notes"])

        np.testing.assert_array_equal(tensors["inputs.data"], data)
        params = {key[4:]: value.asnumpy() for key, value in mx.nd.load(checkpoint + "-0000.params").items()}
        np.testing.assert_array_equal(tensors["internals.relu_output"], np.maximum(tensors["internals.bn_output"], 0))
        fc = tensors["internals.relu_output"].reshape(2, -1) @ params["fc_weight"].T + params["fc_bias"]
        np.testing.assert_allclose(tensors["internals.fc_output"], fc, rtol=1e-5)
        np.testing.assert_allclose(tensors["internals.softmax_output"].sum(axis=1), 1, rtol=1e-6)

    def test_outputs_are_those_of_a_module(
        self, checkpoint: str, data: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        np.save(tmp_path / "inputs.npy", data)
        assert run(checkpoint, "--input", tmp_path / "inputs.npy", "-o", tmp_path / "g") == 0
        monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", "NONE")  # fused operators round differently
        module = mx.mod.Module.load(checkpoint, 0)
        module.bind([("data", data.shape)], for_training=False)
        expected = module.predict(mx.io.NDArrayIter(data, batch_size=2)).asnumpy()
        np.testing.assert_array_equal(read_golden(tmp_path / "g")[1]["internals.softmax_output"], expected)

    def test_random_inputs_follow_the_seed(self, checkpoint: str, tmp_path: Path) -> None:
        shape = ("--shape", "data=2,3,6,6")
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            assert run(checkpoint, 0, *shape, "--seed", seed, "-o", tmp_path / name) == 0
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
        golden, tensors = read_golden(tmp_path / "a")
        expected = np.random.RandomState(5).standard_normal((2, 3, 6, 6)).astype(np.float32)
        np.testing.assert_array_equal(tensors["inputs.data"], expected)
        assert golden["seed"] == 5
        assert not np.array_equal(read_golden(tmp_path / "c")[1]["inputs.data"], expected)

    def test_without_internals_only_outputs_are_kept(self, checkpoint: str, tmp_path: Path) -> None:
        shape = ("--shape", "data=2,3,6,6")
        assert run(checkpoint, *shape, "-o", tmp_path / "all") == 0
        assert run(checkpoint, *shape, "--no-internals", "-o", tmp_path / "few") == 0
        golden, tensors = read_golden(tmp_path / "few")
        assert golden["outputs"] == ["outputs.0"] and golden["internals"] == []
        everything = read_golden(tmp_path / "all")[1]
        np.testing.assert_array_equal(tensors["outputs.0"], everything["internals.softmax_output"])

    def test_a_network_without_parameters_has_an_empty_file(self, data: np.ndarray, tmp_path: Path) -> None:
        symbol, parameters, golden = (str(tmp_path / name) for name in ("s.json", "p.params", "g"))
        mx.sym.Flatten(mx.sym.var("data")).save(symbol)
        mx.nd.save(parameters, {})
        words = ["run", "--symbol", symbol, "--params", parameters, "--shape", "data=2,3,4", "-o", golden]
        assert mxnet_capture.main(words) == 0
        description, tensors = read_golden(Path(golden))
        assert tensors[description["outputs"][0]].shape == (2, 12)

    def test_files_without_prefixes_and_apart(self, checkpoint: str, tmp_path: Path) -> None:
        stored = mx.nd.load(checkpoint + "-0000.params")
        mx.nd.save(str(tmp_path / "bare.params"), {key[4:]: value for key, value in stored.items()})
        files = ("--symbol", checkpoint + "-symbol.json", "--params", tmp_path / "bare.params")
        assert run(*files, "--shape", "data=2,3,6,6", "-o", tmp_path / "bare") == 0
        assert run(checkpoint, "--shape", "data=2,3,6,6", "-o", tmp_path / "prefixed") == 0
        bare, prefixed = (read_golden(tmp_path / name)[1] for name in ("bare", "prefixed"))
        assert all(np.array_equal(bare[key], prefixed[key]) for key in prefixed)


@needs_mxnet
class TestFile:
    TYPES = ("float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool")

    def test_bytes_are_the_official_writer_s(self, tmp_path: Path) -> None:
        random = np.random.RandomState(0)
        arrays = {f"{dtype}.{n}": random.randint(0, 2, (n, 3)).astype(dtype) for dtype in self.TYPES for n in (1, 3)}
        mxnet_capture.write_safetensors(
            str(tmp_path / "ours"),
            {key: mx.nd.array(array, dtype=array.dtype) for key, array in arrays.items()},
            {"format": "pt"},
        )
        save_file(arrays, str(tmp_path / "official"), metadata={"format": "pt"})
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "official").read_bytes()

    def test_bfloat16_keeps_its_bits(self, tmp_path: Path) -> None:
        bits = np.array([0x3F80, 0xFF80, 0x7FC1, 0x0001], np.uint16)
        array = bits.view(mxnet_capture.BFLOAT16)
        tensors = {"x": mx.nd.array(array, dtype=array.dtype)}
        mxnet_capture.write_safetensors(str(tmp_path / "g"), tensors, {"format": "pt"})
        content = (tmp_path / "g").read_bytes()
        assert b'"BF16"' in content and content.endswith(bits.tobytes())

    def test_a_failing_write_leaves_the_old_file(self, tmp_path: Path) -> None:
        class Broken:
            shape, dtype = (1,), np.float32

            def asnumpy(self) -> np.ndarray:
                raise OSError("No space left on device")

        (tmp_path / "g").write_bytes(b"old")
        with pytest.raises(OSError, match="No space"):
            mxnet_capture.write_safetensors(str(tmp_path / "g"), {"x": Broken()}, {})
        assert (tmp_path / "g").read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["g"]

    def test_its_mode_follows_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            mxnet_capture.write_safetensors(str(tmp_path / "g"), {"x": mx.nd.ones((1,))}, {})
        finally:
            os.umask(before)
        assert (tmp_path / "g").stat().st_mode & 0o777 == 0o640


@needs_mxnet
class TestGraph:
    """(symbol, arg_params, aux_params): what a graph may hold."""

    def capture(self, symbol: Any, inputs: Any, path: Path, **arguments: Any) -> tuple[Any, dict[str, np.ndarray]]:
        mxnet_capture.capture((symbol, arguments, {}), inputs, str(path))
        return read_golden(path)

    def test_several_outputs_of_one_node(self, tmp_path: Path) -> None:
        x = mx.sym.Variable("x")
        parts = mx.sym.SliceChannel(x, num_outputs=2, name="split")
        values = np.arange(8, dtype=np.float32).reshape(2, 4)
        golden, tensors = self.capture(mx.sym.Group([parts[1], parts[0] * 2]), values, tmp_path / "g")
        first, second = golden["internals"][:2]
        assert (first["node"], first["index"]) == ("split", 0)
        assert (second["node"], second["index"]) == ("split", 1)
        assert golden["outputs"][0] == second["key"]
        np.testing.assert_array_equal(tensors[second["key"]], values[:, 2:])
        np.testing.assert_array_equal(tensors[golden["outputs"][1]], values[:, :2] * 2)

    def test_two_nodes_of_one_name(self, tmp_path: Path) -> None:
        x = mx.sym.Variable("x")
        x = mx.sym.negative(mx.sym.square(x, name="same"), name="same")
        golden, tensors = self.capture(x, np.array([2, 3], np.float32), tmp_path / "g")
        assert [entry["node"] for entry in golden["internals"]] == ["same", "same"]
        assert [tensors[entry["key"]].tolist() for entry in golden["internals"]] == [[4, 9], [-4, -9]]

    def test_an_output_that_is_a_variable(self, tmp_path: Path) -> None:
        x = mx.sym.Variable("x")
        golden, tensors = self.capture(mx.sym.Group([x, x + 1]), np.array([2, 3], np.float32), tmp_path / "g")
        assert golden["outputs"] == ["outputs.0", golden["internals"][0]["key"]]
        assert tensors["outputs.0"].tolist() == [2, 3]

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64", "int8", "uint8"])
    def test_every_type_passes_as_it_is(self, dtype: str, tmp_path: Path) -> None:
        values = np.array([[1, 2, 3]], dtype)
        symbol = mx.sym.broadcast_add(mx.sym.Variable("x"), mx.sym.Variable("w"), name="sum")
        golden, tensors = self.capture(symbol, values, tmp_path / "g", w=mx.nd.array(values, dtype=dtype))
        assert tensors["inputs.x"].dtype == tensors["internals.sum_output"].dtype == dtype
        np.testing.assert_array_equal(tensors["internals.sum_output"], values + values)
        assert golden["notes"] == []

    def test_bool_and_nan(self, tmp_path: Path) -> None:
        x = mx.sym.Variable("x")
        values = np.array([0, np.nan, np.inf], np.float32)
        symbol = mx.sym.Group([mx.sym.cast(x, dtype="bool", name="cast"), mx.sym.identity(x, name="same")])
        golden, tensors = self.capture(symbol, values, tmp_path / "g")
        assert tensors["internals.cast_output"].dtype == np.bool_
        assert tensors["internals.cast_output"].tolist() == [False, True, True]
        np.testing.assert_array_equal(tensors["internals.same_output"], values)
        assert golden["notes"] == []

    def test_bfloat16_graph(self, tmp_path: Path) -> None:
        symbol = mx.sym.amp_cast(mx.sym.Variable("x"), dtype=np.dtype(mxnet_capture.BFLOAT16), name="half")
        mxnet_capture.capture((symbol, {}, {}), np.array([1.0, -2.0], np.float32), str(tmp_path / "g"))
        content = (tmp_path / "g").read_bytes()
        assert content.endswith(np.array([0x3F80, 0xC000], np.uint16).tobytes())
        assert b'"internals.half_output":{"dtype":"BF16","shape":[2]' in content

    def test_float64_inputs_become_what_the_parameters_are(self, data: np.ndarray, tmp_path: Path) -> None:
        symbol = small_network()
        model = (symbol, *random_parameters(symbol, data=data.shape))
        description = mxnet_capture.capture(model, {"data": data.astype(np.float64)}, str(tmp_path / "g"))
        assert read_golden(tmp_path / "g")[1]["inputs.data"].dtype == np.float32
        assert any("float64" in note for note in description["notes"])

    def test_a_label_behind_a_reshape_is_a_label(self, tmp_path: Path) -> None:
        x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
        label = mx.sym.Reshape(mx.sym.Variable("target"), shape=(-1,))
        symbol = mx.sym.SoftmaxOutput(x, label, name="softmax")
        parameters = {"fc_weight": mx.nd.ones((2, 3)), "fc_bias": mx.nd.zeros((2,))}
        inputs = {"data": np.ones((4, 3), np.float32), "target": np.zeros((4, 1), np.float32)}
        golden, _ = self.capture(symbol, inputs, tmp_path / "g", **parameters)
        assert {entry["name"]: entry["label"] for entry in golden["inputs"]} == {"data": False, "target": True}

    def test_recurrent_states_begin_at_zero(self, tmp_path: Path) -> None:
        names = ("data", "weights", "h", "c")
        symbol = mx.sym.RNN(
            *map(mx.sym.Variable, names), state_size=4, num_layers=1, mode="lstm", state_outputs=True, name="rnn"
        )
        weights = mx.nd.array(np.random.RandomState(1).uniform(-1, 1, 4 * 4 * (3 + 4 + 2)))
        values = np.random.RandomState(2).standard_normal((5, 2, 3)).astype(np.float32)
        golden, tensors = self.capture(symbol, {"data": values}, tmp_path / "g", weights=weights)
        assert tensors["inputs.h"].shape == tensors["inputs.c"].shape == (1, 2, 4)
        assert not tensors["inputs.h"].any() and len(golden["notes"]) == 2
        assert [entry["index"] for entry in golden["internals"]] == [0, 1, 2]
        np.testing.assert_array_equal(tensors[golden["outputs"][0]][-1], tensors[golden["outputs"][1]][0])

    def test_dropout_is_off_and_statistics_are_the_stored_ones(self, tmp_path: Path) -> None:
        x = mx.sym.BatchNorm(mx.sym.Dropout(mx.sym.Variable("x"), p=0.5), fix_gamma=False, eps=0, name="bn")
        values = np.random.RandomState(0).standard_normal((4, 2)).astype(np.float32)
        arg = {"bn_gamma": mx.nd.array([1, 2]), "bn_beta": mx.nd.array([0, 1])}
        aux = {"bn_moving_mean": mx.nd.array([0, 1]), "bn_moving_var": mx.nd.array([1, 4])}
        mxnet_capture.capture((x, arg, aux), values, str(tmp_path / "g"))
        expected = (values - [0, 1]) / [1, 2] * [1, 2] + [0, 1]
        np.testing.assert_allclose(read_golden(tmp_path / "g")[1]["internals.bn_output"], expected, atol=1e-5)

    def test_an_operator_that_cannot_be_an_output_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole_run = mxnet_capture._run

        def refusing_run(symbol: Any, arrays: Any, seed: Any) -> Any:
            if "hidden_output" in symbol.list_outputs():
                raise mx.base.MXNetError("this one is hidden")
            return whole_run(symbol, arrays, seed)

        monkeypatch.setattr(mxnet_capture, "_run", refusing_run)
        x = mx.sym.Variable("x")
        for name in ("first", "hidden", "last"):
            x = mx.sym.square(x, name=name)
        golden, tensors = self.capture(x, np.array([2], np.float32), tmp_path / "g")
        assert [entry["node"] for entry in golden["internals"]] == ["first", "last"]
        assert tensors["internals.last_output"].tolist() == [256]
        assert [note for note in golden["notes"] if "hidden_output" in note]

    def test_a_fused_run_that_differs_is_noted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole_run = mxnet_capture._run

        def fusing_run(symbol: Any, arrays: Any, seed: Any) -> Any:
            fused = os.environ.get("MXNET_SUBGRAPH_BACKEND") != "NONE"
            return [output * (1.5 if fused else 1) for output in whole_run(symbol, arrays, seed)]

        monkeypatch.setattr(mxnet_capture, "_run", fusing_run)
        monkeypatch.delenv("MXNET_SUBGRAPH_BACKEND", raising=False)
        symbol = mx.sym.square(mx.sym.Variable("x"), name="y")
        golden, tensors = self.capture(symbol, np.array([2], np.float32), tmp_path / "g")
        assert tensors["internals.y_output"].tolist() == [4]
        assert golden["notes"] == [
            "internals.y_output: the graph run as MXNet fuses its operators differs by 5.0e-01 of the scale."
        ]


@needs_mxnet
class TestLiveModels:
    def test_module_and_its_export(self, data: np.ndarray, tmp_path: Path) -> None:
        symbol = small_network()
        arg, aux = random_parameters(symbol, data=data.shape)
        module = mx.mod.Module(symbol)
        module.bind([("data", data.shape)], [("softmax_label", (2,))], for_training=False)
        module.set_params(arg, aux)
        mxnet_capture.capture(module, data, str(tmp_path / "live"))
        mxnet_capture.export(module, str(tmp_path / "model"))

        loaded, loaded_arg, loaded_aux = mx.model.load_checkpoint(str(tmp_path / "model"), 0)
        assert loaded.tojson() == symbol.tojson()
        for live, stored in ((arg, loaded_arg), (aux, loaded_aux)):
            assert set(live) == set(stored)
            assert all(np.array_equal(live[name].asnumpy(), stored[name].asnumpy()) for name in live)
        np.save(tmp_path / "data.npy", data)
        assert run(tmp_path / "model", "--input", tmp_path / "data.npy", "-o", tmp_path / "stored") == 0
        live_tensors, stored_tensors = (read_golden(tmp_path / name)[1] for name in ("live", "stored"))
        assert all(np.array_equal(live_tensors[key], stored_tensors[key]) for key in stored_tensors)

    def test_bucketing_module(self, data: np.ndarray, tmp_path: Path) -> None:
        module = mx.mod.BucketingModule(lambda key: (small_network(), ("data",), ("softmax_label",)), 6)
        module.bind([("data", data.shape)], [("softmax_label", (2,))], for_training=False)
        module.init_params()
        description = mxnet_capture.capture(module, {"data": data}, str(tmp_path / "g"))
        assert [entry["node"] for entry in description["internals"]] == ["conv", "bn", "relu", "fc", "softmax"]

    @pytest.mark.parametrize("container", ["HybridSequential", "Sequential"])
    @pytest.mark.parametrize("seen", [False, True], ids=["fresh", "seen data"])
    def test_gluon_block(self, container: str, seen: bool, data: np.ndarray, tmp_path: Path) -> None:
        block = getattr(mx.gluon.nn, container)(prefix="net_")
        with block.name_scope():
            for layer in (mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.BatchNorm(scale=False), mx.gluon.nn.Dense(3)):
                block.add(layer)
        block.initialize()
        if seen:
            block(mx.nd.array(data))
        mxnet_capture.export(block, str(tmp_path / "model"), data)
        mxnet_capture.capture(block, data, str(tmp_path / "g"))
        golden, tensors = read_golden(tmp_path / "g")
        nodes = [entry["node"] for entry in golden["internals"]]
        assert nodes == ["net_conv0_fwd", "net_batchnorm0_fwd", "net_dense0_fwd"]
        stored = mx.nd.load(str(tmp_path / "model-0000.params"))
        for parameter in block.collect_params().values():
            kind = "aux" if "running" in parameter.name else "arg"
            assert np.array_equal(stored[f"{kind}:{parameter.name}"].asnumpy(), parameter.data().asnumpy())
        np.testing.assert_allclose(tensors[golden["outputs"][0]], block(mx.nd.array(data)).asnumpy(), atol=1e-6)
        imported = mx.gluon.SymbolBlock.imports(
            str(tmp_path / "model-symbol.json"), ["data"], str(tmp_path / "model-0000.params")
        )
        np.testing.assert_allclose(imported(mx.nd.array(data)).asnumpy(), tensors[golden["outputs"][0]], atol=1e-6)

    def test_a_block_whose_arguments_nest(self, tmp_path: Path) -> None:
        class Step(mx.gluon.Block):
            def forward(self, x: Any, states: Any) -> Any:
                return x + states[0], [states[1] * 2]

        one = np.ones((2, 3), np.float32)
        mxnet_capture.capture(Step(), [one, [one * 2, one * 3]], str(tmp_path / "g"))
        golden, tensors = read_golden(tmp_path / "g")
        assert [entry["name"] for entry in golden["inputs"]] == ["data0", "data1", "data2"]
        assert [tensors[key].max() for key in golden["outputs"]] == [3, 6]

    def test_a_block_in_numpy_mode(self, data: np.ndarray, tmp_path: Path) -> None:
        class Scalar(mx.gluon.HybridBlock):
            def hybrid_forward(self, F: Any, x: Any) -> Any:
                return F.np.sum(x * 2)

        with mx.util.np_shape(True), mx.util.np_array(True):
            mxnet_capture.capture(Scalar(), data, str(tmp_path / "g"))
            assert mx.util.is_np_array()
        golden, tensors = read_golden(tmp_path / "g")
        assert tensors[golden["outputs"][0]].shape == ()
        np.testing.assert_allclose(tensors[golden["outputs"][0]], data.sum() * 2, rtol=1e-4)

    def test_the_model_is_left_as_it_was(self, data: np.ndarray, tmp_path: Path) -> None:
        symbol = small_network()
        arg, aux = random_parameters(symbol, data=data.shape)
        before = {name: array.asnumpy() for name, array in {**arg, **aux}.items()}
        mxnet_capture.capture((symbol, arg, aux), data, str(tmp_path / "g"))
        for name, array in {**arg, **aux}.items():
            np.testing.assert_array_equal(array.asnumpy(), before[name])

    def test_export_from_the_command_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
    ) -> None:
        (tmp_path / "my_model.py").write_text(
            "import mxnet as mx\n"
            "def build():\n"
            "    block = mx.gluon.nn.Dense(3, prefix='dense_')\n"
            "    block.initialize()\n"
            "    return block\n"
        )
        monkeypatch.chdir(tmp_path)
        assert mxnet_capture.main(["export", "my_model:build", "-o", "m", "--shape", "data=2,5"]) == 0
        assert capsys.readouterr().out.split() == ["m-symbol.json", "m-0000.params"]
        assert mx.nd.load("m-0000.params")["arg:dense_weight"].shape == (3, 5)


BLOCK = """
import mxnet as mx

class Gated(mx.gluon.Block):
    def __init__(self):
        super(Gated, self).__init__()
        self.body = mx.gluon.nn.HybridSequential()
        self.body.add(mx.gluon.nn.Dense(4), mx.gluon.nn.BatchNorm())
        self.head = mx.gluon.nn.Dense(3)

    def forward(self, x):
        y = self.body(x)
        if float(y.asnumpy().mean()) > 1000:  # a branch on values: no graph has it
            return y
        return self.head(y), self.head(y * 2)

def build():
    mx.random.seed(3)
    block = Gated()
    block.initialize()
    block(mx.nd.ones((1, 5)))
    block.body.hybridize()
    return block
"""


@needs_mxnet
class TestBlocksWithoutAGraph:
    """Blocks whose forward branches on values: the outputs of their blocks are recorded as they run."""

    @pytest.fixture
    def block(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        (tmp_path / "gated.py").write_text(BLOCK)
        monkeypatch.chdir(tmp_path)
        monkeypatch.delitem(sys.modules, "gated", raising=False)
        monkeypatch.syspath_prepend(str(tmp_path))
        import gated

        return gated.build()

    def test_every_block_is_recorded_by_its_structural_name(self, block: Any, tmp_path: Path) -> None:
        data = np.random.RandomState(2).standard_normal((2, 5))
        description = mxnet_capture.capture(block, data, str(tmp_path / "g"))
        golden, tensors = read_golden(tmp_path / "g")
        assert golden == json.loads(json.dumps(description))
        assert [entry["node"] for entry in golden["internals"]] == ["body.0", "body.1", "body", "head", "head"]
        assert [entry["key"] for entry in golden["internals"]][-2:] == [
            "internals.head_output",
            "internals.head_output.2",
        ]
        assert golden["outputs"] == ["outputs.0", "outputs.1"] and golden["inputs"][0]["name"] == "data"
        block.save_parameters(str(tmp_path / "p"))
        stored = {name: array.asnumpy() for name, array in mx.nd.load(str(tmp_path / "p")).items()}
        assert {name.rpartition(".")[0] for name in stored} == {"body.0", "body.1", "head"}
        first = data.astype(np.float32) @ stored["body.0.weight"].T + stored["body.0.bias"]
        np.testing.assert_allclose(tensors["internals.body.0_output"], first, rtol=1e-5, atol=1e-6)
        head = tensors["internals.body_output"] @ stored["head.weight"].T + stored["head.bias"]
        np.testing.assert_allclose(tensors["internals.head_output"], head, rtol=1e-5, atol=1e-6)
        for position, output in enumerate(block(mx.nd.array(data))):
            np.testing.assert_allclose(tensors[f"outputs.{position}"], output.asnumpy(), rtol=1e-5, atol=1e-6)
        assert any("cannot be traced" in note for note in golden["notes"])
        assert "data: float64 values, taken as float32." in golden["notes"]

    def test_the_block_is_left_as_it_was(self, block: Any, tmp_path: Path) -> None:
        before = {name: dict(vars(child)) for name, child in mxnet_capture._named_blocks(block).items()}
        mxnet_capture.capture(block, np.ones((2, 5), np.float32), str(tmp_path / "g"), internals=False)
        assert read_golden(tmp_path / "g")[0]["internals"] == []
        mxnet_capture.capture(block, np.ones((2, 5), np.float32), str(tmp_path / "g"))
        after = mxnet_capture._named_blocks(block)
        assert all("forward" not in vars(child) for child in after.values())
        assert block.body._active and {name: set(vars(child)) for name, child in after.items()} == {
            name: set(values) for name, values in before.items()
        }
        with pytest.raises(mxnet_capture.CaptureError, match="Gated cannot be run"):
            mxnet_capture.capture(block, np.ones((2, 6), np.float32), str(tmp_path / "no"))
        assert all("forward" not in vars(child) for child in after.values()) and block.body._active

    def test_from_the_command_line(self, block: Any, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        np.save(tmp_path / "batch.npy", np.random.RandomState(2).standard_normal((4, 5)).astype(np.float32))
        assert run("--model", "gated:build", "--input", "batch.npy", "-o", "g") == 0
        captured = capsys.readouterr()
        assert captured.out == "g: 1 inputs, 2 outputs, 5 internal outputs\n" and "cannot be traced" in captured.err
        assert read_golden(tmp_path / "g")[1]["inputs.data"].shape == (4, 5)
        assert run("--model", "gated:build", "--shape", "data=2,5", "--seed", 7, "-o", "g") == 0
        assert read_golden(tmp_path / "g")[0]["seed"] == 7
        assert run("--model", "gated:build", "--symbol", "s", "-o", "g") == 2


@needs_mxnet
class TestImages:
    @pytest.fixture
    def photos(self, tmp_path: Path) -> np.ndarray:
        Image = pytest.importorskip("PIL.Image")
        (tmp_path / "photos").mkdir()
        pixels = np.random.RandomState(4).randint(0, 256, (3, 6, 6, 3)).astype(np.uint8)
        for number, values in enumerate(pixels):
            Image.fromarray(values).save(str(tmp_path / "photos" / f"{number}.png"))
        (tmp_path / "photos" / "readme.txt").write_text("no image")
        return pixels

    def inputs(self, tmp_path: Path, checkpoint: str, *options: Any) -> np.ndarray:
        assert run(checkpoint, *options, "-o", tmp_path / "g") == 0
        golden, tensors = read_golden(tmp_path / "g")
        assert golden["seed"] is None
        return tensors["inputs.data"]

    def test_a_folder_is_a_batch(self, photos: np.ndarray, checkpoint: str, tmp_path: Path) -> None:
        folder, expected = tmp_path / "photos", photos.transpose(0, 3, 1, 2).astype(np.float32)
        read = self.inputs(tmp_path, checkpoint, "--input", folder)
        assert np.array_equal(read, expected)
        read = self.inputs(tmp_path, checkpoint, "--input", folder, "--bgr", "--mean", "1,2,3", "--std", "2")
        assert np.array_equal(read, (expected[:, ::-1] - np.float32([1, 2, 3])[:, None, None]) / np.float32(2))
        read = self.inputs(tmp_path, checkpoint, "--input", folder, "--shape", "data=2,3,6,6")
        assert np.array_equal(read, expected[:2])

    def test_one_image_is_resized(self, photos: np.ndarray, checkpoint: str, tmp_path: Path) -> None:
        from PIL import Image

        Image.fromarray(photos[0]).resize((9, 4)).save(str(tmp_path / "wide.png"))
        read = self.inputs(tmp_path, checkpoint, "--input", tmp_path / "wide.png", "--shape", "data=1,3,6,6")
        resized = Image.open(str(tmp_path / "wide.png")).resize((6, 6), Image.BILINEAR)
        assert np.array_equal(read[0], np.asarray(resized, np.float32).transpose(2, 0, 1))

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (("--input", "photos", "--shape", "data=1,5"), "images are N,C,H,W"),
            (("--input", "photos", "--mean", "1,2"), "2 numbers for 3 channels"),
            (("--input", "empty"), "no images in it"),
            (("--input", "mixed"), "images of several sizes"),
            (("--input", "broken.png"), "cannot identify image"),
            (("--shape", "data=1,3,6,6", "--bgr"), "go with images"),
        ],
    )
    def test_what_is_no_batch_is_said(
        self, options: Any, says: str, photos: np.ndarray, checkpoint: str, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
    ) -> None:  # fmt: skip
        from PIL import Image

        monkeypatch.chdir(tmp_path)
        os.mkdir("empty")
        os.mkdir("mixed")
        for size in (5, 6):
            Image.fromarray(photos[0]).resize((size, size)).save(f"mixed/{size}.png")
        Path("broken.png").write_bytes(b"no image")
        assert run(checkpoint, *options, "-o", "g") in (2, 3)
        assert says in capsys.readouterr().err and not Path("g").exists()


@needs_mxnet
class TestZoo:
    """The graph of a zoo's network for parameters that save_parameters wrote, which name no graph."""

    @pytest.fixture
    def parameters(self, tmp_path: Path) -> Path:
        network = mx.gluon.model_zoo.vision.get_model("squeezenet1.1", classes=7)
        network.initialize(mx.init.Xavier())
        network(mx.nd.zeros((1, 3, 224, 224)))
        network.save_parameters(str(tmp_path / "weights.params"))
        return tmp_path / "weights.params"

    def test_the_graph_and_the_parameters_are_written(
        self, parameters: Path, tmp_path: Path, capsys: pytest.CaptureFixture
    ) -> None:
        words = ["zoo", "squeezenet1.1", "--params", str(parameters), "--option", "classes=7"]
        assert mxnet_capture.main([*words, "-o", str(tmp_path / "m")]) == 0
        paths = [str(tmp_path / name) for name in ("m-symbol.json", "m-0000.params")]
        assert capsys.readouterr().out.split() == paths
        network = mx.gluon.SymbolBlock.imports(paths[0], ["data"], paths[1])
        expected = mx.gluon.model_zoo.vision.get_model("squeezenet1.1", classes=7)
        expected.load_parameters(str(parameters))
        image = mx.nd.random.normal(shape=(1, 3, 224, 224))
        np.testing.assert_array_equal(network(image).asnumpy(), expected(image).asnumpy())

    def test_what_does_not_fit_is_said(self, parameters: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        for name, options, code, said in (
            ("squeezenet1.1", (), 3, r"not the parameters of squeezenet1\.1: .*--option classes=20"),
            ("nonet", (), 2, r"nonet: no zoo has this model: mxnet\.gluon\.model_zoo\.vision \(no such model\)"),
            ("squeezenet1.1", ("--option", "clases=7"), 2, "unexpected keyword argument 'clases'"),
        ):
            words = ["zoo", name, "--params", str(parameters), *options, "-o", str(tmp_path / "m")]
            assert mxnet_capture.main(words) == code
            assert re.search(said, capsys.readouterr().err)
        assert mxnet_capture.main(["zoo", "nonet", "--params", "nothing", "-o", "m"]) == 3
        assert not list(tmp_path.glob("m-*"))


SYMBOL_FILE = """
import mxnet as mx
from config import config

net = mx.sym.Variable("data")

def get_symbol(act="prelu", reshaped=False):
    data = mx.sym.Variable("image" if config.images else "data")
    data = (data - 127.5) * 0.0078125
    body = mx.sym.Convolution(data=data, num_filter=config.filters, kernel=(3, 3), no_bias=True, name="conv0")
    body = mx.sym.BatchNorm(data=body, fix_gamma=False, eps=2e-5, name="bn0")
    if act == "prelu":
        body = mx.sym.LeakyReLU(data=body, act_type="prelu", name="relu0")
    else:
        body = mx.sym.Activation(data=body, act_type=act, name="relu0")
    body = mx.sym.FullyConnected(data=body, num_hidden=config.emb_size, name="pre_fc1")
    return mx.sym.BatchNorm(data=body, fix_gamma=True, eps=2e-5, name="fc1")

def build():
    return mx.gluon.nn.Dense(2)

def fail():
    return {}["net"]

class Network(object):
    pass
"""


@needs_mxnet
class TestSymbolsOfPythonFiles:
    """The graph of parameters alone, from the Python file that makes the symbol and its configuration."""

    @pytest.fixture
    def checkpoint(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A checkout with ``symbol/net.py``, which reads ``config.py``, and the parameters ``best-0003.params``."""
        (tmp_path / "symbol").mkdir()
        (tmp_path / "symbol" / "net.py").write_text(SYMBOL_FILE)
        (tmp_path / "config.py").write_text("class config: filters, emb_size, images = 4, 6, False\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", list(sys.path))
        for name in ("net", "config"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        symbol = mxnet_capture._imported("symbol/net.py:get_symbol")
        random = np.random.RandomState(1)
        shapes, _, states = symbol.infer_shape(data=(2, 3, 8, 8))
        arrays = zip(symbol.list_arguments() + symbol.list_auxiliary_states(), list(shapes) + list(states))
        arrays = {name: random.uniform(0.5, 1, shape).astype("float32") for name, shape in arrays if name != "data"}
        self.save(tmp_path / "best-0003.params", symbol, arrays)
        yield tmp_path / "best-0003.params"
        for name in ("net", "config"):
            sys.modules.pop(name, None)

    def save(self, path: Path, symbol: Any, arrays: Any) -> None:
        states = symbol.list_auxiliary_states()
        stored = {("aux:" if name in states else "arg:") + name: mx.nd.array(array) for name, array in arrays.items()}
        mx.nd.save(str(path), stored)

    def export(self, *words: Any) -> int:
        return mxnet_capture.main(["export", *map(str, words), "-o", "m"])

    def test_both_files_are_written_and_compute_the_same(self, checkpoint: Path) -> None:
        assert self.export("symbol/net.py:get_symbol", "--params", checkpoint, "--shape", "data=1,3,8,8") == 0
        symbol = mxnet_capture._imported("symbol/net.py:get_symbol")
        image = mx.nd.array(np.random.RandomState(0).uniform(0, 255, (2, 3, 8, 8)))
        arrays = mx.nd.load(str(checkpoint))
        args = {name[4:]: array for name, array in arrays.items() if name.startswith("arg:")}
        aux = {name[4:]: array for name, array in arrays.items() if name.startswith("aux:")}
        loaded, *read = mx.model.load_checkpoint("m", 0)
        outputs = []
        for network, parameters in ((symbol, [args, aux]), (loaded, read)):
            bound = network.bind(mx.cpu(), {**parameters[0], "data": image}, grad_req="null", aux_states=parameters[1])
            outputs.append(bound.forward(is_train=False)[0].asnumpy())
        np.testing.assert_array_equal(*outputs)
        assert outputs[0].shape == (2, 6) and np.ptp(outputs[0]) > 0

    def test_parameters_of_another_head_are_named(self, checkpoint: Path, capsys: pytest.CaptureFixture) -> None:
        mx.nd.save(str(checkpoint), {**mx.nd.load(str(checkpoint)), "arg:fc7_weight": mx.nd.ones((9, 6))})
        assert self.export("symbol/net.py:get_symbol", "--params", checkpoint) == 0
        assert capsys.readouterr().err == "note: The symbol does not use the parameters fc7_weight.\n"

    def test_options_are_arguments_of_the_function(self, checkpoint: Path, capsys: pytest.CaptureFixture) -> None:
        arguments = ("symbol/net.py:get_symbol", "--params", checkpoint, "--option", "act=relu")
        assert self.export(*arguments) == 0
        assert "does not use the parameters relu0_gamma" in capsys.readouterr().err
        assert '"act_type": "relu"' in Path("m-symbol.json").read_text()

    def test_an_input_of_another_name_is_given_by_its_shape(self, checkpoint: Path) -> None:
        Path("config.py").write_text("class config: filters, emb_size, images = 4, 6, True\n")
        sys.modules.pop("config"), sys.modules.pop("net")
        assert self.export("symbol/net.py:get_symbol", "--params", checkpoint) == 3
        assert self.export("symbol/net.py:get_symbol", "--params", checkpoint, "--shape", "image=1,3,8,8") == 0

    def test_parameters_go_into_a_gluon_block_too(self, checkpoint: Path) -> None:
        block = mx.gluon.nn.Dense(2)
        block.initialize(mx.init.Normal(1))
        expected = block(mx.nd.ones((1, 5))).asnumpy()
        block.save_parameters("dense.params")
        assert self.export("symbol/net.py:build", "--params", "dense.params", "--shape", "data=1,5") == 0
        network = mx.gluon.SymbolBlock.imports("m-symbol.json", ["data"], "m-0000.params")
        np.testing.assert_array_equal(network(mx.nd.ones((1, 5))).asnumpy(), expected)

    def test_what_does_not_fit_is_said_and_nothing_is_written(
        self, checkpoint: Path, capsys: pytest.CaptureFixture
    ) -> None:
        arrays = mx.nd.load(str(checkpoint))
        mx.nd.save("few.params", {name: array for name, array in arrays.items() if "conv0" not in name})
        mx.nd.save("no_state.params", {name: array for name, array in arrays.items() if "fc1_moving" not in name})
        mx.nd.save("state.params", {**arrays, "aux:fc1_moving_var": mx.nd.ones(7)})
        net = "symbol/net.py:get_symbol"
        for words, code, said in (
            ((net,), 2, "get_symbol: a symbol, which has no parameters; give their file with --params."),
            (("net:net",), 2, "net:net: a symbol, which has no parameters"),
            ((net, "--params", "none.params"), 3, "none.params: no such file."),
            ((net, "--params", "few.params"), 3, "few.params: lacks conv0_weight, which the symbol has. Give the"),
            ((net, "--params", "no_state.params"), 3, "lacks fc1_moving_mean, fc1_moving_var, which"),
            ((net, "--params", checkpoint, "--shape", "data=1,3,9,8"), 3, "its shapes are not those of the symbol"),
            (
                (net, "--params", "state.params", "--shape", "data=1,3,8,8"),
                3,
                "fc1_moving_var has shape (7,); expected (6,).",
            ),
            ((net, "--option", "x=1"), 2, "calling it raised TypeError: get_symbol() got an unexpected keyword"),
            (("net:fail",), 2, "net:fail: calling it raised KeyError: 'net'."),
            (("net:none",), 2, "net:none: it cannot be imported: module 'net' has no attribute 'none'."),
            (("symbol/other.py:net",), 3, "symbol/other.py: no such file."),
            (("other:net",), 2, "other:net: it cannot be imported: No module named 'other'."),
            (("symbol/net.py",), 2, "symbol/net.py: expected MODULE:NAME or FILE.py:NAME."),
            (("net:Network", "--params", checkpoint), 2, "a Network; --params goes with a symbol or a Gluon block."),
            (("net:build", "--params", "few.params"), 3, "not the parameters of net:build"),
        ):
            assert self.export(*words) == code
            error = capsys.readouterr().err
            assert error.startswith("error: ") and error.count("\n") == 1 and said in error
        assert not list(Path().glob("m-*"))


@needs_mxnet
class TestZoosOfOtherPackages:
    """What GluonCV and GluonNLP need besides a name: no weights of base networks, and a number of words."""

    def test_no_weights_of_base_networks_are_fetched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("gluoncv")
        from gluoncv.model_zoo import model_store

        monkeypatch.setattr(model_store, "get_model_file", lambda *_, **__: pytest.fail("weights are fetched"))
        model = mxnet_capture._zoo_model("center_net_resnet18_v1b_voc", {}, "unused.params")
        assert len(model.classes) == 20
        with pytest.raises(mxnet_capture.CaptureError, match="unexpected keyword argument 'clases'"):
            mxnet_capture._zoo_model("cifar_resnet20_v1", {"clases": 7}, "unused.params")

    def test_words_and_heads_of_bert_are_those_of_the_parameters(self, tmp_path: Path) -> None:
        pytest.importorskip("gluonnlp")
        from gluonnlp.model import bert

        path = str(tmp_path / "bert.params")
        small = bert.bert_hparams["bert_12_768_12"]
        small = {**small, "num_layers": 1, "units": 8, "hidden_size": 8, "num_heads": 2, "embed_size": 8}
        with mock.patch.dict(bert.bert_hparams, {"bert_12_768_12": small}):
            words = {"dataset_name": None, "vocab": range(23), "pretrained": False}
            model, _ = bert.bert_12_768_12(**words, use_decoder=False, use_classifier=False)
            model.initialize()
            inputs = [mx.nd.array([[1, 2, 22]]), mx.nd.zeros((1, 3)), mx.nd.array([2])]
            expected = [output.asnumpy() for output in model(*inputs)]
            model.save_parameters(path)
            found = mxnet_capture._zoo_model("bert_12_768_12", {}, path)
        found.load_parameters(path)
        for output, right in zip(found(*inputs), expected):
            np.testing.assert_array_equal(output.asnumpy(), right)
        mx.nd.save(path, {"features.0.weight": mx.nd.zeros((2, 2))})
        with pytest.raises(
            mxnet_capture.CaptureError, match="Must specify vocab if not loading from predefined datasets"
        ):
            mxnet_capture._zoo_model("bert_12_768_12", {}, path)


@needs_mxnet
class TestErrors:
    """Each ends in one line that says what to do, exit code 2 for the call and 3 for its input."""

    SHAPE = ("--shape", "data=2,3,6,6")

    def fails(self, capsys: pytest.CaptureFixture, tmp_path: Path, code: int, *arguments: Any) -> str:
        assert run(*arguments, "-o", tmp_path / "g") == code
        assert not (tmp_path / "g").exists()
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1 and lines[0].startswith("error: ")
        return lines[0]

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            ((), 2, "No values for data"),
            (("--shape", "data=2,3,6,6", "--shape", "foo=1"), 2, "foo is unknown to the symbol; the inputs are data"),
            (("--shape", "data=2,3,6,6", "--shape", "fc_bias=3"), 2, "fc_bias is a parameter"),
            (("--shape", "data=2,3,6,6", "--dtype", "data=int32"), 2, "--range data=0,100"),
            (("--shape", "data=2,3,6,6", "--dtype", "data=float61"), 2, "unknown dtype"),
            (("--dtype", "data=int32"), 2, "give --shape data="),
            (
                ("--shape", "data=2,3,6,6", "--dtype", "data=uint16", "--range", "data=0,3"),
                3,
                "no arrays of type uint16",
            ),
            (("--shape", "data=2,3,9,9"), 3, "fc: Shape inconsistent"),
            (("--input", "absent.npz"), 3, "absent.npz"),
        ],
    )
    def test_inputs(
        self, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture, arguments: Any, code: int, says: str
    ) -> None:
        assert says in self.fails(capsys, tmp_path, code, checkpoint, *arguments)

    def test_files(self, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        assert "model-0007.params: no such file" in self.fails(capsys, tmp_path, 3, checkpoint, 7, *self.SHAPE)
        assert "0 epochs" in self.fails(capsys, tmp_path, 2, checkpoint + "x", *self.SHAPE)
        assert "either PREFIX, or" in self.fails(capsys, tmp_path, 2)
        assert "go together" in self.fails(capsys, tmp_path, 2, "--symbol", "s.json")
        page = tmp_path / "page-0000.params"
        page.write_text("<!DOCTYPE html><html>")
        files = ("--symbol", checkpoint + "-symbol.json", "--params", page)
        assert "cannot read it" in self.fails(capsys, tmp_path, 3, *files, *self.SHAPE)
        files = ("--symbol", page, "--params", checkpoint + "-0000.params")
        assert "invalid symbol JSON" in self.fails(capsys, tmp_path, 3, *files, *self.SHAPE)

    def test_missing_parameters(self, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        stored = mx.nd.load(checkpoint + "-0000.params")
        for key in ("arg:conv_weight", "aux:bn_moving_var"):
            rest = {name: array for name, array in stored.items() if name != key}
            mx.nd.save(str(tmp_path / "less.params"), rest)
            files = ("--symbol", checkpoint + "-symbol.json", "--params", tmp_path / "less.params")
            assert key[4:] in self.fails(capsys, tmp_path, 2 if key[:3] == "arg" else 3, *files, *self.SHAPE)

    def test_gluon_structural_names(self, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        block = mx.gluon.nn.HybridSequential()
        block.add(mx.gluon.nn.Dense(3, in_units=4))
        block.initialize()
        block.save_parameters(str(tmp_path / "gluon.params"))
        files = ("--symbol", checkpoint + "-symbol.json", "--params", tmp_path / "gluon.params")
        message = self.fails(capsys, tmp_path, 3, *files, *self.SHAPE)
        assert "structural names (0.bias, 0.weight)" in message and "block.export(prefix)" in message

    def test_targets(self, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        for target in (tmp_path, tmp_path / "absent" / "g"):
            assert run(checkpoint, *self.SHAPE, "-o", target) == 3
            assert str(target) in capsys.readouterr().err

    def test_models(self, data: np.ndarray, tmp_path: Path) -> None:
        class Imperative(mx.gluon.Block):
            def forward(self, x: Any) -> Any:
                return mx.nd.array(x.asnumpy())

        unready = mx.mod.Module(small_network())
        uninitialised = mx.gluon.nn.Dense(3, in_units=4)
        for model, says in (
            (3, "unsupported model of type int"),
            (unready, "no parameters yet"),
            (uninitialised, "not initialised"),
        ):
            with pytest.raises(mxnet_capture.CaptureError, match=says):
                mxnet_capture.capture(model, data, str(tmp_path / "g"))
        with pytest.raises(mxnet_capture.CaptureError, match="cannot be traced"):
            mxnet_capture.export(Imperative(), str(tmp_path / "model"), data)
        shapeless = mx.gluon.nn.Dense(3)
        shapeless.initialize()
        with pytest.raises(mxnet_capture.CaptureError, match="example inputs"):
            mxnet_capture.export(shapeless, str(tmp_path / "model"))
        assert os.listdir(tmp_path) == []


@needs_mxnet
class TestFilesOfManyReleases:
    """Checkpoints written by fifteen releases of MXNet, each with the output that its own release computed."""

    # The PReLU of 1.3.1 aligns its slopes with the last axis where that is as long as the channel axis, as here.
    DIFFERENT = "1.3.1"

    def test_output_is_what_the_writing_release_computed(self, shared_data: Path, tmp_path: Path) -> None:
        compared = []
        for folder in sorted((shared_data / "versions").iterdir()):
            if not (folder / "modcp-symbol.json").exists() or folder.name == self.DIFFERENT:
                continue
            truth = np.load(folder / "truth.npz")
            np.save(tmp_path / "data.npy", truth["modcp|input:data"])
            assert run(folder / "modcp", 3, "--input", tmp_path / "data.npy", "-o", tmp_path / "g") == 0
            golden, tensors = read_golden(tmp_path / "g")
            output = next(truth[key] for key in truth.files if key.startswith("modcp|output"))
            np.testing.assert_allclose(tensors[golden["outputs"][0]], output, rtol=0, atol=5e-6)
            assert len(golden["internals"]) == 9
            compared.append(folder.name)
        assert len(compared) == 14

    def test_fusion_that_changes_a_real_network_is_noted(self, shared_data: Path, tmp_path: Path) -> None:
        folder = shared_data / "real" / "LFFD-A-Light-and-Fast-Face-Detector-for-"
        (symbol,) = folder.glob("license_plate_detection/symbol_farm/*_deploy.json")
        (params,) = folder.glob("saved_model/*/*.params")
        files = ("--symbol", symbol, "--params", params, "--shape", "data=1,3,128,128")
        assert run(*files, "-o", tmp_path / "g") == 0
        golden, tensors = read_golden(tmp_path / "g")
        assert len(golden["outputs"]) == 6 and len(golden["internals"]) == 69
        first = next(entry for entry in golden["internals"] if entry["node"] == "relu_conv1")
        assert np.isfinite(tensors[first["key"]]).all() and tensors[first["key"]].min() >= 0
        if mx.__version__ == "1.9.1" and mx.runtime.Features().is_enabled("MKLDNN"):
            assert sum("fuses" in note for note in golden["notes"]) == 6

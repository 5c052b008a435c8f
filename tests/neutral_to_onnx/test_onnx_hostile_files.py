"""Hostile and damaged ONNX files: none reads another file, and each is refused by an error of Neutral's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import ModelProto, TensorProto, helper, parser

from cli_cases import write_golden
from neutral.cli import main
from neutral.errors import NeutralError, SourceError
from neutral.tensor import from_numpy
from neutral.verification.golden import Golden, GoldenInput
from neutral_to_onnx.verification.sessions import OnnxModel
from neutral_to_onnx.verification.verify import verify

TEXT = '<ir_version: 8, opset_import: ["" : 17]> net (float[2] x) => (float[2] y) { y = Add(x, w) }'


def model(location: str, inner: bool = False) -> ModelProto:
    """x + w, where w, or a constant within the branch of a condition, is in a file of its own."""
    proto = parser.parse_model(TEXT)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=(2,), data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    if not inner:
        proto.graph.initializer.append(tensor)
        return proto
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("w", TensorProto.FLOAT, (2,))])
    proto.graph.node.insert(0, helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch))
    proto.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, ()))
    return proto


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of weights beside which, and above which, are others that are nobody's business."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (folder / "net.onnx.data", tmp_path / "secret"):
        path.write_bytes(np.ones(2, np.float32).tobytes())
    (folder / "link").symlink_to("../secret")
    (folder / "inner").mkdir()
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret", "{folder}/../secret", "inner/../../secret", "link", "inner", "pipe", "..", "", "missing", "a\0b"],
)
def test_tensors_are_read_from_files_beside_the_model_alone(location: str, inner: bool, folder: Path) -> None:
    path = folder / "net.onnx"
    path.write_bytes(model(location.format(folder=folder), inner).SerializeToString())
    with pytest.raises(SourceError, match=r"net\.onnx: takes tensors from "):
        OnnxModel.open(path)


def test_tensors_beside_the_model_are_read(folder: Path) -> None:
    path = folder / "net.onnx"
    path.write_bytes(model("net.onnx.data").SerializeToString())
    (result,) = OnnxModel.open(path).run({"x": np.zeros(2, np.float32)})
    assert result.tolist() == [1, 1]


@pytest.mark.parametrize("name", ["y:²", "y:" + "9" * 5000, ":1", "y:1"])
def test_names_of_outputs_that_look_like_numbers_are_names(name: str) -> None:
    proto = parser.parse_model(TEXT.replace("Add(x, w)", "Relu(x)"))
    proto.graph.node[0].output[0] = proto.graph.output[0].name = name
    tensors = {"x": from_numpy(np.float32([-1, 2])), "y": from_numpy(np.float32([0, 2]))}
    golden = Golden("g", "mxnet", "1.9.1", (GoldenInput("x", "x"),), ("y",), {("y", 0): "y"}, (), tensors)
    with pytest.raises(NeutralError, match="has the name of a node"):
        verify(OnnxModel(proto, None, "net.onnx"), golden)


def test_any_bytes_give_a_result_or_one_of_neutrals_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bits of a sound model are flipped one at a time; onnxruntime may refuse what protobuf reads."""
    write_golden(folder / "golden.safetensors")
    content = model("net.onnx.data").SerializeToString()
    for position in range(0, 8 * len(content), 7):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        (folder / "net.onnx").write_bytes(changed)
        code = main(["verify", str(folder / "net.onnx"), "--golden", str(folder / "golden.safetensors")])
        assert code in range(1, 9), (position, capsys.readouterr().err)

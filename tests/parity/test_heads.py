"""Training heads at inference, losses and pick against MXNet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype(dtype)


def label(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.zeros(shape, dtype)


def parameters_of(module: Any) -> list[str]:
    return list(module.forward.__code__.co_varnames[1 : module.forward.__code__.co_argcount])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_softmax_output(check_operator: Any, dtype: str) -> None:
    module = check_operator("SoftmaxOutput", [values(3, 5, dtype=dtype), label(3, dtype=dtype)])
    assert parameters_of(module) == ["input0"]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 2, 3), (2, 6)])
def test_softmax_output_normalises_all_of_a_sample(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("SoftmaxOutput", [values(*shape), label(*shape[:-1])])


def test_softmax_output_normalises_all_of_a_sample_of_four_dimensions(check_operator: Any) -> None:
    """In float16: of float32 MXNet's oneDNN alone normalises the last axis at inference, though not in training."""
    check_operator("SoftmaxOutput", [values(2, 3, 4, 5, dtype="float16"), label(2, 3, 4, dtype="float16")])


def test_softmax_output_of_a_vector(check_operator: Any) -> None:
    check_operator("SoftmaxOutput", [values(5), label(5)])
    check_operator("SoftmaxOutput", [values(5), label(5)], declared=True)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_softmax_output_axes(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("SoftmaxOutput", [values(*shape), label(shape[0], *shape[2:])], multi_output=True)
    check_operator("SoftmaxOutput", [values(*shape), label(*shape[:-1])], preserve_shape=True)


def test_softmax_output_training_attributes(check_operator: Any) -> None:
    check_operator(
        "SoftmaxOutput",
        [values(2, 3, 4), label(2, 4)],
        multi_output=True,
        use_ignore=True,
        ignore_label=255,
        grad_scale=0.5,
        normalization="valid",
        smooth_alpha=0.1,
        out_grad=True,
    )


@pytest.mark.parametrize(
    "operator", ["LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput", "SVMOutput"]
)
@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (2, 3, 4)])
def test_regression_outputs(check_operator: Any, operator: str, shape: tuple[int, ...]) -> None:
    if operator == "SVMOutput":
        given = label(*shape[:-1]) if len(shape) == 3 else label(shape[0])
        attributes: dict[str, Any] = {"margin": 0.5, "regularization_coefficient": 2.0, "use_linear": True}
    else:
        given, attributes = label(*shape), {"grad_scale": 0.5}
    check_operator(operator, [values(*shape), given])
    module = check_operator(operator, [values(*shape), given], **attributes)
    assert parameters_of(module) == ["input0"]


def head(tmp_path: Path, operator: str, inputs: list[str], attributes: dict[str, str]) -> Any:
    variables = [{"op": "null", "name": name, "inputs": []} for name in inputs]
    node = {"op": operator, "name": "head", "attrs": attributes, "inputs": [[i, 0, 0] for i in range(len(inputs))]}
    document = {
        "nodes": [*variables, node],
        "arg_nodes": list(range(len(inputs))),
        "heads": [[len(inputs), 0, 0]],
        "attrs": {"mxnet_version": ["int", 10901]},
    }
    path = tmp_path / "head-symbol.json"
    path.write_text(json.dumps(document))
    return mxnet_to_neutral.read(path)


def test_warp_ctc_gives_probabilities(tmp_path: Path) -> None:
    """The plug-in is in no release; its source makes a softmax of every step."""
    attributes = {"label_length": "4", "input_length": "20"}
    store = head(tmp_path, "WarpCTC", ["data", "label"], attributes)
    assert [item.name for item in store.graph.inputs] == ["data"]
    x = torch.randn(6, 5)
    torch.testing.assert_close(neutral_to_torch.build(store)(x), x.softmax(1))


def test_sparsity_penalty_passes_its_input(tmp_path: Path) -> None:
    attributes = {"penalty": "0.01", "momentum": "0.8", "sparseness_target": "0.2"}
    store = head(tmp_path, "IdentityAttachKLSparseReg", ["data", "moving_avg"], attributes)
    assert [item.name for item in store.graph.inputs] == ["data"]
    x = torch.randn(6, 5)
    torch.testing.assert_close(neutral_to_torch.build(store)(x), x)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("mode", ["clip", "wrap"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_pick(check_operator: Any, axis: int, keepdims: bool, mode: str, dtype: str) -> None:
    x = values(2, 3, 4, dtype=dtype)
    shape = tuple(size for i, size in enumerate(x.shape) if i != axis % 3)
    index = (np.arange(np.prod(shape)).reshape(shape) - 3).astype("float32")
    check_operator("pick", [x, index], axis=axis, keepdims=keepdims, mode=mode, exact=True)


def test_pick_defaults_and_indices(check_operator: Any) -> None:
    x = values(3, 4)
    check_operator("pick", [x, np.array([1.75, -0.5, 2], "float32")], exact=True)
    check_operator("pick", [x, np.array([1, 9, -2], "int32")], exact=True)
    check_operator("pick", [x, np.array([[1], [2], [3]], "float32")], exact=True)
    check_operator("pick", [x, np.array([[1], [2], [3]], "float32")], keepdims=True, exact=True)
    check_operator("pick", [x[0], np.array([2], "float32")], exact=True)
    check_operator("pick", [x, np.array([-5, 4, 11], "float32")], mode="wrap", exact=True)


def test_softmax_cross_entropy(check_operator: Any) -> None:
    x = values(4, 5)
    x[0, 2] = 60.0  # makes the others' probability smaller than the bound
    check_operator("softmax_cross_entropy", [x, np.array([1, 0, 4, 2], "float32")])


BLANKS = [{}, {"blank_label": "first"}, {"blank_label": "last"}]


def sequences(blank: dict[str, str]) -> list[np.ndarray]:
    padding = -1 if blank.get("blank_label") == "last" else 0
    labels = [[1, 2, 3, padding], [3, 3, padding, padding], [2, 1, 2, 3]]
    return [values(10, 3, 5), np.array(labels, "float32")]


INPUT_LENGTH, LABEL_LENGTH = np.array([10, 7, 9], "float32"), np.array([3, 2, 4], "float32")


@pytest.mark.parametrize("blank", BLANKS)
def test_ctc_loss(check_operator: Any, blank: dict[str, str]) -> None:
    inputs = sequences(blank)
    check_operator("CTCLoss", inputs, **blank)
    check_operator("CTCLoss", [*inputs, INPUT_LENGTH], use_data_lengths=True, **blank)
    inputs += [INPUT_LENGTH, LABEL_LENGTH]
    check_operator("CTCLoss", inputs, use_data_lengths=True, use_label_lengths=True, **blank)


@pytest.mark.parametrize("blank", BLANKS)
def test_ctc_loss_of_label_lengths_alone(check_operator: Any, tmp_path: Path, blank: dict[str, str]) -> None:
    """MXNet's symbol call cannot be made so, but its files can: the lengths are the third input then."""
    inputs = sequences(blank)
    full = np.full(3, 10, "float32")
    both = check_operator(
        "CTCLoss", [*inputs, full, LABEL_LENGTH], use_data_lengths=True, use_label_lengths=True, **blank
    )
    store = head(tmp_path, "CTCLoss", ["data", "label", "lengths"], {"use_label_lengths": "True", **blank})
    given = [torch.from_numpy(array) for array in inputs]
    lengths = torch.from_numpy(LABEL_LENGTH)
    expected = both(*given, torch.from_numpy(full), lengths)
    torch.testing.assert_close(neutral_to_torch.build(store)(*given, lengths), expected)

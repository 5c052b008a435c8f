"""Activations and softmaxes against MXNet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402

ACTIVATIONS = ("relu", "sigmoid", "tanh", "softrelu", "softsign")


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return (np.random.RandomState(seed).randn(*shape) * 3).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize("act_type", ACTIVATIONS)
def test_activation(check_operator: Any, act_type: str, shape: tuple[int, ...], dtype: str) -> None:
    check_operator("Activation", [values(*shape, dtype=dtype)], act_type=act_type)


@pytest.mark.parametrize("act_type", ACTIVATIONS)
def test_activation_far_from_zero(check_operator: Any, act_type: str) -> None:
    check_operator("Activation", [np.array([-100, -30, -20, 0, 19.5, 20.5, 30, 100], "float32")], act_type=act_type)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"act_type": "leaky", "slope": 0.1},
        {"act_type": "leaky", "slope": 0.0},
        {"act_type": "elu"},
        {"act_type": "elu", "slope": 1.0},
        {"act_type": "selu"},
        {"act_type": "gelu"},
    ],
)
def test_leaky_relu(check_operator: Any, attributes: dict[str, Any], shape: tuple[int, ...], dtype: str) -> None:
    check_operator("LeakyReLU", [values(*shape, dtype=dtype)], **attributes)


@pytest.mark.parametrize("bounds", [{}, {"lower_bound": 0.2, "upper_bound": 0.3}])
def test_randomised_slope_at_inference(check_operator: Any, bounds: dict[str, float]) -> None:
    """The second output is what was drawn, which has no meaning here."""
    check_operator("LeakyReLU", [values(2, 3, 5)], output=0, act_type="rrelu", **bounds)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5, 4), (2, 3, 7)])
@pytest.mark.parametrize("slopes", [(3,), (1,), (1, 3)])
def test_prelu(check_operator: Any, shape: tuple[int, ...], slopes: tuple[int, ...]) -> None:
    gamma = np.abs(values(*slopes, seed=1)) / 5
    check_operator("LeakyReLU", [values(*shape), gamma], parameters=(1,), act_type="prelu")


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("operator", ["softmax", "log_softmax", "softmin"])
def test_softmax(check_operator: Any, operator: str, shape: tuple[int, ...], dtype: str) -> None:
    x = values(*shape, dtype=dtype)
    check_operator(operator, [x])
    for axis in range(len(shape)):
        check_operator(operator, [x], axis=axis)
    check_operator(operator, [x], axis=-len(shape))


@pytest.mark.parametrize("operator", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("temperature", [1.0, 2.5, 0.5])
def test_softmax_temperature(check_operator: Any, operator: str, temperature: float) -> None:
    check_operator(operator, [values(3, 5)], axis=0, temperature=temperature)


@pytest.mark.parametrize("operator", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_softmax_dtype(check_operator: Any, operator: str, dtype: str) -> None:
    check_operator(operator, [values(3, 5)], dtype=dtype)


@pytest.mark.parametrize("axis", [-1, 2, 1, 0])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_softmax_length(check_operator: Any, axis: int, dtype: str) -> None:
    x = values(2, 4, 3)
    extent = x.shape[axis]
    shape = tuple(size for i, size in enumerate(x.shape) if i != axis % 3)
    length = (np.arange(np.prod(shape)).reshape(shape) % (extent + 1)).astype(dtype)
    check_operator("softmax", [x, length], axis=axis, use_length=True)
    check_operator("softmax", [x, length], axis=axis, use_length=True, temperature=2.0)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (2, 3, 4, 5)])
def test_softmax_activation(check_operator: Any, shape: tuple[int, ...]) -> None:
    """``instance`` is over the last axis, of more than two dimensions too."""
    check_operator("SoftmaxActivation", [values(*shape)])
    check_operator("SoftmaxActivation", [values(*shape)], mode="instance")
    if len(shape) > 2:
        check_operator("SoftmaxActivation", [values(*shape)], mode="channel")


LATER = {
    "log_sigmoid": (lambda x: -np.log1p(np.exp(-x)), {}),
    "mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), {}),
    "Activation-log_sigmoid": (lambda x: -np.log1p(np.exp(-x)), {"act_type": "log_sigmoid"}),
    "Activation-mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), {"act_type": "mish"}),
    "LeakyReLU-gelu_tanh": (
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        {"act_type": "gelu_tanh"},
    ),
}
"""What MXNet 2 has beyond 1.9, by the formulas of its documentation."""


def later(tmp_path: Path, operator: str, attributes: dict[str, str], count: int) -> Any:
    inputs = [{"op": "null", "name": f"input{i}", "inputs": []} for i in range(count)]
    entries = [[i, 0, 0] for i in range(count)]
    node = {"op": operator, "name": "op", "attrs": attributes, "inputs": entries}
    document = {
        "nodes": [*inputs, node],
        "arg_nodes": list(range(count)),
        "heads": [[count, 0, 0]],
        "attrs": {"mxnet_version": ["int", 20000]},
    }
    path = tmp_path / "later-symbol.json"
    path.write_text(json.dumps(document))
    return neutral_to_torch.build(mxnet_to_neutral.read(path))


@pytest.mark.parametrize("name", LATER)
def test_activations_of_mxnet_2(tmp_path: Path, name: str) -> None:
    function, attributes = LATER[name]
    module = later(tmp_path, name.partition("-")[0], attributes, 1)
    x = values(3, 4)
    np.testing.assert_allclose(module(torch.from_numpy(x)).numpy(), function(x), rtol=1e-5, atol=1e-6)


def test_masked_softmax_of_mxnet_2(tmp_path: Path) -> None:
    x, mask = values(2, 3, 4), np.arange(12).reshape(1, 3, 4) % 3 > 0
    weights = np.where(mask, np.exp(x), 0)
    expected = weights / weights.sum(1, keepdims=True)
    arguments = torch.from_numpy(x), torch.from_numpy(mask)
    actual = later(tmp_path, "masked_softmax", {"axis": "1"}, 2)(*arguments)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-5, atol=1e-6)
    actual = later(tmp_path, "masked_log_softmax", {"axis": "1"}, 2)(*arguments)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(actual.numpy(), np.log(expected), rtol=1e-5, atol=1e-6)


def test_a_slope_for_each_sample_is_refused(mxnet: Any, tmp_path: Path) -> None:
    mxnet.call(
        "operators:run_operator",
        operator="LeakyReLU",
        inputs=[values(2, 3, 4), values(2, 3)],
        attributes={"act_type": "prelu"},
        prefix=str(tmp_path / "op"),
        parameters=(1,),
    )
    node = mxnet_to_neutral.read(str(tmp_path / "op")).graph.nodes[-1]
    assert node.kind == "opaque"
    assert "depends on the sample" in node.attributes["reason"]

"""Random numbers: MXNet's and torch's draws differ, their distributions must not.

Both draw many numbers: the means agree within five standard errors, and the shares that lie below any number within
what chance allows (Kolmogorov and Smirnov).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from neutral.reference.selection import output_name
from parity.against import to_torch, used_inputs
from parity.lines import given
from parity.onnx_check import run_onnx

N = 4000
CRITICAL = 2.0
"""The largest distance, in units of sqrt(2 / n): chance exceeds it once in a thousand times."""


def same_distribution(actual: np.ndarray, expected: np.ndarray) -> None:
    actual, expected = actual.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    assert np.isfinite(actual).all()
    error = 5 * np.hypot(actual.std(), expected.std()) / np.sqrt(actual.size)
    assert abs(actual.mean() - expected.mean()) <= error
    points = np.sort(np.concatenate([actual, expected]))
    shares = [np.searchsorted(np.sort(x), points, side="right") / x.size for x in (actual, expected)]
    assert np.abs(shares[0] - shares[1]).max() <= CRITICAL * np.sqrt(2 / actual.size)


def compare(prefix: str, arrays: dict[str, np.ndarray], expected: list[np.ndarray]) -> None:
    store = mxnet_to_neutral.read(prefix)
    module = neutral_to_torch.build(store)
    inputs = {name: to_torch(value) for name, value in arrays.items()}
    torch.manual_seed(0)
    outputs = module(**inputs)
    torch.manual_seed(0)
    again = module(**inputs)
    outputs, again = (x if isinstance(x, (tuple, list)) else (x,) for x in (outputs, again))
    evaluated = neutral.reference.run(store, used_inputs(store, arrays), seed=1)
    of_onnx = run_onnx(store, used_inputs(store, arrays))
    assert store.graph is not None
    assert len(outputs) == len(expected)
    for drawn, wanted in zip(of_onnx or (), expected):
        assert drawn.shape == wanted.shape and drawn.dtype == wanted.dtype
        for of_onnxruntime, of_mxnet in zip(drawn.reshape(-1, wanted.shape[-1]), wanted.reshape(-1, wanted.shape[-1])):
            same_distribution(of_onnxruntime, of_mxnet)
    for value, output, repeated, wanted in zip(store.graph.outputs, outputs, again, expected):
        reference = evaluated[output_name(value)]
        assert reference.shape == wanted.shape and reference.dtype == wanted.dtype
        assert torch.equal(output, repeated)
        assert output.numpy().shape == wanted.shape and output.numpy().dtype == wanted.dtype
        # Along the last axis there are many numbers of one distribution.
        rows = [array.reshape(-1, wanted.shape[-1]) for array in (output.numpy(), reference, wanted)]
        for of_torch, of_reference, of_mxnet in zip(*rows):
            same_distribution(of_torch, of_mxnet)
            same_distribution(of_reference, of_mxnet)


@pytest.fixture
def check_random(mxnet: Any, tmp_path: Path) -> Callable[..., None]:
    """As ``check_operator`` in distribution."""

    def check(operator: str, inputs: list[np.ndarray], **attributes: Any) -> None:
        prefix = str(tmp_path / "op")
        arguments = {"operator": operator, "inputs": inputs, "attributes": attributes, "prefix": prefix}
        expected = mxnet.call("operators:run_operator", **arguments)
        compare(prefix, {f"input{i}": x for i, x in enumerate(inputs)}, expected)

    return check


SHAPED = [
    ("_random_normal", {"loc": 1.5, "scale": 0.5}),
    ("_random_normal", {}),
    ("_random_uniform", {"low": -1.0, "high": 2.5}),
    ("_random_uniform", {}),
    ("_random_exponential", {"lam": 2.5}),
    ("_random_gamma", {"alpha": 3.0, "beta": 0.5}),
    ("_random_gamma", {"alpha": 0.5, "beta": 2.0}),
    ("_random_poisson", {"lam": 4.5}),
    ("_random_negative_binomial", {"k": 3, "p": 0.4}),
    ("_random_generalized_negative_binomial", {"mu": 2.5, "alpha": 0.3}),
]


@pytest.mark.parametrize(("operator", "attributes"), SHAPED, ids=str)
def test_shape(check_random: Any, operator: str, attributes: dict[str, float]) -> None:
    check_random(operator, [], shape=(2, N), **attributes)
    check_random(operator, [], shape=(N,), dtype="float64", **attributes)
    check_random(operator, [], shape=(N,), dtype="float16", **attributes)


@pytest.mark.parametrize(("operator", "attributes"), SHAPED, ids=str)
def test_like(check_random: Any, operator: str, attributes: dict[str, float]) -> None:
    check_random(f"{operator}_like", [np.zeros((2, N), "float32")], **attributes)
    check_random(f"{operator}_like", [np.zeros(N, "float16")], **attributes)


def test_integers(check_random: Any) -> None:
    check_random("_random_randint", [], low=-3, high=9, shape=(N,))
    check_random("_random_randint", [], low=0, high=5, shape=(2, N), dtype="int64")


TENSORS = [
    ("_sample_normal", [[0.0, 5.0], [1.0, 2.0]]),
    ("_sample_uniform", [[0.0, -2.0], [1.0, 4.0]]),
    ("_sample_exponential", [[0.5, 3.0]]),
    ("_sample_gamma", [[0.7, 4.0], [2.0, 0.5]]),
    ("_sample_poisson", [[1.5, 8.0]]),
    ("_sample_negative_binomial", [[2.0, 6.0], [0.3, 0.7]]),
    ("_sample_generalized_negative_binomial", [[2.0, 6.0], [0.3, 0.7]]),
]


@pytest.mark.parametrize(("operator", "parameters"), TENSORS, ids=str)
def test_parameters_that_are_tensors(check_random: Any, operator: str, parameters: list[list[float]]) -> None:
    for dtype in ("float32", "float16"):
        check_random(operator, [np.array(p, dtype) for p in parameters], shape=(N,), dtype=dtype)


@pytest.mark.parametrize("operator", ["_sample_normal", "_sample_uniform"])
def test_one_for_each_parameter(check_random: Any, operator: str) -> None:
    check_random(operator, [np.full((2, N), 1.0, "float32"), np.full((2, N), 3.0, "float32")])


def test_categories(check_random: Any) -> None:
    p = np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]], "float32")
    check_random("_sample_multinomial", [p], shape=(N,))
    check_random("_sample_multinomial", [p], shape=(2, N), get_prob=True)
    check_random("_sample_multinomial", [np.tile(p[:1], (N, 1))], dtype="float32")


def test_shuffle(mxnet: Any, tmp_path: Path) -> None:
    x = np.arange(12, dtype="float32").reshape(6, 2)
    prefix = str(tmp_path / "op")
    mxnet.call("operators:run_operator", operator="_shuffle", inputs=[x], attributes={}, prefix=prefix)
    shuffled = neutral_to_torch.build(mxnet_to_neutral.read(prefix))(to_torch(x)).numpy()
    assert (shuffled[np.argsort(shuffled[:, 0])] == x).all()


LINES = [
    "random.normal(1.5, 2.0, size=(2, 4000))",
    "random.normal(m, 0.5, size=(2, 4000))",
    "random.normal(m, s)",
    "random.uniform(-1, 3, size=(4000,))",
    "random.uniform(m, 5.0)",
    "random.gamma(2.5, 0.5, size=(4000,))",
    "random.exponential(2.5, size=(4000,))",
    "random.gumbel(1.0, 2.0, size=(4000,))",
    "random.logistic(1.0, 2.0, size=(4000,))",
    "random.rayleigh(2.0, size=(4000,))",
    "random.weibull(1.5, size=(4000,))",
    "random.pareto(3.0, size=(4000,))",
    "random.power(2.5, size=(4000,))",
    "npx.random.bernoulli(prob=0.3, size=(4000,))",
    "npx.random.bernoulli(prob=p)",
    "npx.random.bernoulli(logit=m)",
    "npx.random.bernoulli(logit=-0.5, size=(4000,))",
    "npx.random.bernoulli(prob=0.3, size=(4000,), dtype='int32')",
    "npx.random.bernoulli(logit=-0.5, size=(4000,), dtype='uint8')",
    "npx.random.bernoulli(logit=m, dtype='bool')",
    "npx.random.bernoulli(prob=0.3, size=(4000,), dtype='bool')",
    "random.exponential(s)",
    "npx.random.normal_n(m[0, :2], 1.0, batch_shape=(4000,)).T",
    "npx.random.uniform_n(0.0, s[0, :3], batch_shape=(4000,)).T",
]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("line", LINES)
def test_lines(request: pytest.FixtureRequest, tmp_path: Path, line: str, version: str) -> None:
    process = request.getfixturevalue("mxnet" if version == "1" else "mxnet2")
    m, s, p = np.full((2, N), 1.5, "float32"), np.full((1, N), 2.0, "float32"), np.full((2, N), 0.25, "float32")
    arrays = given(line, m=m, s=s, p=p)
    expected = process.call("numpy_mode:run", expression=line, inputs=arrays, prefix=str(tmp_path / "line"))
    compare(str(tmp_path / "line"), arrays, expected)


CHOICES = [
    "random.choice(7, (4000,))",
    "random.choice(5000, (4000,), replace=False)",
    "random.choice(4, (40, 100), p=w)",
    "random.choice(4000, (1500,), replace=False, p=u)",
    "npi.multinomial(n=10, pvals=(0.2, 0.5, 0.1), size=(4000,))[:, 2]",
]


@pytest.mark.parametrize("line", CHOICES)
def test_choices(mxnet: Any, tmp_path: Path, line: str) -> None:
    """A symbol of MXNet 2.0.0b1 has lost the attributes of choice."""
    w, u = np.array([0.1, 0.4, 0.2, 0.3], "float32"), np.arange(1, N + 1, dtype="float32") / (N * (N + 1) / 2)
    arrays = given(line, w=w, u=u)
    expected = mxnet.call("numpy_mode:run", expression=line, inputs=arrays, prefix=str(tmp_path / "line"))
    compare(str(tmp_path / "line"), arrays, expected)


@pytest.mark.parametrize("probabilities", ["[0.25, 0.75]", "w"])
def test_multinomial(mxnet2: Any, tmp_path: Path, probabilities: str) -> None:
    line = f"random.multinomial(8, {probabilities}, size=(4000,))[:, 0]"
    arrays = given(line, w=np.array([0.1, 0.4, 0.2, 0.3], "float32"))
    expected = mxnet2.call("numpy_mode:run", expression=line, inputs=arrays, prefix=str(tmp_path / "line"))
    compare(str(tmp_path / "line"), arrays, expected)

"""One training step in both: the output, the gradients of parameters and inputs, and the running statistics.

In float64, so that a difference is one of meaning and not of rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral_to_torch

BATCH_NORM = "sym.BatchNorm({}, gamma, beta, mean, var, momentum=0.7, eps=1e-3{})"
CONVOLVED = "sym.Convolution(x, weight, bias, kernel=(3, 3), num_filter=6, num_group=2, stride=(2, 1), pad=(1, 1))"

STEPS = {
    "convolution": CONVOLVED,
    "transposed convolution": "sym.Deconvolution(x, up, kernel=(2, 2), num_filter=3, stride=(2, 2), no_bias=True)",
    "linear": "sym.FullyConnected(x, wide, three, num_hidden=3)",
    "embedding": "sym.Embedding(index, table, input_dim=6, output_dim=3)",
    "batch norm": BATCH_NORM.format("x", ", fix_gamma=False"),
    "batch norm of a fixed scale": BATCH_NORM.format("x", ""),
    "batch norm of the last axis": BATCH_NORM.format("sym.transpose(x, axes=(0, 2, 3, 1))", ", axis=-1"),
    "batch norm by running statistics": BATCH_NORM.format("x", ", fix_gamma=False, use_global_stats=True"),
    "batch norm of a computed scale": BATCH_NORM.replace("gamma", "sym.exp(gamma)").format("x", ", fix_gamma=False"),
    "batch norm of a blocked scale": BATCH_NORM.replace("gamma", "sym.BlockGrad(gamma)").format(
        "x", ", fix_gamma=False"
    ),
    "batch norm of a computed shift": BATCH_NORM.replace("beta", "sym.tanh(beta)").format("x", ", fix_gamma=False"),
    "batch norm of computed numbers along the last axis": BATCH_NORM.replace("gamma", "(2 * beta)").format(
        "sym.transpose(x, axes=(0, 2, 3, 1))", ", axis=-1, fix_gamma=False"
    ),
    "layer norm": "sym.LayerNorm(x, last, last2)",
    "instance norm": "sym.InstanceNorm(x, gamma, beta)",
    "group norm": "sym.GroupNorm(x, two, two2, num_groups=2)",
    "group norm of a sum": "sym.GroupNorm(sym.add_n(x, x), two, two2, num_groups=2)",
    "l2 normalization": "sym.L2Normalization(x, mode='channel')",
    "local response": "sym.LRN(x, nsize=3)",
    "leaky": "sym.LeakyReLU(x, act_type='leaky', slope=0.1)",
    "elu": "sym.LeakyReLU(x, act_type='elu', slope=0.3)",
    "gelu": "sym.LeakyReLU(x, act_type='gelu')",
    "prelu": "sym.LeakyReLU(x, gamma, act_type='prelu')",
    "softmax": "sym.softmax(x, axis=1) * sym.log_softmax(x, axis=2)",
    "activations": "sym.Activation(x, act_type='softrelu') + sym.sigmoid(x) * sym.tanh(x) + sym.softsign(x)",
    "clipped": "sym.clip(x, -0.5, 0.5) + sym.relu(x)",
    "hard sigmoid": "sym.hard_sigmoid(x, alpha=0.5, beta=0.4)",
    "maximum pooling": "sym.Pooling(x, kernel=(2, 2), pool_type='max')",
    "average pooling": "sym.Pooling(x, kernel=(3, 3), pad=(1, 1), stride=(2, 2), pool_type='avg')",
    "resized": "sym.contrib.BilinearResize2D(x, height=9, width=5)",
    "reductions": "sym.broadcast_mul(sym.max(x, axis=1, keepdims=True), sym.mean(x, axis=(2, 3), keepdims=True))",
    "norm": "sym.norm(x, axis=1) + sym.prod(x, axis=1)",
    "functions": "sym.sqrt(sym.abs(x)) + sym.log(1 + sym.square(x)) + sym.erf(x) + sym.arctan(x) / (x * x + 1)",
    "extremes": "sym.broadcast_maximum(x, 0.5 * x + 0.1) - sym.broadcast_minimum(x, -x)",
    "remainders": "2.7 % (0.7 + sym.abs(x)) + x % 0.6 + sym.broadcast_mod(x, 0.7 + sym.abs(x))",
    "smooth": "sym.smooth_l1(x, scalar=2.0)",
    "slices": "sym.concat(sym.slice_axis(x, axis=1, begin=1, end=3), sym.reverse(x, axis=2), dim=1)",
    "gathered": "sym.take(sym.slice_like(x, x, axes=(1,)), index, axis=2)",
    "where": "sym.where(x > 0, x, 2 * sym.exp(x))",
    "products": "sym.batch_dot(sym.reshape(x, shape=(-3, 0, 0)), sym.reshape(x, shape=(-3, 0, 0)), transpose_b=True)",
    "recurrent": "sym.RNN(series, parameters, h, c, state_size=3, num_layers=1, mode='lstm')",
    "blocked": "x * sym.BlockGrad(sym.sin(x)) + sym.BlockGrad(x)",
    "blocked weights": "sym.FullyConnected(x, sym.BlockGrad(wide), three, num_hidden=3)",
    "blocked identity": "sym.identity(sym.BlockGrad(sym.identity(x))) + sym.identity(x)",
}


def arrays() -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    shapes: dict[str, tuple[int, ...]] = {
        "weight": (6, 2, 3, 3), "bias": (6,), "up": (4, 3, 2, 2), "wide": (3, 120), "three": (3,), "table": (6, 3),
        "gamma": (4,), "beta": (4,), "mean": (4,), "last": (6,), "last2": (6,), "two": (2,), "two2": (2,),
        "parameters": (4 * 3 * (5 + 3 + 2),), "x": (2, 4, 5, 6), "series": (4, 2, 5), "h": (1, 2, 3), "c": (1, 2, 3),
    }  # fmt: skip
    result = {name: random.randn(*shape) for name, shape in shapes.items()}
    return {**result, "var": random.uniform(0.5, 2, 4), "index": np.array([[1.0, 3.0, 0.0]] * 2)}


def used(expression: str) -> dict[str, np.ndarray]:
    """Return the arrays that an expression uses, by name."""
    dtype = "float32" if "InstanceNorm" in expression or "LRN" in expression else "float64"  # MXNet has no other
    names = set(compile(expression, "expression", "eval").co_names) - (set() if "BatchNorm" in expression else {"mean"})
    return {name: array.astype(dtype) for name, array in arrays().items() if name in names}


def gradient_in_mxnet(parameter: np.ndarray, given: dict[str, np.ndarray], step: dict[str, np.ndarray]) -> np.ndarray:
    """Return MXNet's gradient of a module's parameter, found among the stored arrays by its values."""
    flat = parameter.ravel()
    for name, array in given.items():
        for start in range(array.size - flat.size + 1):
            if name in step and np.array_equal(array.ravel()[start : start + flat.size], flat):
                return step[name].ravel()[start : start + flat.size].reshape(parameter.shape)
    raise AssertionError(f"no array holds the parameter {parameter}")


def close(actual: Any, expected: np.ndarray) -> None:
    scale = max(np.abs(expected).max(), 1e-3)
    assert tuple(actual.shape) == expected.shape
    assert np.abs(actual.detach().numpy() - expected).max() <= (1e-6 if expected.dtype == np.float64 else 1e-5) * scale


@pytest.mark.parametrize("family", sorted(STEPS))
def test_a_step(mxnet: Any, tmp_path: Path, family: str) -> None:
    given = used(STEPS[family])
    data = [name for name in given if name in ("x", "index", "series", "h", "c")]
    stored = [name for name in given if name not in data]
    prefix = str(tmp_path / "model")
    head_shape = mxnet.call("training:output_shape", expression=STEPS[family], inputs=given)
    head = np.random.RandomState(1).randn(*head_shape).astype(given[data[0]].dtype)
    arguments = {"expression": STEPS[family], "inputs": given, "head": head, "prefix": prefix, "stored": stored}
    step = mxnet.call("training:step", **arguments)

    store = mxnet_to_neutral.read(prefix)
    assert store.graph is not None
    module = neutral_to_torch.build(store).to(torch.from_numpy(head).dtype).train()
    tensors = {name: torch.from_numpy(given[name].copy()).requires_grad_(name != "index") for name in data}
    before = {name: value.detach().numpy().copy() for name, value in module.named_parameters()}
    output = module(**{item.name: tensors[item.name] for item in store.graph.inputs})
    close(output, step["output"])
    output.backward(torch.from_numpy(head))

    for name in data:
        gradient = tensors[name].grad
        if name != "index":
            close(torch.zeros_like(tensors[name]) if gradient is None else gradient, step[name])
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            close(gradient, gradient_in_mxnet(before[name], given, step))
    if "mean" in given:
        check_statistics(module, given, step)


def check_statistics(module: Any, given: dict[str, np.ndarray], step: dict[str, np.ndarray]) -> None:
    """Compare running statistics; torch's running variance has the unbiased variance of the batch."""
    (norm,) = [layer for layer in module.modules() if hasattr(layer, "running_var")]
    close(norm.running_mean, step["after:mean"])
    count = given["x"].size / 4
    of_batch = (step["after:var"] - 0.7 * given["var"]) / 0.3
    if np.abs(step["after:var"] - given["var"]).max() > 0:
        close(norm.running_var, 0.7 * given["var"] + 0.3 * of_batch * count / (count - 1))
    else:
        close(norm.running_var, given["var"])


def test_a_fixed_scale_beside_a_computed_shift_is_not_trained(mxnet: Any, tmp_path: Path) -> None:
    expression = BATCH_NORM.replace("beta", "sym.tanh(beta)").format("x", "")
    given = used(expression)
    head = np.random.RandomState(1).randn(*given["x"].shape)
    arguments = {"head": head, "prefix": str(tmp_path / "model"), "stored": [name for name in given if name != "x"]}
    step = mxnet.call("training:step", expression=expression, inputs=given, **arguments)
    module = neutral_to_torch.build(mxnet_to_neutral.read(tmp_path / "model")).to(torch.float64).train()
    data = torch.from_numpy(given["x"].copy()).requires_grad_()
    module(data).backward(torch.from_numpy(head))
    assert data.grad is not None and not step["gamma"].any()
    close(data.grad, step["x"])
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert len(gradients) == 1
    close(gradients[0], step["beta"])
    check_statistics(module, given, step)


def test_the_gradient_of_selu_is_that_of_the_function_and_not_mxnets(mxnet: Any, tmp_path: Path) -> None:
    x, expression = arrays()["x"], "sym.LeakyReLU(x, act_type='selu')"
    arguments = {"head": np.ones_like(x), "prefix": str(tmp_path / "model"), "stored": []}
    step = mxnet.call("training:step", expression=expression, inputs={"x": x}, **arguments)
    data = torch.from_numpy(x).requires_grad_()
    output = neutral_to_torch.build(mxnet_to_neutral.read(tmp_path / "model"))(data)
    output.sum().backward()
    scale, alpha, y = 1.0507009873554805, 1.6732632423543772, output.detach().numpy()
    close(data.grad, np.where(x > 0, scale, scale * alpha * np.exp(x)))
    difference = np.abs(step["x"] - np.where(x > 0, scale, scale * (alpha + y))).max()
    assert difference < 1e-7, "its constants are float32"

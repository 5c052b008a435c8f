"""Normalisations against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.against import check_checkpoint, to_torch

torch = pytest.importorskip("torch")


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype(dtype)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(0.5, 2, shape).astype("float32")


def batch_norm(shape: tuple[int, ...], axis: int = 1, dtype: str = "float32") -> list[np.ndarray]:
    channels = shape[axis]
    roles = [values(channels, seed=1), values(channels, seed=2), values(channels, seed=3), positive(channels)]
    return [values(*shape, dtype=dtype), *roles]


STORED = {"parameters": [1, 2], "auxiliary": [3, 4]}


@pytest.mark.parametrize("fix_gamma", [None, True, False])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 5, 4)])
def test_batch_norm(check_operator: Any, shape: tuple[int, ...], fix_gamma: bool | None) -> None:
    """By default gamma is fixed, so that the stored one has no meaning, and eps is 1e-3."""
    given = {} if fix_gamma is None else {"fix_gamma": fix_gamma}
    for declared in (False, True):
        check_operator("BatchNorm", batch_norm(shape), **STORED, declared=declared, **given)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3])
def test_batch_norm_axis(check_operator: Any, axis: int) -> None:
    check_operator("BatchNorm", batch_norm((2, 3, 5, 4), axis), **STORED, axis=axis, fix_gamma=False, eps=1e-5)


@pytest.mark.parametrize("attributes", [{}, {"axis": -1}, {"fix_gamma": False, "eps": 2e-5}], ids=str)
def test_batch_norm_with_its_statistics(check_operator: Any, attributes: dict[str, Any]) -> None:
    inputs = batch_norm((2, 3, 5, 4), attributes.get("axis", 1))
    check_operator("BatchNorm", inputs, **STORED, output_mean_var=True, **attributes)


@pytest.mark.parametrize("attributes", [{}, {"fix_gamma": False}], ids=str)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 5, 4)])
def test_batch_norm_with_global_statistics(
    check_operator: Any, shape: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    check_operator("BatchNorm", batch_norm(shape), **STORED, use_global_stats=True, momentum=0.5, **attributes)


@pytest.mark.parametrize("axis", [1, -1])
def test_batch_norm_of_half(check_operator: Any, axis: int) -> None:
    """The data is float16, its parameters and statistics stay float32."""
    inputs = batch_norm((2, 3, 5, 4), axis, dtype="float16")
    check_operator("BatchNorm", inputs, **STORED, axis=axis, fix_gamma=False)


def test_batch_norm_with_computed_gamma(check_operator: Any) -> None:
    check_operator("BatchNorm", batch_norm((2, 3, 5, 4)), **STORED, computed=[1], fix_gamma=False)
    check_operator("BatchNorm", batch_norm((2, 3, 5, 4)), **STORED, computed=[1])


def test_synchronised_batch_norm(check_operator: Any) -> None:
    inputs = batch_norm((2, 3, 5, 4))
    check_operator("_contrib_SyncBatchNorm", inputs, **STORED, fix_gamma=False, ndev=2, key="bn")


@pytest.mark.parametrize("attributes", [{}, {"fix_gamma": False, "eps": 1e-5}], ids=str)
def test_first_batch_norm(mxnet: Any, tmp_path: Path, attributes: dict[str, Any]) -> None:
    names = ("input0", "op_gamma", "op_beta", "op_moving_mean", "op_moving_var")
    arrays, prefix = dict(zip(names, batch_norm((2, 3, 5, 4)))), str(tmp_path / "op")
    expected = mxnet.call("operators:first_batch_norm", arrays=arrays, attributes=attributes, prefix=prefix)
    check_checkpoint(prefix, {"input0": to_torch(arrays["input0"])}, expected)


@pytest.mark.parametrize("attributes", [{}, {"fix_gamma": False}], ids=str)
def test_batch_norm_with_relu(check_operator: Any, attributes: dict[str, Any]) -> None:
    check_operator("_contrib_BatchNormWithReLU", batch_norm((2, 3, 5, 4)), **STORED, **attributes)


@pytest.mark.parametrize("eps", [None, 1e-12, 1e-3])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -2])
def test_layer_norm(check_operator: Any, axis: int | None, eps: float | None) -> None:
    shape = (3, 5, 4)
    size = shape[-1 if axis is None else axis]
    given = {name: value for name, value in (("axis", axis), ("eps", eps)) if value is not None}
    inputs = [values(*shape), values(size, seed=1), values(size, seed=2)]
    check_operator("LayerNorm", inputs, parameters=[1, 2], **given)
    check_operator("LayerNorm", inputs, parameters=[1, 2], computed=[1, 2], **given)


@pytest.mark.parametrize("axis", [-1, 1])
def test_layer_norm_with_its_statistics(check_operator: Any, axis: int) -> None:
    shape = (3, 5, 4)
    inputs = [values(*shape), values(shape[axis], seed=1), values(shape[axis], seed=2)]
    check_operator("LayerNorm", inputs, parameters=[1, 2], axis=axis, output_mean_var=True)


def test_layer_norm_of_half(check_operator: Any) -> None:
    inputs = [values(3, 5, 8, dtype="float16"), *(values(8, dtype="float16", seed=seed) for seed in (1, 2))]
    check_operator("LayerNorm", inputs, parameters=[1, 2])


@pytest.mark.parametrize("eps", [None, 1e-5])
@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 5, 4)])
def test_instance_norm(check_operator: Any, shape: tuple[int, ...], eps: float | None) -> None:
    inputs = [values(*shape), values(3, seed=1), values(3, seed=2)]
    given = {} if eps is None else {"eps": eps}
    check_operator("InstanceNorm", inputs, parameters=[1, 2], **given)
    check_operator("InstanceNorm", inputs, parameters=[1, 2], declared=True, **given)
    check_operator("InstanceNorm", inputs, parameters=[1, 2], computed=[1], **given)


@pytest.mark.parametrize("statistics", [{}, {"output_mean_var": True}], ids=["alone", "with_statistics"])
@pytest.mark.parametrize(
    "attributes", [{}, {"num_groups": 1}, {"num_groups": 2, "eps": 1e-3}, {"num_groups": 6}], ids=str
)
@pytest.mark.parametrize("shape", [(2, 6, 7), (2, 6, 5, 4)])
def test_group_norm(
    check_operator: Any, shape: tuple[int, ...], attributes: dict[str, Any], statistics: dict[str, Any]
) -> None:
    """MXNet 1 has a gamma and beta for each group, so that the number of channels must be known."""
    groups = attributes.get("num_groups", 1)
    inputs = [values(*shape), values(groups, seed=1), values(groups, seed=2)]
    check_operator("GroupNorm", inputs, parameters=[1, 2], declared=True, **attributes, **statistics)


SURROUNDINGS = {
    "input": "x",
    "concat": "sym.concat(x, x, dim=1)",
    "concat of convolutions": "sym.concat(conv, conv, dim=1)",
    "add_n": "sym.add_n(x, x)",
    "multiply": "conv * sym.broadcast_mul(conv, conv)",
    "up-sampling": "sym.UpSampling(conv, scale=2, sample_type='nearest')",
    "several up-sampled": "sym.UpSampling(conv, conv, scale=2, sample_type='nearest', num_args=2)",
    "pad": "sym.Pad(conv, mode='constant', pad_width=(0, 0, 0, 0, 1, 1, 0, 2))",
    "slice_axis": "sym.slice_axis(conv, axis=1, begin=-4, end=None)",
    "split": "sym.split(conv, num_outputs=2, axis=1)[1]",
    "shuffle": (
        "sym.reshape(sym.swapaxes(sym.reshape(conv, shape=(0, -4, 4, -1, -2)), dim1=1, dim2=2), shape=(0, -3, -2))"
    ),
    "transpose": "sym.transpose(conv, axes=(0, 2, 1, 3))",
    "square root": "sym.sqrt(sym.abs(conv))",
    "repeat": "sym.repeat(conv, repeats=2, axis=1)",
    "before a convolution": "sym.relu(x)",
    "split of the input": "sym.split(x, num_outputs=3, axis=1)[1]",
    "split of a split": "sym.split(sym.split(sym.concat(x, x), num_outputs=2, axis=1)[0], num_outputs=3, axis=1)[2]",
    "split at positions": "sym.split_v2(x, (4,), axis=1)[0]",
    "split along another axis": "sym.split(x, num_outputs=3, axis=3, squeeze_axis=True)[1]",
}


@pytest.mark.parametrize("statistics", ["", ", output_mean_var=True"], ids=["alone", "with_statistics"])
@pytest.mark.parametrize("surrounding", sorted(SURROUNDINGS))
def test_group_norm_of_channels_that_the_graph_does_not_state(
    check_expression: Any, surrounding: str, statistics: str
) -> None:
    """Inferred from weights and attributes, else computed by groups of any number of channels."""
    conv = "sym.Convolution(x, weight=w, kernel=(1, 1), num_filter=8, no_bias=True)"
    normed = f"sym.GroupNorm({SURROUNDINGS[surrounding].replace('conv', conv)}, g, b, num_groups=2{statistics})"
    if surrounding == "before a convolution":
        normed = f"sym.Group([sym.Convolution({normed}[0], weight=w, kernel=(1, 1), num_filter=8, no_bias=True)])"
    arrays = {"x": values(2, 6, 8, 3), "w": values(8, 6, 1, 1), "g": values(2, seed=1), "b": values(2, seed=2)}
    used = {name: array for name, array in arrays.items() if name != "w" or "weight=w" in normed}
    module = check_expression(normed, stored=[name for name in used if name != "x"], **used)
    unknown = ("input", "concat", "add_n", "repeat", "transpose")
    kinds = [type(layer).__name__ for layer in module.modules()]
    assert ("GroupNorm" in kinds) == (surrounding not in unknown and not surrounding.startswith("split "))


def test_group_norm_of_half(check_operator: Any) -> None:
    inputs = [values(2, 4, 7, dtype="float16"), *(values(2, dtype="float16", seed=seed) for seed in (1, 2))]
    check_operator("GroupNorm", inputs, parameters=[1, 2], declared=True, num_groups=2)


@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("mode", [None, "instance", "channel", "spatial"])
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 5, 4)])
def test_l2_normalization(check_operator: Any, shape: tuple[int, ...], mode: str | None, eps: float | None) -> None:
    if mode in ("channel", "spatial") and len(shape) < 3:
        shape = (3, 5, 1)
    given = {name: value for name, value in (("mode", mode), ("eps", eps)) if value is not None}
    for declared in (False, True):
        check_operator("L2Normalization", [values(*shape) / 10], declared=declared, **given)


@pytest.mark.parametrize("mode", ["instance", "channel", "spatial"])
def test_l2_normalization_of_half_and_of_zeros(check_operator: Any, mode: str) -> None:
    check_operator("L2Normalization", [values(2, 3, 5, 4, dtype="float16")], mode=mode)
    check_operator("L2Normalization", [np.zeros((2, 3, 5, 4), "float32")], mode=mode)


@pytest.mark.parametrize(
    "attributes",
    [{"nsize": 5}, {"nsize": 3, "alpha": 0.1, "beta": 0.5, "knorm": 1}, {"nsize": 1}, {"nsize": 9, "alpha": 2.0}],
    ids=str,
)
def test_local_response_normalization(check_operator: Any, attributes: dict[str, Any]) -> None:
    check_operator("LRN", [values(2, 7, 5, 4)], **attributes)

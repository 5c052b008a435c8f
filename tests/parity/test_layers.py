"""Convolutions, linear maps, embeddings and learned slopes against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype(dtype)


SIZES = {1: (11,), 2: (9, 8), 3: (5, 6, 7)}


def convolution(rank: int, kernel: tuple[int, ...], groups: int = 1, bias: bool = True, dtype: str = "float32") -> Any:
    inputs = [values(2, 4, *SIZES[rank], dtype=dtype), values(6, 4 // groups, *kernel, dtype=dtype, seed=1)]
    return inputs + ([values(6, dtype=dtype, seed=2)] if bias else [])


WINDOWS = [{}, {"stride": 2}, {"pad": 1}, {"dilate": 2}, {"stride": 2, "pad": 1, "dilate": 2}, {"num_group": 2}]

CONVOLUTIONS = [
    (operator, rank, attributes)
    for operator in ("Convolution", "Deconvolution")
    for rank in (1, 2, 3)
    for attributes in WINDOWS
    if not (operator == "Deconvolution" and rank == 3 and "dilate" in attributes)  # which MXNet does not have
]


@pytest.mark.parametrize(("operator", "rank", "attributes"), CONVOLUTIONS, ids=str)
def test_convolution(check_operator: Any, operator: str, rank: int, attributes: dict[str, int]) -> None:
    """What is left out: stride and dilation 1, padding 0, one group; a convolution has a bias, a deconvolution none."""
    kernel, forward = (3, 2, 3)[:rank], operator == "Convolution"
    given = {name: value if name == "num_group" else (value,) * rank for name, value in attributes.items()}
    inputs = convolution(rank, kernel, attributes.get("num_group", 1), bias=forward)
    if not forward:
        inputs[1] = values(4, 6 // attributes.get("num_group", 1), *kernel, seed=1)
    check_operator(operator, inputs, parameters=range(1, len(inputs)), kernel=kernel, num_filter=6, **given)


@pytest.mark.parametrize("operator", ["Convolution", "Convolution_v1"])
def test_convolution_of_unequal_sides(check_operator: Any, operator: str) -> None:
    inputs = convolution(2, (1, 5))[:2]
    window = {"kernel": (1, 5), "stride": (3, 1), "pad": (0, 2), "dilate": (1, 2)}
    check_operator(operator, inputs, parameters=[1], num_filter=6, no_bias=True, **window)


def test_depthwise_convolution(check_operator: Any) -> None:
    inputs = [values(2, 4, 9, 8), values(8, 1, 3, 3), values(8)]
    check_operator("Convolution", inputs, parameters=[1, 2], kernel=(3, 3), pad=(1, 1), num_filter=8, num_group=4)


def test_convolution_with_computed_weight(check_operator: Any) -> None:
    window = {"kernel": (3, 3), "stride": (2, 1), "num_filter": 6, "num_group": 2}
    check_operator("Convolution", convolution(2, (3, 3), 2), parameters=[1, 2], computed=[1], **window)
    check_operator("Convolution", convolution(2, (3, 3), 2), parameters=[1, 2], computed=[2], **window)


@pytest.mark.parametrize("adj", [(0, 0), (1, 0), (1, 1)])
@pytest.mark.parametrize("no_bias", [True, False])
def test_deconvolution_with_rows_added(check_operator: Any, no_bias: bool, adj: tuple[int, int]) -> None:
    inputs = [values(2, 4, 5, 6), values(4, 3, 3, 3, seed=1), *([] if no_bias else [values(6)])]
    window = {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "num_filter": 6, "num_group": 2}
    parameters = range(1, len(inputs))
    check_operator("Deconvolution", inputs, parameters=parameters, no_bias=no_bias, adj=adj, **window)


@pytest.mark.parametrize("target", [(10, 12), (11, 13), (8, 10), (6, 8), (9, 11)])
def test_deconvolution_to_a_size(check_operator: Any, target: tuple[int, int]) -> None:
    """The size asked for decides the padding, whatever is given for it; float64, as oneDNN fails at most of them."""
    inputs = [values(2, 4, 5, 6, dtype="float64"), values(4, 6, 4, 4, dtype="float64", seed=1)]
    window = {"kernel": (4, 4), "stride": (2, 2), "num_filter": 6, "pad": (1, 1), "adj": (1, 1)}
    check_operator("Deconvolution", inputs, parameters=[1], target_shape=target, **window)


@pytest.mark.parametrize("flatten", [None, True, False])
@pytest.mark.parametrize("no_bias", [None, True])
@pytest.mark.parametrize("shape", [(5, 12), (2, 3, 4), (2, 3, 2, 2)])
def test_fully_connected(
    check_operator: Any, shape: tuple[int, ...], no_bias: bool | None, flatten: bool | None
) -> None:
    features = shape[-1] if flatten is False else int(np.prod(shape[1:]))
    inputs = [values(*shape), values(7, features, seed=1), *([] if no_bias else [values(7, seed=2)])]
    given = {name: value for name, value in (("no_bias", no_bias), ("flatten", flatten)) if value is not None}
    check_operator("FullyConnected", inputs, parameters=range(1, len(inputs)), num_hidden=7, **given)
    stored = range(1, len(inputs))
    check_operator("FullyConnected", inputs, parameters=stored, declared=True, num_hidden=7, **given)
    check_operator("FullyConnected", inputs, parameters=stored, computed=stored, num_hidden=7, **given)


def test_fully_connected_of_numbers(check_operator: Any) -> None:
    """Each is a sample of one feature."""
    inputs = [values(5), values(7, 1, seed=1), values(7, seed=2)]
    check_operator("FullyConnected", inputs, parameters=[1, 2], declared=True, num_hidden=7)


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 2)])
def test_embedding(check_operator: Any, shape: tuple[int, ...], dtype: str) -> None:
    """Indices outside of the table mean its ends."""
    index = np.random.RandomState(0).randint(-3, 12, shape).astype(dtype)
    check_operator("Embedding", [index, values(9, 4)], parameters=[1], input_dim=9, output_dim=4)


def test_embedding_of_half(check_operator: Any) -> None:
    inputs = [np.array([[0, 3], [8, 2]], "float32"), values(9, 4, dtype="float16")]
    check_operator("Embedding", inputs, parameters=[1], input_dim=9, output_dim=4, dtype="float16")


@pytest.mark.parametrize(
    ("shape", "slope"),
    [((2, 3, 5, 4), (3,)), ((2, 3, 5, 4), (1,)), ((5, 3), (3,)), ((2, 3, 4), (3,)), ((2, 3, 5, 4), (1, 3))],
)
def test_learned_slope(check_operator: Any, shape: tuple[int, ...], slope: tuple[int, ...]) -> None:
    check_operator("LeakyReLU", [values(*shape), values(*slope, seed=1)], parameters=[1], act_type="prelu")


def test_learned_slope_of_half(check_operator: Any) -> None:
    inputs = [values(2, 3, 5, 4, dtype="float16"), values(3, dtype="float16", seed=1)]
    check_operator("LeakyReLU", inputs, parameters=[1], act_type="prelu")


DEFORMABLE = ("_contrib_DeformableConvolution", "_contrib_ModulatedDeformableConvolution")


@pytest.mark.parametrize("reach", [0.3, 3.0])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"stride": (2, 1), "pad": (1, 2), "dilate": (2, 1)},
        {"num_group": 2},
        {"num_deformable_group": 2, "pad": (1, 1)},
        {"no_bias": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("operator", DEFORMABLE)
def test_deformable_convolution(check_operator: Any, operator: str, attributes: dict[str, Any], reach: float) -> None:
    """Samples outside of the image included, where the two versions differ."""
    window = {"stride": (1, 1), "pad": (0, 0), "dilate": (1, 1), **attributes}
    kernel, stride, pad, dilate = (3, 2), window["stride"], window["pad"], window["dilate"]
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(SIZES[2], kernel, stride, pad, dilate)]
    groups = attributes.get("num_deformable_group", 1)
    inputs = [values(2, 4, *SIZES[2]), values(2, 2 * 6 * groups, *out, seed=1) * np.float32(reach)]
    if operator == DEFORMABLE[1]:
        inputs.append(np.abs(values(2, 6 * groups, *out, seed=2)))
    roles = len(inputs)
    inputs += [values(6, 4 // attributes.get("num_group", 1), *kernel, seed=3), values(6, seed=4)]
    inputs = inputs[:-1] if attributes.get("no_bias") else inputs
    check_operator(operator, inputs, parameters=range(roles, len(inputs)), kernel=kernel, num_filter=6, **attributes)

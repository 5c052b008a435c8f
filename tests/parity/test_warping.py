"""Images taken at other places, and compared there, against MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
from parity.against import check_checkpoint, to_torch  # noqa: E402


def maps(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def grid(*shape: int) -> np.ndarray:
    """Places inside, outside, and on the borders."""
    return np.random.RandomState(1).uniform(-1.6, 1.6, shape).round(1).astype("float32")


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 4, 4), (3, 2, 1, 6)])
@pytest.mark.parametrize("size", [(4, 3), (1, 8)])
def test_bilinear_sampler(check_operator: Any, size: tuple[int, int], shape: tuple[int, ...]) -> None:
    check_operator("BilinearSampler", [maps(*shape), grid(shape[0], 2, *size)])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_bilinear_sampler_dtypes(check_operator: Any, dtype: str) -> None:
    check_operator("BilinearSampler", [maps(2, 3, 5, 5).astype(dtype), np.zeros((2, 2, 3, 3), dtype)])


@pytest.mark.parametrize("target_shape", [(5, 7), (2, 2), (3, 10)])
def test_affine_grid(check_operator: Any, target_shape: tuple[int, int]) -> None:
    check_operator("GridGenerator", [maps(3, 6)], transform_type="affine", target_shape=target_shape)


@pytest.mark.parametrize("target_shape", [{}, {"target_shape": (3, 3)}], ids=str)
@pytest.mark.parametrize("shape", [(1, 2, 4, 6), (3, 2, 5, 2)])
def test_flow_grid(check_operator: Any, shape: tuple[int, ...], target_shape: dict[str, Any]) -> None:
    check_operator("GridGenerator", [3 * maps(*shape)], transform_type="warp", **target_shape)


@pytest.mark.parametrize("target_shape", [(5, 7), (2, 9)])
@pytest.mark.parametrize("cudnn_off", [{}, {"cudnn_off": True}], ids=str)
def test_spatial_transformer(check_operator: Any, cudnn_off: dict[str, Any], target_shape: tuple[int, int]) -> None:
    given = [maps(3, 2, 6, 5), 0.7 * maps(3, 6, seed=1)]
    kinds = {"transform_type": "affine", "sampler_type": "bilinear"}
    check_operator("SpatialTransformer", given, target_shape=target_shape, **kinds, **cudnn_off)


def test_a_single_row_is_refused_as_mxnet_divides_by_zero(mxnet: Any, tmp_path: Path) -> None:
    prefix = str(tmp_path / "op")
    attributes = {"transform_type": "affine", "target_shape": (1, 4)}
    arguments = {"inputs": [maps(1, 6)], "attributes": attributes, "prefix": prefix}
    (expected,) = mxnet.call("operators:run_operator", operator="GridGenerator", **arguments)
    assert np.isnan(expected).all()
    graph = mxnet_to_neutral.read(prefix).graph
    assert graph is not None
    assert [node.kind for node in graph.nodes] == ["opaque"]
    assert "MXNet divides 0 by 0" in graph.nodes[0].attributes["reason"]


@pytest.mark.parametrize("is_multiply", [{}, {"is_multiply": False}], ids=str)
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"max_displacement": 0},
        {"max_displacement": 3, "pad_size": 3},
        {"max_displacement": 4, "stride2": 2, "pad_size": 4},
        {"max_displacement": 3, "stride2": 2, "pad_size": 2},
        {"kernel_size": 3, "max_displacement": 2, "stride1": 2, "pad_size": 3},
        {"kernel_size": 5, "max_displacement": 1, "stride1": 3, "stride2": 5, "pad_size": 1},
        {"kernel_size": 1, "max_displacement": 2, "stride1": 2, "stride2": 1},
    ],
    ids=str,
)
def test_correlation(check_operator: Any, attributes: dict[str, Any], is_multiply: dict[str, Any]) -> None:
    given = [maps(2, 3, 9, 12), maps(2, 3, 9, 12, seed=1)]
    check_operator("Correlation", given, **attributes, **is_multiply)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_correlation_dtypes(check_operator: Any, dtype: str) -> None:
    given = [maps(2, 2, 5, 6).astype(dtype), maps(2, 2, 5, 6, seed=1).astype(dtype)]
    check_operator("Correlation", given, pad_size=1)


@pytest.mark.parametrize("model", ["transformer", "flow"])
def test_models(mxnet: Any, tmp_path: Path, model: str) -> None:
    """A classifier that turns its image first, and displacements between two images."""
    prefix = str(tmp_path / "model")
    names = ["data"] if model == "transformer" else ["first", "second"]
    given = {name: maps(2, 3, 16, 18, seed=seed) for seed, name in enumerate(names)}
    expected = mxnet.call(f"regions:{model}", prefix=prefix, **given)
    check_checkpoint(prefix, {name: to_torch(array) for name, array in given.items()}, expected)

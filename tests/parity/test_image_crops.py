"""Rectangles of images at a place that is a share of the image, which MXNet 2 alone cuts out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from neutral.errors import UnsupportedError


def image(*shape: int, dtype: str = "float32") -> np.ndarray:
    return (np.random.RandomState(0).rand(*shape) * 255).astype(dtype)


def at(x: float, y: float) -> dict[str, Any]:
    return {"xrange": (x, x), "yrange": (y, y)}


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("size", [(4, 3), (5, 6), (1, 1)])
@pytest.mark.parametrize("shape", [(7, 10, 3), (2, 7, 10, 3), (8, 6, 1)])
def test_the_middle(check_node2: Any, shape: tuple[int, ...], size: tuple[int, int], dtype: str) -> None:
    """``CenterCrop`` writes it so."""
    check_node2(
        "_image_random_crop", [image(*shape, dtype=dtype)], exact=True, width=size[0], height=size[1], **at(0.5, 0.5)
    )


@pytest.mark.parametrize("place", [(0, 1), (0.29, 0.57), (1, 0), (0.3, 0.7), (0.99, 0.01)])
def test_other_places(check_node2: Any, place: tuple[float, float]) -> None:
    """0.29 of 100 columns is column 29 in float32, and 28 in float64."""
    check_node2("_image_random_crop", [image(104, 103, 1)], exact=True, width=3, height=4, **at(*place))


@pytest.mark.parametrize("interp", range(5))
@pytest.mark.parametrize("size", [(4, 12), (15, 5), (11, 8), (12, 22)])
def test_images_that_are_smaller(check_node2: Any, size: tuple[int, int], interp: int) -> None:
    """MXNet keeps the proportion where too few rows are there, and does not where too few columns are."""
    for dtype in ("float32", "uint8"):
        exact = dtype == "uint8" or interp == 0
        arguments = {"width": size[0], "height": size[1], "interp": interp, **at(0.5, 0.5)}
        check_node2("_image_random_crop", [image(7, 10, 3, dtype=dtype)], exact=exact, **arguments)


def test_random_places(mxnet2: Any, tmp_path: Path) -> None:
    """Each place is drawn as often as by MXNet: the columns from 2 of 10 free ones to 7, the rows anywhere."""
    pixels = np.arange(12 * 9, dtype="float32").reshape(9, 12, 1)
    texts = {"width": "2", "height": "3", "xrange": "(0.2, 0.7)"}
    arguments = {
        "operator": "_image_random_crop",
        "inputs": [pixels],
        "attributes": texts,
        "prefix": str(tmp_path / "op"),
    }
    expected = [mxnet2.call("nodes:run", **arguments)[0] for _ in range(200)]
    store = mxnet_to_neutral.read(str(tmp_path / "op"))
    module = neutral_to_torch.build(store)
    torch.manual_seed(0)
    draws = [module(torch.from_numpy(pixels)).numpy() for _ in range(200)]
    referred = [next(iter(neutral.reference.run(store, {"input0": pixels}, seed=k).values())) for k in range(200)]
    for results in (expected, draws, referred):
        corners = [int(result[0, 0, 0]) for result in results]
        columns, rows = [corner % 12 for corner in corners], [corner // 12 for corner in corners]
        assert all(
            np.array_equal(result, pixels[row : row + 3, column : column + 2])
            for result, row, column in zip(results, rows, columns)
        )
        assert set(columns) == {2, 3, 4, 5, 6} and set(rows) == {0, 1, 2, 3, 4, 5}
        assert abs(np.mean(columns) - 4) < 0.4 and abs(np.mean(rows) - 2.5) < 0.5, "4 standard deviations"
    assert len({(result[0, 0, 0]) for result in draws}) > 15, "rows and columns are drawn apart"


def test_unknown_interpolations_are_refused(mxnet2: Any, tmp_path: Path) -> None:
    texts = {"width": "4", "height": "3", "interp": "5", "xrange": "(0.5, 0.5)", "yrange": "(0.5, 0.5)"}
    arguments = {"operator": "_image_random_crop", "inputs": [image(7, 9, 3)], "prefix": str(tmp_path / "op")}
    mxnet2.call("nodes:run", attributes=texts, **arguments)
    with pytest.raises(UnsupportedError, match="interp=5 is not one of OpenCV's interpolations 0 to 4"):
        neutral_to_torch.build(mxnet_to_neutral.read(str(tmp_path / "op")))

"""Resizing and preparation of images against MXNet."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("scale", [1, 2, 3, 5, 7])
def test_nearest(check_operator: Any, scale: int, dtype: str) -> None:
    x = values(2, 3, 11, 6, dtype=dtype)
    check_operator("UpSampling", [x], exact=True, scale=scale, sample_type="nearest", num_args=1)


@pytest.mark.parametrize("mode", [None, "concat", "sum"])
def test_nearest_of_several(check_operator: Any, mode: str | None) -> None:
    """All come to the size of the first one's output."""
    inputs = [values(2, 3, 5, 4), values(2, 3, 10, 8, seed=1), values(2, 3, 20, 16, seed=2)]
    given = {} if mode is None else {"multi_input_mode": mode}
    check_operator("UpSampling", inputs, exact=True, scale=4, sample_type="nearest", num_args=3, **given)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_with_learned_weights(check_operator: Any, scale: int) -> None:
    kernel = 2 * scale - scale % 2
    inputs = [values(2, 3, 5, 4), values(3, 1, kernel, kernel)]
    check_operator("UpSampling", inputs, parameters=[1], scale=scale, sample_type="bilinear", num_filter=3, num_args=2)


ALIGNED = pytest.mark.parametrize("align_corners", [None, True, False])


def aligned(align_corners: bool | None) -> dict[str, bool]:
    return {} if align_corners is None else {"align_corners": align_corners}


@ALIGNED
@pytest.mark.parametrize("size", [(9, 13), (5, 6), (3, 2), (1, 7), (7, 1), (1, 1), (11, 6)])
def test_size(check_operator: Any, size: tuple[int, int], align_corners: bool | None) -> None:
    x = values(2, 3, 5, 6)
    check_operator("_contrib_BilinearResize2D", [x], height=size[0], width=size[1], **aligned(align_corners))


def test_size_left_out(check_operator: Any) -> None:
    check_operator("_contrib_BilinearResize2D", [values(2, 3, 5, 6)])


@ALIGNED
@pytest.mark.parametrize("scale", [(2, 2), (3.0, 0.5), (0.65, 1.3), (0.7, 0.1), (0.2, 0.2)])
@pytest.mark.parametrize("mode", [None, "size", "odd_scale"])
@pytest.mark.parametrize("shape", [(10, 20), (11, 21), (5, 40)])
def test_scale(
    check_operator: Any,
    shape: tuple[int, int],
    mode: str | None,
    scale: tuple[float, float],
    align_corners: bool | None,
) -> None:
    """The product is one of single precision: 10 times 0.7 is 7, and 20 times 0.65 is 13."""
    given = {} if mode is None else {"mode": mode}
    scales = {"scale_height": scale[0], "scale_width": scale[1]}
    check_operator("_contrib_BilinearResize2D", [values(2, 3, *shape)], **given, **scales, **aligned(align_corners))


@ALIGNED
@pytest.mark.parametrize("mode", ["to_even_down", "to_even_up", "to_odd_down", "to_odd_up"])
@pytest.mark.parametrize("shape", [(4, 6), (5, 7), (4, 7), (5, 2), (3, 2)])
def test_nearest_even_or_odd(
    check_operator: Any, shape: tuple[int, int], mode: str, align_corners: bool | None
) -> None:
    check_operator("_contrib_BilinearResize2D", [values(2, 3, *shape)], mode=mode, **aligned(align_corners))


@ALIGNED
@pytest.mark.parametrize("like", [(9, 13), (3, 1), (5, 6)])
def test_like(check_operator: Any, like: tuple[int, int], align_corners: bool | None) -> None:
    inputs = [values(2, 3, 5, 6), values(1, 2, *like)]
    check_operator("_contrib_BilinearResize2D", inputs, mode="like", **aligned(align_corners))


def test_half(check_operator: Any) -> None:
    x = values(2, 3, 5, 6, dtype="float16")
    check_operator("_contrib_BilinearResize2D", [x], height=9, width=4)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("shape", [(5, 6, 3), (2, 5, 6, 3), (5, 6, 1)])
def test_image_to_tensor(check_operator: Any, shape: tuple[int, ...], dtype: str) -> None:
    check_operator("_image_to_tensor", [np.random.RandomState(0).randint(0, 256, shape).astype(dtype)])


@pytest.mark.parametrize(
    ("shape", "mean", "std"),
    [
        ((3, 5, 6), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ((2, 3, 5, 6), (0.485, 0.456, 0.406), (0.5,)),
        ((2, 1, 5, 6), (0.1,), (0.3,)),
        ((2, 3, 5, 6), (1, 2, 3), None),
    ],
)
def test_image_normalize(check_operator: Any, shape: tuple[int, ...], mean: Any, std: Any) -> None:
    given = {"mean": mean, "std": std if std is not None else (1.0,)}
    check_operator("_image_normalize", [values(*shape)], **given)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize(("mean", "std"), [((0.5,), (2.0,)), ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)), ((40.0,), (0.25,))])
def test_image_normalize_of_integers(check_operator: Any, dtype: str, mean: Any, std: Any) -> None:
    """Results beyond the dtype wrap around."""
    check_operator("_image_normalize", [(30 * values(3, 5, 6)).astype(dtype)], mean=mean, std=std)


@pytest.mark.parametrize("shape", [(8, 9, 3), (2, 8, 9, 3)])
def test_image_crop(check_operator: Any, shape: tuple[int, ...]) -> None:
    check_operator("_image_crop", [values(*shape)], exact=True, x=2, y=1, width=5, height=4)


@pytest.mark.parametrize("operator", ["_image_flip_left_right", "_image_flip_top_bottom"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_image_flip(check_operator: Any, dtype: str, operator: str) -> None:
    """MXNet leaves the middle of an odd number of rows or columns unwritten, so that there is none to compare."""
    check_operator(operator, [np.arange(72).reshape(4, 6, 3).astype(dtype)], exact=True)


SIZES = [(5, 4), (6, 8), (4, 4), (13, 20), (1, 1), (9, 7)]
"""Width and height."""

INTERPOLATIONS = {"nearest": 0, "bilinear": 1, "bicubic": 2, "area": 3, "lanczos": 4}
"""The numbers of OpenCV."""


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("interp", INTERPOLATIONS)
@pytest.mark.parametrize("shape", [(7, 9, 3), (2, 8, 8, 3), (5, 6, 1)])
def test_image_resize(check_operator: Any, shape: tuple[int, ...], interp: str, dtype: str) -> None:
    """With 8 by 8 pixels as 4 by 4, half of both extents too; bytes are equal in every bit."""
    image = (np.random.RandomState(0).rand(*shape) * 255).astype(dtype)
    for size in SIZES:
        exact, number = dtype == "uint8" or interp == "nearest", INTERPOLATIONS[interp]
        check_operator("_image_resize", [image], exact=exact, declared=dtype == "uint8", size=size, interp=number)


@pytest.mark.parametrize("interp", [1, 3])
def test_half_of_an_image_with_two_channels(check_operator: Any, interp: int) -> None:
    image = np.random.RandomState(0).randint(0, 256, (20, 30, 2)).astype("uint8")
    check_operator("_image_resize", [image], exact=True, declared=True, size=(15, 10), interp=interp)


def drawn(interp: str, count: int) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Yield images with their new sizes (width, height): every other one is a multiple of it, or has extremes alone."""
    random = np.random.RandomState(INTERPOLATIONS[interp])
    for index in range(count):
        (height, width), size = random.randint(1, 60, 2), tuple(map(int, random.randint(1, 60, 2)))
        if index % 2:
            height, width = size[1] * random.randint(1, 6), size[0] * random.randint(1, 6)
        image = random.randint(0, 256, (height, width, random.randint(1, 5)))
        yield (255 * (image > 127) if index % 3 == 0 else image).astype("uint8"), size


@pytest.mark.parametrize("interp", ["bilinear", "bicubic", "area", "lanczos"])
def test_bytes_of_any_size(check_operator: Any, interp: str) -> None:
    """Fixed point, single precision and whole numbers of pixels give the bytes of OpenCV."""
    for image, size in drawn(interp, 40):
        check_operator("_image_resize", [image], exact=True, size=size, interp=INTERPOLATIONS[interp])


@pytest.mark.parametrize("interp", ["area", "lanczos"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_of_any_size(check_operator: Any, dtype: str, interp: str) -> None:
    for image, size in drawn(interp, 12):
        check_operator("_image_resize", [image.astype(dtype) / 7], size=size, interp=INTERPOLATIONS[interp])


def test_bytes_without_a_declaration(check_operator: Any) -> None:
    image = np.random.RandomState(0).randint(0, 256, (7, 9, 3)).astype("uint8")
    check_operator("_image_resize", [image], exact=True, size=(5, 12))


@pytest.mark.parametrize("interp", INTERPOLATIONS.values())
@pytest.mark.parametrize("shape", [(7, 9, 3), (9, 7, 3), (2, 6, 6, 1)])
def test_image_resize_in_proportion(check_operator: Any, shape: tuple[int, ...], interp: int) -> None:
    check_operator("_image_resize", [values(*shape)], size=(5,), keep_ratio=True, interp=interp)
    check_operator("_image_resize", [values(*shape)], size=(5,), interp=interp)


@pytest.mark.parametrize("size", [(5, 4), (13, 20), (3, 15)])
def test_bicubic_image_resize(check_operator: Any, size: tuple[int, int]) -> None:
    check_operator("_image_resize", [values(7, 9, 3)], size=size, interp=2)

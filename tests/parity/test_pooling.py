"""Pooling over windows, over everything and over regions, against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from neutral.errors import UnsupportedError  # noqa: E402

SIZES = {1: (11,), 2: (7, 10), 3: (5, 6, 7)}
LAYOUTS = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def values(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype(dtype)


def data(rank: int, last: bool = False, dtype: str = "float32") -> np.ndarray:
    shape = (2, *SIZES[rank], 3) if last else (2, 3, *SIZES[rank])
    return values(*shape, dtype=dtype)


@pytest.mark.parametrize("last", [False, True], ids=["channels_first", "channels_last"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("pool_type", ["max", "avg", "sum"])
def test_defaults(check_operator: Any, pool_type: str, rank: int, last: bool) -> None:
    """A stride of 1, no padding, rounded down."""
    layout = {"layout": LAYOUTS[rank]} if last else {}
    kind = {} if pool_type == "max" else {"pool_type": pool_type}
    check_operator("Pooling", [data(rank, last)], kernel=(2, 3, 2)[:rank], **kind, **layout)


@pytest.mark.parametrize("last", [False, True], ids=["channels_first", "channels_last"])
@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"),
    [
        ((3, 3), (2, 2), (1, 1)),
        ((3, 2), (2, 3), (0, 1)),
        ((2, 2), (2, 2), (1, 1)),
        ((2, 2), (2, 2), (0, 0)),
        ((3, 3), (2, 2), (2, 2)),
        ((1, 1), (2, 2), (0, 0)),
        ((2, 3), (3, 5), (1, 2)),
        ((7, 10), (4, 4), (0, 0)),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"pool_type": "sum"},
        {"pool_type": "avg"},
        {"pool_type": "avg", "count_include_pad": True},
        {"pool_type": "avg", "count_include_pad": False},
    ],
    ids=["max", "sum", "avg", "avg_with_padding", "avg_without_padding"],
)
def test_windows(
    check_operator: Any,
    kind: dict[str, Any],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    convention: str,
    last: bool,
) -> None:
    layout = {"layout": "NHWC"} if last else {}
    check_operator(
        "Pooling",
        [data(2, last)],
        kernel=kernel,
        stride=stride,
        pad=pad,
        pooling_convention=convention,
        **kind,
        **layout,
    )


@pytest.mark.parametrize("size", range(3, 9))
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(3, 2, 0), (3, 2, 1), (2, 2, 1), (2, 3, 0), (4, 3, 1), (5, 2, 2)]
)
@pytest.mark.parametrize("pool_type", ["max", "avg"])
def test_full_convention_at_every_size(
    check_operator: Any, pool_type: str, kernel: int, stride: int, pad: int, size: int
) -> None:
    """The windows that begin behind the input included: no window of MXNet's is left out."""
    check_operator(
        "Pooling",
        [values(2, 2, size, size + 5)],
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(pad, pad),
        pool_type=pool_type,
        pooling_convention="full",
    )


@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("pool_type", ["max", "avg", "sum"])
def test_other_ranks(check_operator: Any, pool_type: str, rank: int, convention: str) -> None:
    check_operator(
        "Pooling",
        [data(rank)],
        kernel=(2,) * rank,
        stride=(2,) * rank,
        pad=(1,) * rank,
        pool_type=pool_type,
        pooling_convention=convention,
    )


@pytest.mark.parametrize("p_value", [1, 2, 3])
@pytest.mark.parametrize("convention", ["valid", "full"])
def test_powers(check_operator: Any, p_value: int, convention: str) -> None:
    check_operator(
        "Pooling",
        [data(2)],
        kernel=(3, 3),
        stride=(2, 2),
        pool_type="lp",
        p_value=p_value,
        pooling_convention=convention,
    )


def test_power_has_no_meaning_elsewhere(check_operator: Any) -> None:
    check_operator("Pooling", [data(2)], kernel=(3, 3), pool_type="sum", p_value=2)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (1, 2), (3, 1)])
@pytest.mark.parametrize("size", [6, 7])
def test_same_convention(check_operator: Any, size: int, kernel: int, stride: int) -> None:
    """MXNet 1.9 runs it for channels last alone, and only with a padding of three zeros; earlier ones knew better."""
    check_operator(
        "Pooling",
        [values(2, size, 3)],
        kernel=(kernel,),
        stride=(stride,),
        pad=(0, 0, 0),
        pooling_convention="same",
        layout="NWC",
    )


@pytest.mark.parametrize("last", [False, True], ids=["channels_first", "channels_last"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "attributes",
    [{}, {"pool_type": "avg"}, {"pool_type": "sum"}, {"pool_type": "lp", "p_value": 2}],
    ids=["max", "avg", "sum", "lp"],
)
def test_global(check_operator: Any, attributes: dict[str, Any], rank: int, last: bool) -> None:
    layout = {"layout": LAYOUTS[rank]} if last else {}
    check_operator("Pooling", [data(rank, last)], global_pool=True, **attributes, **layout)


def test_global_leaves_the_window_out(check_operator: Any) -> None:
    check_operator("Pooling", [data(2)], global_pool=True, kernel=(7, 7), pad=(3, 3), stride=(2, 2), pool_type="avg")


@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize("pool_type", ["max", "avg", "sum"])
def test_half(check_operator: Any, pool_type: str, convention: str) -> None:
    x = data(2, dtype="float16")
    window = {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "pool_type": pool_type}
    check_operator("Pooling", [x], pooling_convention=convention, **window)
    check_operator("Pooling", [x], global_pool=True, pool_type=pool_type)


@pytest.mark.parametrize("pad", [(0, 0), (1, 1)])
@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize("pool_type", ["max", "avg", "sum"])
def test_first_version(check_operator: Any, pool_type: str, convention: str, pad: tuple[int, int]) -> None:
    """Its maxima count the padding's zeros, and its means always divide by the kernel."""
    window = {"kernel": (3, 2), "stride": (2, 2), "pad": pad, "pooling_convention": convention}
    check_operator("Pooling_v1", [data(2) - 2], pool_type=pool_type, **window)


@pytest.mark.parametrize("pool_type", ["max", "avg", "sum"])
def test_first_version_global(check_operator: Any, pool_type: str) -> None:
    check_operator("Pooling_v1", [data(2)], global_pool=True, kernel=(2, 2), pool_type=pool_type)


def test_first_version_with_windows_of_nothing_is_refused(check_operator: Any) -> None:
    with pytest.raises(UnsupportedError, match="stride larger than the kernel"):
        check_operator("Pooling_v1", [data(2)], kernel=(1, 1), stride=(2, 2), pooling_convention="full")


@pytest.mark.parametrize("size", [None, (1,), 3, (2, 4), (7, 10), (9, 13)])
def test_adaptive(check_operator: Any, size: Any) -> None:
    check_operator("_contrib_AdaptiveAvgPooling2D", [data(2)], **({} if size is None else {"output_size": size}))


def test_adaptive_of_half(check_operator: Any) -> None:
    check_operator("_contrib_AdaptiveAvgPooling2D", [data(2, dtype="float16")], output_size=(2, 3))


def regions(count: int, batch: int, width: float, height: float, seed: int = 0) -> np.ndarray:
    """Boxes in and around an image, with the index of their image."""
    random = np.random.RandomState(seed)
    x, y = random.uniform(-0.2, 1.1, (2, count, 2))
    x, y = np.sort(x, axis=1) * width, np.sort(y, axis=1) * height
    image = random.randint(0, batch, count)
    return np.stack([image, x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1).astype("float32")


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0625])
@pytest.mark.parametrize("pooled_size", [(1, 1), (2, 3), (7, 7)])
def test_roi_pooling(check_operator: Any, pooled_size: tuple[int, int], scale: float) -> None:
    x, boxes = values(3, 4, 13, 18), regions(17, 3, 18 / scale, 13 / scale)
    boxes[0, 1:] = [5, 5, 2, 3]  # its corners in the wrong order
    boxes[1, 1:] = [900, 900, 950, 950]
    boxes[2, 0], boxes[3, 0] = -1, 3
    boxes[4, 1:] = np.array([2.5, 3.5, 7.5, 8.5]) / scale
    boxes[5, 1:] = np.array([0, 0, 17, 12]) / scale
    check_operator("ROIPooling", [x, boxes], pooled_size=pooled_size, spatial_scale=scale)


def test_roi_pooling_of_half(check_operator: Any) -> None:
    inputs = [values(3, 4, 13, 18, dtype="float16"), regions(17, 3, 18, 13).astype("float16")]
    check_operator("ROIPooling", inputs, pooled_size=(3, 3), spatial_scale=1.0)


@pytest.mark.parametrize("aligned", [None, False, True])
@pytest.mark.parametrize("sample_ratio", [None, 2, 1, 3])
@pytest.mark.parametrize("pooled_size", [(1, 1), (2, 3), (7, 7)])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_roi_align(
    check_operator: Any, scale: float, pooled_size: tuple[int, int], sample_ratio: int | None, aligned: bool | None
) -> None:
    x, boxes = values(3, 4, 13, 18), regions(17, 3, 18 / scale, 13 / scale)
    if not aligned:
        boxes[0, 1:] = [5, 5, 5.25, 3]  # made one high and wide
    boxes[1, 1:] = np.array([17, 12, 19, 14]) / scale
    given = {"sample_ratio": sample_ratio, "aligned": aligned}
    attributes = {name: value for name, value in given.items() if value is not None}
    check_operator("_contrib_ROIAlign", [x, boxes], pooled_size=pooled_size, spatial_scale=scale, **attributes)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sample_ratio", [-1, 2])
def test_roi_align_by_position(check_operator: Any, sample_ratio: int, aligned: bool) -> None:
    x, boxes = values(2, 2 * 6, 13, 18), regions(9, 2, 18, 13)
    attributes = {"pooled_size": (2, 3), "spatial_scale": 1.0, "sample_ratio": sample_ratio, "aligned": aligned}
    check_operator("_contrib_ROIAlign", [x, boxes], position_sensitive=True, **attributes)

"""Changes of the colours of images, and random flips, against MXNet."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch

CHANGES = ["brightness", "contrast", "saturation", "hue"]


def image(dtype: str, channels: int = 3) -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (9, 7, channels)).astype(dtype)


def drawn(mxnet: Any, folder: Path, operator: str, pixels: np.ndarray, **attributes: Any) -> Any:
    """Return MXNet's draw of an operator, and the store."""
    arguments = {"operator": operator, "inputs": [pixels], "attributes": attributes, "prefix": str(folder / "op")}
    (expected,) = mxnet.call("operators:run_operator", **arguments)
    return expected, mxnet_to_neutral.read(str(folder / "op"), 0)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8"])
@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7])
@pytest.mark.parametrize("change", CHANGES)
def test_a_range_of_one_factor(check_operator: Any, change: str, factor: float, dtype: str) -> None:
    """The factor is known, and the results are equal: of integers in every bit."""
    exact = dtype in ("uint8", "int32")
    check_operator(f"_image_random_{change}", [image(dtype)], exact=exact, min_factor=factor, max_factor=factor)


@pytest.mark.parametrize("change", CHANGES)
def test_float64_is_computed_in_single_precision(check_operator: Any, change: str) -> None:
    check_operator(f"_image_random_{change}", [image("float64")], min_factor=0.4, max_factor=0.4)


@pytest.mark.parametrize("change", CHANGES)
def test_colours_below_zero(check_operator: Any, change: str) -> None:
    """Images that were normalized before have such colours."""
    pixels = np.random.RandomState(1).randn(5, 6, 3).astype("float32")
    check_operator(f"_image_random_{change}", [pixels], min_factor=0.7, max_factor=0.7)


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation"])
def test_one_channel(check_operator: Any, change: str) -> None:
    """MXNet 1.9.1 leaves the result of hue and lighting of one channel unwritten."""
    check_operator(f"_image_random_{change}", [image("float32", 1)], min_factor=1.7, max_factor=1.7)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8"])
@pytest.mark.parametrize("alpha", [(1.0, 0.5, -1.0), (0.02, -0.1, 0.07)])
def test_adjust_lighting(check_operator: Any, alpha: tuple[float, ...], dtype: str) -> None:
    exact = dtype in ("uint8", "int32")
    check_operator("_image_adjust_lighting", [image(dtype)], exact=exact, alpha=alpha)


def test_random_lighting(mxnet: Any, tmp_path: Path) -> None:
    """Both add one colour to all pixels, a mix of the components with normally distributed shares."""
    pixels = image("float32")
    expected, store = drawn(mxnet, tmp_path, "_image_random_lighting", pixels, alpha_std=0.2)
    module = neutral_to_torch.build(store)
    torch.manual_seed(0)
    draws = [module(torch.from_numpy(pixels)).numpy() - pixels for _ in range(200)]
    components = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.814], [-0.5836, -0.6948, 0.4203]])
    components *= [55.46, 4.794, 1.148]
    for change in (expected - pixels, *draws):
        assert np.ptp(change.reshape(-1, 3), axis=0).max() < 1e-4
    shares = np.linalg.solve(components, np.array([change[0, 0] for change in draws], float).T)
    np.testing.assert_allclose(shares.std(1), 0.2, rtol=0.2)
    assert abs(shares.mean(1)).max() < 0.06
    assert abs(np.linalg.solve(components, (expected - pixels)[0, 0].astype(float))).max() < 1.2


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation", "hue"])
def test_a_random_factor(mxnet: Any, tmp_path: Path, change: str) -> None:
    """One factor for all pixels, of the stated range, explains each draw of MXNet and of the module."""
    pixels = image("float32")
    expected, store = drawn(mxnet, tmp_path, f"_image_random_{change}", pixels, min_factor=0.1, max_factor=0.6)
    module = neutral_to_torch.build(store)
    function = neutral.reference.registry.load_functions()[f"image_{change}"]
    candidates = np.linspace(0.1, 0.6, 2001, dtype=np.float32)
    torch.manual_seed(0)
    found = []
    for result in (expected, *(module(torch.from_numpy(pixels)).numpy() for _ in range(5))):
        differences = [abs(function(pixels[:2], factor) - result[:2]).max() for factor in candidates]
        if change == "contrast":
            differences = [abs(function(pixels, factor) - result).max() for factor in candidates]
        assert min(differences) < 0.3
        found.append(candidates[int(np.argmin(differences))])
    assert len({round(float(factor), 2) for factor in found}) > 2


@pytest.mark.parametrize("change", CHANGES)
def test_color_jitter_of_one_kind(mxnet: Any, tmp_path: Path, change: str) -> None:
    """MXNet's draw, and those of the module and of the reference, are that change by a factor of the range."""
    pixels = image("float32")
    widths = {name: 0.3 if name == change else 0.0 for name in CHANGES}
    expected, store = drawn(mxnet, tmp_path, "_image_random_color_jitter", pixels, **widths)
    module = neutral_to_torch.build(store)
    function = neutral.reference.registry.load_functions()[f"image_{change}"]
    center = 0.0 if change == "hue" else 1.0
    candidates = np.linspace(center - 0.3, center + 0.3, 2001, dtype=np.float32)
    torch.manual_seed(0)
    results = [expected, module(torch.from_numpy(pixels)).numpy()]
    results += neutral.reference.run(store, {"input0": pixels}).values()
    for result in results:
        assert min(abs(function(pixels, factor) - result).max() for factor in candidates) < 0.3


def test_the_order_of_color_jitter(mxnet: Any, tmp_path: Path) -> None:
    """Bytes are limited after each change, so that the order of two changes shows; both orders are drawn."""
    pixels = image("uint8")
    expected, store = drawn(mxnet, tmp_path, "_image_random_color_jitter", pixels, brightness=0.9, contrast=0.9,
                            saturation=0.9, hue=0.5)  # fmt: skip
    module = neutral_to_torch.build(store)
    assert expected.dtype == np.uint8
    torch.manual_seed(0)
    draws = np.array([module(torch.from_numpy(pixels)).numpy() for _ in range(300)], float)
    references = [
        next(iter(neutral.reference.run(store, {"input0": pixels}, seed=seed).values())) for seed in range(300)
    ]
    mxnets = [drawn(mxnet, tmp_path, "_image_random_color_jitter", pixels, brightness=0.9, contrast=0.9, saturation=0.9,
                    hue=0.5)[0] for _ in range(300)]  # fmt: skip
    for others in (np.array(references, float), np.array(mxnets, float)):
        assert abs(others.mean() - draws.mean()) < 12
        assert abs(others.std() - draws.std()) < 12


@pytest.mark.parametrize("change", ["brightness", "contrast"])
def test_bytes_that_are_not_declared(mxnet: Any, tmp_path: Path, change: str) -> None:
    pixels = image("uint8")
    operator = f"_image_random_{change}"
    expected, _ = drawn(mxnet, tmp_path, operator, pixels, min_factor=1.7, max_factor=1.7)
    path = tmp_path / "op-symbol.json"
    symbol = json.loads(path.read_text())
    del symbol["nodes"][0]["attrs"]
    path.write_text(json.dumps(symbol))
    store = mxnet_to_neutral.read(str(tmp_path / "op"), 0)
    np.testing.assert_array_equal(neutral_to_torch.build(store)(torch.from_numpy(pixels)).numpy(), expected)
    (actual,) = neutral.reference.run(store, {"input0": pixels}).values()
    np.testing.assert_array_equal(actual, expected)


def test_int8_is_refused(mxnet: Any, tmp_path: Path) -> None:
    _, store = drawn(
        mxnet, tmp_path, "_image_random_hue", image("uint8").astype("int8"), min_factor=0.1, max_factor=0.2
    )
    with pytest.raises(neutral.errors.UnsupportedError, match="colours beyond 127 have no place in images of int8"):
        neutral_to_torch.build(store)


@pytest.mark.parametrize("operator", ["_image_random_flip_left_right", "_image_random_flip_top_bottom"])
def test_random_flips(mxnet: Any, tmp_path: Path, operator: str) -> None:
    pixels = np.arange(72, dtype="float32").reshape(4, 6, 3)
    flipped = np.flip(pixels, 1 if operator.endswith("left_right") else 0)
    expected, store = drawn(mxnet, tmp_path, operator, pixels)
    assert np.array_equal(expected, pixels) or np.array_equal(expected, flipped)
    module = neutral_to_torch.build(store)
    torch.manual_seed(0)
    draws = [module(torch.from_numpy(pixels)).numpy() for _ in range(40)]
    count = sum(np.array_equal(draw, flipped) for draw in draws)
    assert 8 <= count <= 32 and all(np.array_equal(draw, pixels) or np.array_equal(draw, flipped) for draw in draws)


@pytest.mark.parametrize("p", [None, 0.0, 1.5])
def test_flips_of_mxnet_2(mxnet2: Any, tmp_path: Path, p: float | None) -> None:
    """They compare ``p`` with a normally distributed number: 0.5 flips with probability 0.69."""
    pixels = np.arange(72, dtype="float32").reshape(4, 6, 3)
    arguments = {"operator": "_image_random_flip_left_right", "inputs": [pixels], "prefix": str(tmp_path / "op")}
    arguments["attributes"] = {} if p is None else {"p": str(p)}
    expected = [mxnet2.call("nodes:run", **arguments)[0] for _ in range(300)]
    module = neutral_to_torch.build(mxnet_to_neutral.read(str(tmp_path / "op")))
    torch.manual_seed(0)
    draws = [module(torch.from_numpy(pixels)).numpy() for _ in range(300)]
    probability = (1 + math.erf((0.5 if p is None else p) / math.sqrt(2))) / 2
    for results in (expected, draws):
        share = np.mean([not np.array_equal(result, pixels) for result in results])
        assert abs(share - probability) < 4 * math.sqrt(probability * (1 - probability) / 300)

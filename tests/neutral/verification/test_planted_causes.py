"""Each diagnosis against its fault, planted in a small network, and against networks without it."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import pytest

from neutral.matching.plan_entries import Pair
from neutral.verification.comparison import compare, likely_cause
from neutral.verification.report import Row
from neutral.verification.rounding import Rounding
from neutral.verification.rows import compare_to_row

KINDS = {"conv": "convolution", "bn": "batch_norm"}


class Network:
    """A 3x3 convolution of 6 to 8 channels, a batch norm, and a relu, on 2 images of 9 x 9, in float32."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.data = random.normal(size=(2, 6, 9, 9)).astype(np.float32)
        self.weight = random.normal(size=(8, 6, 3, 3)).astype(np.float32)
        self.bias, self.beta, self.mean = random.normal(size=(3, 8, 1, 1)).astype(np.float32)
        self.gamma, self.variance = random.uniform(0.5, 2, size=(2, 8, 1, 1)).astype(np.float32)
        self.eps, self.scale, self.order = 1e-5, 1.0, range(54)
        self.pad_mode: Any = "constant"
        self.sum_dtype: Any = np.float32

    def conv(self) -> np.ndarray:
        padded = np.pad(self.data, ((0, 0), (0, 0), (1, 1), (1, 1)), mode=self.pad_mode)
        terms = [
            self.weight[None, :, c, i, j, None, None] * padded[:, c, None, i : i + 9, j : j + 9]
            for c in range(6)
            for i in range(3)
            for j in range(3)
        ]
        result = np.zeros((2, 8, 9, 9), self.sum_dtype)
        for index in self.order:  # in this order
            result += terms[index].astype(self.sum_dtype)
        return (result * self.sum_dtype(self.scale) + self.bias.astype(self.sum_dtype)).astype(np.float32)

    def bn(self) -> np.ndarray:
        deviation = np.sqrt(self.variance + np.float32(self.eps))
        return ((self.conv() - self.mean) / deviation * self.gamma + self.beta).astype(np.float32)


def row_of(layer: str, change: Callable[[Network], Any], tolerance: float | None = None, seed: int = 0) -> Row:
    """Return the row of a layer of a network with a change against one without."""
    changed = Network(seed)
    change(changed)
    pair = Pair(layer, layer, KINDS[layer], "name")
    observed, golden = getattr(changed, layer)(), getattr(Network(seed), layer)()
    return compare_to_row(observed, golden, tolerance, layer, pair, rounding=Rounding(2, 54))


def times(name: str, factor: Any) -> Callable[[Network], None]:
    return lambda n: setattr(n, name, (getattr(n, name) * factor).astype(np.float32))


def plus(name: str, offset: Any) -> Callable[[Network], None]:
    return lambda n: setattr(n, name, (getattr(n, name) + offset).astype(np.float32))


def channels(n: Network) -> None:
    order = [3, 0, 2, 1, 4, 5, 7, 6]
    n.weight, n.bias = n.weight[order], n.bias[order]


def every(*changes: Callable[[Network], None]) -> Callable[[Network], None]:
    def change(n: Network) -> None:
        for item in changes:
            item(n)

    return change


RAMP = np.linspace(1, 2, 8, dtype=np.float32).reshape(8, 1, 1)

PLANTED = [
    ("conv", every(times("weight", -1), times("bias", -1)), "the sign is turned"),
    ("conv", every(times("weight", 0.125), times("bias", 0.125)), "0.125 times the golden values everywhere"),
    ("conv", every(times("weight", 1.0001), times("bias", 1.0001)), "1.0001 times the golden values everywhere"),
    ("conv", plus("bias", 0.5), "a constant offset"),
    ("conv", every(times("weight", 0), times("bias", 0)), "all zeros, unlike the golden values"),
    ("conv", plus("bias", RAMP), "each channel is off by a constant of its own: a bias or a mean"),
    ("bn", plus("mean", RAMP), "each channel is off by a constant of its own: a bias or a mean"),
    ("bn", lambda n: setattr(n, "eps", 1e-3), "like another eps"),
    ("bn", lambda n: setattr(n, "eps", 2e-2), "like another eps"),
    ("bn", times("gamma", RAMP), "a weight or a variance"),
    ("bn", times("variance", RAMP), "a weight or a variance"),
    ("bn", lambda n: setattr(n, "gamma", np.ones_like(n.gamma)), "a weight or a variance"),
    ("conv", channels, "channels (axis 1) are in another order, the golden channel 0 is channel 1"),
    ("conv", lambda n: setattr(n, "pad_mode", "edge"), "only the border differs: padding"),
    ("conv", lambda n: setattr(n, "sum_dtype", np.float16), "more than one rounding: accumulation in float16"),
    ("bn", lambda n: n.variance.__setitem__(0, -1), "NaN or infinity on one side only, in 162 of 1296 places"),
]


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")
@pytest.mark.parametrize(("layer", "change", "words"), PLANTED)
def test_a_fault_is_named(layer: str, change: Callable[[Network], Any], words: str) -> None:
    row = row_of(layer, change)
    assert not row.ok and words in row.hint
    assert row.hint.count(": ") <= 1, "one cause"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y.swapaxes(2, 3), "the last two axes are transposed"),
        (lambda y: y.transpose(0, 2, 3, 1), "the same values with the axes in the order (0, 3, 1, 2)"),
        (lambda y: y[:, :, ::2, ::2], "the spatial size differs"),
        (lambda y: y[:, :4], "the shapes differ"),
        (lambda y: np.where(np.arange(9) == 0, np.inf, y) * np.float32(1), "NaN or infinity on one side only"),
        (lambda y: y.reshape(2, -1)[:, np.random.default_rng(2).permutation(648)].reshape(y.shape), "in other places"),
    ],
)
def test_a_fault_of_layout_is_named(change: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    golden = Network().bn()
    assert words in likely_cause(change(golden), golden)


def bfloat16(values: np.ndarray) -> np.ndarray:
    words = values.astype(np.float32).view(np.uint32)
    return ((words + 0x7FFF + ((words >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def test_values_in_half_precision_are_named_on_either_side() -> None:
    golden = Network().bn()
    for name, rounded in (("float16", golden.astype(np.float16).astype(np.float32)), ("bfloat16", bfloat16(golden))):
        assert likely_cause(rounded, golden) == f"the values are those of the other side rounded to {name}"
        assert likely_cause(golden, rounded) == f"the golden values are those of the other side rounded to {name}"
    coarse = np.round(golden * 4) / 4
    assert likely_cause(coarse + np.random.default_rng(1).integers(0, 2, coarse.shape) / 64, coarse) == ""
    assert likely_cause(np.round(golden), golden * 0.99) == "", "whole numbers"


@pytest.mark.parametrize(("pads", "words"), [((0, 1), "only the last rows or columns"), ((1, 1), "only the border")])
def test_pooling_that_differs_at_its_edges_is_named(pads: tuple[int, int], words: str) -> None:
    """Averages over windows of 2 or 3 that count the padding, or not."""
    data, counts, size = Network().data, np.ones((2, 6, 9, 9), np.float32), 2 + pads[0]
    padded, positions = (np.pad(each, ((0, 0), (0, 0), pads, pads)) for each in (data, counts))
    windows = [(slice(None), slice(None), slice(i, i + 9), slice(j, j + 9)) for i in range(size) for j in range(size)]
    total = sum(padded[window] for window in windows)
    counted = sum(positions[window] for window in windows)
    assert words in likely_cause(total / counted, total / size**2, "average_pool")


def test_infinities_of_other_signs_are_named() -> None:
    golden = np.array([1.0, np.inf, 2.0, 3.0])
    assert likely_cause(np.array([1.0, -np.inf, 2.0, 3.0]), golden) == "infinities of other signs"


@pytest.mark.parametrize("layer", ["conv", "bn"])
@pytest.mark.parametrize("seed", range(8))
def test_another_order_of_sums_is_rounding_and_nothing_else(layer: str, seed: int) -> None:
    row = row_of(layer, lambda n: setattr(n, "order", range(53, -1, -1)), tolerance=1e-12, seed=seed)
    assert not row.ok and f"{row.comparison.cosine:.9f}" == "1.000000000"
    assert row.hint.startswith("rounding: 54 products summed in a depth of 2 leave about")
    assert row_of(layer, lambda n: setattr(n, "order", range(53, -1, -1)), seed=seed).ok


@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("kind", ["", "convolution", "batch_norm"])
def test_noise_has_no_simple_cause(size: float, kind: str) -> None:
    random = np.random.default_rng(3)
    for shape in ((2, 8, 9, 9), (4, 1000), (1, 2), (1, 1), (3,), (1, 100_000), (2, 3, 4)):
        golden = random.uniform(size=shape)
        cause = likely_cause(golden + size * random.normal(size=shape), golden, kind)
        assert cause == "", shape


def test_two_draws_from_one_distribution_have_no_simple_cause() -> None:
    random = np.random.default_rng(4)
    for shape in ((1, 1), (2,), (4, 100), (2, 8, 9, 9), (1, 200_000)):
        assert likely_cause(random.normal(size=shape), random.normal(size=shape)) == "", shape


@pytest.mark.parametrize("value", [0.5, 0.0, -3.0])
def test_constant_arrays_are_no_evidence_of_a_factor_or_an_offset(value: float) -> None:
    assert likely_cause(np.full((2, 8), 2.0), np.full((2, 8), value)) == ""
    assert likely_cause(np.full((2, 4, 5, 5), 2.0), np.full((2, 4, 5, 5), value)) == ""


def test_eps_is_named_in_layers_that_have_one_and_where_all_channels_move_to_one_side() -> None:
    golden = Network().bn()
    factors = np.linspace(0.999, 1, 8).reshape(8, 1, 1)
    both = np.linspace(0.999, 1.001, 8).reshape(8, 1, 1)
    assert "eps" in likely_cause(golden * factors, golden, "batch_norm")
    assert "eps" not in likely_cause(golden * factors, golden, "convolution")
    assert "eps" not in likely_cause(golden * both, golden, "batch_norm")


def test_the_tolerance_grows_with_the_length_of_sums_and_stays_below_a_fault_of_1e_4() -> None:
    assert Rounding(1, 10).tolerance() == 1e-5
    longer = [Rounding(10, products).tolerance() for products in (10_000, 100_000, 1_000_000, 10**9)]
    assert longer == sorted(longer) and longer[1] > 1e-5 and longer[-1] == 5e-5
    measured = [Rounding(10, 10, measured=error).tolerance() for error in (1e-7, 4e-6, 8e-5, 1.0)]
    assert measured == [1e-5, 1.6e-5, 9e-5, 9e-5]
    assert Rounding(10, 10).tolerance(is_output=True) == 5e-5
    assert Rounding(1, 1, unit=2.0**-11).tolerance() == 4 * 2.0**-11, "float16"
    golden = Network().bn()
    assert not compare(golden * 1.0001, golden).within(9e-5)

"""Layers whose attributes are written out at their defaults, ``None`` included, as MXNet 2 does for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

X = np.random.default_rng(0).standard_normal((2, 4, 6, 6)).astype("float32")
W = np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype("float32")


@pytest.mark.parametrize(
    "arguments",
    [
        "kernel=(2, 2), stride=(2, 2), pool_type='max'",
        "kernel=(3, 3), pad=(1, 1), pool_type='avg', pooling_convention='full', stride=(2, 2)",
        "kernel=(1, 1), global_pool=True, pool_type='avg'",
    ],
)
def test_pooling(check_numpy: Any, arguments: str) -> None:
    check_numpy(f"npx.pooling(x, {arguments}, layout=None, p_value=None)", x=X)


def test_global_pooling_without_a_kernel(check_numpy1: Any) -> None:
    check_numpy1("npx.pooling(x, kernel=None, global_pool=True, pool_type='max')", x=X)


def test_transposed_convolution(check_numpy: Any) -> None:
    arguments = (
        "kernel=(3, 3), stride=(2, 2), num_filter=3, no_bias=True, target_shape=None, cudnn_tune=None, layout=None"
    )
    check_numpy(f"npx.deconvolution(x, w, {arguments})", x=X, w=W, stored=["w"])


def test_slice_like_without_axes_gives_its_input(check_operator: Any) -> None:
    """Left out, the axes are all axes; None are no axes."""
    check_operator("slice_like", [X, X[:1, :2, :3]], axes=None, exact=True)


def test_tile_and_split_without_numbers(check_operator: Any) -> None:
    check_operator("tile", [X], reps=None, exact=True)
    check_operator("_split_v2", [X], indices=None, sections=2, axis=2, exact=True)


def test_softmax(check_numpy: Any) -> None:
    check_numpy("npx.softmax(x, axis=1, temperature=None, dtype=None)", x=X)

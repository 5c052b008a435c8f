"""Interleaved attention against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

HEADS, SIZE, BATCH, LENGTH, OTHER = 3, 5, 2, 4, 6


def values(*shape: int) -> np.ndarray:
    return np.random.RandomState(len(shape)).randn(*shape).astype("float32")


@pytest.mark.parametrize("heads", [1, HEADS])
def test_self_attention(check_operator: Any, heads: int) -> None:
    projections = values(LENGTH, BATCH, heads * 3 * SIZE)
    weights = values(BATCH * heads, LENGTH, LENGTH)
    check_operator("_contrib_interleaved_matmul_selfatt_qk", [projections], heads=heads)
    check_operator("_contrib_interleaved_matmul_selfatt_valatt", [projections, weights], heads=heads)


@pytest.mark.parametrize("heads", [1, HEADS])
def test_cross_attention(check_operator: Any, heads: int) -> None:
    query, key_value = values(LENGTH, BATCH, heads * SIZE), values(OTHER, BATCH, heads * 2 * SIZE)
    weights = values(BATCH * heads, LENGTH, OTHER)
    check_operator("_contrib_interleaved_matmul_encdec_qk", [query, key_value], heads=heads)
    check_operator("_contrib_interleaved_matmul_encdec_valatt", [key_value, weights], heads=heads)


@pytest.mark.parametrize("heads", [1, HEADS])
def test_fused_self_attention(check_node2: Any, heads: int) -> None:
    """MXNet 1.9.1 crashes at it."""
    projections, weights = values(BATCH, LENGTH, 3 * heads * SIZE), values(BATCH, heads, LENGTH, LENGTH)
    check_node2("_sg_mkldnn_selfatt_qk", [projections], numpy=False, heads=heads)
    check_node2("_sg_mkldnn_selfatt_valatt", [weights, projections], numpy=False, heads=heads)

"""Tensors are held to the shapes that the catalogue states for their roles."""

from __future__ import annotations

from typing import Any

import pytest

from neutral.operators import catalogue
from neutral.store.role_shapes import shape_problems

CONVOLUTION = {"out_channels": 4, "groups": 2, "kernel_size": (3, 3)}
LSTM = {"hidden_size": 3, "num_layers": 1, "projection_size": None}


@pytest.mark.parametrize(
    ("kind", "attributes", "shapes"),
    [
        ("convolution", CONVOLUTION, {"weight": (4, 5, 3, 3), "bias": (4,)}),
        ("convolution", {}, {"weight": (4, 5, 3, 3)}),
        ("transposed_convolution", CONVOLUTION, {"weight": (6, 2, 3, 3)}),
        ("linear", {"out_features": 2, "flatten": True}, {"weight": (2, 7), "bias": (2,)}),
        ("batch_norm", {"eps": 1e-5}, dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (5,))),
        ("prelu", {}, {"weight": (1,)}),
        ("prelu", {}, {"weight": (8,)}),
        ("lstm", LSTM, {"weight_ih_l0": (12, 5), "weight_hh_l0": (12, 3), "bias_ih_l0": (12,)}),
        ("lstm", LSTM, {"weight_ih_l0": (12, 5), "weight_ih_l1": (12, 3)}),
        ("lstm", {}, {"weight_ih_l0": (12, 5), "weight_hh_l0": (12, 3)}),
        ("parameter", {}, {"value": ()}),
    ],
)
def test_accepted(kind: str, attributes: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    assert list(shape_problems(catalogue[kind], attributes, shapes)) == []


@pytest.mark.parametrize(
    ("kind", "attributes", "shapes", "role"),
    [
        ("convolution", CONVOLUTION, {"weight": (4, 5, 3)}, "weight"),
        ("convolution", CONVOLUTION, {"weight": (4, 5, 3, 1)}, "weight"),
        ("convolution", CONVOLUTION, {"weight": (4, 5, 3, 3, 3)}, "weight"),
        ("convolution", CONVOLUTION, {"weight": (4, 5, 3, 3), "bias": (5,)}, "bias"),
        ("transposed_convolution", CONVOLUTION, {"weight": (6, 4, 3, 3)}, "weight"),
        ("linear", {"out_features": 2}, {"weight": ()}, "weight"),
        ("batch_norm", {}, {"weight": (5,), "running_mean": (4,)}, "running_mean"),
        ("lstm", LSTM, {"weight_ih_l0": (13, 5)}, "weight_ih_l0"),
        ("lstm", {}, {"weight_ih_l0": (13, 5)}, "weight_ih_l0"),
        ("convolution", {**CONVOLUTION, "groups": 0}, {"weight": (4, 5, 3, 3)}, "weight"),
    ],
)
def test_refused(kind: str, attributes: dict[str, Any], shapes: dict[str, tuple[int, ...]], role: str) -> None:
    problems = list(shape_problems(catalogue[kind], attributes, shapes))
    assert len(problems) == 1
    assert problems[0].startswith(f"its {role} has shape {shapes[role]}, expected ")

"""Constants and layers that would cost gigabytes, or that torch's constructors refuse, are refused before."""

from __future__ import annotations

from typing import Any

import pytest

from checks import torch
from graphs import GraphBuilder
from neutral.errors import UnsupportedError
from neutral_to_torch.emission.build import build

assert torch is not None


def full(g: GraphBuilder, shape: tuple[int, ...]) -> Any:
    return g.node("full", shape=shape, value=0.0, dtype="float32")


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("full", {"shape": (10**9,), "value": 0.0, "dtype": "float32"}),
        ("arange", {"start": 0.0, "step": 1.0, "count": 10**5, "repeat": 10**5, "dtype": "int64"}),
        ("eye", {"rows": 10**6, "columns": 10**6, "offset": 0, "dtype": "float32"}),
    ],
)
def test_a_constant_of_gigabytes_is_refused(kind: str, attributes: dict[str, Any]) -> None:
    g = GraphBuilder()
    store = g.store(g.node("add", g.input("data"), g.node(kind, **attributes)))
    with pytest.raises(
        UnsupportedError, match=rf"kind {kind}: a constant of \d+ bytes; expected at most 268435456 bytes"
    ):
        build(store)


def test_constants_that_take_gigabytes_together_are_refused() -> None:
    g = GraphBuilder()
    value = g.input("data")
    for rows in range(1, 10):
        value = g.node("add", value, full(g, (rows, 2**26 // rows)))
    with pytest.raises(
        UnsupportedError,
        match=r"its 9 constants take \d+ bytes in the weights. The limit constant-total-bytes is 1073741824",
    ):
        build(g.store(value))


def test_a_value_that_its_dtype_cannot_hold_is_refused() -> None:
    g = GraphBuilder()
    constant = g.node("full", shape=(2,), value=float("inf"), dtype="int32")
    with pytest.raises(UnsupportedError, match="value=inf, which int32 cannot hold"):
        build(g.store(g.node("add", g.input("data"), constant)))


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    g = GraphBuilder()
    arrays = {"weight": g.values(5), "bias": g.values(5)}
    store = g.store(g.node("group_norm", g.input("data"), name="norm", arrays=arrays, eps=1e-5, groups=3))
    with pytest.raises(UnsupportedError, match="groups=3, which do not divide the 5 channels"):
        build(store)


@pytest.mark.parametrize(
    ("roles", "bidirectional", "problem"),
    [
        (("weight_ih_l0", "weight_hh_l0"), True, "too many: weight_hh_l0_reverse"),
        (("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), False, "too many: bias_hh_l0"),
    ],
)
def test_recurrent_layers_without_some_of_their_tensors_are_refused(
    roles: tuple[str, ...], bidirectional: bool, problem: str
) -> None:
    g = GraphBuilder()
    shapes = {"weight_ih_l0": (6, 3), "weight_hh_l0": (6, 2), "bias_ih_l0": (6,)}
    attributes = {"hidden_size": 2, "num_layers": 1, "bidirectional": bidirectional, "dropout": 0.0}
    arrays = {role: g.values(*shapes[role]) for role in roles}
    store = g.store(g.node("gru", g.input("data"), name="gru", arrays=arrays, **attributes))
    with pytest.raises(UnsupportedError, match=problem):
        build(store)

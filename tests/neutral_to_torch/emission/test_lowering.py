"""The passes of lowering: what is fused, hoisted, computed once and left out."""

from __future__ import annotations

import numpy as np
import pytest

from checks import run, source_of
from graphs import GraphBuilder
from neutral_to_torch.emission.lowering.pipeline import GRAPH_PASSES, PROGRAM_PASSES, lower

CONVOLUTION = {
    "out_channels": 4, "kernel_size": (2, 2), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 2,
    "layout": "channels_first",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("l2_normalize", {"over": "sample", "eps": 1e-10}), ("log_gamma", {}), ("gamma", {})],
)
def test_equal_expressions_are_computed_once_whatever_words_their_names_hold(
    kind: str, attributes: dict[str, object]
) -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    first, second = g.node(kind, x, **attributes), g.node(kind, x, **attributes)
    program = lower(g.store(g.node("add", first, second)))
    assert [statement.kind for statement in program.statements].count(kind) == 1


def test_random_numbers_are_drawn_as_often_as_the_graph_does() -> None:
    g = GraphBuilder()
    x = g.input("x", (None, 3))
    attributes = {"shape": None, "place": "whole", "dtype": None}
    draws = [g.node("random_normal", 0.0, 1.0, x, **attributes) for _ in range(2)]
    assert source_of(g.store(g.node("add", *draws))).count("torch.randn_like(x)") == 2


def test_products_of_shared_products_are_lowered_in_linear_time() -> None:
    """Without a limit the search for the factors of a GELU takes as many steps as the Fibonacci number of the node."""
    g = GraphBuilder()
    x = g.input("x", (2,))
    values = [x, g.node("relu", x)]
    for _ in range(80):
        values.append(g.node("multiply", values[-1], values[-2]))
    assert len(lower(g.store(values[-1])).statements) == 81


def test_passes_have_names_and_summaries() -> None:
    for each in (*GRAPH_PASSES, *PROGRAM_PASSES):
        assert each.name.isidentifier() and each.summary.endswith(".")


@pytest.mark.parametrize("rows", [False, True])
def test_a_filled_operand_of_a_selection_is_a_number(rows: bool) -> None:
    g = GraphBuilder()
    mask, scores = g.input("mask", (2, 5)), g.input("scores", (2, 5))
    fill = g.node("multiply", g.node("full_like", scores, value=1.0), -1e18)
    source = source_of(g.store(g.node("where", mask, scores, fill, rows=rows)))
    assert "scores, -1e18)" in source and "ones_like" not in source


def test_a_fill_of_another_shape_stays_a_tensor() -> None:
    g = GraphBuilder()
    mask, scores, like = g.input("mask", (1, 5)), g.input("scores", (1, 5)), g.input("like", (2, 5))
    source = source_of(g.store(g.node("where", mask, scores, g.node("full_like", like, value=2.0), rows=False)))
    assert "full_like(like, 2)" in source


def test_recurrent_layers_between_swaps_take_the_batch_first() -> None:
    g = GraphBuilder()
    x = g.node("swap_axes", g.input("x", (2, 5, 6)), axis=0, other_axis=1)
    arrays = {
        "weight_ih_l0": g.values(32, 6),
        "weight_hh_l0": g.values(32, 8),
        "bias_ih_l0": g.values(32),
        "bias_hh_l0": g.values(32),
    }
    attributes = {"hidden_size": 8, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "projection_size": 0}
    clips = {"clip_min": None, "clip_max": None, "clip_nan": False}
    x = g.node("lstm", x, arrays=arrays, name="lstm", **attributes, **clips)
    source = source_of(g.store(g.node("transpose", x, axes=(1, 0, 2))))
    assert "nn.LSTM(6, 8, batch_first=True)" in source and "transpose" not in source


def test_rows_of_detections_are_joined_for_all_classes_at_once() -> None:
    g = GraphBuilder()
    scores, boxes = g.input("scores", (2, 7, 5)), g.input("boxes", (2, 7, 4))
    rows = []
    for k in range(4):
        score = g.node("slice", scores, axes=(-1,), starts=(k,), ends=(k + 1,), steps=(1,))
        rows.append(g.node("concatenate", score, boxes, axis=-1))
    store = g.store(g.node("concatenate", *rows, axis=1))
    s = np.random.default_rng(0).normal(size=(2, 7, 5)).astype("float32")
    b = np.random.default_rng(1).normal(size=(2, 7, 4)).astype("float32")
    expected = np.concatenate([np.concatenate([s[..., k : k + 1], b], -1) for k in range(4)], 1)
    np.testing.assert_array_equal(run(store, s, b), expected)
    assert source_of(store).count("torch.cat") == 1


def test_slices_of_other_positions_are_joined_one_by_one() -> None:
    g = GraphBuilder()
    scores, boxes = g.input("scores", (2, 7, 5)), g.input("boxes", (2, 7, 4))
    rows = []
    for k in (0, 2, 1):
        score = g.node("slice", scores, axes=(-1,), starts=(k,), ends=(k + 1,), steps=(1,))
        rows.append(g.node("concatenate", score, boxes, axis=-1))
    assert source_of(g.store(g.node("concatenate", *rows, axis=1))).count("torch.cat") == 4


@pytest.mark.parametrize(
    ("kind", "attributes", "arrays", "shape"),
    [
        ("convolution", CONVOLUTION, {"weight": (4, 3, 2, 2)}, "(N, 6, *, *)"),
        ("convolution", {**CONVOLUTION, "layout": "channels_last"}, {"weight": (4, 3, 2, 2)}, "(N, *, *, 6)"),
        ("linear", {"out_features": 4, "flatten": True}, {"weight": (4, 3)}, "any shape"),
        ("softmax", {"axis": -1}, {}, "any shape"),
    ],
)
def test_inputs_have_the_sizes_that_layers_demand(
    kind: str, attributes: dict[str, object], arrays: dict[str, tuple[int, ...]], shape: str
) -> None:
    g = GraphBuilder()
    x = g.node("relu", g.input("x", None))
    stored = {role: g.values(*size) for role, size in arrays.items()}
    x = g.node(kind, x, arrays=stored or None, **attributes)
    assert f"    x: {shape}\n" in source_of(g.store(x))


def test_sizes_pass_axes_that_are_moved() -> None:
    g = GraphBuilder()
    x = g.node("transpose", g.input("x", None), axes=(0, 3, 1, 2))
    store = g.store(g.node("convolution", x, arrays={"weight": g.values(4, 3, 2, 2)}, **CONVOLUTION))
    assert "    x: (N, *, *, 6)\n" in source_of(store)


@pytest.mark.parametrize(("bidirectional", "steps", "layers"), [(False, 5, 1), (True, 3, 2)])
def test_the_number_of_steps_that_a_layer_demands_which_flattens_them(
    bidirectional: bool, steps: int, layers: int
) -> None:
    g = GraphBuilder()
    attributes = {"num_layers": 1, "bidirectional": bidirectional, "dropout": 0.0, "hidden_size": 16}
    x = g.node("swap_axes", g.input("data", None), axis=0, other_axis=1)
    inputs, outputs = 6, 16 * (1 + bidirectional)
    for _ in range(layers):
        ends = ("l0", "l0_reverse")[: 1 + bidirectional]
        arrays = {f"weight_ih_{end}": g.values(48, inputs) for end in ends}
        arrays.update({f"weight_hh_{end}": g.values(48, 16) for end in ends})
        arrays.update({f"bias_{part}_{end}": g.values(48) for part in ("ih", "hh") for end in ends})
        x, inputs = g.node("gru", x, arrays=arrays, **attributes), outputs
    x = g.node("dropout", g.node("swap_axes", x, axis=0, other_axis=1), p=0.5, shared_axes=(), always=False)
    weights = {"weight": g.values(3, outputs * steps), "bias": g.values(3)}
    store = g.store(g.node("linear", x, arrays=weights, out_features=3, flatten=True))
    assert f"    data: (N, {steps}, 6)\n" in source_of(store)
    assert run(store, np.zeros((2, steps, 6), np.float32)).shape == (2, 3)


def test_moved_axes_are_counted_from_either_end() -> None:
    g = GraphBuilder()
    x = g.node("swap_axes", g.input("data", None), axis=-3, other_axis=1)
    arrays = {f"{role}_l0": g.values(*size) for role, size in
              {"weight_ih": (8, 6), "weight_hh": (8, 8), "bias_ih": (8,), "bias_hh": (8,)}.items()}  # fmt: skip
    options = {"hidden_size": 8, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "nonlinearity": "tanh"}
    assert "    data: (N, *, 6)\n" in source_of(g.store(g.node("rnn", x, arrays=arrays, **options)))


def test_the_shape_of_an_initial_state_is_documented() -> None:
    g = GraphBuilder()
    arrays = {
        "weight_ih_l0": np.zeros((24, 5)), "weight_hh_l0": np.zeros((24, 8)),
        "bias_ih_l0": np.zeros(24), "bias_hh_l0": np.zeros(24),
    }  # fmt: skip
    attributes = {"hidden_size": 8, "num_layers": 1, "bidirectional": False, "dropout": 0.0}
    source = source_of(
        g.store(g.node("gru", g.input("data", None), g.input("h", None), name="gru", arrays=arrays, **attributes))
    )
    assert "    h: (1, *, 8)\n" in source

"""Layers whose weights are inputs of the graph, or values that it computes: dynamic filters, hypernetworks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def positive(*shape: int) -> np.ndarray:
    return np.random.RandomState(9).uniform(0.5, 2, shape).astype("float32")


IMAGE, FLAT = (2, 4, 7, 6), (5, 8)
DEFORMABLE = {"kernel": (3, 3), "pad": (1, 1), "num_filter": 6, "num_group": 2}
NORM = [values(4, seed=1), values(4, seed=2)]
STATISTICS = [*NORM, values(4, seed=3), positive(4)]

LAYERS: dict[str, tuple[str, list[np.ndarray], int, dict[str, Any]]] = {
    "convolution": (
        "Convolution",
        [values(*IMAGE), values(6, 2, 3, 3, seed=1), values(6, seed=2)],
        1,
        {"kernel": (3, 3), "num_filter": 6, "num_group": 2, "stride": (2, 1), "pad": (1, 0)},
    ),
    "convolution of 1 dimension": (
        "Convolution",
        [values(2, 4, 7), values(6, 4, 3, seed=1)],
        1,
        {"kernel": (3,), "num_filter": 6, "no_bias": True, "dilate": (2,)},
    ),
    "convolution of 3 dimensions": (
        "Convolution",
        [values(2, 4, 5, 6, 7), values(3, 4, 2, 2, 2, seed=1), values(3, seed=2)],
        1,
        {"kernel": (2, 2, 2), "num_filter": 3},
    ),
    "transposed convolution": (
        "Deconvolution",
        [values(*IMAGE), values(4, 3, 3, 3, seed=1), values(6, seed=2)],
        1,
        {"kernel": (3, 3), "num_filter": 6, "num_group": 2, "stride": (2, 2), "adj": (1, 0), "no_bias": False},
    ),
    "transposed convolution to a size": (
        "Deconvolution",
        [array.astype("float64") for array in (values(*IMAGE), values(4, 6, 3, 3, seed=1))],  # oneDNN fails at it
        1,
        {"kernel": (3, 3), "num_filter": 6, "stride": (2, 2), "target_shape": (13, 12)},
    ),
    "deformable convolution": (
        "_contrib_DeformableConvolution",
        [values(*IMAGE), values(2, 18, 7, 6, seed=1), values(6, 2, 3, 3, seed=2), values(6, seed=3)],
        2,
        DEFORMABLE,
    ),
    "modulated deformable convolution": (
        "_contrib_ModulatedDeformableConvolution",
        [values(*IMAGE), values(2, 18, 7, 6, seed=1), positive(2, 9, 7, 6), values(6, 2, 3, 3, seed=2)],
        3,
        {**DEFORMABLE, "no_bias": True},
    ),
    "linear": ("FullyConnected", [values(*FLAT), values(3, 8, seed=1), values(3, seed=2)], 1, {"num_hidden": 3}),
    "linear of the last axis": (
        "FullyConnected",
        [values(2, 5, 8), values(3, 8, seed=1)],
        1,
        {"num_hidden": 3, "no_bias": True, "flatten": False},
    ),
    "embedding": ("Embedding", [np.array([[1, 0, 9]], "float32"), values(6, 3)], 1, {"input_dim": 6, "output_dim": 3}),
    "layer norm": ("LayerNorm", [values(2, 4, 5), *NORM], 1, {"axis": 1}),
    "instance norm": ("InstanceNorm", [values(*IMAGE), *NORM], 1, {}),
    "group norm": ("GroupNorm", [values(*IMAGE), *NORM], 1, {"num_groups": 4}),
    "group norm of more channels": (
        "GroupNorm",
        [values(*IMAGE), values(2, seed=1), values(2, seed=2)],
        1,
        {"num_groups": 2, "output_mean_var": True},
    ),
    "prelu": ("LeakyReLU", [values(*IMAGE), positive(4)], 1, {"act_type": "prelu"}),
    "batch norm": ("BatchNorm", [values(*IMAGE), *STATISTICS], 1, {"fix_gamma": False}),
    "batch norm of the last axis": ("BatchNorm", [values(2, 5, 6, 4), *STATISTICS], 1, {"axis": -1}),
    "batch norm with statistics": (
        "BatchNorm",
        [values(*IMAGE), *STATISTICS],
        1,
        {"output_mean_var": True, "fix_gamma": False},
    ),
}


def recurrent(mode: str, layers: int, directions: int, states: int) -> list[np.ndarray]:
    gates, size, hidden = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}[mode], 5, 3
    rows = gates * hidden
    first = rows * (size + hidden + 2)
    rest = rows * (hidden * directions + hidden + 2)
    vector = values(directions * (first + rest * (layers - 1)), seed=1) * 0.5
    return [values(4, 2, size), vector, *(values(layers * directions, 2, hidden, seed=2 + i) for i in range(states))]


@pytest.mark.parametrize("computed", [False, True], ids=["input", "computed"])
@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_weights_as_operands(check_operator: Any, layer: str, computed: bool) -> None:
    operator, inputs, first, attributes = LAYERS[layer]
    last = 3 if operator == "BatchNorm" else len(inputs)  # MXNet takes auxiliary states from variables only
    auxiliary = [3, 4] if operator == "BatchNorm" else []
    places = list(range(first, last)) if computed else []
    check_operator(operator, inputs, computed=places, auxiliary=auxiliary, **attributes)


@pytest.mark.parametrize("computed", [False, True], ids=["input", "computed"])
@pytest.mark.parametrize("mode", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("declared", [False, True], ids=["any_size", "declared"])
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (2, False), (1, True), (2, True)])
def test_parameter_vector_as_operand(
    check_operator: Any, mode: str, layers: int, bidirectional: bool, computed: bool, declared: bool
) -> None:
    states = 2 if mode == "lstm" else 1
    check_operator(
        "RNN",
        recurrent(mode, layers, 2 if bidirectional else 1, states),
        computed=[1] if computed else [],
        declared=declared,
        mode=mode,
        state_size=3,
        num_layers=layers,
        bidirectional=bidirectional,
        state_outputs=True,
    )


def test_projected_layers_of_a_parameter_vector(check_operator: Any) -> None:
    size, hidden, projected = 5, 4, 2
    first = 4 * hidden * (size + projected + 2) + projected * hidden
    second = 4 * hidden * (2 * projected + projected + 2) + projected * hidden
    inputs = [values(4, 2, size), values(2 * (first + second), seed=1), values(4, 2, projected), values(4, 2, hidden)]
    shared = {"mode": "lstm", "state_size": hidden, "projection_size": projected, "num_layers": 2}
    check_operator("RNN", inputs, computed=[1], bidirectional=True, state_outputs=True, **shared)


def test_a_hypernetwork(check_expression: Any) -> None:
    """The filters of a convolution are computed from a second input by a linear layer with stored weights."""
    filters = "sym.reshape(sym.FullyConnected(code, weight=w, bias=b, num_hidden=36), shape=(3, 4, 3, 1))"
    module = check_expression(
        f"sym.Convolution(x, {filters}, c, kernel=(3, 1), num_filter=3)",
        stored=["w", "b", "c"],
        x=values(*IMAGE),
        code=values(1, 5),
        w=values(36, 5, seed=1),
        b=values(36, seed=2),
        c=values(3, seed=3),
    )
    assert len(list(module.parameters())) == 3

"""The fused recurrent operator against MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # torch's note

MODES = ("rnn_relu", "rnn_tanh", "lstm", "gru")
GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}
TIME, BATCH, FEATURES, HIDDEN = 5, 3, 4, 6


def arrays(mode: str, layers: int = 1, directions: int = 1, projection: int = 0) -> list[np.ndarray]:
    """Input, packed parameters and states, as the operator takes them."""
    random = np.random.RandomState(layers + directions)
    state, rows = projection or HIDDEN, GATES[mode] * HIDDEN
    count = 0
    for layer in range(layers):
        features = state * directions if layer else FEATURES
        count += directions * (rows * (features + state) + projection * HIDDEN + 2 * rows)
    shapes = [(TIME, BATCH, FEATURES), (count,), (layers * directions, BATCH, state)]
    if mode == "lstm":
        shapes.append((layers * directions, BATCH, HIDDEN))
    arrays = [random.randn(*shape).astype("float32") for shape in shapes]
    arrays[1] *= 0.4
    return arrays


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("state_outputs", [False, True])
def test_modes(check_operator: Any, mode: str, layers: int, bidirectional: bool, state_outputs: bool) -> None:
    given = arrays(mode, layers, 1 + bidirectional)
    options = {"state_size": HIDDEN, "num_layers": layers, "bidirectional": bidirectional, "p": 0.3}
    module = check_operator("RNN", given, parameters=[1], mode=mode, state_outputs=state_outputs, **options)
    name = {"lstm": "LSTM", "gru": "GRU"}.get(mode, "RNN")
    assert [type(child).__name__ for child in module.children()] == [name]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_projection(check_operator: Any, layers: int, bidirectional: bool) -> None:
    given = arrays("lstm", layers, 1 + bidirectional, projection=2)
    options = {"state_size": HIDDEN, "num_layers": layers, "bidirectional": bidirectional, "projection_size": 2}
    check_operator("RNN", given, parameters=[1], mode="lstm", state_outputs=True, **options)


def test_one_sample_and_one_step(check_operator: Any) -> None:
    given = arrays("lstm")
    given[0], given[2], given[3] = given[0][:1, :1], given[2][:, :1], given[3][:, :1]
    check_operator("RNN", given, parameters=[1], mode="lstm", state_size=HIDDEN, num_layers=1, state_outputs=True)

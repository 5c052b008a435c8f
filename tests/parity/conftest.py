"""The whole path against real MXNet: symbol and arrays from MXNet, read, built as a torch module, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import mxnet_to_neutral  # noqa: E402
import neutral_to_torch  # noqa: E402

TOLERANCE = 1e-5
"""Largest error of float32 outputs, in units of the largest expected magnitude."""

HALF_TOLERANCE = 2e-3
"""The same for float16: about two of its rounding steps."""

Check = Callable[..., Any]


def to_torch(array: np.ndarray) -> Any:
    return torch.from_numpy(np.ascontiguousarray(array))


def compare(got: Any, expected: np.ndarray) -> None:
    """Equal shape, equal dtype kind; floats within tolerance of the scale, non-finite values in the same places,
    integers and index outputs exactly."""
    actual = got.detach().cpu().numpy()
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    actual, expected = actual[finite].astype(np.float64), expected[finite].astype(np.float64)
    scale = max(np.abs(expected).max(initial=0.0), 1e-6)
    tolerance = HALF_TOLERANCE if got.dtype == torch.float16 else TOLERANCE
    assert np.abs(actual - expected).max(initial=0.0) <= tolerance * scale


@pytest.fixture
def check_operator(mxnet: Any, tmp_path: Path) -> Check:
    """``check_operator("Pooling", [array], kernel=(2, 2), ...)`` runs one operator on both sides and compares.

    ``parameters`` and ``auxiliary`` are the positions of inputs that MXNet stores as arrays. The attributes are those
    of MXNet's symbol call; what is left out is left to MXNet's default. ``output`` compares one output
    of several, ``exact`` asks for equal bits.
    """

    def check(
        operator: str,
        inputs: Sequence[np.ndarray],
        *,
        parameters: Sequence[int] = (),
        auxiliary: Sequence[int] = (),
        output: int | None = None,
        exact: bool = False,
        **attributes: Any,
    ) -> Any:
        prefix = str(tmp_path / "op")
        expected = mxnet.call(
            "operators:run_operator",
            operator=operator,
            inputs=list(inputs),
            attributes=attributes,
            prefix=prefix,
            parameters=tuple(parameters),
            auxiliary=tuple(auxiliary),
            output=output,
        )
        stored = {*parameters, *auxiliary}
        given = {f"input{i}": to_torch(array) for i, array in enumerate(inputs) if i not in stored}
        return check_checkpoint(prefix, given, expected, exact=exact)

    return check


def check_checkpoint(prefix: str, given: dict[str, Any], expected: Sequence[np.ndarray], exact: bool = False) -> Any:
    """Read the checkpoint, build it and compare its outputs for the given inputs."""
    store = mxnet_to_neutral.read(prefix)
    assert store.graph is not None
    module = neutral_to_torch.build(store)
    used = {item.name for item in store.graph.inputs}
    with torch.no_grad():
        outputs = module(**{name: value for name, value in given.items() if name in used})
    outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    assert len(outputs) == len(expected)
    for got, wanted in zip(outputs, expected):
        if exact:
            np.testing.assert_array_equal(got.numpy(), wanted)
        else:
            compare(got, wanted)
    return module

"""Comparing what Neutral built with what MXNet computed."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from neutral.reference.selection import output_name
from neutral.store import Store
from parity.onnx_check import run_onnx

TOLERANCE = 1e-5
"""Largest error of float32 outputs, in units of the largest expected magnitude."""

HALF_TOLERANCE = 2e-3
"""The same for float16: about two of its rounding steps."""


def to_torch(array: np.ndarray) -> Any:
    return torch.from_numpy(np.array(array, order="C"))


def compare(actual: Any, expected: np.ndarray) -> None:
    """As :func:`compare_arrays`, of a torch tensor."""
    compare_arrays(actual.detach().cpu().numpy(), expected)


def compare_arrays(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal shape, equal dtype kind; floats within tolerance of the scale, non-finite values in the same places,
    integers and index outputs exactly."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    tolerance = HALF_TOLERANCE if actual.dtype == np.float16 else TOLERANCE
    actual, expected = actual[finite].astype(np.float64), expected[finite].astype(np.float64)
    scale = max(np.abs(expected).max(initial=0.0), 1e-6)
    assert np.abs(actual - expected).max(initial=0.0) <= tolerance * scale


def used_inputs(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    """Those of the given arrays that are inputs of the graph."""
    assert store.graph is not None
    used = {item.name for item in store.graph.inputs}
    return {name: value for name, value in given.items() if name in used}


def check_reference(store: Store, given: dict[str, Any], expected: Sequence[np.ndarray], exact: bool = False) -> None:
    """Evaluate the store by the reference functions and compare its outputs for the given inputs."""
    assert store.graph is not None
    outputs = neutral.reference.run(store, used_inputs(store, {name: value.numpy() for name, value in given.items()}))
    for value, wanted in zip(store.graph.outputs, expected):
        actual = outputs[output_name(value)]
        if exact:
            assert actual.shape == wanted.shape and actual.dtype == wanted.dtype
            np.testing.assert_array_equal(actual, wanted)
        else:
            compare_arrays(actual, wanted)


def check_onnx(store: Store, given: dict[str, Any], expected: Sequence[np.ndarray], exact: bool = False) -> None:
    """Run the store as ONNX by onnxruntime and compare its outputs; refusals must be recorded ones."""
    outputs = run_onnx(store, used_inputs(store, {name: value.numpy() for name, value in given.items()}))
    for actual, wanted in zip(outputs or (), expected):
        if exact:
            assert actual.shape == wanted.shape and actual.dtype == wanted.dtype
            np.testing.assert_array_equal(actual, wanted)
        else:
            compare_arrays(actual, wanted)


def check_checkpoint(prefix: str, given: dict[str, Any], expected: Sequence[np.ndarray], exact: bool = False) -> Any:
    """Read the checkpoint, build it and compare its outputs for the given inputs."""
    store = mxnet_to_neutral.read(prefix)
    assert store.graph is not None
    module = neutral_to_torch.build(store)
    with torch.no_grad():
        outputs = module(**used_inputs(store, given))
    outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    assert len(outputs) == len(expected)
    for actual, wanted in zip(outputs, expected):
        if exact:
            assert actual.numpy().shape == wanted.shape and actual.numpy().dtype == wanted.dtype
            np.testing.assert_array_equal(actual.numpy(), wanted)
        else:
            compare(actual, wanted)
    check_reference(store, given, expected, exact)
    check_onnx(store, given, expected, exact)
    return module

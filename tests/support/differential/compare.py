"""Compare what MXNet computed for a call with the emitted module and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
import torch

import mxnet_to_neutral
import neutral.reference
import neutral_to_torch
from neutral.errors import NeutralError
from neutral.operators import catalogue
from neutral.reference.selection import output_name
from neutral.store import Store
from parity.against import compare_arrays, to_torch, used_inputs


def outcome(result: Mapping[str, Any], folder: Path, precise: Sequence[np.ndarray] | None = None) -> tuple[str, str]:
    """Return how a call ended, and a detail.

    Args:
        result: What ``mxnet_side.differential`` returned for the call.
        folder: Where a symbol file can be written.
        precise: MXNet's outputs for the same inputs in a wider dtype, by which its own rounding is known.

    Returns:
        ``invalid`` if MXNet refuses the call, ``refused`` with the reason, ``noted`` if it is quantised, ``random``,
        ``equal``, or ``different`` with the first difference.
    """
    if "error" in result:
        return "invalid", result["error"]
    path = folder / "call-symbol.json"
    path.write_text(result["symbol"], encoding="utf-8")
    try:
        store = mxnet_to_neutral.read(path)
        assert store.graph is not None
        reasons = [node.attributes["reason"] for node in store.graph.nodes if node.kind == "opaque"]
        if reasons:
            return "refused", reasons[0]
        if any("quantised to 8-bit" in note for note in store.notes):
            return "noted", ""
        module = neutral_to_torch.build(store)
    except NeutralError as error:
        return "refused", str(error).replace(f"{path}: ", "")
    except Exception as error:  # a fault of the reader or of the emitter
        return "different", f"reading or emitting: {_first_line(error)}"
    if any(is_random(node.kind) for node in store.graph.nodes):
        return "random", ""
    return _compared(store, module, result, precise)


def is_random(kind: str) -> bool:
    """Return whether a kind of the catalogue draws random numbers."""
    operator = catalogue.get(kind)
    return operator is not None and operator.random


def _compared(
    store: Store, module: Any, result: Mapping[str, Any], precise: Sequence[np.ndarray] | None
) -> tuple[str, str]:
    given = {name: to_torch(array) for name, array in result["inputs"].items()}
    expected = result["outputs"]
    wide = precise if precise is not None else [None] * len(expected)
    try:
        with torch.no_grad():
            outputs = module(**used_inputs(store, given))
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        assert len(outputs) == len(expected), "another number of outputs"
        if is_decomposition(store):
            return decomposed(result["inputs"], [output.numpy() for output in outputs], expected)
        for actual, wanted, exact in zip(outputs, expected, wide):
            agree(actual.numpy(), wanted, exact)
    except Exception as error:  # whatever an emitted module raises is a finding
        return "different", f"module: {_first_line(error)}"
    try:
        assert store.graph is not None
        arrays = used_inputs(store, {name: np.asarray(array) for name, array in result["inputs"].items()})
        by_name = neutral.reference.run(store, arrays)
        for value, wanted, exact in zip(store.graph.outputs, expected, wide):
            agree(by_name[output_name(value)], wanted, exact)
    except Exception as error:
        return "different", f"reference: {_first_line(error)}"
    return "equal", ""


def agree(actual: np.ndarray, expected: np.ndarray, precise: np.ndarray | None) -> None:
    """Compare an output; where MXNet rounds more than usual, by how far MXNet itself is from the precise result.

    Args:
        actual: The output of the module or of the reference.
        expected: MXNet's, with the same dtype.
        precise: MXNet's for the same inputs in a wider dtype; None compares by the usual tolerance alone.

    Raises:
        AssertionError: The output differs, and is further from the precise result than MXNet's and one rounding step.
    """
    try:
        compare_arrays(actual, expected)
    except AssertionError:
        if precise is None or expected.dtype.kind != "f" or actual.dtype != expected.dtype:
            raise
        if not actual.shape == expected.shape == precise.shape:
            raise
        finite = np.isfinite(expected) & np.isfinite(actual) & np.isfinite(precise)
        if not (finite | np.isfinite(precise) | _same(actual, expected)).all():
            raise
        own_error = np.abs(expected[finite] - precise[finite]).max(initial=0.0)
        error = np.abs(actual[finite] - precise[finite]).max(initial=0.0)
        if error > own_error + np.finfo(expected.dtype).eps * np.abs(precise[finite]).max(initial=0.0):
            raise


def _same(actual: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.asarray((actual == expected) | (np.isnan(actual) & np.isnan(expected)))


def is_decomposition(store: Store) -> bool:
    """Return whether a store has a singular value decomposition, whose vectors have free signs."""
    assert store.graph is not None
    return any(node.kind == "svd" for node in store.graph.nodes)


def decomposed(
    inputs: Mapping[str, np.ndarray], outputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]
) -> tuple[str, str]:
    """Compare singular values, and the matrix that the vectors make of them.

    Args:
        inputs: The matrix.
        outputs: Left vectors, singular values and right vectors of the module.
        expected: Those of MXNet.

    Returns:
        An ending and a detail, as :func:`outcome` has them.
    """
    (matrix,) = inputs.values()
    compare_arrays(outputs[1], expected[1])
    for left, values, right in (outputs, expected):
        compare_arrays((left * values[..., None, :]) @ right, matrix)
    return "equal", ""


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'the numbers, the shape or the dtype'}"[:160]

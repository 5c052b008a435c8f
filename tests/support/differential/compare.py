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
        ``invalid`` if MXNet refuses the call, ``refused`` with the reason, ``noted`` if it is quantised, ``random`` if
        numbers are drawn in the same shapes and dtypes, ``equal``, or ``different`` with the first difference.
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
    return _compared(store, module, result, precise)


RANDOM = "random numbers"
"""How a difference of random numbers begins."""


def is_of_random_numbers(detail: str) -> bool:
    """Return whether a difference is one of random numbers, which no second run decides."""
    return RANDOM in detail


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
        if any(is_random(node.kind) for node in store.graph.nodes):
            is_double = any(array.dtype == np.float64 for array in result["inputs"].values())
            for actual, wanted in zip(outputs, expected):
                assert actual.numpy().shape == wanted.shape, f"{RANDOM} of shape {tuple(actual.shape)}"
                # The symbol declares no float64: a module for float32 draws in the dtype of its inputs.
                dtypes = (wanted.dtype, np.float64 if is_double else wanted.dtype)
                assert actual.numpy().dtype in dtypes, f"{RANDOM} of dtype {actual.dtype}"
            return "random", ""
        if is_decomposition(store):
            return decomposed(result["inputs"], [output.numpy() for output in outputs], expected)
        expected = _ordered(store, expected)
        wide = _ordered(store, wide) if precise is not None else wide
        for actual, wanted, exact in zip(_ordered(store, [output.numpy() for output in outputs]), expected, wide):
            agree(_signed_as(store, actual, wanted), wanted, exact)
    except Exception as error:  # whatever an emitted module raises is a finding
        is_drawn = any(is_random(node.kind) for node in store.graph.nodes) if store.graph is not None else False
        return "different", f"module{f' of {RANDOM}' if is_drawn else ''}: {_first_line(error)}"
    try:
        assert store.graph is not None
        arrays = used_inputs(store, {name: np.asarray(array) for name, array in result["inputs"].items()})
        by_name = neutral.reference.run(store, arrays)
        referred = _ordered(store, [by_name[output_name(value)] for value in store.graph.outputs])
        for actual, wanted, exact in zip(referred, expected, wide):
            agree(_signed_as(store, actual, wanted), wanted, exact)
    except Exception as error:
        return "different", f"reference: {_first_line(error)}"
    return "equal", ""


def _ordered(store: Store, outputs: Sequence[Any]) -> Sequence[Any]:
    """Return eigenvalues of general matrices, whose order is free, and their vectors ascending; others as they are."""
    assert store.graph is not None
    if all(node.kind != "eig" for node in store.graph.nodes):
        return outputs
    values, *vectors = outputs
    order = np.argsort(values, -1)
    vectors = [np.take_along_axis(matrix, order[..., None, :], -1) for matrix in vectors]
    return [np.take_along_axis(values, order, -1), *vectors]


def _signed_as(store: Store, actual: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return eigenvectors, whose signs are free, with the signs of MXNet's; other outputs as they are."""
    assert store.graph is not None
    kinds = [node.kind for node in store.graph.nodes]
    if not {"eig", "eigh"} & set(kinds) or actual.shape != expected.shape or actual.ndim < 2:
        return actual
    if actual.shape[-1] != actual.shape[-2]:  # eigenvalues of several matrices
        return actual
    axis = -1 if "transpose" in kinds or "swap_axes" in kinds else -2  # rows or columns
    return np.asarray(actual * np.sign((actual * expected).sum(axis, keepdims=True)), actual.dtype)


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

"""Compare what MXNet computed for a call with the emitted module and the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
import torch

import mxnet_to_neutral
import neutral_to_torch
from neutral.errors import NeutralError
from neutral.operators import catalogue
from neutral.store import Store
from parity.against import check_reference, compare, compare_arrays, to_torch, used_inputs


def outcome(result: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    """Return how a call ended, and a detail.

    Args:
        result: What ``mxnet_side.differential`` returned for the call.
        folder: Where a symbol file can be written.

    Returns:
        ``invalid`` if MXNet refuses the call, ``refused`` with the reason, ``random``, ``equal``, or ``different``
        with the first difference.
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
        module = neutral_to_torch.build(store)
    except NeutralError as error:
        return "refused", str(error)
    if any(is_random(node.kind) for node in store.graph.nodes):
        return "random", ""
    return _compared(store, module, result)


def is_random(kind: str) -> bool:
    """Return whether a kind of the catalogue draws random numbers."""
    operator = catalogue.get(kind)
    return operator is not None and operator.random


def _compared(store: Store, module: Any, result: Mapping[str, Any]) -> tuple[str, str]:
    given = {name: to_torch(array) for name, array in result["inputs"].items()}
    try:
        with torch.no_grad():
            outputs = module(**used_inputs(store, given))
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        assert len(outputs) == len(result["outputs"]), "another number of outputs"
        if is_decomposition(store):
            return decomposed(result["inputs"], [output.numpy() for output in outputs], result["outputs"])
        for actual, expected in zip(outputs, result["outputs"]):
            compare(actual, expected)
    except Exception as error:  # whatever an emitted module raises is a finding
        return "different", f"module: {_first_line(error)}"
    try:
        check_reference(store, given, result["outputs"])
    except Exception as error:
        return "different", f"reference: {_first_line(error)}"
    return "equal", ""


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
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"[:160]

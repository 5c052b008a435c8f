"""Compare the ONNX file of a model with MXNet's outputs, for the column of the zoo matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import numpy as np
from error_texts import one_line
from reference_column import has_no_store
from unwritten import dependent_on_unwritten

EXPLAINED = ("undefined", "ties", "unstable", "random", "int8")
"""Statuses whose reason for differing outputs is that of the ONNX file's outputs, too."""


def is_missing(row: Mapping[str, Any]) -> bool:
    """Return whether a result is of before the ONNX file was compared."""
    return not row.get("onnx") and not has_no_store(row)


def onnx_facts(store: Any, golden: str, folder: Path, tolerance: float, model: Mapping[str, Any]) -> dict[str, Any]:
    """Write the ONNX file of a store, run it by onnxruntime on the recorded inputs, and compare the outputs.

    Args:
        store: The converted model.
        golden: MXNet's values.
        folder: Where the file is written.
        tolerance: The largest allowed error of an output, in units of its largest magnitude.
        model: Facts that MXNet's side measured: ``sensitivity``, how far its own outputs move when its inputs move by
            rounding, and ``unwritten``, the nodes whose outputs it leaves unwritten in part.

    Returns:
        ``onnx``: ``equal``, ``ties: …``, ``unstable: …``, ``differs: …``, ``refused: …``, ``failed: …`` or
        ``not run: …``; and the largest error as ``onnx_error``, None where nothing was compared.
    """
    from neutral.errors import UnsupportedError
    from neutral.verification.golden import open_golden

    try:
        import onnxruntime  # noqa: F401
    except ModuleNotFoundError:
        return _facts("not run: onnxruntime is not installed")
    recorded = open_golden(golden)
    inputs = {item.name: recorded.array(item.key) for item in recorded.inputs}
    path = folder / "model.onnx"
    try:
        _write(store, path, inputs)
        outputs = _run(path, inputs)
    except UnsupportedError as error:
        return _facts("refused: " + "; ".join(error.problems or (str(error),)))
    except Exception as error:
        return _facts(f"failed: {type(error).__name__}: {error}")
    facts = _compared(store, outputs, [recorded.array(key) for key in recorded.outputs], tolerance)
    if facts["onnx"] == "equal":
        return facts
    import neutral_to_onnx

    undefined = dependent_on_unwritten(store.graph, model["unwritten"])
    return _explained(
        facts, neutral_to_onnx.verify(path, recorded, tolerance=tolerance), undefined, model["sensitivity"]
    )


def _explained(facts: dict[str, Any], report: Any, undefined: set[str], sensitivity: float) -> dict[str, Any]:
    """Return why outputs differ although each operator computes MXNet's values from MXNet's, where that is so."""
    from neutral_to_onnx.verification.explanations import FROM_RECORDED

    wrong = [row for row in report.rows if not row.ok and row.layer not in undefined]
    if any(row.layer is not None and not row.hint.startswith(FROM_RECORDED) for row in wrong) or report.problems:
        return facts
    if not wrong and report.skipped:
        return _facts(report.skipped[-1].why, facts["onnx_error"])
    if facts["onnx_error"] <= sensitivity:
        return _facts(
            f"unstable: MXNet's own outputs move by {sensitivity:.1e} when its input moves by rounding",
            facts["onnx_error"],
        )
    return facts


def _write(store: Any, path: Path, inputs: Mapping[str, np.ndarray]) -> None:
    """Write the file with free dimensions, or, where a rule needs their extents, for the shapes of the inputs."""
    import neutral_to_onnx
    from neutral.errors import UnsupportedError

    used = [item.name for item in store.graph.inputs if item.name in inputs]
    dtypes = {name: inputs[name].dtype.name for name in used}
    try:
        neutral_to_onnx.write(store, path, dtypes=dtypes)
    except UnsupportedError as error:
        if not any("--shape" in problem for problem in error.problems):
            raise
        neutral_to_onnx.write(store, path, dtypes=dtypes, shapes={name: inputs[name].shape for name in used})


def _run(path: Path, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {item.name: inputs[item.name] for item in session.get_inputs()}))


def _compared(store: Any, outputs: list[Any], expected: list[Any], tolerance: float) -> dict[str, Any]:
    from neutral.verification.comparison import compare

    if len(outputs) != len(expected):
        return _facts(f"differs: {len(outputs)} outputs, MXNet has {len(expected)}")
    worst, text = 0.0, "equal"
    for value, actual, wanted in zip(store.graph.outputs, outputs, expected):
        if actual.shape != wanted.shape:
            return _facts(f"differs: output {value.node} has the shape {actual.shape}, MXNet's has {wanted.shape}")
        error = compare(actual, wanted).scaled_error
        if not error <= tolerance and text == "equal":
            text = f"differs: output {value.node} by {error:.1e}"
        worst = max(worst, error)
    return _facts(text, worst)


def _facts(text: str, error: float | None = None) -> dict[str, Any]:
    return {"onnx": one_line(text, 200), "onnx_error": error}

"""Compare the reference with MXNet's values, for the column of the zoo matrix: the cost is limited."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from error_texts import one_line
from unwritten import judged_rows

MOST_PRODUCTS = 60_000_000_000
"""Products of all layers of a run: about a minute of one core."""

MOST_BYTES = 4 << 30
"""Bytes of a golden file."""

NOT_CONVERTED = ("not exported", "refused", "failed", "same", "quantised")
"""Statuses of models that have no store to evaluate."""


def is_missing(row: Mapping[str, Any]) -> bool:
    """Return whether a result is of before the reference was compared."""
    return not row.get("reference") and not has_no_store(row)


def has_no_store(row: Mapping[str, Any]) -> bool:
    """Return whether a result is of a model that has no store to evaluate."""
    return row["status"] in NOT_CONVERTED


def reference_facts(store: Any, golden: str, model: Mapping[str, Any], tolerance: float) -> dict[str, Any]:
    """Compute every operator by the reference from MXNet's values, and compare.

    Args:
        store: The converted model.
        golden: MXNet's values.
        model: What the MXNet process says of the model: the nodes whose outputs it leaves unwritten in part.
        tolerance: The largest allowed error of an operator.

    Returns:
        ``reference``: ``equal``, ``differs: …``, ``refused: …``, ``not run: …`` or ``failed: …``; and the largest error
        as ``reference_error``, None where nothing was compared.
    """
    from neutral import reference
    from neutral.errors import NeutralError
    from neutral.verification.golden import open_golden

    recorded = open_golden(golden)
    products, nbytes = reference.products_of(store, recorded), Path(golden).stat().st_size
    if products > MOST_PRODUCTS:
        limit = f"the limit is {MOST_PRODUCTS / 1e9:.0f} billion"
        return _facts(f"not run: too large, {products / 1e9:.0f} billion products; {limit}")
    if nbytes > MOST_BYTES:
        return _facts(f"not run: too large, {nbytes / 1e9:.1f} GB of values; the limit is {MOST_BYTES / 1e9:.1f} GB")
    try:
        report = reference.verify_operators(store, recorded, tolerance=tolerance)
    except NeutralError as error:
        return _facts(f"refused: {' '.join(str(error).split())}")
    except Exception as error:
        return _facts(f"failed: {type(error).__name__}: {error}")
    rows = judged_rows(report.rows, store.graph, model["unwritten"])
    if not rows:
        return _facts("not run: MXNet's values are all undefined or random")
    worst = max(row.scaled_error for row in rows)
    wrong = next((row for row in rows if not row.ok), None)
    text = "equal" if wrong is None else f"differs: {wrong.layer} ({wrong.kind}) by {wrong.scaled_error:.1e}"
    return _facts(text, worst)


def _facts(text: str, error: float | None = None) -> dict[str, Any]:
    return {"reference": one_line(text, 200), "reference_error": error}

"""The results of the zoo as a table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Mapping, Sequence

Result = Mapping[str, Any]

TITLES = {
    "mxnet": "mxnet.gluon.model_zoo.vision",
    "gluoncv": "gluoncv.model_zoo",
    "gluonnlp": "gluonnlp.model",
    "gluonts": "gluonts.model",
    "sequences": "Recurrent models",
    "attention": "Transformers",
    "control flow": "Loops and branches",
    "regions": "Regions and warping",
    "numpy mode": "NumPy mode",
    "int8": "Quantised networks",
}

MEANINGS = {
    "equal": "every operator and every output is within its tolerance",
    "undefined": "every operator is within its tolerance but those of whose output MXNet's CPU leaves a part "
    "unwritten, so that MXNet's own outputs change with how it is run: ROIAlign for regions of batch -1, which the "
    "models with a feature pyramid have on each level for the regions of the others",
    "ties": "every operator is within its tolerance, and so are the scores that the whole model puts in order or asks "
    "whether they are equal; but some scores of a random network are nearer to each other than rounding",
    "unstable": "every operator is within its tolerance, but the random network enlarges differences so much that "
    "MXNet's own outputs move by more than the error when its input moves by rounding",
    "random": "every operator is within its tolerance but those that draw random numbers, of which tests compare the "
    "distribution; the rest is computed of MXNet's samples",
    "int8": "MXNet's quantiser made it of floats, and the emitted module computes in floats again: the output's error "
    "is what MXNet rounds, which tests/parity/test_quantization.py bounds",
    "differs": "something is not",
    "refused": "the conversion said that it cannot be exact, and why",
    "failed": "the conversion failed otherwise",
    "not exported": "MXNet itself cannot export or run the model",
    "same": "another row is the same network but for its number of classes",
    "quantised": "an int8 variant; those have weights that MXNet's quantiser makes of trained ones",
}

HEAD = """\
# The zoo

Every vision model of MXNet {mxnet} and GluonCV {gluoncv}, and models of other families, among them those of
{others}; with random parameters (BatchNorm statistics included), exported by MXNet, converted,
emitted as PyTorch source, and run by torch {torch} on the same input. Made by

    NEUTRAL_MXNET_PYTHON=/path/to/python-with-mxnet python zoo/run.py

{counts}

{missing}All errors are in units of the largest magnitude of the tensor that MXNet computed, in float32.

- **operator**: the largest error of any operator by itself, fed with MXNet's own values; at most 1e-5.
- **layer**: the largest error of any layer while the whole model runs. Rounding of all earlier layers is in it, as
  much enlarged as the random parameters enlarge any difference.
- **output**: the largest error of the model's outputs, end to end; at most 1e-4.
- **ops** and **kinds**: how many operators the graph has, and of how many kinds. **lines**: of the emitted source.
"""


def load(path: Path) -> dict[str, Result]:
    """The last result of each model."""
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["model"]: row for row in rows}


def line(row: Result) -> str:
    """A result for the terminal."""
    errors = " ".join(_error(row[key]) for key in ("operator_error", "layer_error", "output_error"))
    return f"{row['model']}: {row['status']} {errors} ({row['seconds']} s) {row['reason']}"


def document(rows: Sequence[Result], total: int, versions: Mapping[str, str]) -> str:
    """The results as ``docs/zoo.md``; ``total`` models there are."""
    import torch

    counts = Counter(row["status"] for row in rows)
    told = "\n".join(f"- {counts[key]} **{key}**: {MEANINGS[key]}." for key in MEANINGS if counts[key])
    missing = "" if len(rows) == total else f"{total - len(rows)} of the {total} models have not been run yet.\n\n"
    named = {"gluonnlp": "GluonNLP", "gluonts": "GluonTS"}
    others = " and ".join(f"{title} {versions[name]}" for name, title in named.items() if name in versions)
    facts = {"counts": told, "missing": missing, "torch": torch.__version__.partition("+")[0], "others": others}
    parts = [HEAD.format(mxnet=versions["mxnet"], gluoncv=versions["gluoncv"], **facts)]
    for zoo, title in TITLES.items():
        lines = [
            f"## {title}\n",
            "| model | input | ops | kinds | lines | operator | layer | output | status | reason |",
            "|---|---|--:|--:|--:|--:|--:|--:|---|---|",
        ]
        lines += [_row(row) for row in rows if row["model"].startswith(f"{zoo}/")]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _row(row: Result) -> str:
    cells = [row["model"].partition("/")[2], row["shapes"]]
    cells += [str(row[key] or "") for key in ("operators", "kinds", "lines")]
    cells += [_error(row[key]) for key in ("operator_error", "layer_error", "output_error")]
    cells += [row["status"], row["reason"].replace("|", "\\|")]
    return f"| {' | '.join(cells)} |"


def _error(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"

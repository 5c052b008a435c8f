"""Run the matching matrix: load checkpoints of MXNet's zoos into the same networks of other projects, with no mapping.

    PYTHONPATH=tests/support python zoo/pairs.py        # writes docs/matching.md

Needs torch, torchvision, timm and transformers, and a Python with MXNet 1.9.1 and GluonCV 0.10.5 in the variable
NEUTRAL_MXNET_PYTHON.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

from mxnet_side.client import MXNet, mxnet_python
from parity.architectures import TWINS, Twin

TARGET = Path(__file__).resolve().parents[1] / "docs" / "matching.md"
TOLERANCE = 1e-4

HEAD = """\
# Matching

Checkpoints of MXNet's and GluonCV's zoos, with random parameters (BatchNorm statistics included), loaded into the same
networks of other projects (torchvision {torchvision}, timm {timm}, transformers {transformers}), without
a mapping. This page is made by

    NEUTRAL_MXNET_PYTHON=/path/to/python-with-mxnet PYTHONPATH=tests/support python zoo/pairs.py

**error** is the largest error of the outputs against MXNet's, in units of their largest magnitude; the limit is
{tolerance:g}. **seconds** is the time of matching and loading, the run on an example included. Of {all}, {count} are
equal. GluonNLP's BERT into that of transformers is in `tests/parity/test_transformers.py`.

**matched by** names the evidence: names, the dataflow (structure), or, for layers that neither tells apart, the values
that a golden file recorded (activations). Without a golden file such layers stay ambiguous, and loading is refused.

| MXNet | into | layers | matched by | error | seconds | status |
|---|---|--:|---|--:|--:|---|
"""


def row(twin: Twin, mxnet: MXNet, folder: Path) -> tuple[bool, str]:
    """Return whether a pair is matched and equal, and its line of the table."""
    import mxnet_to_neutral
    import neutral_to_torch
    from neutral.errors import NeutralError

    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    mxnet.call("zoo:make", name=twin.model, prefix=prefix, golden=golden)
    module = twin.module()
    with mxnet_to_neutral.read(prefix, 0) as store:
        start = time.perf_counter()
        try:
            plan = neutral_to_torch.load_into(module, store, golden=golden, set_attributes=True)
        except NeutralError as error:
            return (
                False,
                f"| {twin.model} | {twin.maker} | {len(store.layers)} | | | | {' '.join(str(error).split())} |",
            )
        seconds = time.perf_counter() - start
        report = neutral_to_torch.verify(module, golden, plan, store=store, end_to_end=TOLERANCE)
    outputs = [item for item in report.rows if item.layer is None]
    error = max(item.scaled_error for item in outputs)
    ok = not report.problems and all(item.ok for item in outputs)
    how = ", ".join(sorted({pair.reason for pair in plan.pairs}))
    status = "equal" if ok else "differs"
    return ok, f"| {twin.model} | {twin.maker} | {len(plan.pairs)} | {how} | {error:.1e} | {seconds:.1f} | {status} |"


def main() -> None:
    python = mxnet_python()
    if python is None:
        sys.exit("MXNet is not here: set NEUTRAL_MXNET_PYTHON to a Python that has it")
    warnings.simplefilter("ignore")
    mxnet = MXNet(python)
    rows = []
    for twin in TWINS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(row(twin, mxnet, Path(folder)))
        print(rows[-1][1], file=sys.stderr, flush=True)
    mxnet.close()
    counts = {"count": sum(ok for ok, _ in rows), "all": len(rows), "tolerance": TOLERANCE}
    head = HEAD.format(**{name: version(name) for name in ("torchvision", "timm", "transformers")}, **counts)
    TARGET.write_text(head + "\n".join(line for _, line in rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

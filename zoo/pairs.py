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
that a golden file recorded (activations). Without a golden file the stored graph decides, where
it can be run; else such layers stay ambiguous, and loading is refused.
`neutral load --reference` computes such values from the store itself (in Python, `neutral.reference.record` writes them
to a file for `golden=`), so what MXNet's record decides is decided without MXNet.

| MXNet | into | layers | matched by | error | seconds | status |
|---|---|--:|---|--:|--:|---|
"""

TAIL = """\

## Emitted modules

A module of the class that `neutral emit` writes takes its own store always, by names alone and without the weights
file: its tensors have the names and shapes that the emitter gives the store's, and the emitter's plan fills them
(`emitted source` in the plan). The plan is graded like any other; a module that was edited so that it computes
something else is matched like a module of another author. `neutral write WEIGHTS --like STORE` recognises fine-tuned
weights of that class likewise, so that they need no mapping. Of source that was emitted up to a node (`--until`,
`--outputs` with one node) both need to be told which layers may be lacking (`allow_unused`, and `allow_missing` to
write); such a module is compared with the store up to that node, and what it lacks is written as the store has it.
Modules that were emitted with several outputs are compared with the store's at these nodes, which the docstring of
their file names, where their code is the emitter's.

## Loops and transforms

Neither `torch.vmap` nor the other transforms of `torch.func` hide layers or functions: they are traced inside. A module
that loops over `nn.LSTMCell`, `nn.GRUCell` or `nn.RNNCell` takes a store with the whole layer, and the reverse, where
the proof succeeds; else it is refused.

## Grades

A plan has a grade. After matching, a copy of the module is filled by the plan and run in double precision on drawn
inputs, at a small and a large scale: in the shapes of the example, of the golden file, or of the stored graph; on a
batch of two also where the example has one row, if the stored graph leaves the batch free; indices from the whole table
that they index. Its outputs, each in its place, and the outputs of matched layers are compared with those of the
store's own model (`neutral_to_torch.build`). The example's values are not used.
Without an example, inputs of an uneven size are compared too where the graph leaves sizes free: they show how windows
are rounded, and sizes that the module has as constants.

- **proven by the store's meaning**: all outputs and all layers that can be compared agree within 1e-6 of their scale
  (1e-4 where the module or the graph computes in single precision, or has constants in it).
- **proven by golden values**: the loaded module reproduces the golden file within 1e-4.
- **proven by the reference's values**: the same with a golden file that `neutral golden` computed from the store, which
  proves the writer and not the reader.
- **unproven**, with the reason: the store has no graph, shapes are unknown, either side cannot be run, or the plan has
  leftovers or attributes that are known to change results. `load_into` then issues an `UnprovenWarning`; `neutral load`
  says it in its last line; `require_proof=True` and `--require-proof` refuse.

Layers that neither names nor the dataflow tell apart (two equal branches of a sum, two equal heads) are decided by the
same run: the first assignment with which every output is that of the store's model, in its place, is taken.

A plan stays unproven, with the reason, where an output agrees in another order of axes or with other axes of one; where
the module does not return a stored output, or returns it at another place (by a key or a field it may be at any); where
inputs of one shape are exchanged and their names do not say so; where outputs agree for some shapes of the inputs only.
With `allow_output_order`, places do not matter. `NEUTRAL_ALL_MUTATIONS=1 pytest
tests/neutral_to_torch/loading/test_mutations.py` loads networks with one change each in five modes: none that is proven
differs.

Attributes that change results (`eps`, `stride`, `padding`) are refused, unless `set_attributes` gives the module the
stored values or `allow_attributes` names those that may stay. A plan with such an allowance is unproven.

Outputs that differ where nothing explains it are refused, and so are outputs in another order, unless
`allow_output_order` is passed.
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
    TARGET.write_text(head + "\n".join(line for _, line in rows) + "\n" + TAIL, encoding="utf-8")


if __name__ == "__main__":
    main()

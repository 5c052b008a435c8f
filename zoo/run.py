"""Run the zoo matrix: convert the models of MXNet's zoos and compare every operator with real MXNet.

    export PYTHONPATH=tests/support
    python zoo/run.py                                   # all models; minutes to an hour
    python zoo/run.py 'mxnet/resnet*' 'gluoncv/ssd*'    # only models that match; keep the other results
    python zoo/run.py --training 'mxnet/resnet*'        # only their training steps; of all converted models by default

Needs torch, and a Python with MXNet 1.9.1, GluonCV 0.10.5, GluonNLP 0.10.0 and GluonTS 0.9.9 in the variable
NEUTRAL_MXNET_PYTHON; models of the last two are left out if they are not installed. Those of MXNet 2 are left out
without a Python with MXNet 2.0.0b1 in NEUTRAL_MXNET2_PYTHON. Each result is appended to
``--results``: an interrupted run resumes there, and models that are named are run again. Earlier results that lack the
comparison with the reference, that of the ONNX file, or the load of the store into the emitted module are completed:
nothing else of them is run again. Training steps have a file of their own beside ``--results``, and a column of the
table if there is one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Iterator, Mapping

import matrix
import onnx_column
import own_store_column
import reference_column
from error_texts import last_line, one_line
from onnx_column import onnx_facts
from ordering import error_before_ordering
from own_store_column import own_store_facts
from reference_column import has_no_store, reference_facts
from training_column import training_facts
from unwritten import judged_rows

from mxnet_side.client import MXNet, mxnet2_python, mxnet_python

ROOT = Path(__file__).resolve().parents[1]
OPERATOR_TOLERANCE = 1e-5
OUTPUT_TOLERANCE = 1e-4

COLUMNS: Mapping[str, Any] = {"reference": reference_column, "onnx": onnx_column, "own": own_store_column}
"""The module of each comparison that earlier results may lack."""

DATASET = re.compile(
    r"(_kitti)?_(voc|coco|custom|ade|citys|mhpv1|kinetics[47]00|hmdb51|ucf101|sthsthv2|(mono|stereo|mono_stereo)_640x192)$"
)
"""The part of a model's name that states its data set, which decides the number of classes."""


@dataclass(frozen=True)
class Result:
    """The result of one model.

    Errors are in units of the largest magnitude: of operators fed with MXNet's own values, of layers while the
    emitted model runs, and of the model's outputs. ``status`` is one of ``matrix.MEANINGS``. ``reference`` says how the
    reference compares, see :mod:`reference_column`, ``onnx`` how the ONNX file does, see :mod:`onnx_column`, and
    ``own`` whether the emitted module takes the store, see :mod:`own_store_column`.
    """

    model: str
    status: str
    reason: str = ""
    shapes: str = ""
    operators: int = 0
    kinds: int = 0
    lines: int = 0
    operator_error: float | None = None
    layer_error: float | None = None
    output_error: float | None = None
    seconds: float = 0.0
    reference: str = ""
    reference_error: float | None = None
    onnx: str = ""
    onnx_error: float | None = None
    own: str = ""


def module_of(name: str) -> str:
    """Return the module of ``mxnet_side`` that makes a model; ``zoo2`` needs a process with MXNet 2."""
    return "zoo2" if name.startswith("mxnet2/") else "zoo"


def check(name: str, mxnet: MXNet, folder: Path) -> Result:
    """Create a model in MXNet, convert it, and compare."""
    import mxnet_to_neutral
    import neutral
    import neutral_to_torch
    from neutral.errors import NeutralError

    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    try:
        model = mxnet.call(f"{module_of(name)}:make", name=name, prefix=prefix, golden=golden)
    except RuntimeError as error:
        return Result(name, "not exported", last_line(error))
    facts: dict[str, Any] = {
        "shapes": ", ".join("x".join(map(str, shape)) for shape in model["shapes"].values()),
        "operators": len(model["operators"]),
        "kinds": len(set(model["operators"])),
    }
    try:
        with mxnet_to_neutral.read(prefix, 0) as source:
            source.save(folder / "model.safetensors")
        with neutral.open(folder / "model.safetensors") as store:
            facts["lines"] = neutral_to_torch.emit(store, folder / "emitted.py").lines
            facts.update(onnx_facts(store, golden, folder, OUTPUT_TOLERANCE, model))
            facts.update(own_store_facts(store, golden))
            if name.startswith("int8/"):  # MXNet's values between the layers are integers
                outputs = neutral_to_torch.verify(neutral_to_torch.build(store), golden).rows
                facts["output_error"] = max(row.scaled_error for row in outputs)
                facts["reference"] = "not run: MXNet's values between the layers are integers"
                return Result(name, "int8", **facts)
            operators = neutral_to_torch.verify_operators(store, golden, tolerance=OPERATOR_TOLERANCE)
            module = neutral_to_torch.build(store)
            paths = {layer: path for layer, path in neutral_to_torch.plan_of(store).items() if layer in store.layers}
            plan = neutral_to_torch.make_plan(module, store, paths, strict=False)
            rows = judged_rows(operators.rows, store.graph, model["unwritten"])
            facts.update(reference_facts(store, golden, model, OPERATOR_TOLERANCE))
            ordered_error = error_before_ordering(store, golden)
            whole = neutral_to_torch.verify(
                module, golden, plan, store=store, tolerance=OUTPUT_TOLERANCE, end_to_end=OUTPUT_TOLERANCE
            )
    except NeutralError as error:
        return Result(name, "refused", one_line(str(error).replace(f"{folder}/", "")), **facts)
    except Exception as error:
        return Result(name, "failed", f"{type(error).__name__}: {one_line(str(error))}", **facts)
    drawn = [item for item in operators.skipped if item.why.startswith("sampled")]
    exact = all(row.ok for row in rows)
    layers = [row for row in whole.rows if row.layer is not None]
    outputs = [row for row in whole.rows if row.layer is None]
    facts["operator_error"] = max(row.scaled_error for row in rows)
    differs = not all(row.ok for row in outputs)
    if exact and model["unwritten"] and (differs or not model["stable"]):
        reason = f"{len(model['unwritten'])} ROIAlign leave memory unwritten, and the outputs depend on it"
        return Result(name, "undefined", reason, **facts)
    if exact and drawn and (differs or any(item.layer == "output" for item in whole.skipped)):
        return Result(name, "random", f"{len(drawn)} samplers; operators computed from MXNet's samples agree", **facts)
    facts["layer_error"] = max((row.scaled_error for row in layers), default=None)
    facts["output_error"] = max((row.scaled_error for row in outputs), default=None)
    if exact and differs and ordered_error is not None and ordered_error <= OUTPUT_TOLERANCE:
        return Result(name, "ties", f"the scores agree within {ordered_error:.1e}", **facts)
    if exact and differs and facts["output_error"] <= model["sensitivity"]:
        reason = f"MXNet's own outputs move by {model['sensitivity']:.1e} when its input moves by {model['nudge']:.0e}"
        return Result(name, "unstable", reason, **facts)
    reasons = [] if exact else [operators.summary]
    reasons += [f"output {row.source}: {row.hint}" for row in outputs if not row.ok]
    reasons += whole.problems
    return Result(name, "differs" if reasons else "equal", one_line("; ".join(reasons)), **facts)


def complete(row: dict[str, Any], mxnet: MXNet, folder: Path) -> Result:
    """Return an earlier result with the comparisons that it lacks, which alone are run."""
    import mxnet_to_neutral
    import neutral

    prefix, golden = str(folder / "model"), str(folder / "golden.safetensors")
    try:
        model = mxnet.call(f"{module_of(row['model'])}:make", name=row["model"], prefix=prefix, golden=golden)
    except RuntimeError as error:
        return without_comparison(row, f"not run: MXNet cannot run the model now: {last_line(error)}")
    with mxnet_to_neutral.read(prefix, 0) as source:
        source.save(folder / "model.safetensors")
    facts: dict[str, Any] = {}
    with neutral.open(folder / "model.safetensors") as store:
        if reference_column.is_missing(row) and row["status"] == "int8":
            facts["reference"] = "not run: MXNet's values between the layers are integers"
        elif reference_column.is_missing(row):
            facts.update(reference_facts(store, golden, model, OPERATOR_TOLERANCE))
        if onnx_column.is_missing(row):
            facts.update(onnx_facts(store, golden, folder, OUTPUT_TOLERANCE, model))
        if own_store_column.is_missing(row):
            facts.update(own_store_facts(store, golden))
    return Result(**{**row, **facts})


def lacks_comparison(row: Mapping[str, Any]) -> bool:
    """Return whether a result is of before one of the columns was added."""
    return any(column.is_missing(row) for column in COLUMNS.values())


def without_comparison(row: Mapping[str, Any], reason: str) -> Result:
    """Return an earlier result with the reason why the comparisons that it lacks were not run."""
    return Result(**{**row, **{name: reason for name, column in COLUMNS.items() if column.is_missing(row)}})


_processes: dict[str, MXNet] = {}


def work(name: str, pythons: Mapping[str, str], earlier: dict[str, Any] | None = None) -> Result:
    """Check a model in this process, with an MXNet process of its version that is kept for later calls.

    ``pythons`` are by the module of ``mxnet_side``. Of a model that has an earlier result, only the comparisons are run
    that it lacks.
    """
    import torch

    torch.set_num_threads(1)
    start = time.monotonic()
    module = module_of(name)
    if module not in _processes:
        _processes[module] = MXNet(pythons[module])
    with tempfile.TemporaryDirectory() as folder:
        try:
            if earlier is not None:
                return complete(earlier, _processes[module], Path(folder))
            result = check(name, _processes[module], Path(folder))
        except (EOFError, BrokenPipeError):
            del _processes[module]
            if earlier is not None:
                return without_comparison(earlier, "not run: the MXNet process died")
            result = Result(name, "not exported", "the MXNet process died")
    return Result(**{**asdict(result), "seconds": round(time.monotonic() - start, 1)})


def work_training(name: str, pythons: Mapping[str, str]) -> dict[str, Any]:
    """Compare a training step of a model in this process; its checkpoint is made by a kept MXNet process."""
    import torch

    import mxnet_to_neutral

    torch.set_num_threads(1)
    if name.startswith("int8/"):
        return {"model": name, "training": "not run: its layers compute in integers", "training_error": None}
    module = module_of(name)
    if module not in _processes:
        _processes[module] = MXNet(pythons[module])
    with tempfile.TemporaryDirectory() as folder:
        prefix, golden = f"{folder}/model", f"{folder}/golden.safetensors"
        try:
            _processes[module].call(f"{module}:make", name=name, prefix=prefix, golden=golden)
            with mxnet_to_neutral.read(prefix, 0) as store:
                facts = training_facts(store, golden, prefix, pythons[module])
        except Exception as error:
            if isinstance(error, (EOFError, BrokenPipeError)):
                del _processes[module]
            facts = {"training": f"not run: {last_line(error)}", "training_error": None}
    return {"model": name, **facts}


def run_training(names: list[str], pythons: Mapping[str, str], jobs: int, path: Path) -> None:
    """Append the comparison of each model's training step to a file."""
    with open(path, "a", encoding="utf-8") as file, ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(work_training, name, pythons) for name in names]
        for count, future in enumerate(as_completed(futures), 1):
            row = future.result()
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(f"{count}/{len(names)} {row['model']}: {row['training']}", file=sys.stderr, flush=True)


def duplicates(names: list[str], chosen: list[str], mxnet: MXNet) -> dict[str, str]:
    """Return the models that differ from an earlier one in the number of classes only, with that one.

    Only groups with chosen models are compared.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        if name.startswith(("mxnet/", "gluoncv/")) and not name.endswith("_int8"):
            groups.setdefault(DATASET.sub("", name.partition("/")[2]).replace(".", "_"), []).append(name)
    duplicate_of = {}
    for group in groups.values():
        first: dict[str, str] = {}
        for name in () if len(group) == 1 or set(chosen).isdisjoint(group) else group:
            try:
                skeleton = mxnet.call("zoo:skeleton", name=name)
            except RuntimeError:
                continue
            if first.setdefault(skeleton, name) != name:
                duplicate_of[name] = first[skeleton]
    return duplicate_of


def results(
    names: list[str], pythons: Mapping[str, str], jobs: int, earlier: Mapping[str, dict[str, Any]] | None = None
) -> Iterator[Result]:
    """Yield the results of models as they are ready; those with an earlier result get what it lacks."""
    earlier = earlier or {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(work, name, pythons, earlier.get(name)) for name in names]):
            yield future.result()


def run_models(
    names: list[str],
    named: list[str],
    known: Mapping[str, Mapping[str, Any]],
    pythons: Mapping[str, str],
    mxnet: MXNet,
    jobs: int,
    path: Path,
) -> dict[str, Mapping[str, Any]]:
    """Run the models that are named or have no result, complete earlier ones, append all to a file, and return them."""
    known = dict(known)
    known_names = [] if named else [name for name in names if name in known]
    earlier = {name: dict(known[name]) for name in known_names if lacks_comparison(known[name])}
    chosen = named or [name for name in names if name not in known]
    same = duplicates(names, chosen, mxnet)
    mxnet.close()
    skipped = {name: Result(name, "same", f"as {same[name]}") for name in chosen if name in same}
    skipped.update({name: Result(name, "quantised") for name in chosen if name.endswith("_int8")})
    chosen += earlier
    running = [name for name in chosen if name not in skipped]
    with open(path, "a", encoding="utf-8") as file:
        for count, result in enumerate(chain(skipped.values(), results(running, pythons, jobs, earlier)), 1):
            known[result.model] = asdict(result)
            file.write(json.dumps(known[result.model]) + "\n")
            file.flush()
            print(f"{count}/{len(chosen)} {matrix.line(known[result.model])}", file=sys.stderr, flush=True)
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", help="models to run (again): shell patterns of zoo/name")
    parser.add_argument("--jobs", type=int, default=1, help="number of models to run at a time (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "zoo.jsonl", metavar="FILE")
    parser.add_argument("--training", action="store_true", help="only compare training steps")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "zoo.md", metavar="FILE")
    options = parser.parse_args()
    python = mxnet_python()
    if python is None:
        parser.error("MXNet is not installed: set NEUTRAL_MXNET_PYTHON to a Python that has it")
    pythons = {"zoo": python}
    mxnet = MXNet(python)
    names, versions = mxnet.call("zoo:names"), mxnet.call("zoo:versions")
    python2 = mxnet2_python()
    if python2 is None:
        print("models of MXNet 2 are left out: set NEUTRAL_MXNET2_PYTHON to a Python that has it", file=sys.stderr)
    else:
        pythons["zoo2"] = python2
        mxnet2 = MXNet(python2)
        names, versions["mxnet2"] = [*names, *mxnet2.call("zoo2:names")], mxnet2.call("zoo2:version")
        mxnet2.close()
    known = matrix.load(options.results)
    steps_path = options.results.with_name(f"{options.results.stem}-training.jsonl")
    steps = matrix.load(steps_path)
    named = [name for name in names if any(fnmatch(name, pattern) for pattern in options.patterns)]
    options.results.parent.mkdir(parents=True, exist_ok=True)
    if options.training:
        mxnet.close()
        converted = [name for name in names if name in known and not has_no_store(known[name]) and name not in steps]
        run_training(named or converted, pythons, options.jobs, steps_path)
        steps = matrix.load(steps_path)
    else:
        known = run_models(names, named, known, pythons, mxnet, options.jobs, options.results)
    rows = [{**known[name], **steps.get(name, {})} for name in names if name in known]
    options.output.write_text(matrix.document(rows, len(names), versions), "utf-8")


if __name__ == "__main__":
    main()

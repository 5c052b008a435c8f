"""Run a module on a golden file's inputs and compare every named layer and output with those recorded.

With --into, the store is loaded into the module that you wrote; without, the module that `emit` writes is verified.
With --reference, the values are computed from the store by its reference functions in NumPy: that proves the writer,
not the reader, which only a golden file that MXNet recorded proves.
MODEL.onnx is run by onnxruntime; every value that has the name of a recorded node is compared.
The exit code is 0 when every difference is within the tolerance, and 7 when one is not.
"""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from neutral.cli.console import Console, Report
from neutral.cli.evidence import add_evidence, golden_file
from neutral.cli.examples import add_example, example_option
from neutral.cli.factory import add_factory, importable, make
from neutral.cli.load import add_differences, add_matching, difference_options, matching_options
from neutral.cli.outputs import add_replacing
from neutral.cli.sources import add_like, opened_like
from neutral.cli.target import OF_SUFFIX, add_target, target_writer
from neutral.errors import UsageError, VerificationError
from neutral.matching.unsaved import unsaved_attributes, unsaved_lines

if TYPE_CHECKING:
    from neutral.matching.plan import Plan
    from neutral.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral verify``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint; or MODEL.onnx")
    add_evidence(parser, required=True, purpose="compare with")
    add_factory(parser, required=False)
    add_target(parser)
    add_matching(parser)
    add_differences(parser)
    add_example(parser)
    add_like(parser)
    parser.add_argument(
        "--set-attributes", action="store_true", help="set attributes that differ (eps, stride) on the module first"
    )
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        metavar="X",
        help="largest error of a layer, in units of its largest magnitude (default: follows from its arithmetic, "
        "between 1e-5 and 1e-4)",
    )
    parser.add_argument("--end-to-end", type=_tolerance, metavar="X", help="the same for outputs")
    parser.add_argument("--html", metavar="FILE", help="also write a page: the report and the graph")
    add_replacing(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Run the module on the golden inputs and compare every layer.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        A row for each comparison, with the exit code of VerificationError if one exceeds its tolerance.

    Raises:
        UsageError: If the factory fails, or the writer cannot verify.
        MatchError: If store and module do not match.
        VerificationError: If the module cannot be run on the inputs.
    """
    if os.path.splitext(arguments.store)[1] in OF_SUFFIX:
        return _run_on_file(arguments, console)
    loading = ("build", "plan_of", "make_plan") if arguments.into is None else ("load_into",)
    writer = target_writer(arguments, "verify", *loading)
    limits = {"tolerance": arguments.tolerance, "end_to_end": arguments.end_to_end}
    importing = nullcontext() if arguments.into is None else importable(arguments.path)
    with opened_like(arguments.store, arguments.like) as store, importing, golden_file(
        store, arguments, console
    ) as golden:
        module, plan = _loaded(writer, store, arguments, golden)
        report = writer.verify(
            module,
            golden,
            plan=plan,
            store=store,
            **{name: value for name, value in limits.items() if value is not None},
        )
        if arguments.html:
            from neutral.cli.picture import write_picture

            shapes = _input_shapes(golden, store)
            write_picture(store, arguments.store, arguments.html, console, shapes, report.to_dict())
    unsaved = unsaved_attributes(plan) if arguments.set_attributes else ()
    document = {
        "store": arguments.store,
        "into": arguments.into,
        "golden_file": arguments.golden,
        "reference": arguments.reference,
        "html": arguments.html,
        **report.to_dict(),
        "set_attributes": [vars(item) for item in unsaved],
    }
    return Report(
        document,
        [*report.to_text(console.width).split("\n"), *unsaved_lines(unsaved)],
        0 if report.ok else VerificationError.exit_code,
    )


def _run_on_file(arguments: argparse.Namespace, console: Console) -> Report:
    """Verify a file that a writer wrote, such as MODEL.onnx, instead of a store."""
    from neutral.store.atomic import atomic_file

    writer = target_writer(arguments, "verify", path=arguments.store)
    if arguments.into is not None or arguments.mapping is not None or arguments.golden is None:
        raise UsageError(
            f"{arguments.store} is verified as it is, against --golden FILE: leave out --into and --mapping; "
            "--reference needs the store (neutral verify STORE --to onnx --reference)."
        )
    report = writer.verify(
        arguments.store, arguments.golden, tolerance=arguments.tolerance, end_to_end=arguments.end_to_end
    )
    if arguments.html:
        with atomic_file(arguments.html) as file:
            file.write(report.to_html().encode())
    document = {"store": arguments.store, "golden_file": arguments.golden, "html": arguments.html, **report.to_dict()}
    return Report(document, report.to_text(console.width).split("\n"), 0 if report.ok else VerificationError.exit_code)


def _input_shapes(golden: str | None, store: Store) -> dict[str, tuple[int, ...]]:
    """Return the recorded shapes of those inputs that the graph has."""
    from neutral.verification.golden import open_golden

    if golden is None or store.graph is None:
        return {}
    recorded = open_golden(golden)
    names = {item.name for item in store.graph.inputs}
    return {item.name: recorded.tensors[item.key].shape for item in recorded.inputs if item.name in names}


def _loaded(writer: Any, store: Store, arguments: argparse.Namespace, golden: str | None) -> tuple[Any, Plan]:
    """Return the loaded module, and the plan that pairs its submodules with stored layers."""
    if arguments.into is None:
        paths = {name: path for name, path in writer.plan_of(store).items() if name in store.layers}
        module = writer.build(store)
        return module, writer.make_plan(module, store, paths, strict=False)
    module = make(arguments.into, arguments.kwargs)
    options = {**matching_options(arguments), **difference_options(arguments), **example_option(arguments, store)}
    if arguments.reference:
        options["golden"] = golden
    return module, writer.load_into(module, store, set_attributes=arguments.set_attributes, **options)


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"invalid tolerance {text}; expected a finite number, 0 or larger")
    return value

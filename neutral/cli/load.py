"""Load a store into a module that you wrote, and save the module's weights.

Layers are matched by --mapping, then by name and by dataflow. Every stored layer has to be used and every tensor of the
module filled, except those that --allow-unused and --allow-missing name; otherwise no weights are written. --save-plan
writes the plan, the list of matches, also when store and module do not fit: complete it and pass it to --mapping. With
--golden or --reference, the loaded module is run and compared layer by layer before its weights are written.

Weights do not hold attributes that --set-attributes sets (stride, eps): the report names the lines of your source to
change, and without --allow-set no weights are written (exit code 9).
"""

from __future__ import annotations

import argparse
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from neutral.cli.console import Console, Report
from neutral.cli.evidence import add_evidence, golden_file
from neutral.cli.examples import add_example, example_option
from neutral.cli.factory import add_factory, importable, make
from neutral.cli.outputs import add_replacing
from neutral.cli.sources import add_like, opened_like
from neutral.cli.target import add_target, target_writer
from neutral.errors import UsageError, VerificationError
from neutral.matching.grade import UnprovenWarning
from neutral.matching.unsaved import UnsavedAttributesWarning, check_unsaved, unsaved_attributes, unsaved_lines

if TYPE_CHECKING:
    from neutral.verification.report import Report as Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral load``.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("store", metavar="STORE", help="a store, or a checkpoint")
    add_factory(parser, required=True)
    add_target(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="the weights: FILE.safetensors, FILE.pth or FILE.pt")
    parser.add_argument("--save-plan", metavar="FILE", help="write the plan as TOML")
    add_matching(parser)
    add_differences(parser)
    add_example(parser)
    add_like(parser)
    parser.add_argument(
        "--set-attributes", action="store_true", help="set attributes that differ (eps, stride) on the module"
    )
    parser.add_argument(
        "--allow-set",
        action="store_true",
        help="write the weights although attributes were set on the module, which they do not hold",
    )
    parser.add_argument(
        "--fold-batch-norms",
        action="store_true",
        help="multiply batch norms that the module lacks into the convolutions before them",
    )
    parser.add_argument(
        "--require-proof", action="store_true", help="refuse a plan that no run of the stored graph or values prove"
    )
    add_evidence(parser, required=False, purpose="decide ambiguous layers by, and verify the loaded module on,")
    parser.add_argument("--dry-run", action="store_true", help="make and check the plan, write nothing")
    add_replacing(parser)


def add_matching(parser: argparse.ArgumentParser) -> None:
    """Declare the options that control which stored layer fills which part of a module.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument("--mapping", metavar="FILE", help='TOML: a plan, or lines "stored layer" = "module.path"')
    for option, subject in (("--allow-unused", "stored layers"), ("--allow-missing", "module tensors")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="PATTERN",
            help=f"{subject} that may be left over; may be repeated",
        )


def add_differences(parser: argparse.ArgumentParser) -> None:
    """Declare the options that accept a module that differs from the stored network.

    Args:
        parser: The parser of the verb.
    """
    parser.add_argument(
        "--allow-attributes",
        action="append",
        default=[],
        metavar="PATTERN",
        help="attributes that may differ though they change the results (eps, conv1.stride); may be repeated",
    )
    parser.add_argument(
        "--allow-output-order", action="store_true", help="accept outputs in another order than the store's"
    )


def difference_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_differences` that are given, as keyword arguments of a writer's methods.

    Args:
        arguments: Parsed arguments with these options.

    Returns:
        ``allow_attributes`` and ``allow_output_order``; a writer that lacks them can be used without them.
    """
    options: dict[str, Any] = {}
    if arguments.allow_attributes:
        options["allow_attributes"] = arguments.allow_attributes
    if arguments.allow_output_order:
        options["allow_output_order"] = True
    return options


def matching_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_matching` as keyword arguments of a writer's methods.

    Args:
        arguments: Parsed arguments with these options.

    Returns:
        ``mapping``, ``allow_unused`` and ``allow_missing``.
    """
    return {
        "mapping": arguments.mapping,
        "allow_unused": arguments.allow_unused,
        "allow_missing": arguments.allow_missing,
    }


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Load the store into the factory's module, verify it on request, and write its weights and the plan.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The plan, and the files that were written.

    Raises:
        UsageError: If no output is wanted, or the factory fails.
        MatchError: If store and module do not match.
        VerificationError: If the loaded module does not reproduce the golden file; no weights are written.
        UnsavedAttributesError: If attributes that change the results were set on the module, without --allow-set; no
            weights are written.
    """
    if not (arguments.output or arguments.save_plan or arguments.dry_run):
        raise UsageError("nothing to do: pass -o, --save-plan or --dry-run.")
    verifying = ["verify"] if arguments.golden or arguments.reference else []
    writer = target_writer(arguments, "make_plan", "load_into", *verifying)
    with ExitStack() as stack:
        store = stack.enter_context(opened_like(arguments.store, arguments.like))
        stack.enter_context(importable(arguments.path))
        golden = stack.enter_context(golden_file(store, arguments, console))
        module = make(arguments.into, arguments.kwargs)
        options = {
            **matching_options(arguments),
            **difference_options(arguments),
            "golden": golden,
            "fold_batch_norms": arguments.fold_batch_norms,
            **example_option(arguments, store),
        }
        proven = {"require_proof": True} if arguments.require_proof else {}
        if arguments.save_plan and not arguments.dry_run:
            writer.make_plan(module, store, strict=False, **options).save(arguments.save_plan)
        proof = None
        if arguments.dry_run and not (golden or arguments.set_attributes):
            plan = writer.make_plan(module, store, **options, **proven)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnprovenWarning)  # the last lines say it
                plan = writer.load_into(module, store, set_attributes=arguments.set_attributes, **options, **proven)
        if golden:
            proof = writer.verify(module, golden, plan, store=store)
            if not proof.ok:
                raise VerificationError(_failed_proof(proof))
        unsaved = unsaved_attributes(plan) if arguments.set_attributes else ()
        if arguments.output and not arguments.allow_set:
            check_unsaved(unsaved, arguments.output)
        if arguments.output and not arguments.dry_run:
            with console.progress("save") as progress, warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsavedAttributesWarning)
                writer.save_weights(module, arguments.output, progress=progress)
    targets = [target for target in (arguments.output, arguments.save_plan) if target]
    done = "would write" if arguments.dry_run else "wrote"
    return Report(
        {
            "store": arguments.store,
            "into": arguments.into,
            "output": arguments.output,
            "save_plan": arguments.save_plan,
            "written": not arguments.dry_run,
            "plan": plan.to_dict(),
            "grade": plan.grade.to_dict(),
            "set_attributes": [vars(item) for item in unsaved],
            "proof": None if proof is None else proof.to_dict(),
        },
        [
            *plan.to_text(console.width).split("\n"),
            "",
            *([proof.summary] if proof is not None else []),
            *(f"{done} {target}" for target in targets),
            str(plan.grade),
            *unsaved_lines(unsaved),
        ],
    )


def _failed_proof(proof: Comparison) -> str:
    """Return the message for a loaded module that differs: the first pair of the plan beyond its tolerance."""
    row = proof.first_divergence
    if row is None:
        reason = "; ".join(proof.problems) or proof.summary
        return f"the loaded module cannot be verified, no weights were written: {reason}"
    place = f"output {row.source}" if row.layer is None else f"{row.layer}, loaded into {row.module or 'the module'}"
    return (
        f"the loaded module differs from {proof.golden}, first in {place}: {row.hint} "
        f"({row.scaled_error:.1e} of its scale, allowed {row.tolerance:.0e}). No weights were written."
    )

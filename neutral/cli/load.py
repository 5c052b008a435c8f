"""Load a store into a PyTorch module that you wrote, and save the module's weights.

Layers are matched by your mapping, then by name and by dataflow. Everything in the store has to be used and everything
in the module filled, or be allowed by name; nothing is written otherwise. The plan that --save-plan writes says what
goes where. It is written even where store and module do not fit, to be completed and given back with --mapping. With
--golden, the loaded module is run and compared layer by layer before its weights are written.
"""

from __future__ import annotations

import argparse
from typing import Any

import neutral
from neutral.cli.console import Console, Report
from neutral.cli.factory import add_factory, importable, make
from neutral.errors import UsageError, VerificationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE")
    add_factory(parser, required=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="the weights: FILE.safetensors, FILE.pth or FILE.pt")
    parser.add_argument("--save-plan", metavar="FILE", help="write the plan as TOML")
    add_matching(parser)
    parser.add_argument(
        "--set-attributes", action="store_true", help="set attributes that differ (eps, stride) on the module"
    )
    parser.add_argument(
        "--fold-batch-norms", action="store_true", help="put batch norms that the module lacks into what is before them"
    )
    parser.add_argument("--golden", metavar="FILE", help="a golden file that the loaded module has to agree with")
    parser.add_argument("--dry-run", action="store_true", help="make the plan and check it, write nothing")


def add_matching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mapping", metavar="FILE", help='TOML: a plan, or lines "stored layer" = "module.path"')
    for option, what in (("--allow-unused", "stored layers"), ("--allow-missing", "module tensors")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="PATTERN",
            help=f"{what} that may be left over; may be repeated",
        )


def matching(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "mapping": arguments.mapping,
        "allow_unused": arguments.allow_unused,
        "allow_missing": arguments.allow_missing,
    }


def run(arguments: argparse.Namespace, console: Console) -> Report:
    from neutral import plugins

    if not (arguments.output or arguments.save_plan or arguments.dry_run):
        raise UsageError("nothing would come of this: give -o, --save-plan or --dry-run.")
    writer = plugins.load(plugins.WRITERS, "torch")
    with neutral.open(arguments.store) as store, importable(arguments.path):
        module = make(arguments.into, arguments.kwargs)
        given = {**matching(arguments), "golden": arguments.golden, "fold_batch_norms": arguments.fold_batch_norms}
        if arguments.save_plan and not arguments.dry_run:
            writer.make_plan(module, store, strict=False, **given).save(arguments.save_plan)
        proof = None
        if arguments.dry_run and not arguments.golden:
            plan = writer.make_plan(module, store, **given)
        else:
            plan = writer.load_into(module, store, set_attributes=arguments.set_attributes, **given)
        if arguments.golden:
            proof = writer.verify(module, arguments.golden, plan, store=store)
            if not proof.ok:
                raise VerificationError(_suspect(proof))
        if arguments.output and not arguments.dry_run:
            with console.progress("save") as progress:
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
            "proof": None if proof is None else proof.to_dict(),
        },
        [
            *str(plan).split("\n"),
            "",
            *([proof.summary] if proof is not None else []),
            *(f"{done} {target}" for target in targets),
        ],
    )


def _suspect(proof: Any) -> str:
    """Which pair of the plan a comparison speaks against: the first that differs."""
    row = proof.first_divergence
    if row is None:
        return (
            f"the loaded module cannot be proven, no weights were written: {'; '.join(proof.problems) or proof.summary}"
        )
    where = f"output {row.source}" if row.layer is None else f"{row.layer}, loaded into {row.module or 'the module'}"
    return (
        f"the loaded module differs from {proof.golden}, first in {where}: {row.hint} "
        f"({row.scaled_error:.1e} of its scale, allowed {row.tolerance:.0e}). No weights were written."
    )

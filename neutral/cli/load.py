"""Load a store into a PyTorch module that you wrote, and save the module's weights.

Layers are matched by your mapping, then by name. Everything in the store has to be used and everything in the module
filled, or be allowed by name; nothing is written otherwise. The plan that --save-plan writes says what goes where. It
is written even where store and module do not fit, to be completed and given back with --mapping.
"""

from __future__ import annotations

import argparse
from typing import Any

import neutral
from neutral.cli.console import Console, Report
from neutral.cli.factory import add_factory, importable, make
from neutral.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE")
    add_factory(parser, required=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="the weights: FILE.safetensors, FILE.pth or FILE.pt")
    parser.add_argument("--save-plan", metavar="FILE", help="write the plan as TOML")
    add_matching(parser)
    parser.add_argument(
        "--set-attributes", action="store_true", help="set attributes that differ (eps, stride) on the module"
    )
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
        if arguments.save_plan and not arguments.dry_run:
            writer.make_plan(module, store, strict=False, **matching(arguments)).save(arguments.save_plan)
        if arguments.dry_run:
            plan = writer.make_plan(module, store, **matching(arguments))
        else:
            plan = writer.load_into(module, store, set_attributes=arguments.set_attributes, **matching(arguments))
            if arguments.output:
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
        },
        [*str(plan).split("\n"), "", *(f"{done} {target}" for target in targets)],
    )

"""Evaluate a store's graph in NumPy and record the output of every node in a golden file.

The file has the format of the one that mxnet_capture.py records, and `verify` and `load` take it in its place. It
proves less: a module that agrees with it computes what the store says (the writer is right). Only a record of MXNet
itself proves that the store says what the original model computed (the reader is right). File and reports say so.

Inputs that are not given are drawn, in the shape of --shape or the one that the graph declares.
"""

from __future__ import annotations

import argparse

from neutral.cli.arrays import add_evaluated, add_precision, opened_evaluation
from neutral.cli.console import Console, Report, plural
from neutral.cli.examples import add_input_shapes
from neutral.cli.outputs import add_replacing
from neutral.verification.golden import WRITER_ONLY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral golden``.

    Args:
        parser: The parser of the verb.
    """
    add_evaluated(parser)
    add_input_shapes(parser, "draw an input of this shape; once for each input")
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.safetensors", help="the golden file")
    add_precision(parser)
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the seed of drawn inputs and random operators"
    )
    add_replacing(parser)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Evaluate the graph and write the golden file.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output, for progress bars.

    Returns:
        The numbers of recorded values, and the part of the conversion that they prove.

    Raises:
        UsageError: If an input is unknown, or has neither values nor a known shape.
        SourceError: If a file cannot be read.
        MismatchError: If an input does not have the declared shape and dtype.
        UnsupportedError: If an operator cannot be evaluated.
        TargetError: If the output cannot be written.
    """
    from neutral import reference

    with opened_evaluation(arguments, console, ".safetensors") as (store, given, progress):
        inputs, notes = reference.draw_inputs(store, given, dict(arguments.shape), arguments.seed)
        description = reference.record(
            store,
            inputs,
            arguments.output,
            precision=arguments.precision,
            seed=arguments.seed,
            drawn=len(given) < len(inputs),
            notes=notes,
            progress=progress,
        )
    counts = {kind: len(description[kind]) for kind in ("inputs", "outputs", "internals")}
    document = {
        "store": arguments.store,
        "output": arguments.output,
        "precision": arguments.precision,
        "seed": description["seed"],
        **{kind: description[kind] for kind in counts},
        "proves": "writer",
        "notes": description["notes"],
    }
    words = (plural(counts["inputs"], "input"), plural(counts["outputs"], "output"))
    wrote = f"wrote {arguments.output}: {words[0]}, {words[1]}, {plural(counts['internals'], 'internal output')}"
    return Report(document, [*notes, f"{WRITER_ONLY[0].upper()}{WRITER_ONLY[1:]}.", wrote])

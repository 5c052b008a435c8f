"""Draw calls of all operators, compare them with MXNet, and write ``docs/operator-coverage.md``.

    python tests/differential/run_differential.py [--calls N] [--seed N] [--resume] [--only REGEX] [--page]

It needs ``NEUTRAL_MXNET_PYTHON``, the packages of the tests, and ``tests/support`` in ``PYTHONPATH``. Outcomes are
saved after each operator: ``--resume`` goes on with a run that was broken off, ``--only`` runs some operators and
replaces their rows, and ``--page`` makes the page from the outcomes that are there.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
import warnings
from pathlib import Path
from typing import Sequence

import torch

from differential import table
from differential.running import Runner, operators, run_operator
from mxnet_side.client import mxnet_python
from reader.registry_cases import Case


def main() -> None:
    """Run the calls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=8, help="calls of each operator with floats (default: 8)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the calls (default: 0)")
    parser.add_argument("--resume", action="store_true", help="leave out operators that a broken run has done")
    parser.add_argument("--only", metavar="REGEX", help="operators whose whole name matches; replace their rows")
    parser.add_argument("--page", action="store_true", help="run nothing; make the page from the outcomes")
    options = parser.parse_args()
    python = mxnet_python()
    if python is None and not options.page:
        parser.error("MXNet is not installed; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    every = operators()
    outcomes = table.load_outcomes()
    names = {case.operator for case in every}
    outcomes["operators"] = {name: value for name, value in outcomes["operators"].items() if name in names}
    if python is not None and not options.page:
        if not options.resume and options.only is None:
            outcomes = {"calls": options.calls, "seed": options.seed, "seconds": 0, "operators": {}}
        selected = [case for case in every if re.fullmatch(options.only or ".*", case.operator)]
        if options.resume:
            selected = [case for case in selected if case.operator not in outcomes["operators"]]
        run(selected, outcomes, options.calls, options.seed, python)
    table.write_page(names, outcomes)


def run(selected: Sequence[Case], outcomes: dict[str, object], calls: int, seed: int, python: str) -> None:
    """Run operators, and save the outcomes after each."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    by_operator = outcomes["operators"]
    assert isinstance(by_operator, dict)
    runner = Runner(python)
    with tempfile.TemporaryDirectory() as folder:
        for case in selected:
            begin = time.monotonic()
            by_operator[case.operator] = run_operator(case, calls, seed, runner, Path(folder))
            seconds = round(time.monotonic() - begin, 1)
            by_operator[case.operator].update(calls=calls, seconds=seconds)
            outcomes["seconds"] = round(sum(of_operator["seconds"] for of_operator in by_operator.values()), 1)
            table.save_outcomes(outcomes)
            print(case.operator, by_operator[case.operator]["counts"], flush=True)
    runner.close()


if __name__ == "__main__":
    main()

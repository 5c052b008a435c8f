"""Draw calls of all operators, compare them with MXNet, and write ``docs/operator-coverage.md``.

    python tests/differential/run_differential.py [--mxnet RELEASE] [--calls N] [--seed N] [--resume] [--only REGEX]
                                                  [--page]

It needs ``NEUTRAL_MXNET_PYTHON`` and ``NEUTRAL_MXNET2_PYTHON``, the packages of the tests, and ``tests/support`` in
``PYTHONPATH``. Outcomes are saved after each operator: ``--resume`` goes on with a run that was broken off, ``--only``
runs some operators and replaces their rows, and ``--page`` makes the page from the outcomes that are there.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
import warnings
from pathlib import Path

import torch

from differential import table
from differential.running import Runner, operators, run_operator
from mxnet_side.client import mxnet2_python, mxnet_python


def main() -> None:
    """Run the calls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mxnet", choices=table.RELEASES.values(), help="one release of MXNet (default: all)")
    parser.add_argument("--calls", type=int, default=8, help="calls of each operator with floats (default: 8)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the calls (default: 0)")
    parser.add_argument("--resume", action="store_true", help="leave out operators that a broken run has done")
    parser.add_argument("--only", metavar="REGEX", help="operators whose whole name matches; replace their rows")
    parser.add_argument("--page", action="store_true", help="run nothing; make the page from the outcomes")
    options = parser.parse_args()
    for version, release in table.RELEASES.items():
        if options.page or options.mxnet not in (None, release):
            continue
        python = {10901: mxnet_python, 20000: mxnet2_python}[version]()
        if python is None:
            parser.error(f"MXNet {release} is not installed; set the variable of its Python")
        run(version, python, options)
    table.write_page()


def run(version: int, python: str, options: argparse.Namespace) -> None:
    """Run operators of a version, and save the outcomes after each."""
    every = operators(version)
    outcomes = table.load_outcomes(version)
    names = {case.operator for case in every}
    outcomes["operators"] = {name: value for name, value in outcomes["operators"].items() if name in names}
    if not options.resume and options.only is None:
        outcomes = {"calls": options.calls, "seed": options.seed, "seconds": 0, "operators": {}}
    selected = [case for case in every if re.fullmatch(options.only or ".*", case.operator)]
    if options.resume:
        selected = [case for case in selected if case.operator not in outcomes["operators"]]
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    by_operator = outcomes["operators"]
    runner = Runner(python)
    with tempfile.TemporaryDirectory() as folder:
        for case in selected:
            begin = time.monotonic()
            by_operator[case.operator] = run_operator(case, options.calls, options.seed, runner, Path(folder))
            seconds = round(time.monotonic() - begin, 1)
            by_operator[case.operator].update(calls=options.calls, seconds=seconds)
            outcomes["seconds"] = round(sum(of_operator["seconds"] for of_operator in by_operator.values()), 1)
            table.save_outcomes(version, outcomes)
            print(case.operator, by_operator[case.operator]["counts"], flush=True)
    runner.close()


if __name__ == "__main__":
    main()

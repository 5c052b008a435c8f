"""Fuzz input formats for as long as asked, and print the counts by target.

    python tests/fuzz/fuzz_formats.py --count 100000                    # every target
    python tests/fuzz/fuzz_formats.py --target symbol --seed 7 --jobs 2
    python tests/fuzz/fuzz_formats.py --target symbol --seed 7 --case 41 # one case again, with its traceback

A failure is printed with its target, seed and case number, which make its input again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fuzzing.driver import Outcome, case_content, fuzz, rate
from fuzzing.parsers import PARSERS
from fuzzing.targets import TARGETS as PATHS

TARGETS = {**PATHS, **PARSERS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="default: all")
    parser.add_argument("--count", type=int, default=1000, help="cases a target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes a target; each has its own seed")
    parser.add_argument("--case", type=int, help="run this case alone, in this process")
    arguments = parser.parse_args()
    names = arguments.target or sorted(TARGETS)
    if arguments.case is not None:
        return _run_one(names[0], arguments.seed, arguments.case)
    failed = False
    for name in names:
        started = time.perf_counter()
        seeds = range(arguments.seed, arguments.seed + arguments.jobs)
        with ProcessPoolExecutor(arguments.jobs) as pool:
            outcomes = list(pool.map(_fuzz, [name] * arguments.jobs, [arguments.count] * arguments.jobs, seeds))
        total = Outcome(name)
        for outcome in outcomes:
            total.accepted += outcome.accepted
            total.refused += outcome.refused
            total.failures += outcome.failures
        print(rate(total, started), flush=True)
        reasons: dict[str, list[str]] = {}
        for failure in total.failures:
            reasons.setdefault(failure.reason, []).append(f"--seed {failure.seed} --case {failure.index}")
        for reason, cases in sorted(reasons.items(), key=lambda item: -len(item[1])):
            print(f"    {len(cases):5} x {reason}: {cases[0]}", flush=True)
        failed = failed or bool(total.failures)
    return int(failed)


def _fuzz(name: str, count: int, seed: int) -> Outcome:
    return fuzz(TARGETS[name], count, seed)


def _run_one(name: str, seed: int, index: int) -> int:
    target = TARGETS[name]
    target.prepare()
    content = case_content(target, seed, index)
    print(content)
    with tempfile.TemporaryDirectory() as folder:
        target.run(content, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())

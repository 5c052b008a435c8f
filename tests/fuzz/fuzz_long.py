"""Fuzz every input format for hours, in rounds, and keep the counts by target in a file that a later run continues.

    python tests/fuzz/fuzz_long.py counts.json                 # ten million cases in a hundred rounds
    python tests/fuzz/fuzz_long.py counts.json --total 100000

Most cases go to the parsers that take thousands a second; each path through all of Neutral gets its share.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from fuzz_formats import TARGETS

from fuzzing.driver import fuzz

SHARES = {
    "header": 1150,
    "array_files": 380,
    "onnx": 360,
    "plan": 220,
    "index": 150,
    "arrays": 80,
    "golden": 60,
    "manifest_text": 30,
    "symbol_graph": 25,
    "state_dict": 20,
    "params": 8,
}
"""Parts of the cases that a target gets; those that are not named get one."""

ROUNDS = 100
SEED = 1_000_000
"""The seed of the first round; far from those of other commands."""


def cases_per_round(total: int) -> dict[str, int]:
    """Return the cases of each target in a round, at least one, of about ``total`` cases in all rounds."""
    shares = {name: SHARES.get(name, 1) for name in TARGETS}
    return {name: max(1, round(total * share / sum(shares.values()) / ROUNDS)) for name, share in shares.items()}


def run_round(counts: dict[str, Any], name: str, cases: int) -> None:
    """Run a target's next round, and add it to the counts."""
    entry = counts.setdefault(name, {"rounds": 0, "cases": 0, "accepted": 0, "refused": 0, "failures": {}})
    seed = SEED + entry["rounds"]
    outcome = fuzz(TARGETS[name], cases, seed)
    entry["rounds"] += 1
    entry["cases"] += outcome.cases
    entry["accepted"] += outcome.accepted
    entry["refused"] += sum(outcome.refused.values())
    for failure in outcome.failures:
        command = f"--target {name} --seed {seed} --case {failure.index}"
        entry["failures"].setdefault(failure.reason, []).append(command)


def save(counts: dict[str, Any], path: Path) -> None:
    """Replace the file of counts, which begins with the sums over all targets."""
    sums = {key: sum(entry[key] for name, entry in counts.items() if name != "all") for key in ("cases", "accepted")}
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps({"all": sums, **counts}, indent=1) + "\n")
    os.replace(beside, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=Path, help="the file of counts, which may exist")
    parser.add_argument("--total", type=int, default=10_000_000, help="cases of all targets in all rounds")
    arguments = parser.parse_args()
    counts = json.loads(arguments.counts.read_text()) if arguments.counts.exists() else {}
    counts.pop("all", None)
    for number in range(ROUNDS):
        for name, cases in cases_per_round(arguments.total).items():
            if counts.get(name, {"rounds": 0})["rounds"] <= number:
                run_round(counts, name, cases)
                save(counts, arguments.counts)
    return int(any(entry["failures"] for entry in counts.values()))


if __name__ == "__main__":
    sys.exit(main())

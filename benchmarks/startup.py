"""Measure the start of the command line above that of a bare interpreter.

python benchmarks/startup.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from common import Run, interleaved, measure, table

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT = str(ROOT / "examples" / "shapes" / "shapes")


def run(*arguments: str) -> Run:
    return measure([sys.executable, *arguments])


def main() -> None:
    runs = interleaved(
        {
            "bare Python": lambda: run("-c", "pass"),
            "neutral --help": lambda: run("-m", "neutral", "--help"),
            "neutral inspect (a checkpoint)": lambda: run("-m", "neutral", "inspect", CHECKPOINT),
        },
        times=15,
    )
    bare = runs["bare Python"].seconds
    rows = [["", "milliseconds", "above bare Python"]]
    rows += [[name, f"{r.seconds * 1e3:.0f}", f"{(r.seconds - bare) * 1e3:.0f}"] for name, r in runs.items()]
    table("Starting", rows)


if __name__ == "__main__":
    main()

"""Measure ``neutral archive`` on 1,000 small checkpoints, with one worker and with two.

python benchmarks/archive.py [--checkpoints N]
"""

from __future__ import annotations

import argparse
import sys

from common import folder, measure, table, write_params

TENSORS, ELEMENTS = 50, 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", type=int, default=1_000)
    count = parser.parse_args().checkpoints
    rows = [["workers", "seconds", "checkpoints a second"]]
    with folder() as place:
        (place / "tree").mkdir()
        for number in range(count):
            write_params(place / "tree" / f"{number:05d}.params", TENSORS, ELEMENTS)
        for workers in (1, 2):
            command = [sys.executable, "-m", "neutral", "--quiet", "archive", str(place / "tree")]
            run = measure([*command, "--to", str(place / f"out{workers}"), "--workers", str(workers)])
            rows.append([str(workers), f"{run.seconds:.1f}", f"{count / run.seconds:.0f}"])
    table(f"Archive of {count:,} checkpoints of {TENSORS * ELEMENTS * 4 / 1e6:.0f} MB", rows)


if __name__ == "__main__":
    main()

"""Shared code of the benchmarks: checkpoints of any size, and measured processes."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Sequence

MAGIC_V2 = 0xF993FAC9


@dataclass(frozen=True)
class Run:
    """Wall time in seconds and peak resident memory in MiB of a finished process."""

    seconds: float
    peak: float


def write_params(path: Path, tensors: int, elements: int) -> None:
    """Write a parameter file of ``tensors`` float32 vectors of ``elements`` each: noise of the size of weights."""
    noise = bytearray(os.urandom(1 << 20))
    noise[3::4] = noise[3::4].translate(bytes(byte & 0x80 | 0x3C for byte in range(256)))  # +-0.0078 to 0.031
    with open(path, "wb") as file:
        file.write(struct.pack("<3Q", 0x112, 0, tensors))
        for _ in range(tensors):
            file.write(struct.pack("<Iiiq3i", MAGIC_V2, 0, 1, elements, 1, 0, 0))
            left = elements * 4
            while left:
                left -= file.write(noise[: min(left, len(noise))])
        file.write(struct.pack("<Q", tensors))
        for index in range(tensors):
            name = f"arg:layer{index}_weight".encode()
            file.write(struct.pack("<Q", len(name)) + name)


def measure(command: Sequence[str], code: int = 0) -> Run:
    """Run a command to its end and measure it; an exit code other than ``code`` stops the benchmark.

    Python may cache compiled modules, as it does for an installed package.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.WEXITSTATUS(status) != code or os.WIFSIGNALED(status):
        sys.exit(f"{' '.join(command)} failed")
    return Run(seconds, usage.ru_maxrss / 1024)


def best(action: Callable[[], Run], times: int = 5) -> Run:
    """Return the shortest time and the highest memory of several runs."""
    runs = [action() for _ in range(times)]
    return Run(min(run.seconds for run in runs), max(run.peak for run in runs))


def interleaved(actions: dict[str, Callable[[], Run]], times: int = 5) -> dict[str, Run]:
    """Return the shortest time and highest memory of each action; they alternate, so a slow moment hits all."""
    runs: dict[str, list[Run]] = {name: [] for name in actions}
    for _ in range(times):
        for name, action in actions.items():
            runs[name].append(action())
    return {name: Run(min(r.seconds for r in results), max(r.peak for r in results)) for name, results in runs.items()}


@contextmanager
def folder() -> Iterator[Path]:
    """Make a temporary folder, in ``NEUTRAL_BENCHMARK_DIR`` if that is set."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("NEUTRAL_BENCHMARK_DIR")) as path:
        yield Path(path)


def own_peak() -> float:
    """Return the highest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first of which is the head, as a Markdown table."""
    print(f"\n### {title}\n")
    head, *body = rows
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in body:
        print("| " + " | ".join(row) + " |")

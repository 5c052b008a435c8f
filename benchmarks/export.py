"""Compare ``neutral export`` with ``cp``, and with MXNet's loader followed by the official safetensors writer.

    python benchmarks/export.py [--mxnet PYTHON]

``cp`` does not wait for the disk and ``neutral export`` does, so ``cp`` is measured alone and with ``sync``; and with
``sha256sum``, because an export computes the digest of the file and of every tensor.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from common import Run, best, folder, interleaved, measure, table, write_params

MIB = 1 << 20

TINY = (100_000, 4)
TINY_NAME = "100,000 tensors of 16 bytes"

BY_HAND = """
import sys, mxnet as mx
from safetensors.numpy import save_file
arrays = {name: array.asnumpy() for name, array in mx.nd.load(sys.argv[1]).items()}
save_file(arrays, sys.argv[2])
"""


def export(path: Path, out: Path, *options: str) -> Run:
    return measure([sys.executable, "-m", "neutral", "--quiet", "export", str(path), "-o", str(out), *options])


def against_cp(path: Path, out: Path) -> None:
    def export_again(*options: str) -> Run:
        out.unlink(missing_ok=True)
        return export(path, out, *options)

    def copy(*then: str) -> Run:
        out.unlink(missing_ok=True)
        done = [measure(["cp", str(path), str(out)]), *(measure([command, str(out)]) for command in then)]
        return Run(sum(run.seconds for run in done), max(run.peak for run in done))

    by_hand = {
        "cp": copy,
        "cp and sync": lambda: copy("sync"),
        "cp, sync and sha256sum": lambda: copy("sync", "sha256sum"),
    }
    exports = {"neutral export --no-digests": lambda: export_again("--no-digests"), "neutral export": export_again}
    runs = interleaved({**by_hand, **exports})
    size = path.stat().st_size / MIB
    rows = [["", "seconds", *(f"against {name}" for name in by_hand)]]
    for name, run in runs.items():
        rows.append([name, f"{run.seconds:.2f}", *(f"{run.seconds / runs[other].seconds:.2f}" for other in by_hand)])
    table(f"Export of {size:.0f} MiB", rows)


def against_mxnet(path: Path, out: Path, python: str, title: str) -> None:
    reference = "mx.nd.load and safetensors.numpy.save_file"
    runs = interleaved(
        {
            reference: lambda: measure([python, "-c", BY_HAND, str(path), str(out)]),
            "neutral export --no-digests": lambda: export(path, out, "--no-digests"),
            "neutral export": lambda: export(path, out),
        },
        times=5,
    )
    rows = [["", "seconds", "times as fast", "peak MiB"]]
    for name, run in runs.items():
        rows.append([name, f"{run.seconds:.2f}", f"{runs[reference].seconds / run.seconds:.1f}", f"{run.peak:.0f}"])
    table(f"Export of {title} against MXNet's loader", rows)


def memory(place: Path) -> None:
    bare = best(lambda: measure([sys.executable, "-c", "pass"]), 3).peak
    rows = [["checkpoint", "seconds", "peak MiB above bare Python"]]
    for name, tensors, elements in (
        ("100 MiB", 100, MIB // 4),
        ("2 GiB", 512, MIB),
        (TINY_NAME, *TINY),
    ):
        path, out = place / "memory.params", place / "memory.safetensors"
        write_params(path, tensors, elements)
        run = best(partial(export, path, out), 3)
        rows.append([name, f"{run.seconds:.2f}", f"{run.peak - bare:.0f}"])
        path.unlink()
        out.unlink()
    table("Memory of export", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxnet", default=os.environ.get("NEUTRAL_MXNET_PYTHON"), help="a Python that has MXNet")
    arguments = parser.parse_args()
    with folder() as place:
        path, out = place / "model.params", place / "model.safetensors"
        write_params(path, 512, MIB)
        against_cp(path, out)
        write_params(path, 138, MIB)
        against_cp(path, out)
        if arguments.mxnet:
            against_mxnet(path, out, arguments.mxnet, f"{path.stat().st_size / MIB:.0f} MiB")
            write_params(path, *TINY)
            against_mxnet(path, out, arguments.mxnet, TINY_NAME)
        path.unlink()
        out.unlink(missing_ok=True)
        memory(place)


if __name__ == "__main__":
    main()

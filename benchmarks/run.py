"""Run the benchmarks one after the other; with ``--page``, write their tables into docs/benchmarks.md.

    nox -s benchmarks -- [--page] [--timeout SECONDS] [NAME ...]

The page is written anew after each benchmark, whose section it replaces; the others stay. So a run can be interrupted,
and a benchmark that fails, or takes longer than the timeout, leaves its former section; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import ast
import os
import platform
import re
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"

USUAL = ("startup", "export", "load", "archive", "match", "emit", "graph_costs", "reference", "onnx_files")
NAMES = (*USUAL, "scale")

HEAD = """\
# Benchmarks

Speed and memory of Neutral, measured by the programs in `benchmarks/`. Each section says on which machine.
`nox -s benchmarks -- --page` measures everything again and writes this page; with names after it
(`-- --page emit match`), these sections alone. On a busy machine all figures are worse: compare figures of one run with
each other.
"""


def sections(page: str) -> dict[str, str]:
    """Return the sections of a page by the name of their benchmark."""
    parts = re.split(r"^## (\w+)\n", page, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2])}


def assemble(texts: dict[str, str]) -> str:
    """Return the page of some sections, in the order of the benchmarks."""
    return "\n".join([HEAD, *(f"## {name}\n\n{texts[name]}\n" for name in NAMES if name in texts)])


def section(name: str, output: str, machine: str) -> str:
    """Return the text of a benchmark's section: what it measures, where, and its tables."""
    document = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    purpose = " ".join(document.partition("\n\n")[0].split()).rstrip(".:")
    return f"{purpose} (`benchmarks/{name}.py`). {machine}\n\n{output.strip()}"


def describe_machine() -> str:
    """Return a sentence on the machine, the versions and the date."""
    processor = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        processor = found[1].strip() if found else processor
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        size = f", {memory:.0f} GiB of memory"
    except (OSError, ValueError):
        size = ""
    versions = [f"Python {platform.python_version()}"]
    for package in ("numpy", "torch", "onnxruntime"):
        try:
            versions.append(f"{package} {metadata.version(package).partition('+')[0]}")
        except metadata.PackageNotFoundError:
            continue
    cores = os.cpu_count()
    return f"{time.strftime('%d %B %Y').lstrip('0')}; {processor}, {cores} cores{size}; {', '.join(versions)}."


def run(name: str, timeout: float) -> str | None:
    """Run a benchmark and return what it printed, or None if it failed; its own processes end with it."""
    print(f"\n== {name}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            print(f"{name}: longer than {timeout:.0f} seconds", file=sys.stderr)
            os.killpg(process.pid, signal.SIGKILL)
            return None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    print(output, flush=True)
    return output if process.returncode == 0 and "|" in output else None


def write_section(page: Path, name: str, text: str) -> None:
    """Replace a section of the page, whole or not at all."""
    texts = sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    temporary = page.with_suffix(".part")
    temporary.write_text(assemble({**texts, name: text}), encoding="utf-8")
    temporary.replace(page)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all but scale if none is given"
    )
    parser.add_argument("--page", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds that one benchmark may take")
    arguments = parser.parse_args(words)
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}")
    failed = []
    for name in arguments.names or USUAL:
        output = run(name, arguments.timeout)
        if output is None:
            failed.append(name)
        elif arguments.page:
            write_section(PAGE, name, section(name, output, describe_machine()))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

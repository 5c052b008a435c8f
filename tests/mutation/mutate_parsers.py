"""Mutate the parsers one change at a time, run their tests on each mutant, and print the mutants that no test notices.

    python tests/mutation/mutate_parsers.py                          # all modules, an hour or two
    python tests/mutation/mutate_parsers.py --module neutral.strict_json
    python tests/mutation/mutate_parsers.py --share 0.1 --seed 3     # a tenth of the mutants, drawn

Each mutant is a fork of a process that has imported pytest and NumPy, so it costs little more than its tests.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import random
import resource
import signal
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Sequence

import numpy  # noqa: F401 - imported once, before the forks
import pytest
from source_mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
ARRAYS, SYMBOL, FILES = (f"tests/mxnet_to_neutral/{name}" for name in ("arrays", "symbol", "files"))
HEADER, PLAN = "tests/neutral/store/test_header.py", "tests/neutral/matching/test_plan_files.py"
MANIFEST = "tests/neutral/manifest"

TARGETS: dict[str, tuple[str, ...]] = {
    "neutral.strict_json": ("tests/neutral/test_strict_json.py", MANIFEST),
    "neutral.store.header_parser": (HEADER,),
    "neutral.matching.plan_file": (PLAN,),
    "neutral.manifest.validators": (MANIFEST,),
    "neutral.manifest.compound_validators": (MANIFEST,),
    "neutral.manifest.decoding": (MANIFEST,),
    **{
        f"mxnet_to_neutral.arrays.{name}": (ARRAYS,)
        for name in ("window", "ndarray_list", "array", "sparse", "npy", "npz", "zip", "signatures", "names")
    },
    **{
        f"mxnet_to_neutral.symbol.{name}": (SYMBOL,)
        for name in ("values", "checks", "document", "parsing", "model", "ranges", "arity", "upgrade", "inputs")
    },
    **{f"mxnet_to_neutral.files.{name}": (FILES,) for name in ("archives", "members", "nested", "grouping", "kinds")},
}
"""The tests of each parser; the first failure of one ends a mutant."""

CPU_SECONDS = 120
MEMORY = 4 << 30


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed syntax tree, and others as usual."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def path_of(module: str) -> Path:
    """Return the file of a module, without importing it."""
    for folder in ("", "readers", "writers"):
        path = ROOT / folder / (module.replace(".", "/") + ".py")
        if path.exists():
            return path
    raise SystemExit(f"there is no module {module}")


def survives(module: str, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Run the tests on a mutant in a fork; return whether all pass."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            path = path_of(module)
            sys.meta_path.insert(0, MutantFinder(module, path, compile(tree, str(path), "exec")))
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT:
        raise KeyboardInterrupt
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def run_module(module: str, share: float, generator: random.Random, ends: float) -> tuple[int, list[Mutant]]:
    """Try the mutants of a module until the time is up; return how many were tried, and the survivors."""
    tests, source = TARGETS[module], path_of(module).read_text(encoding="utf-8")
    if not survives(module, ast.parse(source), tests):
        raise SystemExit(f"{module}: its tests fail on the module as it is")
    tried, survivors = 0, []
    for mutant in mutants(source):
        if generator.random() >= share:
            continue
        if time.monotonic() > ends:
            break
        tried += 1
        if survives(module, mutant.tree, tests):
            survivors.append(mutant)
            print(f"    {path_of(module).relative_to(ROOT)}:{mutant.line}: {mutant.text}", flush=True)
    return tried, survivors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", choices=sorted(TARGETS), help="default: all")
    parser.add_argument("--share", type=float, default=1.0, help="the part of the mutants to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="when to stop")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    ends = time.monotonic() + arguments.seconds
    for module in arguments.module or TARGETS:
        if time.monotonic() > ends:
            break
        tried, survivors = run_module(module, arguments.share, random.Random(f"{arguments.seed}:{module}"), ends)
        print(f"{module:40} {tried:4} mutants, {len(survivors):3} survive", flush=True)


if __name__ == "__main__":
    main()

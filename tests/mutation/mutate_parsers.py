"""Mutate the parsers one change at a time, run their tests on each mutant, and print the mutants that no test notices.

    python tests/mutation/mutate_parsers.py                          # all modules, an hour or two
    python tests/mutation/mutate_parsers.py --module neutral.strict_json
    python tests/mutation/mutate_parsers.py --share 0.1 --seed 3     # a tenth of the mutants, drawn

Each mutant of a function is a fork of a process that has collected the tests, so it costs no more than they. The tests
that run the changed line come first; a mutant that they do not notice is given to all tests of its module.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.util
import os
import random
import sys
import tempfile
import time
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Iterator, Sequence

import numpy  # noqa: F401 - imported once, before the forks
import pytest
from mutant_runs import MutantTests, forked, is_in_function
from source_mutants import Mutant, mutants

IMPORT_CPU_SECONDS = 120
"""CPU time of a mutant of what runs when its module is imported."""

ROOT = Path(__file__).parents[2]
ARRAYS, SYMBOL, FILES = (f"tests/mxnet_to_neutral/{name}" for name in ("arrays", "symbol", "files"))
READ, MATCHING, STORE = "tests/mxnet_to_neutral/test_read.py", "tests/neutral/matching", "tests/neutral/store"
PLANS = (f"{MATCHING}/test_plan_files.py", "tests/neutral_to_torch/loading/test_plan.py")
MANIFEST = "tests/neutral/manifest"


def _modules(package: str, *names: str) -> Iterator[str]:
    return (f"{package}.{name}" for name in names)


TARGETS: dict[str, tuple[str, ...]] = {
    "neutral.strict_json": ("tests/neutral/test_strict_json.py", MANIFEST),
    "neutral.store.header_parser": (f"{STORE}/test_header.py",),
    **dict.fromkeys(_modules("neutral.matching", "plan", "plan_entries", "plan_file"), PLANS),
    **dict.fromkeys(
        _modules(
            "neutral.manifest",
            *("validators", "compound_validators", "decoding", "encoding", "graphs", "layers", "schema", "sources"),
        ),
        (MANIFEST, f"{STORE}/test_structure.py"),
    ),
    **dict.fromkeys(
        _modules(
            "mxnet_to_neutral.arrays",
            *("window", "ndarray_list", "array", "sparse", "npy", "npz", "zip", "signatures", "names"),
            *("conversion", "parameter_file"),
        ),
        (ARRAYS,),
    ),
    **dict.fromkeys(
        _modules(
            "mxnet_to_neutral.symbol",
            *("values", "checks", "document", "parsing", "model", "ranges", "arity", "upgrade", "inputs", "aliases"),
            *("attribute_texts", "attributes", "declarations", "mutable", "scalar_attributes"),
        ),
        (SYMBOL,),
    ),
    **dict.fromkeys(
        _modules(
            "mxnet_to_neutral.files",
            *("archives", "members", "nested", "grouping", "kinds", "belonging", "checkpoint", "detection"),
            *("discovery", "folder", "live", "sources"),
        ),
        (FILES, READ),
    ),
    **dict.fromkeys(_modules("torch_to_neutral", "inference", "plugin", "reading"), ("tests/torch_to_neutral",)),
}
"""The tests of each parser; the first failure of one ends a mutant."""


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


def pytest_words(tests: Sequence[str], folder: str) -> list[str]:
    return ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/tests", *tests]


def survives_import(module: str, tree: ast.Module, tests: Sequence[str], folder: str) -> bool:
    """Run all tests in a fork in which importing the module gives the mutant; return whether they pass."""
    path = path_of(module)
    code = compile(tree, str(path), "exec")

    def run() -> int:
        sys.meta_path.insert(0, MutantFinder(module, path, code))
        return int(pytest.main(pytest_words(tests, folder)))

    return forked(run, IMPORT_CPU_SECONDS) == 0


def survivors_in_functions(
    module: str, chosen: Sequence[Mutant], tests: Sequence[str], ends: float, folder: str
) -> Iterator[tuple[Mutant, bool]]:
    """Yield the mutants of functions that were tried, each with whether it survives."""
    log = Path(folder) / "results"
    log.touch()

    def report(number: int, unnoticed: bool) -> None:
        with log.open("a", encoding="ascii") as stream:
            print(number, int(unnoticed), file=stream)

    def run() -> int:
        importlib.import_module(
            module
        )  # of which no test may import it before it runs, and a fork would find no function
        plugin = MutantTests(path_of(module), chosen, report, ends)
        return int(pytest.main(pytest_words(tests, folder), plugins=[plugin]))

    code = forked(run, 3600)
    if code not in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(f"{module}: its tests fail on the module as it is (exit code {code})")
    for line in log.read_text(encoding="ascii").splitlines():
        number, unnoticed = map(int, line.split())
        yield chosen[number], bool(unnoticed)


def run_module(module: str, share: float, generator: random.Random, ends: float) -> tuple[int, list[Mutant]]:
    """Try the mutants of a module until the time is up; return how many were tried, and the survivors."""
    tests, source = TARGETS[module], path_of(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    chosen = [mutant for mutant in mutants(source) if generator.random() < share]
    inner = [mutant for mutant in chosen if is_in_function(tree, mutant.line)]
    tried, survivors = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for mutant, unnoticed in survivors_in_functions(module, inner, tests, ends, folder):
            tried += 1
            if unnoticed and survives_import(module, mutant.tree, tests, folder):  # tests may call it when imported
                survivors.append(mutant)
        for mutant in chosen:
            if mutant not in inner and time.monotonic() < ends:
                tried += 1
                survivors += [mutant] if survives_import(module, mutant.tree, tests, folder) else []
    for mutant in sorted(survivors, key=lambda mutant: mutant.line):
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

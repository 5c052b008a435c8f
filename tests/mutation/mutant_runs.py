"""Collect the tests of a module once, and run them in a fork for each mutant, which takes the place of its function.

A mutant of a function changes the code of the function in place, so that all who have imported it call the mutant.
"""

from __future__ import annotations

import ast
import gc
import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Callable, Collection, Iterator, Sequence

import coverage
import pytest
from source_mutants import Mutant

CPU_SECONDS = 20
"""CPU time of a mutant beyond that of its tests on the module as it is: what takes longer is in an endless loop."""

WAITING_SECONDS = 40.0
"""Time without CPU time after which a mutant is killed."""

MEMORY = 16 << 30
"""Address space of a mutant."""

Lines = dict[int, list[str]]
"""The tests that run each line."""


def is_in_function(tree: ast.Module, line: int) -> bool:
    """Return whether a line is in the body of a function: calling it runs the line, importing the module does not."""
    functions = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return any(node.body[0].lineno <= line <= (node.end_lineno or 0) and node.lineno < line for node in functions)


def replace_functions(path: str, code: CodeType) -> int:
    """Give the functions of a module's file the code that they have in ``code``; return how many changed."""
    new = {(part.co_qualname, part.co_firstlineno): part for part in _parts(code)}
    changed = 0
    for item in gc.get_objects():
        # not isinstance, which asks each object for its class, and the lazy ones of torch warn of it
        if type(item) is FunctionType and item.__code__.co_filename == path:
            part = new.get((item.__code__.co_qualname, item.__code__.co_firstlineno))
            if part is not None and part != item.__code__ and part.co_freevars == item.__code__.co_freevars:
                item.__code__ = part
                changed += 1
    return changed


def _parts(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _parts(constant)


def forked(run: Callable[[], int], cpu_seconds: float) -> int | None:
    """Call a function in a fork with limits; return its result, or None if a signal ended it."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            for descriptor in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            code = run()
        finally:
            os._exit(code)
    status = _wait(child)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT:
        raise KeyboardInterrupt
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def _wait(child: int) -> int:
    """Wait for a process, and kill it once it takes no CPU time for so long that it waits for ever."""
    used, since, pause = -1, time.monotonic(), 0.005
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        now = _cpu_ticks(child)
        if now != used:
            used, since = now, time.monotonic()
        elif time.monotonic() - since > WAITING_SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, 0.2)


def _cpu_ticks(pid: int) -> int:
    """Return the CPU time of a process and of all its descendants that still run or were waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        with suppress(OSError):
            ticks += _cpu_ticks(int(child))
    return ticks


class MutantTests:
    """A plug-in of pytest that runs the collected tests once for each mutant instead of once.

    Args:
        path: The module's file.
        mutants: Mutants of its functions.
        report: Is called with a mutant's number and whether it survives.
        ends: The time of ``time.monotonic`` after which no mutant is begun.
    """

    def __init__(self, path: Path, mutants: Sequence[Mutant], report: Callable[[int, bool], None], ends: float) -> None:
        self._path, self._mutants, self._report, self._ends = str(path), mutants, report, ends

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Failed("a test module cannot be imported")
        lines, times = self._record(session)
        session.items.sort(key=lambda item: times[item.nodeid])  # the fastest first: most mutants fail in any of them
        for number, mutant in enumerate(self._mutants):
            if time.monotonic() > self._ends:
                break
            code = compile(mutant.tree, self._path, "exec")
            chosen = set(lines.get(mutant.line, ()))
            limit = CPU_SECONDS + sum(times.values())
            unnoticed = not chosen or forked(lambda: self._run(session, code, chosen), limit) == 0  # noqa: B023
            self._report(number, unnoticed and forked(lambda: self._run(session, code, None), limit) == 0)  # noqa: B023
        return True

    def _run(self, session: pytest.Session, code: CodeType, chosen: Collection[str] | None) -> int:
        if not replace_functions(self._path, code):
            return 0  # a function that takes other variables from around it cannot: importing the mutant decides
        return run_items(session, [item for item in session.items if chosen is None or item.nodeid in chosen])

    def _record(self, session: pytest.Session) -> tuple[Lines, dict[str, float]]:
        """Run all tests on the module as it is; return the tests of each line, and the CPU time of each test."""
        reader, writer = os.pipe()

        def run() -> int:
            recorder = coverage.Coverage(data_file=None, include=[self._path], config_file=False)
            begun: list[tuple[str, float]] = []

            def before(name: str) -> None:
                recorder.switch_context(name)
                begun.append((name, time.process_time()))

            recorder.start()
            code = run_items(session, session.items, before)
            recorder.stop()
            found = recorder.get_data().contexts_by_lineno(self._path)
            ends = [seconds for _, seconds in begun[1:]] + [time.process_time()]
            times = {name: end - start for (name, start), end in zip(begun, ends)}
            with open(writer, "w", encoding="utf-8") as stream:
                stream.write(repr(({line: [*names] for line, names in found.items()}, times)))
            return code

        code, content = _read_while(reader, writer, lambda: forked(run, 600))
        if code != 0:
            raise session.Failed("the tests fail on the module as it is")
        lines, times = ast.literal_eval(content)
        return lines, times


def _read_while(reader: int, writer: int, run: Callable[[], Any]) -> tuple[Any, str]:
    """Call a function that forks a writer of a pipe; return its result and what was written."""
    import threading

    chunks: list[bytes] = []

    def read() -> None:
        while chunk := os.read(reader, 1 << 16):
            chunks.append(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    result = run()
    os.close(writer)
    thread.join()
    os.close(reader)
    return result, b"".join(chunks).decode()


def run_items(
    session: pytest.Session, items: Sequence[pytest.Item], before: Callable[[str], None] = lambda name: None
) -> int:
    """Run collected tests until the first failure; return 1 if there is one, 0 otherwise."""
    session.items = list(items)
    for item, following in zip(items, [*items[1:], None]):
        before(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0

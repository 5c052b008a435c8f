"""Run many fuzzing cases, each within limits, in a child process that may crash or hang."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import select
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from fuzzing.targets import Target
from neutral.errors import NeutralError

CPU_SECONDS = 10.0
"""CPU time that one case may take."""

ISOLATED_CPU_SECONDS = 1.0
"""CPU time that one case of an isolated target may take; then its process is killed."""

ENDED = "child process ended"
"""The name under which the cases of isolated targets are counted that end their process by a signal."""

WALL_SECONDS = 60.0
"""CPU time after which a case that does not react to its CPU limit is killed: it hangs in compiled code."""

SLEEP_SECONDS = 1800.0
"""Time after which a case that takes no CPU time is killed: it waits for ever."""

PAUSE_SECONDS = 0.02
"""Time for which results gather in the pipe: waking up for each would cost more than most cases."""

MEMORY = 3 * 2**30
"""Address space that a case may take beyond what the child needs to start, in bytes."""


class CaseTimeout(BaseException):
    """The case has used up its CPU time."""


@dataclass(frozen=True)
class Failure:
    """A case that ended in neither acceptance nor an error of Neutral's own."""

    target: str
    seed: int
    index: int
    reason: str


@dataclass
class Outcome:
    """How many cases of a target were accepted and refused, and the failures."""

    target: str
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """The number of cases that were run."""
        return self.accepted + sum(self.refused.values()) + len(self.failures)


def case_content(target: Target, seed: int, index: int) -> Any:
    """Return the input of a case; the same for the same arguments."""
    return target.make(random.Random(f"{target.name}:{seed}:{index}"))


def run_case(target: Target, content: Any, folder: Path) -> tuple[str, str]:
    """Run one case in this process.

    Returns:
        ``("accepted", "")``, ``("refused", error class)`` or ``("failed", reason)``.
    """
    signal.setitimer(signal.ITIMER_PROF, ISOLATED_CPU_SECONDS if target.isolated else CPU_SECONDS)
    try:
        target.run(content, folder)
        return "accepted", ""
    except NeutralError as error:
        return "refused", type(error).__name__
    except MemoryError as error:
        if target.evaluates:  # the command line has a message for it
            return "refused", type(error).__name__
        return "failed", "MemoryError"
    except CaseTimeout:
        return "failed", f"more than {CPU_SECONDS:g} s of CPU time"
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "failed", f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        with os.scandir(folder) as entries:
            for entry in entries:
                shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)


def fuzz(target: Target, count: int, seed: int = 0) -> Outcome:
    """Run ``count`` cases of a target in child processes; one that dies or hangs costs its case alone."""
    target.prepare()
    outcome = Outcome(target.name)
    context = multiprocessing.get_context("fork")
    shared_memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    start = 0
    while start < count:
        receiver, sender = os.pipe()
        with tempfile.TemporaryDirectory(dir=shared_memory) as folder:  # of this process, which outlives the child
            child = context.Process(
                target=_run_cases, args=(target, start, count, seed, receiver, sender, Path(folder)), daemon=True
            )
            child.start()
            os.close(sender)
            start = _collect(outcome, target, receiver, child, start, seed)
            os.close(receiver)
    return outcome


def _collect(outcome: Outcome, target: Target, receiver: int, child: Any, start: int, seed: int) -> int:
    """Count results until the child ends; return the index of the next case to run."""
    index, rest = start, b""
    while True:
        content = os.read(receiver, 1 << 16) if _answers(receiver, child) else None
        if content is None:
            child.kill()
            child.join()
            outcome.failures.append(Failure(outcome.target, seed, index, f"hangs for {WALL_SECONDS:g} s"))
            return index + 1
        if not content:
            child.join()
            if child.exitcode == 0:
                return index
            if target.isolated and child.exitcode < 0:
                outcome.refused[ENDED] += 1
                return index + 1
            outcome.failures.append(Failure(outcome.target, seed, index, f"the process ended with {child.exitcode}"))
            return index + 1
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            verdict, reason = json.loads(line)
            if verdict == "accepted":
                outcome.accepted += 1
            elif verdict == "refused":
                outcome.refused[reason] += 1
            else:
                outcome.failures.append(Failure(outcome.target, seed, index, reason))
            index += 1
        time.sleep(PAUSE_SECONDS)


def _answers(receiver: int, child: Any) -> bool:
    """Wait for results; return False once a case has used up its time, which on a busy machine is CPU time."""
    used, began = _cpu_seconds(child.pid), time.monotonic()
    while not select.select([receiver], [], [], WALL_SECONDS)[0]:
        hangs = _cpu_seconds(child.pid) - used > WALL_SECONDS / 2 or time.monotonic() - began > SLEEP_SECONDS
        if hangs and not select.select([receiver], [], [], 0)[0]:
            return False
    return True


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of the children that it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _run_cases(target: Target, start: int, count: int, seed: int, receiver: int, sender: int, folder: Path) -> None:
    os.close(receiver)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    limit = _address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGPROF, signal.SIG_DFL if target.isolated else _raise_timeout)
    for index in range(start, count):
        os.write(sender, json.dumps(run_case(target, case_content(target, seed, index), folder)).encode() + b"\n")
    os._exit(0)


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _raise_timeout(_signal: int, _frame: FrameType | None) -> None:
    raise CaseTimeout


def rate(outcome: Outcome, started: float) -> str:
    """Return one line for people: counts and cases per second since ``started`` (of ``time.perf_counter``)."""
    seconds = time.perf_counter() - started
    refused = sum(outcome.refused.values())
    return (
        f"{outcome.target:12} {outcome.cases:9,} cases  {outcome.accepted:9,} accepted  {refused:9,} refused  "
        f"{len(outcome.failures):4} failures  {outcome.cases / max(seconds, 1e-9):7.0f}/s"
    )

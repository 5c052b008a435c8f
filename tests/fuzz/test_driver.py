"""The driver of the fuzzing: a case that dies or hangs costs itself alone, and leaves nothing behind."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

import pytest

pytest.importorskip("torch.nn")

from fuzzing import driver
from fuzzing.targets import Target
from neutral.errors import UsageError


def take(content: str, folder: Path) -> None:
    (folder / "left").write_text(str(folder))
    if content == "refuse":
        raise UsageError("no")
    if content == "fail":
        raise KeyError("key")
    if content == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if content == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])  # as compiled code that never returns
        while True:
            pass
    if content in ("wait", "rest"):
        time.sleep(600 if content == "wait" else 0.5)


def outcome_of(content: str) -> driver.Outcome:
    """Run three cases, of which the second is this one."""
    contents = iter(("accept", content, "accept"))
    known: dict[str, str] = {}

    def make(generator: random.Random) -> str:
        return known.setdefault(str(generator.getstate()[1][:4]), "")

    target = Target("name", make, take)
    for index in range(3):
        known[str(random.Random(f"name:0:{index}").getstate()[1][:4])] = next(contents)
    return driver.fuzz(target, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("fail", r"KeyError: 'key' (test_driver.py:"),
        ("die", "the process ended with -9"),
        ("hang", "hangs for 0.4 s"),
        ("wait", "hangs for 0.4 s"),
    ],
)
def test_each_failure_is_one_case(content: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "WALL_SECONDS", 0.4)
    monkeypatch.setattr(driver, "SLEEP_SECONDS", 1.0)
    folders = []

    class Recorded(tempfile.TemporaryDirectory[str]):
        def __enter__(self) -> str:
            folders.append(self.name)
            return super().__enter__()

    monkeypatch.setattr(tempfile, "TemporaryDirectory", Recorded)
    outcome = outcome_of(content)
    (failure,) = outcome.failures
    assert outcome.accepted == 2 and failure.index == 1 and failure.reason.startswith(reason)
    assert folders and not any(map(os.path.exists, folders))


def test_a_busy_machine_is_no_hanging_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that gets no CPU time for longer than it may use was killed."""
    monkeypatch.setattr(driver, "WALL_SECONDS", 0.1)
    assert outcome_of("rest").failures == []

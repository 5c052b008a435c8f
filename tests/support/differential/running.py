"""Run batches of calls in MXNet processes; one on which MXNet crashes or hangs is found by halving the batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from threading import Event, Timer
from typing import Any, Mapping, Sequence

from differential.calls import draw_calls
from differential.compare import outcome
from differential.undefined import undefined
from mxnet_side.client import MXNet
from mxnet_to_neutral.symbol.aliases import CANONICAL
from reader.registry_cases import Case, cases

BATCH = 40
"""Wanted calls of one MXNet process."""

PROCESS_SECONDS, CALL_SECONDS = 5, 0.1
"""How long a process that has started may take, and how much longer for each call; one that takes longer hangs."""

Tries = Sequence[Mapping[str, Any]]
"""Calls of which the first that MXNet accepts is run."""

CRASH = {"index": 0, "error": "MXNet crashes or hangs"}


def operators() -> list[Case]:
    """Return the operators of MXNet 1.9.1 that have a rule, without their other names."""
    every = [case for parameter in cases() for case in parameter.values]
    return [case for case in every if case.version == 10901 and case.operator not in CANONICAL]


def run_calls(calls: Sequence[Tries], python: str) -> list[dict[str, Any]]:
    """Run the first valid call of each list in MXNet processes of their own.

    Args:
        calls: Lists of :func:`differential.calls.draw_calls`.
        python: The Python that has MXNet.

    Returns:
        For each list the result, with the ``index`` of its call; an error where MXNet refuses or crashes on every one.
    """
    results: list[dict[str, Any]] = []
    for start in range(0, len(calls), BATCH):
        results += _run(calls[start : start + BATCH], python)
    return results


def _run(calls: Sequence[Tries], python: str) -> list[dict[str, Any]]:
    process, hangs = MXNet(python), Event()

    def give_up() -> None:
        hangs.set()
        process.kill()

    limit = Timer(PROCESS_SECONDS + CALL_SECONDS * sum(map(len, calls)), give_up)
    try:
        process.call("differential:run_batch", calls=[])  # imports MXNet
        limit.start()
        answer: list[dict[str, Any]] = process.call("differential:run_batch", calls=[list(tries) for tries in calls])
        return answer
    except (EOFError, BrokenPipeError):
        if len(calls) == 1:
            return [dict(CRASH) if hangs.is_set() else _run_one(calls[0], python)]
        half = len(calls) // 2
        return _run(calls[:half], python) + _run(calls[half:], python)
    finally:
        limit.cancel()
        with suppress(BrokenPipeError):
            process.close()


def _run_one(tries: Tries, python: str) -> dict[str, Any]:
    """Run the first valid call of a list on one of which MXNet crashes."""
    if len(tries) == 1:
        return dict(CRASH)
    half = len(tries) // 2
    (first,) = _run([tries[:half]], python)
    if "error" not in first:
        return first
    (second,) = _run([tries[half:]], python)
    return {**second, "index": second["index"] + half}


def count_outcomes(
    selected: Sequence[Case], count: int, seed: int, python: str, folder: Path
) -> tuple[dict[tuple[str, str], Counter[str]], dict[tuple[str, str], str]]:
    """Draw and run calls of operators, and count how they end.

    Args:
        selected: The operators.
        count: The number of wanted calls of each operator with floats; with integers and with bools half of it.
        seed: The seed of all calls.
        python: The Python that has MXNet.
        folder: Where a symbol file can be written.

    Returns:
        By operator and class of dtypes, the number of calls by outcome, and the first detail of one that is not equal.
    """
    calls = [call for case in selected for call in draw_calls(case, count, seed)]
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    details: dict[tuple[str, str], str] = {}
    for tries, result in zip(calls, run_calls(calls, python)):
        call = tries[result["index"]]
        key = (call["operator"], call["class"])
        reason = undefined(call["operator"], call["attributes"], result)
        ending, detail = outcome(result, folder) if reason is None else ("undefined", reason)
        counts[key][ending] += 1
        if ending in ("different", "refused"):
            is_worse = ending == "different" and not details.get(key, "").startswith("different")
            if key not in details or is_worse:
                details[key] = f"{ending}: {detail} {call['attributes']} {call['dtype']} {call['shapes']}"
    return counts, details

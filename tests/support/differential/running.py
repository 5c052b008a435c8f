"""Run calls in MXNet processes, and count how they end."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any, Mapping, Sequence

import numpy as np

from differential.calls import DTYPES, draw_calls, undeclared
from differential.compare import outcome
from differential.reasons import refusal
from differential.undefined import undefined
from mxnet_side.client import MXNet
from mxnet_to_neutral.symbol.aliases import CANONICAL
from reader.registry_cases import Case, cases

START_SECONDS, CALL_SECONDS = 120, 10
"""How long a process may take to import MXNet, and for one call; one that takes longer hangs."""

CRASHES = 2
"""Calls of a list on which MXNet may crash or hang, before the list is given up."""

VAIN_LISTS = 2
"""Lists of which MXNet refuses every call, before the rest of a class of dtypes is given up."""

Tries = Sequence[Mapping[str, Any]]
"""Calls of which the first that MXNet accepts is run."""

CRASH = {"error": "MXNet crashes or hangs"}


def operators() -> list[Case]:
    """Return the operators of MXNet 1.9.1 that have a rule, without their other names."""
    every = [case for parameter in cases() for case in parameter.values]
    return [case for case in every if case.version == 10901 and case.operator not in CANONICAL]


class Runner:
    """Run calls in an MXNet process, which is started anew after a call on which it crashes or hangs."""

    def __init__(self, python: str) -> None:
        """Remember the Python that has MXNet; the process starts with the first call."""
        self._python = python
        self._process: MXNet | None = None

    def run(self, tries: Tries) -> dict[str, Any]:
        """Run the first valid call of a list.

        Args:
            tries: A list of :func:`differential.calls.draw_calls`.

        Returns:
            The result, with the ``index`` of its call; an error where MXNet refuses or crashes on every one.
        """
        crashes, result = 0, dict[str, Any](index=0, **CRASH)
        for index, call in enumerate(tries):
            result = {"index": index, **self._run_one(call)}
            crashes += result.get("error") == CRASH["error"]
            if "error" not in result or crashes == CRASHES:
                break
        return result

    def _run_one(self, call: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if self._process is None:
                self._process = MXNet(self._python)
                self._limited(START_SECONDS, "differential:run_one", call=None)
            return self._limited(CALL_SECONDS, "differential:run_one", call=dict(call))
        except (EOFError, BrokenPipeError):
            self.close()
            return dict(CRASH)

    def _limited(self, seconds: float, function: str, **arguments: Any) -> dict[str, Any]:
        assert self._process is not None
        limit = Timer(seconds, self._process.kill)
        limit.start()
        try:
            answer: dict[str, Any] = self._process.call(function, **arguments)
            return answer
        finally:
            limit.cancel()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with suppress(BrokenPipeError):
                self._process.close()
            self._process = None


def run_operator(case: Case, count: int, seed: int, runner: Runner, folder: Path) -> dict[str, Any]:
    """Draw and run calls of an operator, and count how they end.

    Args:
        case: The operator.
        count: The number of wanted calls with floats; with each other class of dtypes half of it.
        seed: The seed of all calls.
        runner: MXNet.
        folder: Where a symbol file can be written.

    Returns:
        ``counts`` by class of dtypes and outcome, and ``findings``: by class of dtypes the first difference or refusal.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in DTYPES}
    findings: dict[str, str] = {}
    for tries in draw_calls(case, count, seed):
        dtypes = tries[0]["class"]
        if set(counts[dtypes]) == {"invalid"} and counts[dtypes]["invalid"] >= VAIN_LISTS:
            continue
        result = runner.run(tries)
        call = tries[result["index"]]
        reason = undefined(call["operator"], call["attributes"], result)
        ending, detail = outcome(result, folder) if reason is None else ("undefined", reason)
        if ending == "different":
            ending, detail = _second_look(call, result, runner, folder, detail)
        if ending == "different" and (loud := refusal(case.operator, detail)):
            ending, detail = "refused", loud
        counts[dtypes][ending] += 1
        is_worse = ending == "different" and not findings.get(dtypes, "").startswith("different")
        if (ending == "different" or ending == "refused") and (dtypes not in findings or is_worse):
            findings[dtypes] = f"{ending}: {detail} {described(call)}"
    return {"counts": {name: dict(sorted(by.items())) for name, by in counts.items()}, "findings": findings}


def _second_look(
    call: Mapping[str, Any], result: Mapping[str, Any], runner: Runner, folder: Path, detail: str
) -> tuple[str, str]:
    """Return how a call that differs ends when MXNet runs it again, and in a wider dtype."""
    again = runner.run([{**call, "arrays": result["inputs"]}])
    if "error" in again or not all(map(_is_same, again["outputs"], result["outputs"])):
        return "unstable", "MXNet gives another result when it is run again"
    wider = {"float16": "float32", "float32": "float64"}.get(call["dtype"])
    if wider is None:
        return "different", detail
    arrays = {
        name: array.astype(wider) if array.dtype == call["dtype"] else array for name, array in result["inputs"].items()
    }
    precise = runner.run([{**call, "arrays": arrays, "symbol": undeclared(call["symbol"])}])
    return outcome(result, folder, precise.get("outputs"))


def _is_same(first: np.ndarray, second: np.ndarray) -> bool:
    is_float = first.dtype.kind == "f"
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=is_float)


def described(call: Mapping[str, Any]) -> str:
    """Return a call's attributes and inputs in words."""
    inputs = ", ".join(f"{array['dtype']} {tuple(array['shape'])}" for array in call["inputs"].values())
    return f"{call['attributes']} {inputs}"

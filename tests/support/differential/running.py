"""Run calls in MXNet processes, and count how they end."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any, Mapping, Sequence

import numpy as np

from differential.calls import DTYPES, draw_calls, undeclared, with_dtype
from differential.compare import is_of_random_numbers, outcome
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
"""Lists of which MXNet refuses every call, before the others of their dtype are given up."""

EVIDENCE = 2
"""Calls that MXNet refuses in a dtype and accepts in another, by which it has no kernel for the dtype."""

OTHERS = ("float32", "int32", "float64")
"""The dtypes in which a refused call is run again."""

Tries = Sequence[Mapping[str, Any]]
"""Calls of which the first that MXNet accepts is run."""

CRASH = {"error": "MXNet crashes or hangs"}


def operators(version: int) -> list[Case]:
    """Return the operators of a version of MXNet that have a rule, without their other names."""
    every = [case for parameter in cases() for case in parameter.values]
    return [case for case in every if case.version == version and case.operator not in CANONICAL]


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
            The result, with the ``index`` of its call; an error where MXNet refuses or crashes on every one, and
            ``unsupported`` where it does so because of their dtype.
        """
        crashes, refused, result = 0, 0, dict[str, Any](index=0, **CRASH)
        for index, call in enumerate(tries):
            result = {"index": index, **self._run_one(call)}
            if "error" not in result:
                break
            if result["error"] == CRASH["error"]:
                crashes += 1
            elif self._has_other_dtype(call):
                refused += 1
            if crashes == CRASHES or refused == EVIDENCE:
                break
        return {**result, "unsupported": refused == EVIDENCE}

    def _has_other_dtype(self, call: Mapping[str, Any]) -> bool:
        """Return whether MXNet accepts a call, which it refuses, in another dtype."""
        others = [dtype for dtype in OTHERS if dtype != call["dtype"]]
        return any("error" not in self._run_one(with_dtype(call, dtype)) for dtype in others)

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
        ``counts`` by class of dtypes and outcome; ``findings``: by class of dtypes the first difference or refusal, or
        MXNet's error where it accepts no call; and ``unsupported``: the dtypes for which MXNet has no kernel.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in DTYPES}
    vain: Counter[str] = Counter()
    unsupported: set[str] = set()
    findings: dict[str, str] = {}
    for tries in draw_calls(case, count, seed):
        dtypes, dtype = tries[0]["class"], tries[0]["dtype"]
        if vain[dtype] >= VAIN_LISTS:
            continue
        result = runner.run(tries)
        call = tries[result["index"]]
        reason = undefined(case, call["attributes"], result)
        ending, detail = _ending(result, folder) if reason is None else ("undefined", reason)
        if ending == "different" and not is_of_random_numbers(detail):
            ending, detail = _second_look(call, result, runner, folder, detail)
        if ending == "different" and (loud := refusal(case.operator, detail)):
            ending, detail = "refused", loud
        counts[dtypes][ending] += 1
        vain[dtype] += ending in ("invalid", "unsupported", "crash")
        unsupported |= {dtype} if ending == "unsupported" else set()
        if FINDINGS.get(ending, 0) > FINDINGS.get(findings.get(dtypes, "").partition(":")[0], 0):
            findings[dtypes] = f"{ending}: {detail} {described(call)}"
    by_class = {name: dict(sorted(by.items())) for name, by in counts.items()}
    return {"counts": by_class, "findings": findings, "unsupported": sorted(unsupported)}


FINDINGS = {"different": 4, "refused": 3, "crash": 2, "invalid": 1}
"""The endings of which the first call of an operator and class of dtypes is kept, by their weight."""


def _ending(result: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    if "error" not in result:
        return outcome(result, folder)
    if result["unsupported"]:
        return "unsupported", result["error"]
    return "crash" if result["error"] == CRASH["error"] else "invalid", result["error"]


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

"""The outcomes of the differential test: a file of counts by operator, and the page that is made from it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Iterable, Mapping

from differential.calls import DTYPES
from differential.reasons import NEVER_ACCEPTED
from differential.undefined import UNDEFINED

ROOT = Path(__file__).parents[3]
TARGET = ROOT / "docs" / "operator-coverage.md"
OUTCOMES = ROOT / "tests" / "differential" / "outcomes.json"

WORDS = {
    "equal": "equal",
    "different": "differs",
    "refused": "refused",
    "noted": "noted",
    "undefined": "undefined",
    "unstable": "unstable",
}

HEAD = """# Operators compared with MXNet by random calls

For every operator of MXNet 1.9.1 that the reader has a rule for, calls are drawn from a seed: attributes given and left
out, by the types that MXNet's registry states and by constraints of what belongs together, shapes, and dtypes. MXNet
runs them in processes of their own; the emitted module and the NumPy reference have to give the same shapes, dtypes and
numbers. A test runs a sample of the operators, and fails at a difference that is not in this table.

| | |
|---|---|
| equal n | n calls are equal in the module and in the reference |
| differs n | n calls differ; the list below has the first of each operator |
| refused n | n calls are refused by name |
| noted n | n calls of quantised operators, which compute with real numbers here, as a note of the store says |
| random | the results are random numbers, and not compared |
| undefined n | MXNet runs n calls without a defined result: it reads beyond its inputs |
| unstable n | MXNet itself gives n calls another result when they are run again |
| - | MXNet refuses all calls that were drawn |
| not run | no call was drawn yet |

`half` is float16; `float` float32 and float64; `integer` int8, uint8, int32 and int64.

{summary}; operators without a rule are in [operators.md](operators.md).

{commands}

| operator | half | float | integer | bool |
|---|---|---|---|---|
"""

COMMANDS = """`python tests/differential/run_differential.py --calls {calls} --seed {seed}` runs the calls and writes
this file (with MXNet 1.9.1's Python in `NEUTRAL_MXNET_PYTHON`); it took {minutes} minutes on one of two busy cores.
`--resume` goes on with a run that was broken off; `--only` runs some operators, and replaces their rows."""


def load_outcomes() -> dict[str, Any]:
    """Return the outcomes of the last run: ``calls``, ``seed``, ``seconds`` and, by name, ``operators``."""
    outcomes: dict[str, Any] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    return outcomes


def save_outcomes(outcomes: Mapping[str, Any]) -> None:
    """Write the outcomes, an operator a line."""
    operators = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(of_operator)}" for name, of_operator in sorted(outcomes["operators"].items())
    )
    head = json.dumps({key: value for key, value in outcomes.items() if key != "operators"})
    OUTCOMES.write_text(f'{head[:-1]}, "operators": {{\n{operators}\n}}}}\n', encoding="utf-8")


def cell(counts: Mapping[str, int]) -> str:
    """Return the text of a cell.

    Args:
        counts: The number of calls by outcome.

    Returns:
        A text such as ``equal 2, differs 1``.

    Example:
        >>> cell({"equal": 2, "different": 1, "invalid": 1}), cell({"invalid": 3}), cell({"random": 2}), cell({})
        ('equal 2, differs 1', '-', 'random', 'not run')
    """
    parts = [f"{word} {counts[name]}" for name, word in WORDS.items() if counts.get(name)]
    return ", ".join([*parts, *(["random"] if counts.get("random") else [])]) or ("-" if counts else "not run")


def total(outcomes: Mapping[str, Any]) -> Counter[str]:
    """Return the number of calls by outcome, over all operators."""
    counts: Counter[str] = Counter()
    for of_operator in outcomes["operators"].values():
        for by_outcome in of_operator["counts"].values():
            counts.update(by_outcome)
    return counts


def write_page(operators: Iterable[str], outcomes: Mapping[str, Any]) -> None:
    """Write the page.

    Args:
        operators: All operators, run or not.
        outcomes: The outcomes.
    """
    counts = total(outcomes)
    accepted = sum(counts.values()) - counts["invalid"]
    numbers = ", ".join(f"{counts[name]} {name}" for name in ("equal", "refused", "noted", "random", "undefined"))
    differing = f"{counts['unstable']} unstable, {counts['different']} different"
    summary = f"Calls that MXNet accepts: {accepted} ({numbers}, {differing})"
    commands = COMMANDS.format(
        calls=outcomes["calls"], seed=outcomes["seed"], minutes=max(1, round(outcomes["seconds"] / 60))
    )
    fewer = [name for name, of in sorted(outcomes["operators"].items()) if of["calls"] < outcomes["calls"]]
    if fewer:
        commands += f"\n\nRun by `--only` with fewer calls: {', '.join(f'`{name}`' for name in fewer)}."
    lines = [HEAD.format(summary=summary, commands=commands)]
    for operator in sorted(operators):
        by_class = outcomes["operators"].get(operator, {}).get("counts", {})
        lines.append(f"| `{operator}` | {' | '.join(cell(by_class.get(dtypes, {})) for dtypes in DTYPES)} |\n")
    for ending, title in (("different", "Differences"), ("refused", "Refusals")):
        lines.append(f"\n## {title}\n\nThe first of each operator and class of dtypes.\n\n")
        lines += [
            f"- `{operator}`, {dtypes}: `{text.partition(': ')[2].replace('`', chr(39)).replace('|', '/')}`\n"
            for operator, of_operator in sorted(outcomes["operators"].items())
            for dtypes, text in of_operator["findings"].items()
            if text.startswith(ending)
        ]
    lines.append("\n## Undefined\n\nCalls of MXNet's operators whose result follows from no input.\n\n")
    lines += [f"- `{operator}`: {reason}\n" for operator, (reason, _) in sorted(UNDEFINED.items())]
    lines.append("\n## Never accepted\n\nOperators that MXNet refuses in every call.\n\n")
    lines += [f"- `{operator}`: {reason}\n" for operator, reason in sorted(NEVER_ACCEPTED.items())]
    TARGET.write_text("".join(lines), encoding="utf-8")

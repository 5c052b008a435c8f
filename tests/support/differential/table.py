"""The table of the differential test in ``docs/operator-coverage.md``: write it, and read the known differences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Mapping

from differential.calls import DTYPES
from differential.undefined import UNDEFINED

TARGET = Path(__file__).parents[3] / "docs" / "operator-coverage.md"

HEAD = """# Operators compared with MXNet by random calls

This file is written by `python tests/differential/run_differential.py` (with MXNet 1.9.1's Python in
`NEUTRAL_MXNET_PYTHON`). For every operator of MXNet 1.9.1 that the reader has a rule for, it draws calls from a seed,
by the types that MXNet's registry states for the attributes: attributes given and left out, shapes, dtypes. MXNet runs
them in processes of their own; the emitted module and the NumPy reference have to give the same shapes, dtypes and
numbers. A test runs a sample of the operators, and fails at a difference that is not in this table.

| | |
|---|---|
| equal n | n calls are equal in the module and in the reference |
| differs n | n calls differ; the list below has the first of each operator |
| refused n | n calls are refused by name |
| random | the results are random numbers, and not compared |
| undefined n | MXNet runs n calls without a defined result: it reads beyond its inputs |
| - | MXNet refuses all calls that were drawn |
| not run | no call was drawn yet |

Calls: {calls}, seed {seed}; operators without a rule are in [operators.md](operators.md).

| operator | float | integer | bool |
|---|---|---|---|
"""

_ROW = re.compile(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)


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
    words = {"equal": "equal", "different": "differs", "refused": "refused", "undefined": "undefined"}
    parts = [f"{word} {counts[name]}" for name, word in words.items() if counts.get(name)]
    return ", ".join([*parts, *(["random"] if counts.get("random") else [])]) or ("-" if counts else "not run")


def write(
    operators: Iterable[str],
    counts: Mapping[tuple[str, str], Mapping[str, int]],
    details: Mapping[tuple[str, str], str],
    seed: int,
) -> None:
    """Write the table and the first finding of each operator and class of dtypes.

    Args:
        operators: All operators, run or not.
        counts: The number of calls by outcome, by operator and class of dtypes.
        details: The findings.
        seed: The seed of the calls.
    """
    calls = sum(sum(by_outcome.values()) for by_outcome in counts.values())
    lines = [HEAD.format(calls=calls, seed=seed)]
    for operator in sorted(operators):
        cells = (cell(counts.get((operator, dtypes), {})) for dtypes in DTYPES)
        lines.append(f"| `{operator}` | {' | '.join(cells)} |\n")
    for ending, title in (("different", "Differences"), ("refused", "Refusals")):
        lines.append(f"\n## {title}\n\nThe first of each operator and class of dtypes.\n\n")
        findings = [(key, text) for key, text in sorted(details.items()) if text.startswith(ending)]
        for (operator, dtypes), text in findings:
            described = text.partition(": ")[2].replace("`", "'").replace("|", "/")
            lines.append(f"- `{operator}`, {dtypes}: `{described}`\n")
    lines.append("\n## Undefined\n\nCalls of MXNet's operators whose result follows from no input.\n\n")
    lines += [f"- `{operator}`: {reason}\n" for operator, (reason, _) in sorted(UNDEFINED.items())]
    TARGET.write_text("".join(lines), encoding="utf-8")


def known_differences() -> dict[tuple[str, str], str]:
    """Return the cells of the table that state a difference, by operator and class of dtypes."""
    rows = _ROW.findall(TARGET.read_text(encoding="utf-8"))
    cells = {(row[0], dtypes): text for row in rows for dtypes, text in zip(DTYPES, row[1:])}
    return {key: text for key, text in cells.items() if "differs" in text}

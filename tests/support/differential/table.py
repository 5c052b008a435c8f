"""The outcomes of the differential test: files of counts by operator, and the page that is made from them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Iterator, Mapping

from differential.calls import DTYPES
from differential.reasons import NEVER_ACCEPTED
from differential.running import operators
from differential.undefined import UNDEFINED

ROOT = Path(__file__).parents[3]
TARGET = ROOT / "docs" / "operator-coverage.md"

RELEASES = {10901: "1.9.1", 20000: "2.0.0b1"}
"""The releases of MXNet that are compared, by the version in their symbols."""

WORDS = {
    "equal": "equal",
    "different": "differs",
    "refused": "refused",
    "noted": "noted",
    "undefined": "undefined",
    "unstable": "unstable",
    "crash": "crashes",
    "invalid": "not drawn",
}

HEAD = """# Operators compared with MXNet by random calls

For every operator of MXNet 1.9.1 and 2.0.0b1 that the reader has a rule for, calls are drawn from a seed: attributes
given and left out, by the types that MXNet's registry states and by constraints of what belongs together, shapes, in
NumPy's meaning or the older one, and every dtype in turn. MXNet runs them in processes of their own; the emitted
module and the NumPy reference have to give the same shapes, dtypes and numbers. A test runs a sample of the operators,
and fails at a difference that is not in this table.

| | |
|---|---|
| equal n | n calls are equal in the module and in the reference |
| differs n | n calls differ; the lists below have the first of each operator |
| refused n | n calls are refused by name |
| noted n | n calls of quantised operators, which compute with real numbers here, as a note of the store says |
| random | the results are random numbers, of which the shapes and dtypes are compared |
| undefined n | MXNet runs n calls without a defined result: it reads beyond its inputs |
| unstable n | MXNet itself gives n calls another result when they are run again |
| crashes n | MXNet's process ends, or hangs, in n calls |
| not in MXNet | MXNet has no kernel for the dtype: it refuses calls that it accepts in another dtype |
| not drawn n | n times, MXNet refuses every call that was drawn, in other dtypes too |
| not run | no call was drawn yet |

`half` is float16; `float` float32 and float64; `integer` int8, uint8, int32 and int64; where MXNet lacks a part of a
class, its dtypes are named. Operators without a rule are in [operators.md](operators.md).

`python tests/differential/run_differential.py --calls {calls} --seed {seed}` runs the calls and writes this file (with
MXNet 1.9.1's Python in `NEUTRAL_MXNET_PYTHON`, MXNet 2's in `NEUTRAL_MXNET2_PYTHON`); it took {minutes} minutes on one
of two busy cores. `--resume` goes on with a run that was broken off; `--only` runs some operators, and replaces their
rows; `--mxnet` runs one release.
"""


def outcomes_file(version: int) -> Path:
    """Return the file of the outcomes of a version."""
    return ROOT / "tests" / "differential" / f"outcomes-mxnet-{RELEASES[version]}.json"


def load_outcomes(version: int) -> dict[str, Any]:
    """Return the outcomes of the last run: ``calls``, ``seed``, ``seconds`` and, by name, ``operators``."""
    path = outcomes_file(version)
    if not path.exists():
        return {"calls": 0, "seed": 0, "seconds": 0, "operators": {}}
    outcomes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return outcomes


def save_outcomes(version: int, outcomes: Mapping[str, Any]) -> None:
    """Write the outcomes of a version, an operator a line."""
    by_operator = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(of_operator)}" for name, of_operator in sorted(outcomes["operators"].items())
    )
    head = json.dumps({key: value for key, value in outcomes.items() if key != "operators"})
    outcomes_file(version).write_text(f'{head[:-1]}, "operators": {{\n{by_operator}\n}}}}\n', encoding="utf-8")


def cell(counts: Mapping[str, int], unsupported: str = "") -> str:
    """Return the text of a cell.

    Args:
        counts: The number of calls by outcome.
        unsupported: The dtypes of the class that MXNet lacks, in words.

    Returns:
        A text such as ``equal 2, differs 1``.

    Example:
        >>> cell({"equal": 2, "different": 1, "unsupported": 1}, "int8"), cell({"unsupported": 3}, "bool")
        ('equal 2, differs 1, int8 not in MXNet', 'not in MXNet')
        >>> cell({"random": 2}), cell({})
        ('random', 'not run')
    """
    parts = [f"{word} {counts[name]}" for name, word in WORDS.items() if counts.get(name)]
    parts += ["random"] if counts.get("random") else []
    if counts.get("unsupported"):
        parts.append(f"{unsupported} not in MXNet" if parts else "not in MXNet")
    return ", ".join(parts) or "not run"


def total(outcomes: Mapping[str, Any]) -> Counter[str]:
    """Return the number of calls by outcome, over all operators."""
    counts: Counter[str] = Counter()
    for of_operator in outcomes["operators"].values():
        for by_outcome in of_operator["counts"].values():
            counts.update(by_outcome)
    return counts


def write_page() -> None:
    """Write the page from the outcomes."""
    by_version = {version: load_outcomes(version) for version in RELEASES}
    calls = max(outcomes["calls"] for outcomes in by_version.values())
    seed = max(outcomes["seed"] for outcomes in by_version.values())
    seconds = sum(outcomes["seconds"] for outcomes in by_version.values())
    lines = [HEAD.format(calls=calls, seed=seed, minutes=max(1, round(seconds / 60)))]
    for version, outcomes in by_version.items():
        lines += _section(version, outcomes)
    lines.append("\n## Undefined\n\nCalls of MXNet's operators whose result follows from no input.\n\n")
    lines += [f"- `{operator}`: {reason}\n" for operator, (reason, _) in sorted(UNDEFINED.items())]
    TARGET.write_text("".join(lines), encoding="utf-8")


def _section(version: int, outcomes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the section of a version: its table, and lists of findings."""
    counts = total(outcomes)
    accepted = sum(counts.values()) - sum(counts[name] for name in ("invalid", "unsupported", "crash"))
    numbers = ", ".join(f"{counts[name]} {name}" for name in ("equal", "refused", "noted", "random", "undefined"))
    yield f"\n## MXNet {RELEASES[version]}\n\nCalls that MXNet accepts: {accepted} ({numbers}, "
    yield f"{counts['unstable']} unstable, {counts['different']} different).\n"
    fewer = [name for name, of in sorted(outcomes["operators"].items()) if of["calls"] < outcomes["calls"]]
    if fewer:
        yield f"\nRun by `--only` with fewer calls: {', '.join(f'`{name}`' for name in fewer)}.\n"
    yield "\n| operator | half | float | integer | bool |\n|---|---|---|---|---|\n"
    for operator in sorted(case.operator for case in operators(version)):
        yield f"| `{operator}` | {' | '.join(_cells(outcomes['operators'].get(operator, {'counts': {}})))} |\n"
    for ending, title in (
        ("different", "Differences"),
        ("refused", "Refusals"),
        ("crash", "Crashes"),
        ("invalid", "Not drawn"),
    ):
        lines = list(_findings(outcomes, ending))
        if lines:
            yield f"\n### {title} of MXNet {RELEASES[version]}\n\nThe first of each operator and class of dtypes.\n\n"
            yield from lines
    if NEVER_ACCEPTED.get(version):
        yield f"\n### Never accepted by MXNet {RELEASES[version]}\n\n"
        yield from (f"- `{operator}`: {reason}\n" for operator, reason in sorted(NEVER_ACCEPTED[version].items()))


def _cells(of_operator: Mapping[str, Any]) -> Iterator[str]:
    for name, dtypes in DTYPES.items():
        unsupported = [dtype for dtype in dtypes if dtype in of_operator.get("unsupported", ())]
        yield cell(of_operator["counts"].get(name, {}), " and ".join(unsupported))


def _findings(outcomes: Mapping[str, Any], ending: str) -> Iterator[str]:
    for operator, of_operator in sorted(outcomes["operators"].items()):
        for dtypes, text in of_operator["findings"].items():
            if text.startswith(f"{ending}: "):
                yield f"- `{operator}`, {dtypes}: `{_quoted(text.partition(': ')[2])}`\n"


def _quoted(text: str) -> str:
    return text.replace("`", "'").replace("|", "/").replace("\n", " ")

"""Reports fit the terminal: tables leave out columns and shorten names; pipes get every character."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_cases import Run, linear_store
from neutral.cli import VERBS, main
from neutral.matching.plan import Plan
from neutral.matching.plan_entries import Pair
from neutral.text import table
from neutral.verification.comparison import Comparison
from neutral.verification.report import Report, Row

LONG = "resnetv10_stage3_bottleneck_with_squeeze_and_excitation_conv2_projection"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    linear_store(LONG).save(tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


@pytest.mark.parametrize(
    "options", [(), ("--stats",), ("--summary",), ("--summary", "--nodes"), ("--summary", "--stats")]
)
def test_inspect_fits(
    run: Run, store: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    piped = run("inspect", store.name, *options).out
    for columns in (80, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        text = run("inspect", store.name, *options).out
        assert widest(text.partition("\n\n")[2]) <= columns
        assert "--summary" in options or ("…" in text and "weight" in text)
    if "--summary" not in options:
        assert LONG in piped
    monkeypatch.setenv("COLUMNS", "250")
    assert LONG in run("inspect", store.name, *options).out


def test_the_width_is_used(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    narrow = run("inspect", store, "--stats").out
    monkeypatch.setenv("COLUMNS", "120")
    wide = run("inspect", store, "--stats").out
    assert widest(narrow.partition("\n\n")[2]) > 80 and widest(wide.partition("\n\n")[2]) > 100


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits(verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*filter(None, [verb]), "--help"])
    text = capsys.readouterr().out
    assert widest(text) <= 80
    assert [line for line in text.splitlines() if line.rstrip().endswith("-") and "--" not in line] == []


def test_a_verification_fits_and_lists_its_hints() -> None:
    hint = "the module computes as with eps 0.001 in the place of 1e-05 in bn1 (batch_norm), and so on and so on"
    row = Row(LONG, f"body.{LONG}", "batch_norm", LONG, (2,), Comparison(1.0, 1.0, 1.0, 1.0, 0.5), 1e-5, hint)
    report = Report("Net", "golden.safetensors", (row,))
    text = report.to_text(80).rpartition("\n\n")[0]
    assert widest(text) <= 80 and "Likely causes:" in text and "differs" in text
    assert " ".join(hint.split()) in " ".join(text.split())
    assert str(report) == report.to_text() and hint in str(report).splitlines()[1]


def test_a_plan_fits_and_lists_its_remarks() -> None:
    plan = Plan((Pair(LONG, f"body.{LONG}", "linear", "name", detail="as is", dropped={"bias": "zeros"}),))
    assert widest(plan.to_text(80).partition("\n\n")[0]) <= 80
    assert str(plan) == plan.to_text()


def test_doctor_fits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("doctor").out.splitlines()
    assert max(len(line) for line in lines[2:] if not line.startswith(("readers", "writers", "temporary"))) <= 80


def test_spare_columns_go_first_and_then_names_are_shortened() -> None:
    rows = [("a" * 30, "linear", "1,000", "x")]
    head = ("layer", "kind", "parameters", "note")
    assert table(head, rows, right=("parameters",), width=60).splitlines()[1] == f"{'a' * 30}  linear       1,000  x"
    assert "note" not in table(head, rows, right=("parameters",), width=54, spare=("note",))
    assert widest(table(head, rows, right=("parameters",), width=40, spare=("note",))) == 40
    assert widest(table(head, rows, width=5)) == 12 + 2 + 6 + 2 + 10 + 2 + 4, "no column goes unless it is spare"

"""The page of the benchmarks is written section by section; a benchmark that fails changes nothing."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, Any]:
    """Load the runner with benchmarks of a moment, and a page of its own."""
    names = runpy.run_path(str(ROOT / "benchmarks" / "run.py"), run_name="runner")
    own = names["main"].__globals__
    own.update(HERE=tmp_path, PAGE=tmp_path / "page.md")
    for name, ending in (("startup", ""), ("emit", ""), ("match", "sys.exit(3)"), ("load", "time.sleep(60)")):
        (tmp_path / f"{name}.py").write_text(
            textwrap.dedent(f'''
            """Measure {name}.

            More.
            """
            import sys, time
            print("### A table\\n\\n| {name} |\\n|---|\\n| 1.5 |")
            {ending}
            ''')
        )
    return own


def test_sections_are_written_in_order_and_one_by_one(runner: dict[str, Any]) -> None:
    assert runner["main"](["--page", "emit"]) == 0
    assert runner["main"](["--page", "startup"]) == 0
    page: str = runner["PAGE"].read_text()
    assert page.startswith("# Benchmarks\n") and page.index("## startup") < page.index("## emit")
    assert "Measure startup (`benchmarks/startup.py`). " in page and "| emit |\n|---|\n| 1.5 |" in page
    assert runner["assemble"](runner["sections"](page)) == page


def test_a_benchmark_that_fails_leaves_its_section(runner: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    runner["PAGE"].write_text(runner["assemble"]({"match": "former", "load": "former, too"}))
    assert runner["main"](["--page", "--timeout", "2", "match", "load", "emit"]) == 1
    assert capfd.readouterr().err.splitlines() == ["load: longer than 2 seconds", "failed: match, load"]
    assert runner["sections"](runner["PAGE"].read_text()).keys() == {"load", "match", "emit"}
    assert "former\n" in runner["PAGE"].read_text()


def test_without_the_option_no_page_is_written(runner: dict[str, Any]) -> None:
    assert runner["main"](["emit"]) == 0
    assert not runner["PAGE"].exists()


def test_every_program_is_known(runner: dict[str, Any]) -> None:
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"common", "run"}
    assert programs == set(runner["NAMES"])


def test_the_page_is_the_one_that_the_runner_writes(runner: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert runner["assemble"](runner["sections"](page)) == page

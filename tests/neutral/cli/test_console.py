from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

import pytest

from neutral.cli.console import Console, Report, byte_size
from neutral.cli.documents import LazyList
from neutral.text import table, table_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, console: Console) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with console.progress("export") as progress:
        if progress is not None:
            progress(500, 1000)
            progress(1000, 1000)
    return stream.getvalue()


def test_rich_draws_the_bar_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    drawn = draw(monkeypatch, Terminal(), Console())
    assert "export" in drawn and "1.0/1.0 kB" in re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", drawn)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", draw(monkeypatch, Terminal(), Console()))


def test_without_rich_a_plain_line_is_drawn_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutral.cli.terminal._is_installed", lambda name: False)
    monkeypatch.delitem(sys.modules, "rich", raising=False)
    monkeypatch.setenv("COLUMNS", "72")
    lines = draw(monkeypatch, Terminal(), Console()).split("\r")
    assert lines[1].startswith("export ########........  50%  500 of 1 kB, 0:00 left") and lines[-1] == "\x1b[K"
    assert max(len(line.replace("\x1b[K", "")) for line in lines) < 72


@pytest.mark.parametrize(("stream", "console"), [(io.StringIO(), Console()), (Terminal(), Console(quiet=True))])
def test_no_bar_is_drawn_elsewhere_or_when_quiet(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, console: Console
) -> None:
    assert draw(monkeypatch, stream, console) == ""


REPORT = Report({}, ["problem: a", "equal: b", "c", *table_lines(("t",), lambda: [("equal: x",)])])


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain, painted = io.StringIO(), Terminal()
    for stream in (plain, painted):
        monkeypatch.setattr(sys, "stdout", stream)
        Console().report(REPORT)
    assert plain.getvalue() == "problem: a\nequal: b\nc\nt\nequal: x\n"
    shown = painted.getvalue()
    assert "\x1b[31mproblem: a\x1b[0m\n\x1b[32mequal: b\x1b[0m\nc\n\x1b[1mt\x1b[0m\n" in shown
    assert re.sub("\x1b\\[[0-9;]*m", "", shown) == plain.getvalue()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_they_are_not_wanted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    for place in ("stdout", "stderr"):
        monkeypatch.setattr(sys, place, Terminal())
    Console().report(REPORT)
    Console().error(ValueError("x"), "message", 1)
    assert "\x1b" not in sys.stdout.getvalue() + sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert sys.stderr.getvalue() == "neutral: error: message\n"  # type: ignore[attr-defined]


def test_a_name_cannot_colour_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", Terminal())
    Console().report(Report({}, ["\x1b[31mevil"]))
    assert sys.stdout.getvalue() == "\\x1b[31mevil\n"  # type: ignore[attr-defined]


def test_numbers_that_json_lacks_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(name: str) -> Any:
        raise AssertionError(name)

    Console(json=True).report(Report({"values": (float("nan"), float("-inf"), 1.5), "name": "größe\x1b"}))
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text, parse_constant=refuse) == {"values": ["nan", "-inf", 1.5], "name": "größe\x1b"}


def test_a_table_is_aligned_by_what_is_shown() -> None:
    lines = table(("name", "count"), [("a\n", "1"), ("long name", "1,000")], right=("count",)).splitlines()
    assert lines == ["name       count", "a\\n            1", "long name  1,000"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (10**10, "10.0 GB")],
)
def test_byte_size(count: int, text: str) -> None:
    assert byte_size(count) == text


def test_a_lazy_list_prints_as_a_list_does(capsys: pytest.CaptureFixture[str]) -> None:
    items = [{"a": [1, {"b": "line\nend"}], "c": {}}, [], "é", float("inf"), None]
    document = {"empty": [], "items": items, "nested": {"x": [1.5, float("nan")]}, "number": 3}
    lazy = {**document, "empty": LazyList(lambda: iter(())), "items": LazyList(lambda: iter(items))}
    for each in (document, lazy):
        Console(json=True).report(Report(each))
    plain, streamed = capsys.readouterr().out[:-1].split("\n}\n{\n")
    finite = {**document, "items": [*items[:3], "inf", None], "nested": {"x": [1.5, "nan"]}}
    assert plain + "\n}" == json.dumps(finite, indent=2)
    assert "{\n" + streamed == json.dumps(finite, indent=2)


def test_an_empty_document(capsys: pytest.CaptureFixture[str]) -> None:
    Console(json=True).report(Report({}))
    assert capsys.readouterr().out == "{}\n"

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from neutral.cli.console import Console, Report, byte_size
from neutral.cli.documents import LazyList
from neutral.text import table


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


def test_a_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    assert "export" in draw(monkeypatch, Terminal(), Console())


@pytest.mark.parametrize(("stream", "console"), [(io.StringIO(), Console()), (Terminal(), Console(quiet=True))])
def test_no_bar_is_drawn_elsewhere_or_when_quiet(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, console: Console
) -> None:
    assert draw(monkeypatch, stream, console) == ""


def test_without_tqdm_there_is_no_bar_and_no_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert draw(monkeypatch, Terminal(), Console()) == ""


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

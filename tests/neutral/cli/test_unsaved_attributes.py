"""Attributes that ``load --set-attributes`` sets on a module, and that its weights do not hold."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from cli_cases import Run
from stores import Builder

SOURCE = """import torch
from torch import nn


class Stage(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.tail = nn.Sequential(
            nn.BatchNorm2d(4),
        )

    def forward(self, data):
        return self.tail(self.conv(data))


class Faces(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Stage()

    def forward(self, data):
        return self.body(data)
"""


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """``load`` of a convolution of stride 2 and a batch norm with another eps into ``Faces``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "faces_of_two", raising=False)
    Path("faces_of_two.py").write_text(SOURCE)
    b = Builder(3)
    b.convolution("conv", 3, 4, stride=(2, 2))
    b.batch_norm("bn", 4, eps=1e-3)
    b.store(graph=True).save("store.safetensors")
    names = Path("names.toml")
    names.write_text('"conv" = "body.conv"\n"bn" = "body.tail.0"\n')
    return ("load", "store.safetensors", "--into", "faces_of_two:Faces", "--mapping", names, "--set-attributes")


LINES = (
    "  bn, loaded into body.tail.0: eps is 0.001, and 1e-05 in your source. "
    "Change faces_of_two.py, line 10: set eps=0.001 in `nn.BatchNorm2d(4)`",
    "  conv, loaded into body.conv: stride is (2, 2), and (1, 1) in your source. "
    "Change faces_of_two.py, line 8: set stride=(2, 2) in `self.conv = nn.Conv2d(3, 4, 3, padding=1)`",
)


def test_weights_that_would_be_wrong_in_the_class_are_refused(run: Run, words: tuple[Any, ...]) -> None:
    for more in ((), ("--dry-run",)):
        result = run(*words, "-o", "w.pth", *more)
        assert result.code == 9
        assert "w.pth was not written: 2 attributes were set on the module" in result.err
        assert sorted(result.err.splitlines()[-2:]) == sorted(f"  - {line.strip()}" for line in LINES)
    assert not os.path.exists("w.pth")
    error = run(*words, "-o", "w.pth", "--json").json["error"]
    assert (error["kind"], error["exit_code"], len(error["problems"])) == ("UnsavedAttributesError", 9, 2)


def test_with_allow_set_they_are_written_and_it_is_said_last(run: Run, words: tuple[Any, ...]) -> None:
    result = run(*words, "-o", "w.pth", "--allow-set")
    assert result.code == 0 and os.path.exists("w.pth")
    *_, head, first, second = result.out.splitlines()
    assert head.startswith("SET ON THE MODULE, AND NOT IN ITS WEIGHTS")
    assert sorted((first, second)) == sorted(LINES)
    items = run(*words, "-o", "w.pth", "--allow-set", "--force", "--json").json["set_attributes"]
    assert {(item["layer"], item["module"], item["attribute"]) for item in items} == {
        ("conv", "body.conv", "stride"),
        ("bn", "body.tail.0", "eps"),
    }
    assert all("faces_of_two.py, line" in item["change"] for item in items)


def test_a_source_that_is_changed_as_said_needs_no_option(run: Run, words: tuple[Any, ...]) -> None:
    source = SOURCE.replace("padding=1)", "padding=1, stride=(2, 2))").replace(
        "BatchNorm2d(4)", "BatchNorm2d(4, eps=0.001)"
    )
    Path("faces_of_two.py").write_text(source)
    result = run(*words, "-o", "w.pth")
    assert result.code == 0, result.err
    assert "SET ON THE MODULE" not in result.out


def test_what_changes_training_alone_is_said_and_does_not_refuse(run: Run, words: tuple[Any, ...]) -> None:
    b = Builder(3)
    b.convolution("conv", 3, 4)
    b.batch_norm("bn", 4, eps=1e-5, momentum=0.5)
    b.store(graph=True).save("store.safetensors")
    result = run(*words, "-o", "w.pth")
    assert result.code == 0, result.err
    assert result.out.splitlines()[-2] == "Set on the module for training, and not in its weights:"
    assert result.out.splitlines()[-1].endswith("set momentum=0.5 in `nn.BatchNorm2d(4)`")


def test_saving_in_python_warns_of_what_was_set(words: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    import neutral
    from neutral.matching.unsaved import UnsavedAttributesWarning, unsaved_attributes
    from neutral_to_torch import load_into, save_weights

    monkeypatch.syspath_prepend(os.getcwd())
    module = importlib.import_module("faces_of_two").Faces()
    with neutral.open("store.safetensors") as store:
        plan = load_into(module, store, "names.toml", set_attributes=True)
    assert [item.attribute for item in unsaved_attributes(plan)] == ["stride", "eps"]
    with pytest.warns(UnsavedAttributesWarning, match=r"stride is \(2, 2\)[^\n]*line 8"):
        save_weights(module, "w.safetensors")
    save_weights(module, "w.safetensors", allow_set=True)  # warnings are errors


def test_a_change_of_a_class_that_is_used_elsewhere_says_so(run: Run, words: tuple[Any, ...]) -> None:
    Path("faces_of_two.py").write_text(
        SOURCE.replace("self.body = Stage()", "self.body, self.other = Stage(), Stage()")
    )
    result = run(*words, "--allow-missing", "other.*", "-o", "w.pth", "--allow-set")
    assert "padding=1)`, for this use alone: other instances of Stage have another stride" in result.out

"""``neutral verify`` and ``neutral emit``: proof, and the module that is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli_cases import Run, write_golden


@pytest.fixture
def golden(modules: Path) -> Path:
    write_golden(modules / "golden.safetensors")
    return modules / "golden.safetensors"


def test_an_equal_module(run: Run, store: Path, golden: Path) -> None:
    result = run("verify", store, "--golden", golden, "--into", "nets:Net")
    assert result.code == 0
    assert result.out.splitlines()[-1].startswith("equal: 1 layer and 1 output compared")


def test_the_document(run: Run, store: Path, golden: Path) -> None:
    document = run("verify", store, "--golden", golden, "--into", "nets:Net", "--json").json
    assert document["ok"] is True
    assert [row["layer"] for row in document["rows"]] == ["fc1", None]
    assert [document[key] for key in ("store", "into", "golden_file", "html")] == [
        str(store),
        "nets:Net",
        str(golden),
        None,
    ]


def test_a_difference_has_its_own_exit_code(run: Run, store: Path, golden: Path) -> None:
    write_golden(golden, factor=1.001)
    result = run("verify", store, "--golden", golden, "--into", "nets:Net")
    assert result.code == 7
    assert result.out.splitlines()[-1].startswith("different: ")
    wide = ("--tolerance", "0.01", "--end-to-end", "0.01")
    assert run("verify", store, "--golden", golden, "--into", "nets:Net", *wide).code == 0


def test_a_tight_tolerance_on_a_right_model_finds_rounding_and_nothing_else(
    run: Run, store: Path, golden: Path
) -> None:
    write_golden(golden, factor=1.0000002)
    result = run("verify", store, "--golden", golden, "--into", "nets:Net", "--tolerance", "1e-9", "--json")
    assert result.code == 7
    layer, output = result.json["rows"]
    assert layer["hint"].startswith("rounding: 3 products summed") and not layer["ok"]
    assert output["ok"], "the tolerance of outputs is another one"


def test_without_a_tolerance_a_fault_of_1e_4_is_found(run: Run, store: Path, golden: Path) -> None:
    write_golden(golden, factor=1.0001)
    rows = run("verify", store, "--golden", golden, "--into", "nets:Net", "--json").json["rows"]
    assert [(row["ok"], row["tolerance"]) for row in rows] == [(False, 1e-5), (False, 5e-5)]
    assert all("a constant factor" in row["hint"] for row in rows)


def test_the_page(run: Run, store: Path, golden: Path) -> None:
    assert run("verify", store, "--golden", golden, "--into", "nets:Net", "--html", "report.html").code == 0
    assert "fc1" in Path("report.html").read_text()


def test_without_into_the_emitted_module_is_verified(run: Run, store: Path, golden: Path) -> None:
    document = run("verify", store, "--golden", golden, "--json").json
    assert document["ok"] is True
    assert document["into"] is None
    assert [row["layer"] for row in document["rows"]] == ["fc1", None]


def test_a_module_that_does_not_fit_is_refused_as_load_refuses_it(run: Run, store: Path, golden: Path) -> None:
    refused = run("verify", store, "--golden", golden, "--into", "nets:Twins", "--html", "report.html")
    loaded = run("load", store, "--golden", golden, "--into", "nets:Twins", "-o", "w.pth")
    assert refused.code == loaded.code and refused.err.endswith(loaded.err)  # after what the module itself prints
    assert refused.code == 6 and len(refused.err.splitlines()) <= 12
    assert "left" in refused.err and "Traceback" not in refused.err
    assert not Path("report.html").exists() and not Path("w.pth").exists()


@pytest.mark.parametrize("number", ["-1", "nan", "inf", "x"])
def test_invalid_tolerances(run: Run, store: Path, number: str) -> None:
    assert run("verify", store, "--golden", "g", f"--tolerance={number}").code == 2


def test_a_missing_golden_file(run: Run, store: Path, modules: Path) -> None:
    result = run("verify", store, "--golden", "none.safetensors", "--into", "nets:Net")
    assert result.code == 3
    assert "none.safetensors: cannot be read: No such file or directory" in result.err


def test_emit_writes_source_and_weights_that_give_the_same(run: Run, store: Path, golden: Path) -> None:
    result = run("emit", store, "-o", "model.py", "--class-name", "Model", "--json")
    assert result.code == 0, result.err
    document = result.json
    assert [document[key] for key in ("output", "weights", "class_name")] == ["model.py", "model.safetensors", "Model"]
    run("emit", store, "-o", "pickled.py", "--pth")
    import torch

    scope: dict[str, object] = {}
    exec(Path("pickled.py").read_text(), scope)
    module = next(value for value in scope.values() if isinstance(value, type) and value.__module__ == "builtins")
    instance = module()
    instance.load_state_dict(torch.load("pickled.pth", weights_only=True))
    assert instance(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[9.0, 25.0]]


def test_emit_as_a_dry_run(run: Run, store: Path, modules: Path) -> None:
    result = run("emit", store, "-o", "model.py", "--dry-run", "--json")
    assert (result.code, result.json["written"]) == (0, False)
    assert not os.path.exists("model.py")
    assert not os.path.exists("model.safetensors")


def test_emit_never_replaces_a_store(run: Run, store: Path, modules: Path) -> None:
    before = store.read_bytes()
    result = run("emit", store, "-o", store.with_suffix(".py"))
    weights = store.with_name(f"{store.stem}-weights.safetensors")
    assert result.code == 0
    assert f"wrote {weights}" in result.out
    assert store.read_bytes() == before
    assert f'load_file("{weights.name}")' in store.with_suffix(".py").read_text()

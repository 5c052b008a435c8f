"""``neutral load``: load a store into a module that the user wrote."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import MODULE, Run, linear_store, write_golden
from neutral.store.safetensors import read_tensors

WEIGHT = [[0, 1, 2], [3, 4, 5]]


def test_the_weights_are_the_modules_state_dict(run: Run, store: Path, modules: Path) -> None:
    result = run("load", store, "--into", "nets:Net", "-o", "weights.safetensors")
    assert result.code == 0
    *_, wrote, grade = result.out.splitlines()
    assert wrote == "wrote weights.safetensors"
    assert grade == "proven by the store's meaning"
    weights = read_tensors("weights.safetensors")
    assert set(weights) == {"fc1.weight", "fc1.bias"}
    np.testing.assert_array_equal(weights["fc1.weight"].numpy(), WEIGHT)


def test_a_pth_is_what_torch_loads(run: Run, store: Path, modules: Path) -> None:
    import torch

    assert run("load", store, "--into", "nets:Net", "-o", "weights.pth").code == 0
    state = torch.load("weights.pth", weights_only=True)
    np.testing.assert_array_equal(state["fc1.weight"].numpy(), WEIGHT)


def test_the_document_is_not_mixed_with_what_the_module_prints(run: Run, store: Path, modules: Path) -> None:
    result = run("load", store, "--into", "nets:Net", "-o", "weights.pth", "--json")
    document = result.json
    assert [document[key] for key in ("store", "into", "output", "save_plan", "written")] == [
        str(store),
        "nets:Net",
        "weights.pth",
        None,
        True,
    ]
    assert document["plan"]["pair"][0]["layer"] == "fc1"
    assert "a line of the user's own" in result.err


def test_a_dry_run_writes_nothing(run: Run, store: Path, modules: Path) -> None:
    before = set(os.listdir())
    words = ("-o", "weights.pth", "--save-plan", "plan.toml", "--dry-run")
    result = run("load", store, "--into", "nets:Net", *words)
    assert result.code == 0
    assert result.out.splitlines()[-3:-1] == ["would write weights.pth", "would write plan.toml"]
    assert set(os.listdir()) - before <= {"__pycache__"}


def test_a_plan_that_does_not_fit_can_be_saved_completed_and_given_back(run: Run, store: Path, modules: Path) -> None:
    twins = ("--into", "nets:Twins", "--allow-missing", "right.*")
    refused = run("load", store, *twins, "-o", "weights.pth", "--save-plan", "plan.toml")
    assert refused.code == 6
    assert not os.path.exists("weights.pth")
    plan = Path("plan.toml").read_text()
    assert 'name = "left.weight"' in plan
    Path("mapping.toml").write_text('"fc1" = "left"\n')
    done = run("load", store, *twins, "--mapping", "mapping.toml", "-o", "w.safetensors", "--save-plan", "plan.toml")
    assert done.code == 0
    np.testing.assert_array_equal(read_tensors("w.safetensors")["left.weight"].numpy(), WEIGHT)
    assert run("load", store, *twins, "--mapping", "plan.toml", "-o", "again.safetensors").code == 0
    np.testing.assert_array_equal(read_tensors("again.safetensors")["left.weight"].numpy(), WEIGHT)


def test_leftovers_are_allowed_by_name(run: Run, store: Path, modules: Path) -> None:
    twins = ("--into", "nets:Twins", "--dry-run")
    assert run("load", store, *twins).code == 6
    assert run("load", store, *twins, "--allow-unused", "fc1", "--allow-missing", "*.*").code == 0


def test_a_folder_of_path_is_searched_and_the_path_is_left_as_it_was(
    run: Run, store: Path, modules: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "deeper"
    folder.mkdir()
    (folder / "other_nets.py").write_text(MODULE)
    before = list(sys.path)
    result = run("load", store, "--into", "other_nets:Net", "--path", folder, "--dry-run")
    assert (result.code, sys.path) == (0, before)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--into", "nets"), "expected package.module:Factory"),
        (("--into", "no_such_nets:Net"), "no_such_nets cannot be imported: ModuleNotFoundError"),
        (("--into", "nets:Nets"), "has no 'Nets'"),
        (("--into", "nets:constant"), "expected a class or function, got int"),
        (("--into", "nets:Failing"), "calling it raised ValueError: no weights\\x1b[2J today"),
        (("--into", "nets:Net", "--kwargs", "{"), "invalid JSON"),
        (("--into", "nets:Net", "--kwargs", "[1]"), "expected a JSON object"),
        (("--into", "nets:Net", "--kwargs", '{"depth": 5}'), "unexpected keyword argument 'depth'"),
        (("--into", "nets:Net", "-o", "weights.bin"), "unsupported suffix; expected .safetensors, .pth or .pt"),
    ],
)
def test_invalid_arguments(run: Run, store: Path, modules: Path, words: tuple[str, ...], says: str) -> None:
    result = run("load", store, *words, *(() if "-o" in words else ("-o", "weights.pth")))
    assert result.code == 2
    assert says in result.err
    assert not os.path.exists("weights.pth")


def test_nothing_to_do_is_an_error(run: Run, store: Path) -> None:
    result = run("load", store, "--into", "nets:Net")
    assert (result.code, "nothing to do: pass -o, --save-plan or --dry-run" in result.err) == (2, True)


def test_tied_tensors_are_written_under_each_name(tmp_path: Path) -> None:
    pytest.importorskip("torch.nn")
    import torch

    from neutral_to_torch import save_weights

    first = torch.nn.Linear(2, 2, bias=False)
    second = torch.nn.Linear(2, 2, bias=False)
    second.weight = first.weight
    tied = torch.nn.Sequential(first, second).to(torch.bfloat16)
    save_weights(tied, tmp_path / "w.safetensors")
    weights = read_tensors(tmp_path / "w.safetensors")
    assert {key: tensor.dtype for key, tensor in weights.items()} == {"0.weight": "BF16", "1.weight": "BF16"}
    expected = first.weight.detach().view(torch.uint16).numpy()
    np.testing.assert_array_equal(weights["1.weight"].numpy(), expected)


def test_a_tensor_without_values_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch.nn")
    import torch

    from neutral_to_torch import save_weights

    with pytest.raises(neutral.errors.UnsupportedError, match="on the meta device"):
        save_weights(torch.nn.Linear(2, 2, device="meta"), tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_with_a_golden_file_the_weights_are_proven_first(run: Run, store: Path, modules: Path) -> None:
    write_golden(Path("golden.safetensors"))
    words = ("load", store, "--into", "nets:Net", "-o", "weights.pth", "--golden", "golden.safetensors")
    done = run(*words, "--json")
    assert done.code == 0 and os.path.exists("weights.pth")
    assert done.json["proof"]["ok"] and [row["layer"] for row in done.json["proof"]["rows"]] == ["fc1", None]


def test_a_pair_that_a_golden_file_speaks_against_is_named(run: Run, store: Path, modules: Path) -> None:
    write_golden(Path("golden.safetensors"), factor=1.001)
    words = ("load", store, "--into", "nets:Net", "--golden", "golden.safetensors")
    for more in (("-o", "weights.pth"), ("--dry-run",)):
        refused = run(*words, *more)
        assert refused.code == 7 and "first in fc1, loaded into fc1" in refused.err
    assert not os.path.exists("weights.pth")


def test_hostile_names_stay_data(run: Run, modules: Path) -> None:
    linear_store(name="a\x1b[2J\nb").save("hostile.safetensors")
    result = run("load", "hostile.safetensors", "--into", "nets:Twins", "-o", "w.pth")
    assert result.code == 6
    assert all(line.isprintable() for line in result.err.split("\n"))

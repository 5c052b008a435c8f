from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutral
from cli_cases import Run, linear_store
from neutral.graph import Layer
from neutral.store import Store
from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy


def write(path: Path, array: Any, attributes: Any = None, name: str = "a", kind: str = "parameter") -> Path:
    role = "value" if kind == "parameter" else "weight"
    layer = Layer(name, kind, attributes or {}, {role: f"{name}.{role}"}, typed_by="user")
    Store({name: layer}, {f"{name}.{role}": from_numpy(np.asarray(array))}).save(path)
    return path


def test_the_same(run: Run, store: Path) -> None:
    result = run("diff", store, store)
    assert (result.code, result.out) == (0, "the same: 3 tensors compared\n")


def test_values(run: Run, tmp_path: Path) -> None:
    a = write(tmp_path / "a.safetensors", np.array([3.0, 4.0, np.nan, np.inf], np.float32))
    b = write(tmp_path / "b.safetensors", np.array([3.0, 4.5, np.nan, np.inf], np.float32))
    result = run("diff", a, b, "--json")
    assert result.code == 1
    (tensor,) = result.json["tensors"]
    assert (tensor["key"], tensor["elements"], tensor["differing"], tensor["maximum"]) == ("a.value", 4, 1, 0.5)
    assert run("diff", a, b, "--atol", "0.5").code == 0
    assert run("diff", a, b, "--rtol", "0.1").code == 1
    assert run("diff", a, b, "--rtol", "0.13").code == 0
    assert run("diff", a, b, "--structure").code == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.float32([1, np.nan]), np.float32([1, 2])),
        (np.float32([np.inf]), np.float32([-np.inf])),
        (np.int64([2**62]), np.int64([2**62 + 1])),
        (np.uint8([0, 255]), np.uint8([255, 0])),
    ],
)
def test_differences_that_arithmetic_would_hide(run: Run, tmp_path: Path, a: Any, b: Any) -> None:
    first, second = write(tmp_path / "a.safetensors", a), write(tmp_path / "b.safetensors", b)
    assert run("diff", first, second).code == 1


def test_forms(run: Run, tmp_path: Path) -> None:
    a = write(tmp_path / "a.safetensors", np.zeros((2, 3), np.float32))
    b = write(tmp_path / "b.safetensors", np.zeros((2, 3), np.float16))
    c = write(tmp_path / "c.safetensors", np.zeros((3, 2), np.float32))
    assert run("diff", a, b).out == "! tensor a.value: float32 [2, 3] became float16 [2, 3]\n"
    assert run("diff", a, b, "--atol", "1e-9").code == 0
    assert run("diff", a, c, "--atol", "1").code == 1


def test_layers(run: Run, tmp_path: Path) -> None:
    one = {"out_features": 2, "flatten": True}
    a = write(tmp_path / "a.safetensors", np.zeros((2, 3)), one, "fc", "linear")
    b = write(tmp_path / "b.safetensors", np.zeros((2, 3)), {**one, "flatten": False}, "fc", "linear")
    c = write(
        tmp_path / "c.safetensors", np.zeros((2, 3)), {"num_embeddings": 2, "embedding_dim": 3}, "fc", "embedding"
    )
    d = write(tmp_path / "d.safetensors", np.zeros((2, 3)), one, "other", "linear")
    assert run("diff", a, b).out == "! layer fc: flatten True became False\n"
    assert run("diff", a, c).out == "! layer fc: linear became embedding\n"
    assert run("diff", a, d).out.splitlines() == [
        "- layer fc",
        "+ layer other",
        "- tensor fc.weight",
        "+ tensor other.weight",
    ]


def test_a_checkpoint_and_its_store(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    run("export", checkpoint, "-o", tmp_path / "a.safetensors")
    assert run("diff", checkpoint, tmp_path / "a.safetensors").code == 0


@pytest.mark.parametrize("words", [("missing",), ("--atol", "-1"), ("--rtol", "nan")])
def test_trouble_is_above_one(run: Run, store: Path, words: tuple[str, ...]) -> None:
    result = run("diff", store, *(words if words == ("missing",) else (store, *words)))
    assert result.code > 1


def test_hash_is_what_sha256sum_prints(run: Run, store: Path, tmp_path: Path) -> None:
    lines = run("hash", store).out.splitlines()
    for line in lines:
        digest, key = line.split("  ")
        with neutral.open(store) as opened:
            (tmp_path / key).write_bytes(opened[key].tobytes())
            assert opened.digests[key] == digest
    check = subprocess.run(["sha256sum", "-c"], input="\n".join(lines) + "\n", text=True, cwd=tmp_path, check=False)
    assert (len(lines), check.returncode) == (3, 0)


_REST = ("error", "relative", "norm", "overflows", "to", "zero")


def test_cast_reports_and_writes(run: Run, store: Path, tmp_path: Path) -> None:
    result = run("cast", store, "--to", "bfloat16", "-o", tmp_path / "b.safetensors")
    assert result.code == 0
    assert result.out.splitlines()[1].split() == ["tensor", "elements", "largest", *_REST]
    assert run("diff", store, tmp_path / "b.safetensors", "--atol", "0.01").out.splitlines() == ["- tensor spare"]
    assert run("cast", store, "--to", "bfloat16", "-o", store).code == 2


def test_slice_and_merge(run: Run, store: Path, tmp_path: Path) -> None:
    linear_store("fc2").save(tmp_path / "two.safetensors")
    for name, path in (("fc1", store), ("fc2", tmp_path / "two.safetensors")):
        half = tmp_path / f"half-{name}.safetensors"
        assert run("cast", path, "--to", "float16", "-o", half).code == 0
        assert run("slice", half, name, "-o", tmp_path / f"{name}.safetensors").code == 0
    result = run("merge", tmp_path / "fc1.safetensors", tmp_path / "fc2.safetensors", "-o", tmp_path / "m.safetensors")
    assert result.code == 0
    assert run("inspect", tmp_path / "m.safetensors", "--json").json["totals"]["layers"] == 2
    assert run("slice", store, "-o", tmp_path / "x.safetensors").code == 2
    assert run("slice", store, "--until", "fc1", "-o", tmp_path / "x.safetensors", "--json").json["graph"] is True


def test_a_state_dict_of_other_names_by_a_mapping(run: Run, tmp_path: Path) -> None:
    linear_store().save(tmp_path / "a.safetensors")
    arrays = {"head.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "head.0.bias": np.float32([1, -1])}
    arrays["bn.num_batches_tracked"] = np.array(3)
    write_tensors({name: from_numpy(array) for name, array in arrays.items()}, tmp_path / "b.safetensors")
    (tmp_path / "map.toml").write_text('"fc1" = "head.0"\n')
    command = ("diff", tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--mapping", tmp_path / "map.toml")
    assert run("diff", *command[1:3]).code == 1
    same = run(*command)
    assert (same.code, same.out.splitlines()[-1]) == (1, "- tensor spare")
    assert same.out.count("\n") == 1
    arrays["head.0.bias"][0] = 5
    write_tensors({name: from_numpy(array) for name, array in arrays.items()}, tmp_path / "b.safetensors")
    assert "! tensor fc1.bias: 1 of 2 elements differ" in run(*command).out
    (tmp_path / "map.toml").write_text('"fc1" = "tail"\n')
    refused = run(*command)
    assert refused.code == 2 and "leads from fc1.bias to tail.bias, which is missing" in refused.err

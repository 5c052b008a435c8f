from __future__ import annotations

from pathlib import Path

from cli_cases import Run, linear_store


def flip_last_bit(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    damaged = path.with_name("damaged.safetensors")
    damaged.write_bytes(content)
    return damaged


def test_a_sound_store(run: Run, store: Path) -> None:
    assert run("check", store).out == f"{store}: sound (structure; 1 layer, 3 tensors, 64 bytes)\n"
    assert run("check", store, "--data").out == f"{store}: sound (structure and data; 1 layer, 3 tensors, 64 bytes)\n"


def test_the_document(run: Run, store: Path) -> None:
    assert run("check", store, "--json").json == {
        "data": False,
        "stores": [
            {"path": str(store), "ok": True, "problems": [], "layers": 1, "tensors": 3, "files": 1, "bytes": 64}
        ],
    }


def test_a_flipped_bit_is_found_by_reading_the_data(run: Run, store: Path) -> None:
    damaged = flip_last_bit(store)
    assert run("check", damaged).code == 0
    result = run("check", damaged, "--data")
    assert result.code == 4
    assert result.out.startswith(f"{damaged}: 2 problems\n  - tensor ")
    assert "source file 'parts.bin'" in result.out


def test_one_bad_store_does_not_stop_the_others(run: Run, store: Path) -> None:
    cut = store.with_name("cut.safetensors")
    cut.write_bytes(store.read_bytes()[:100])
    missing = store.with_name("missing.safetensors")
    result = run("check", missing, cut, store, "--json")
    assert [report["ok"] for report in result.json["stores"]] == [False, False, True]
    assert "there is no such file" in result.json["stores"][0]["problems"][0]
    assert result.code == 4


def test_a_missing_store_has_the_code_of_a_missing_input(run: Run, tmp_path: Path) -> None:
    assert run("check", tmp_path / "missing.safetensors").code == 3


def test_problems_are_data_too(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "store.safetensors"
    linear_store(name="a\x1b[2J\nb").save(path)
    result = run("check", flip_last_bit(path), "--data")
    assert result.code == 4
    assert all(line.isprintable() for line in result.out.split("\n"))

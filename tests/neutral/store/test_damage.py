"""Truncation at every byte and every flipped bit is noticed by the data check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import neutral
from neutral.errors import NeutralError
from neutral.store.check import check
from neutral.store.header_parser import read_header
from samples import sample_store


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path)
    return path


def test_an_undamaged_store_is_sound(stored: Path) -> None:
    report = check(stored, data=True)
    assert report.ok and report.problems == ()
    assert (report.layers, report.tensors, report.files, report.nbytes) == (2, 3, 2, 36)


def test_truncation_at_every_byte_is_noticed(stored: Path) -> None:
    for size in reversed(range(stored.stat().st_size)):
        os.truncate(stored, size)
        assert not check(stored).ok, size
        with pytest.raises(NeutralError):
            neutral.open(stored)


@pytest.mark.parametrize("extra", [b"\0", b" " * 8])
def test_bytes_after_the_end_are_noticed(extra: bytes, stored: Path) -> None:
    stored.write_bytes(stored.read_bytes() + extra)
    assert not check(stored).ok


def test_every_flipped_bit_is_noticed(stored: Path) -> None:
    """A changed bit of the header is detected on opening, one of the data by its digest."""
    header = len(read_header(stored).raw)
    sound = stored.read_bytes()
    with open(stored, "r+b", buffering=0) as file:
        for position, byte in enumerate(sound):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), position)
                assert not check(stored, data=position >= header).ok, (position, bit)
            os.pwrite(file.fileno(), bytes([byte]), position)
    assert check(stored, data=True).ok


def test_the_check_names_the_damaged_tensor_and_the_file_that_needs_it(stored: Path) -> None:
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)
    assert check(stored).ok
    problems = check(stored, data=True).problems
    assert [problem.split(":")[0] for problem in problems] == [
        "tensor 'fc.weight'",
        "restored source file 'net-0000.params'",
    ]


def test_a_store_without_digests_cannot_be_checked_by_data(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path, digests=False)
    assert check(path).ok
    (problem,) = check(path, data=True).problems
    assert "without digests" in problem


def test_progress_of_the_data_check_counts_tensors_and_files(stored: Path) -> None:
    steps: list[tuple[int, int]] = []
    check(stored, data=True, progress=lambda done, total: steps.append((done, total)))
    total = 36 + sum(file.size for file in neutral.open(stored).source.files)  # type: ignore[union-attr]
    assert steps[-1] == (total, total)

"""The window on a file: what it reads, where its end is, and what it refuses."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Iterator

import pytest

from mxnet_to_neutral.arrays.window import Window, no_subject, open_window
from mxnet_to_neutral.limits import MAX_TENSOR_BYTES
from neutral.errors import FormatError


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    """A window on the bytes 0 to 99, of which none is read."""
    (tmp_path / "a").write_bytes(bytes(range(100)))
    with open_window(tmp_path / "a") as opened:
        yield opened


def test_a_read_never_passes_the_end_of_the_part(window: Window) -> None:
    window.position = 5
    window.read(1, "all bytes from 5, into the buffer")
    window.enter(10, 14, no_subject)
    assert window.read(4, "the part") == bytes(range(10, 14))
    for position, left in ((10, 4), (14, 0), (16, 0)):
        window.position = position
        with pytest.raises(FormatError, match=f"5 bytes of the next are expected, {left} are left"):
            window.read(5, "the next")
    window.enter(10, 14, no_subject)
    with pytest.raises(FormatError, match="8 bytes of the next"):
        window.unpack(struct.Struct("<Q"), "the next")


def test_what_the_buffer_holds_behind_the_part_is_not_read(window: Window) -> None:
    window.enter(10, 14, no_subject)
    assert window.read(1, "the first byte, with all behind it") == bytes((10,))
    with pytest.raises(FormatError, match="4 bytes of the next are expected, 3 are left"):
        window.read(4, "the next")


def test_a_new_window_is_at_the_first_byte(window: Window) -> None:
    assert (window.position, window.remaining) == (0, 100)
    assert window.read(1, "the first byte") == b"\0"


def test_the_position_goes_back_and_forth(window: Window) -> None:
    window.position = 50
    assert window.read(2, "the middle") == bytes((50, 51))
    window.position = 5
    assert (window.read(1, "one byte"), window.position, window.remaining) == (bytes((5,)), 6, 94)


def test_short_reads_of_the_system_are_continued(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, count, offset: pread(file, min(count, 7), offset))
    assert window.read(40, "the start") == bytes(range(40))
    assert window.read(60, "the rest") == bytes(range(40, 100))


def test_the_largest_tensor_that_can_be_addressed(window: Window) -> None:
    window.check_extent("U8", (0, MAX_TENSOR_BYTES))
    with pytest.raises(FormatError, match="larger than any file"):
        window.check_extent("U8", (0, MAX_TENSOR_BYTES + 1))

"""Restoring source files from tensors: bytes that are there, and pieces that fit no tensor."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from neutral.errors import SourceError, StoreError
from neutral.source import Piece
from neutral.store import SourceFile, Store
from neutral.store.source_files import restored_chunks, source_file_chunks
from neutral.tensor import FileRange, from_numpy

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)
STORE = Store({}, {"t": from_numpy(ARRAY)})


def restored(*pieces: int | Piece, skeleton: bytes = b"") -> bytes:
    file = SourceFile("x.params", "parameters", "x", 0, pieces, skeleton)
    return b"".join(bytes(chunk) for chunk in restored_chunks(STORE, file))


def test_skeleton_and_tensors_alternate() -> None:
    pieces = (2, Piece("t", (1, 0)), 1, Piece("t", start=4, nbytes=8))
    expected = b"ab" + ARRAY.T.tobytes() + b"c" + ARRAY.tobytes()[4:12]
    assert restored(*pieces, skeleton=b"abc") == expected


def test_a_text_file_is_its_text() -> None:
    file = SourceFile("x-symbol.json", "graph", "x", 3, text="{é}")
    assert list(restored_chunks(STORE, file)) == ["{é}".encode()]


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (Piece("u"), "its piece 'u' is not among the store's tensors"),
        (Piece("t", start=20, nbytes=8), "its piece asks for 8 bytes from 20 of 't', which has 24"),
        (Piece("t", start=28), "its piece asks for -4 bytes from 28 of 't', which has 24"),
        (Piece("t", start=-4, nbytes=4), "its piece asks for 4 bytes from -4 of 't', which has 24"),
        (Piece("t", (0,)), "[0] is not a permutation of the axes of 't', which has shape [2, 3]"),
        (Piece("t", (0, 0)), "[0, 0] is not a permutation of the axes of 't', which has shape [2, 3]"),
    ],
)
def test_a_piece_that_fits_no_tensor_is_refused(piece: Piece, message: str) -> None:
    with pytest.raises(StoreError, match=re.escape(f"x.params: {message}")):
        restored(piece)


def test_an_original_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.params"
    path.write_bytes(b"abc")
    file = SourceFile("x.params", "parameters", "x", 3, location=FileRange(str(path), 0, 3))
    assert b"".join(bytes(chunk) for chunk in source_file_chunks(STORE, file)) == b"abc"
    with pytest.raises(SourceError, match="3 bytes were found where 4 were expected"):
        list(source_file_chunks(STORE, dataclasses.replace(file, size=4)))

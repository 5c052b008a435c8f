"""Describe source files by the stored tensors that hold their bytes, so that they can be restored byte for byte."""

from __future__ import annotations

import os
from typing import Iterable, Mapping, Sequence, Tuple

from mxnet_to_neutral.arrays import Array, ArrayFile
from mxnet_to_neutral.layers.assemble import SOURCE, Assembly
from mxnet_to_neutral.layers.canonical import stored_ranges
from neutral.source import Piece, SourceFile
from neutral.tensor import FileRange

StoredRange = Tuple[FileRange, Piece]
"""A range of the source file, and the stored bytes that equal it."""


def parameter_file(assembly: Assembly, file: ArrayFile, arrays: Sequence[Array], name: str) -> SourceFile:
    """Return the parameter file as pieces of stored tensors.

    Arrays whose bytes are not in the tensors of layers, such as sparse ones, are added to the store under
    ``source.NAME``.

    Args:
        assembly: The store's layers and tensors; original arrays are added to it.
        file: The parsed file.
        arrays: Its arrays.
        name: The file's name without a folder.

    Returns:
        The file's name, size and pieces, from which it can be restored byte for byte.
    """
    in_layers = {
        content.offset: (content, piece) for content, piece in sorted(stored_ranges(assembly.recipes)) if content.nbytes
    }
    ranges: list[StoredRange] = []
    for array in arrays:
        is_dense = array.storage == "dense"
        covering = _covering(array.stored.only_range, in_layers) if is_dense else None
        if covering is not None:
            ranges += covering
            continue
        for part, tensor in array.parts().items():
            suffix = "" if is_dense else f".{part}"
            key = assembly.add_tensor(f"{SOURCE}.{array.name}{suffix}", tensor)
            ranges.append((tensor.only_range, Piece(key)))
    in_layers.clear()
    ranges.sort()
    pieces, skeleton = _pieces_and_skeleton(file, ranges)
    return SourceFile(
        name=name,
        role="parameters",
        format=file.format,
        size=file.size,
        pieces=pieces,
        skeleton=skeleton,
        location=FileRange(file.path, 0, file.size),
    )


def text_file(path: str, text: str, role: str, format: str) -> SourceFile:
    """Return a source file whose text is kept in the store.

    Args:
        path: The file.
        text: Its content.
        role: Its role, such as ``graph``.
        format: Its format, such as ``symbol-json``.

    Returns:
        The file's name, size and text.
    """
    size = os.path.getsize(path)
    return SourceFile(os.path.basename(path), role, format, size, text=text, location=FileRange(path, 0, size))


def _covering(whole: FileRange, by_offset: Mapping[int, StoredRange]) -> list[StoredRange] | None:
    """Return the consecutive ranges that hold exactly these bytes, None if bytes are left over."""
    covering = []
    _, position, nbytes = whole
    end = position + nbytes
    while position < end:
        stored = by_offset.get(position)
        if stored is None:
            return None
        covering.append(stored)
        position += stored[0].nbytes
    return covering if position == end else None


def _pieces_and_skeleton(file: ArrayFile, ranges: Iterable[StoredRange]) -> tuple[tuple[int | Piece, ...], bytes]:
    """Return the file as pieces and lengths of literal bytes between them, and all literal bytes; ranges are sorted."""
    pieces: list[int | Piece] = []
    skeleton = bytearray()
    with open(file.path, "rb") as source:

        def add_literal(start: int, end: int) -> None:
            if end > start:
                pieces.append(end - start)
                source.seek(start)
                skeleton.extend(source.read(end - start))

        position = 0
        for (_, offset, nbytes), piece in ranges:
            add_literal(position, offset)
            pieces.append(piece)
            position = offset + nbytes
        add_literal(position, file.size)
    return tuple(pieces), bytes(skeleton)

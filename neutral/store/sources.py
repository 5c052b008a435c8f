"""The original files of a store, put together again from its tensors."""

from __future__ import annotations

from typing import Iterator

from neutral.errors import StoreError
from neutral.store.store import Piece, SourceFile, Store
from neutral.tensor import CHUNK


def source_chunks(store: Store, file: SourceFile) -> Iterator[bytes | memoryview]:
    """The bytes of a source file, in order.

    In memory at once are a chunk, or one whole tensor where its axes have to be permuted.
    """
    if file.text is not None:
        yield file.text.encode("utf-8")
        return
    position = 0
    for piece in file.pieces:
        if isinstance(piece, int):
            yield file.skeleton[position : position + piece]
            position += piece
        else:
            yield from _tensor_chunks(store, file, piece)


def _tensor_chunks(store: Store, file: SourceFile, piece: Piece) -> Iterator[bytes | memoryview]:
    tensor = store.tensors.get(piece.tensor)
    if tensor is None:
        raise StoreError(f"{file.name}: its piece {piece.tensor!r} is not among the store's tensors.")
    if piece.permutation is None:
        yield from tensor.chunks()
        return
    if sorted(piece.permutation) != list(range(len(tensor.shape))):
        raise StoreError(
            f"{file.name}: {list(piece.permutation)} is no permutation of the axes of {piece.tensor!r}, "
            f"which has shape {list(tensor.shape)}."
        )
    if tensor.nbytes == 0:
        return
    import numpy as np

    array = np.ascontiguousarray(np.transpose(tensor.numpy(), piece.permutation))
    view = array.reshape(-1).view(np.uint8).data
    for start in range(0, len(view), CHUNK):
        yield view[start : start + CHUNK]

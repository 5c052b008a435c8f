"""The original files of a store, put together again from its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Iterator

from neutral.errors import SourceError, StoreError
from neutral.source import Piece, SourceFile
from neutral.tensor import Tensor, from_numpy

if TYPE_CHECKING:
    from neutral.store.store import Store


def is_file_name(name: str) -> bool:
    """Whether a recorded name is a file's name and nothing more: names are data, and must lead out of no folder."""
    return name not in ("", ".", "..") and not any(character in name for character in "/\\\0")


def source_file_chunks(store: Store, file: SourceFile) -> Iterable[bytes | memoryview]:
    """The bytes of a source file: from where it is now, or put together again."""
    if file.location is None:
        return restored_chunks(store, file)
    path, _, nbytes = file.location
    if nbytes != file.size:
        raise SourceError(f"{path}: {nbytes} bytes were found where {file.size} were expected.")
    return file.location.chunks()


def restored_chunks(store: Store, file: SourceFile) -> Iterator[bytes | memoryview]:
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
    nbytes = tensor.nbytes - piece.start if piece.nbytes is None else piece.nbytes
    if min(piece.start, nbytes) < 0 or piece.start + nbytes > tensor.nbytes:
        raise StoreError(
            f"{file.name}: its piece asks for {nbytes} bytes from {piece.start} of {piece.tensor!r}, which has "
            f"{tensor.nbytes}."
        )
    if piece.permutation is not None:
        tensor = _permuted(tensor, piece, file)
    yield from tensor.part(piece.start, nbytes)


def _permuted(tensor: Tensor, piece: Piece, file: SourceFile) -> Tensor:
    permutation = piece.permutation or ()
    if sorted(permutation) != list(range(len(tensor.shape))):
        raise StoreError(
            f"{file.name}: {list(permutation)} is no permutation of the axes of {piece.tensor!r}, which has shape "
            f"{list(tensor.shape)}."
        )
    import numpy as np

    return from_numpy(np.transpose(tensor.numpy(), permutation), tensor.dtype)

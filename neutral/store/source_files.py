"""Restore the source files of a store from its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Iterator

from neutral.errors import SourceError, StoreError
from neutral.source import Piece, SourceFile
from neutral.tensor import Tensor, from_numpy

if TYPE_CHECKING:
    from neutral.store.store import Store


def is_file_name(name: str) -> bool:
    r"""Return whether a recorded name is the name of a file without a folder, so that it is safe to write to.

    Args:
        name: The recorded name.

    Returns:
        False for empty names, ``.``, ``..``, and those with a separator of any system or a zero character.

    Example:
        >>> is_file_name("net-symbol.json"), is_file_name("../x"), is_file_name("..\\x")
        (True, False, False)
    """
    return name not in ("", ".", "..") and not any(character in name for character in "/\\\0")


def source_file_chunks(store: Store, file: SourceFile) -> Iterable[bytes | memoryview]:
    """Yield the bytes of a source file: of the original if it is on this machine, else restored.

    Args:
        store: The store, for the tensors.
        file: One of its source files.

    Returns:
        The bytes in order, in chunks of any size.

    Raises:
        SourceError: If the original has another size.
        StoreError: If the file cannot be restored.

    Example:
        >>> file = SourceFile("net-symbol.json", "graph", "symbol-json", 2, text="{}")
        >>> from neutral.store.store import Store
        >>> b"".join(source_file_chunks(Store({}, {}), file))
        b'{}'
    """
    if file.location is None:
        return restored_chunks(store, file)
    path, _, nbytes = file.location
    if nbytes != file.size:
        raise SourceError(f"{path}: {nbytes} bytes were found where {file.size} were expected.")
    return file.location.chunks()


def restored_chunks(store: Store, file: SourceFile) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a source file, restored from the tensors.

    A chunk is in memory at once, or one whole tensor if its axes are permuted.

    Args:
        store: The store, for the tensors.
        file: One of its source files.

    Returns:
        The bytes in order, in chunks of any size.

    Raises:
        StoreError: If a piece does not fit its tensor.

    Example:
        >>> from neutral.store.store import Store
        >>> file = SourceFile("net.params", "parameters", "params-v2", 3, pieces=(3,), skeleton=b"abc")
        >>> b"".join(restored_chunks(Store({}, {}), file))
        b'abc'
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
        tensor = _permuted(tensor, piece.permutation, piece.tensor, file)
    yield from tensor.part(piece.start, nbytes)


def _permuted(tensor: Tensor, permutation: tuple[int, ...], key: str, file: SourceFile) -> Tensor:
    if sorted(permutation) != list(range(len(tensor.shape))):
        raise StoreError(
            f"{file.name}: {list(permutation)} is not a permutation of the axes of {key!r}, which has shape "
            f"{list(tensor.shape)}."
        )
    import numpy as np

    return from_numpy(np.transpose(tensor.numpy(), permutation), tensor.dtype)

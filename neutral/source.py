"""Provenance of a store: the framework and the files that it was made from, and how to restore those files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from neutral.tensor import FileRange


class Piece(NamedTuple):
    """A range of a source file that holds the bytes of a stored tensor.

    Attributes:
        tensor: The key of the tensor.
        permutation: The axes of the tensor in the order in which the file has them; None: as they are stored.
        start: The first byte of the (permuted) tensor that the file has.
        nbytes: The bytes that the file has; None: all from ``start``. A source may hold a tensor in
            several parts.

    Example:
        >>> Piece("fc.weight", permutation=(1, 0)).nbytes is None
        True
    """

    tensor: str
    permutation: tuple[int, ...] | None = None
    start: int = 0
    nbytes: int | None = None


@dataclass(frozen=True)
class SourceFile:
    """A file that the store was made from, with everything that is needed to restore it byte for byte.

    Attributes:
        name: The name without a folder.
        role: The purpose of the file: ``parameters``, ``graph`` and so on.
        format: The name of the file's format.
        size: Bytes of the file.
        pieces: The parts of a binary file in order: a number is that many bytes of ``skeleton``, a :class:`Piece` is a
            tensor.
        skeleton: All bytes of a binary file that belong to no tensor, in order.
        text: The content of a text file; None for a binary one.
        sha256: The digest of the file; None before the store has been written, and in one without digests.
        location: The bytes of the original file on this machine, if it is there; not stored.

    Example:
        >>> SourceFile("net-symbol.json", "graph", "symbol-json", size=2, text="{}").text
        '{}'
    """

    name: str
    role: str
    format: str
    size: int
    pieces: tuple[int | Piece, ...] = ()
    skeleton: bytes = b""
    text: str | None = None
    sha256: str | None = None
    location: FileRange | None = field(default=None, compare=False)


@dataclass(frozen=True)
class StoreSource:
    """The framework and the files that a store was made from.

    Attributes:
        framework: The framework's name, such as ``mxnet``.
        version: The framework's version; None if it is unknown.
        files: The files, each with a name of its own.

    Example:
        >>> StoreSource("mxnet", "1.9.1").files
        ()
    """

    framework: str
    version: str | None
    files: tuple[SourceFile, ...] = ()

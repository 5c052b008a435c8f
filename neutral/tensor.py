"""A tensor that has not been read: its type, its shape, and where its bytes are.

Bytes are little-endian and C-contiguous. The dtype codes are those of safetensors; NumPy has no bfloat16,
so :meth:`Tensor.numpy` gives its raw bits as uint16 and the code ``BF16`` is the tag that says so.
"""

from __future__ import annotations

import os
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, NamedTuple, Union

from neutral.dtypes import CODE_OF_NUMPY, ITEM_SIZE, NUMPY_DTYPE
from neutral.errors import SourceError

if TYPE_CHECKING:
    import numpy as np

CHUNK = 1 << 20
"""Bytes that are in memory at once where content is copied or hashed."""


class FileRange(NamedTuple):
    """``nbytes`` bytes of a file, from ``offset``."""

    path: str
    offset: int
    nbytes: int

    def part(self, start: int, nbytes: int) -> FileRange:
        """``nbytes`` of the bytes, from ``start``."""
        return FileRange(self.path, self.offset + start, nbytes)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, at most :data:`CHUNK` at a time; a file that has become shorter raises SourceError."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                position, end = self.offset, self.offset + self.nbytes
                while position < end:
                    data = os.pread(descriptor, min(CHUNK, end - position), position)
                    if not data:
                        raise SourceError(
                            f"{self.path}, byte {position}: the file ends here, {end - position} bytes early. "
                            "It was changed while it was read: run again."
                        )
                    position += len(data)
                    yield data
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SourceError(f"{self.path}: cannot be read: {error.strerror}.") from error


@lru_cache(maxsize=1 << 12)  # a model repeats its shapes
def nbytes_of(dtype: str, shape: tuple[int, ...]) -> int:
    """The bytes that the elements take."""
    return prod(shape) * ITEM_SIZE[dtype]


Content = Union["tuple[FileRange, ...]", "Callable[[], Iterable[bytes | memoryview]]"]


class Tensor(NamedTuple):
    """dtype, shape, and the content: file ranges one after the other, or a function that makes the bytes."""

    dtype: str
    shape: tuple[int, ...]
    content: Content

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return nbytes_of(self.dtype, self.shape)

    @property
    def only_range(self) -> FileRange:
        """Where the bytes are, of a tensor that is one range of a file."""
        assert isinstance(self.content, tuple)
        (content,) = self.content
        return content

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The bytes in order, in pieces."""
        if isinstance(self.content, tuple):
            for part in self.content:
                yield from part.chunks()
        else:
            yield from self.content()

    def part(self, start: int, nbytes: int) -> Iterator[bytes | memoryview]:
        """``nbytes`` of the bytes, from ``start``; of files nothing else is read."""
        if isinstance(self.content, tuple):
            for source in self.content:
                wanted = max(0, min(nbytes, source.nbytes - start))
                if wanted:
                    yield from source.part(start, wanted).chunks()
                nbytes -= wanted
                start = max(0, start - source.nbytes)
            return
        for chunk in self.content():
            wanted = max(0, min(nbytes, len(chunk) - start))
            if wanted:
                yield chunk[start : start + wanted]
            nbytes -= wanted
            start = max(0, start - len(chunk))

    def numpy(self) -> np.ndarray:
        """The array, in memory of its own; bfloat16 as its bits in uint16."""
        import numpy as np

        array = np.empty(self.shape, NUMPY_DTYPE[self.dtype])
        view = array.reshape(-1).view(np.uint8).data if array.size else memoryview(bytearray())
        position = 0
        for chunk in self.chunks():
            view[position : position + len(chunk)] = chunk
            position += len(chunk)
        if position != self.nbytes:
            raise SourceError(f"a tensor of {self.nbytes} bytes has {position} bytes of content.")
        return array


def lazy_tensor(dtype: str, shape: tuple[int, ...], make: Callable[[], np.ndarray]) -> Tensor:
    """A tensor whose values ``make`` gives when they are asked for: an array of the dtype, or for BF16 its bits."""

    def content() -> Iterator[memoryview]:
        import numpy as np

        array = np.ascontiguousarray(make(), NUMPY_DTYPE[dtype])
        if array.size:
            yield array.reshape(-1).view(np.uint8).data

    return Tensor(dtype, shape, content)


def from_numpy(array: np.ndarray, dtype: str | None = None) -> Tensor:
    """A tensor over an array in memory. ``dtype`` is the code, needed where NumPy has no name for it (BF16)."""
    import numpy as np

    array = np.asarray(array)
    code = dtype or CODE_OF_NUMPY[array.dtype.newbyteorder("<").str]
    contiguous = np.ascontiguousarray(array, NUMPY_DTYPE[code])
    return Tensor(code, array.shape, lambda: (contiguous.reshape(-1).view(np.uint8).data,))

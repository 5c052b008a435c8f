"""Tensors whose content is read on demand.

Content is little-endian and C-contiguous. NumPy has no bfloat16: a tensor of dtype ``BF16`` becomes a uint16 array of
its bits.
"""

from __future__ import annotations

import os
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, NamedTuple, Union

from neutral.dtypes import CODE_OF_NUMPY, ITEM_SIZE, NUMPY_DTYPE
from neutral.errors import SourceError
from neutral.portable import open_to_read, read_at

if TYPE_CHECKING:
    import numpy as np

CHUNK = 1 << 20
"""Bytes that are in memory at once while content is copied or hashed."""


class FileRange(NamedTuple):
    """A range of bytes of a file.

    Attributes:
        path: The path of the file.
        offset: The first byte.
        nbytes: The number of bytes.
    """

    path: str
    offset: int
    nbytes: int

    def part(self, start: int, nbytes: int) -> FileRange:
        """Return a range within this range.

        Args:
            start: The first byte, counted from the start of this range.
            nbytes: The number of bytes.

        Returns:
            The range in the same file.
        """
        return FileRange(self.path, self.offset + start, nbytes)

    def chunks(self) -> Iterator[bytes]:
        """Read the bytes, at most :data:`CHUNK` at a time.

        Returns:
            An iterator over the bytes in order.

        Raises:
            SourceError: If the file cannot be read, or has become shorter.
        """
        try:
            descriptor = open_to_read(self.path)
            try:
                position, end = self.offset, self.offset + self.nbytes
                while position < end:
                    data = read_at(descriptor, min(CHUNK, end - position), position)
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


@lru_cache(maxsize=1 << 12)  # the layers of a model repeat their shapes
def nbytes_of(dtype: str, shape: tuple[int, ...]) -> int:
    """Return the bytes of a tensor.

    Args:
        dtype: The code of the dtype, such as ``F32``.
        shape: The dimensions.

    Returns:
        The number of bytes.

    Example:
        >>> nbytes_of("F16", (2, 3))
        12
    """
    return prod(shape) * ITEM_SIZE[dtype]


Content = Union["tuple[FileRange, ...]", "Callable[[], Iterable[bytes | memoryview]]"]
"""The content of a tensor: file ranges in order, or a function that yields the bytes."""


class Tensor(NamedTuple):
    """A tensor that is read on demand.

    Attributes:
        dtype: The code of the dtype, such as ``F32``; see :mod:`neutral.dtypes`.
        shape: The dimensions.
        content: File ranges in order, or a function that yields the bytes.

    Example:
        >>> tensor = Tensor("U8", (3,), lambda: (b"ab", b"c"))
        >>> tensor.nbytes, tensor.numpy()
        (3, array([97, 98, 99], dtype=uint8))
    """

    dtype: str
    shape: tuple[int, ...]
    content: Content

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of the content."""
        return nbytes_of(self.dtype, self.shape)

    @property
    def only_range(self) -> FileRange:
        """The file range of a tensor that has exactly one."""
        assert isinstance(self.content, tuple)
        (content,) = self.content
        return content

    def chunks(self) -> Iterator[bytes | memoryview]:
        """Read the bytes in order, in chunks of any size.

        Returns:
            An iterator over the bytes, little-endian and in C order.

        Raises:
            SourceError: If a file cannot be read, or has become shorter.
        """
        if isinstance(self.content, tuple):
            for part in self.content:
                yield from part.chunks()
        else:
            yield from self.content()

    def part(self, start: int, nbytes: int) -> Iterator[bytes | memoryview]:
        """Read some of the bytes; of files, only these are read.

        Args:
            start: The first byte.
            nbytes: The number of bytes.

        Returns:
            An iterator over these bytes, in chunks of any size.

        Raises:
            SourceError: If a file cannot be read, or has become shorter.
        """
        if isinstance(self.content, tuple):
            for source in self.content:
                count = max(0, min(nbytes, source.nbytes - start))
                if count:
                    yield from source.part(start, count).chunks()
                nbytes -= count
                start = max(0, start - source.nbytes)
            return
        for chunk in self.content():
            count = max(0, min(nbytes, len(chunk) - start))
            if count:
                yield chunk[start : start + count]
            nbytes -= count
            start = max(0, start - len(chunk))

    def numpy(self) -> np.ndarray:
        """Read the tensor into a new array; bfloat16 as its bits in uint16.

        Returns:
            An array of the tensor's shape, little-endian and C-contiguous.

        Raises:
            SourceError: If a file cannot be read, or the content has another size than dtype and shape require.
        """
        import numpy as np

        array = np.empty(self.shape, NUMPY_DTYPE[self.dtype])
        self.read_into(array.reshape(-1).view(np.uint8).data if array.size else memoryview(bytearray()))
        return array

    def read_into(self, buffer: memoryview) -> None:
        """Read the tensor into memory that exists already, a chunk at a time.

        Args:
            buffer: Writable memory of :attr:`nbytes` bytes.

        Raises:
            SourceError: If a file cannot be read, or the content has another size than dtype and shape require.
        """
        position = 0
        for chunk in self.chunks():
            end = position + len(chunk)
            if end <= self.nbytes:
                buffer[position:end] = chunk
            position = end
        self.check_content_size(position)

    def check_content_size(self, nbytes: int) -> None:
        """Check the number of bytes that the content turned out to have.

        Args:
            nbytes: The number of bytes.

        Raises:
            SourceError: If it is not the one that dtype and shape require.
        """
        if nbytes != self.nbytes:
            raise SourceError(f"a tensor of {self.nbytes} bytes has {nbytes} bytes of content.")


def lazy_tensor(dtype: str, shape: tuple[int, ...], make: Callable[[], np.ndarray]) -> Tensor:
    """Return a tensor whose values are computed when they are read.

    Args:
        dtype: The code of the dtype.
        shape: The dimensions.
        make: Return the array, of this shape; for ``BF16`` its bits in uint16.

    Returns:
        The tensor; ``make`` is called at each reading.

    Example:
        >>> import numpy as np
        >>> lazy_tensor("F32", (2,), lambda: np.ones(2)).numpy()
        array([1., 1.], dtype=float32)
    """

    def content() -> Iterator[memoryview]:
        import numpy as np

        array = np.ascontiguousarray(make(), NUMPY_DTYPE[dtype])
        if array.size:
            yield array.reshape(-1).view(np.uint8).data

    return Tensor(dtype, shape, content)


def from_numpy(array: np.ndarray, dtype: str | None = None) -> Tensor:
    """Return a tensor over an array in memory.

    Args:
        array: The values; for ``BF16`` the bits in uint16.
        dtype: The code of the dtype; None: that of the array.

    Returns:
        A tensor of the array's shape, whose content is the array, or a contiguous copy of it.

    Example:
        >>> import numpy as np
        >>> from_numpy(np.zeros((2, 3), np.float16)).dtype
        'F16'
    """
    import numpy as np

    array = np.asarray(array)
    code = dtype or CODE_OF_NUMPY[array.dtype.newbyteorder("<").str]
    contiguous = np.ascontiguousarray(array, NUMPY_DTYPE[code])
    return Tensor(code, array.shape, lambda: (contiguous.reshape(-1).view(np.uint8).data,))

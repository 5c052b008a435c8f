"""Stored tensors as torch tensors: mapped if a file has their bytes unchanged, else read."""

from __future__ import annotations

import mmap
import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Iterable, Iterator

import torch

from neutral.dtypes import DTYPE_NAME, ITEM_SIZE
from neutral.errors import SourceError, UnsupportedError
from neutral.tensor import Tensor


def dtype_of(tensor: Tensor) -> torch.dtype:
    """Return the torch dtype of a stored tensor.

    Args:
        tensor: A tensor of a store; its bytes are not read.

    Returns:
        The dtype whose elements have the same bytes.

    Raises:
        UnsupportedError: This torch has no such dtype (wide unsigned integers before 2.3).
    """
    dtype: torch.dtype | None = getattr(torch, DTYPE_NAME[tensor.dtype], None)
    if dtype is None:
        raise UnsupportedError(f"torch {torch.__version__} has no dtype for {tensor.dtype}. Use a newer torch.")
    return dtype


def code_of(dtype: torch.dtype) -> str:
    """Return the store's code of a torch dtype.

    Args:
        dtype: A dtype of torch.

    Returns:
        The dtype code of safetensors, such as ``F32``.

    Raises:
        UnsupportedError: A store has no such dtype (complex, quantized).

    Example:
        >>> code_of(torch.bfloat16)
        'BF16'
    """
    for code, name in DTYPE_NAME.items():
        if getattr(torch, name, None) == dtype:
            return code
    raise UnsupportedError(f"unsupported dtype {dtype}; a store has {', '.join(DTYPE_NAME.values())}.")


_READS: ContextVar[bool] = ContextVar("reads", default=False)


@contextmanager
def files_read() -> Iterator[None]:
    """Make tensors of the block copies in memory, not maps of their files: the files may shrink after it.

    Example:
        >>> import tempfile
        >>> from neutral.tensor import FileRange
        >>> with tempfile.NamedTemporaryFile() as file, files_read():
        ...     _ = file.write(bytes(8))
        ...     file.flush()
        ...     value = MemoryMaps().get(Tensor("F32", (2,), (FileRange(file.name, 0, 8),)))
        ...     _ = file.truncate(0)
        ...     value
        tensor([0., 0.])
    """
    token = _READS.set(True)
    try:
        yield
    finally:
        _READS.reset(token)


class MemoryMaps:
    """Memory maps of files, private to the process: writing to a tensor changes no file.

    A file is mapped once, and stays mapped while a tensor uses it. Shrinking the file meanwhile is fatal to the
    process, as with every mapped file; :func:`files_read` avoids it, and the command line uses that.
    """

    def __init__(self) -> None:
        self._maps: dict[str, mmap.mmap] = {}

    def get(self, tensor: Tensor) -> torch.Tensor:
        """Return a tensor without a copy if one file has its bytes, aligned; else, and if asked, in memory of its own.

        Args:
            tensor: A tensor of a store.

        Returns:
            A tensor of the same dtype and shape.
        """
        parts = tensor.content
        if _READS.get() or not tensor.size or not isinstance(parts, tuple) or len(parts) != 1:
            return read(tensor)
        if parts[0].offset % ITEM_SIZE[tensor.dtype]:
            return read(tensor)
        pages = self._pages(parts[0].path)
        flat = torch.frombuffer(pages, dtype=dtype_of(tensor), count=tensor.size, offset=parts[0].offset)
        return flat.reshape(tensor.shape)

    def _pages(self, path: str) -> mmap.mmap:
        if path not in self._maps:
            with open(path, "rb") as file:
                self._maps[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self._maps[path]


def read(tensor: Tensor) -> torch.Tensor:
    """Read a tensor into new memory.

    Args:
        tensor: The tensor of a store.

    Returns:
        A new tensor on the processor, with the same dtype and shape.

    Example:
        >>> read(Tensor("U8", (3,), lambda: (b"abc",)))
        tensor([97, 98, 99], dtype=torch.uint8)
    """
    values = torch.empty(tensor.shape, dtype=dtype_of(tensor))
    read_into(tensor, values)
    return values


def read_into(tensor: Tensor, values: torch.Tensor) -> None:
    """Read a tensor into a contiguous one of the same dtype and size in CPU memory, a few megabytes at a time.

    Args:
        tensor: A tensor of a store.
        values: The tensor to be overwritten.

    Raises:
        SourceError: The tensor's content has another size.
    """
    if tensor.size:
        tensor.read_into(values.detach().reshape(-1).view(torch.uint8).numpy().data)


def check_files(tensors: Iterable[Tensor]) -> None:
    """Check that the files of tensors still exist and are long enough.

    Args:
        tensors: Tensors of stores; those in memory are skipped.

    Raises:
        SourceError: A file is missing or too short.
    """
    ends: dict[str, int] = {}
    for tensor in tensors:
        for part in tensor.content if isinstance(tensor.content, tuple) else ():
            ends[part.path] = max(ends.get(part.path, 0), part.offset + part.nbytes)
    for path, end in ends.items():
        try:
            size = os.stat(path).st_size
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
        if size < end:
            raise SourceError(f"{path}: has {size} bytes, the store needs {end}. It was changed after it was opened.")

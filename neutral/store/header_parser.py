"""Parse the header of a safetensors file strictly.

The official readers accept duplicate keys and unknown fields; here everything that the format does not allow is an
error.
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.errors import SourceError, StoreError
from neutral.store.header import LIMIT, METADATA, Header
from neutral.strict_json import parse_object
from neutral.tensor import FileRange, Tensor

_HIGHEST_RANK = 64
_FIELDS = {"dtype", "shape", "data_offsets"}


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of any safetensors file and check it against the size of the file.

    Args:
        path: The file.

    Returns:
        The tensors, the metadata, and the bytes of the header.

    Raises:
        SourceError: If the file cannot be read.
        StoreError: If it violates the format.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     with open(path, "wb") as file:
        ...         _ = file.write((30).to_bytes(8, "little") + b'{"__metadata__":{"by":"hand"}}')
        ...     read_header(path).metadata
        {'by': 'hand'}
    """
    path = os.fspath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise SourceError(f"{path}: this is a folder, a pipe or a device, not a file.")
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(8)
            raw = head + file.read(header_length(head, size, path))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from None
    return parse_header(raw, size, path)


def header_length(head: bytes, size: int, path: str) -> int:
    """Return the length of a header.

    Args:
        head: The first eight bytes of the file, if it has as many.
        size: The bytes of the whole file.
        path: The name of the file, for messages.

    Returns:
        The bytes of the JSON text and its padding.

    Raises:
        StoreError: If the length is beyond the limit or the end of the file.

    Example:
        >>> header_length((2).to_bytes(8, "little"), 10, "a.safetensors")
        2
        >>> header_length((9).to_bytes(8, "little"), 10, "a.safetensors")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.StoreError: a.safetensors, byte 0: a header of 9 bytes, but only 2 follow...
    """
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8:
        raise StoreError(f"{path}: {size} bytes are too few for a safetensors file.")
    if length > LIMIT:
        raise StoreError(f"{path}, byte 0: a header of {length} bytes; at most {LIMIT} are allowed.")
    if length > size - 8:
        raise StoreError(
            f"{path}, byte 0: a header of {length} bytes, but only {size - 8} follow. "
            "The file is truncated or not a safetensors file."
        )
    return length


def parse_header(raw: bytes, size: int, path: str) -> Header:
    """Parse a header and check it against the size of the file.

    Args:
        raw: The eight bytes of the length and the header.
        size: The bytes of the whole file.
        path: The path of the file, for the ranges of the tensors and for messages.

    Returns:
        The tensors, the metadata, and the bytes of the header.

    Raises:
        StoreError: If the header violates the format.

    Example:
        >>> text = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        >>> raw = len(text).to_bytes(8, "little") + text
        >>> parse_header(raw, len(raw) + 8, "a.safetensors").tensors["a"].shape
        (2,)
    """
    if len(raw) != 8 + int.from_bytes(raw[:8], "little"):
        raise StoreError(f"{path}, byte {len(raw)}: the file ends within its header.")
    try:
        document = _parse_json(raw)
    except (ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{path}, byte 8: the header is damaged ({str(error) or type(error).__name__}).") from None
    metadata = document.pop(METADATA, {})
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise StoreError(f"{path}: expected {METADATA} to be an object of texts.")
    return Header(_tensors(document, path, len(raw), size), metadata, raw)


def _parse_json(raw: bytes) -> dict[str, Any]:
    """Parse the text after the eight bytes of the length; the header, which may be large, is not copied."""
    if not raw.startswith(b"{", 8):
        raise ValueError("it does not begin with a brace")
    if raw[raw.rfind(b"}") + 1 :].strip(b" "):
        raise ValueError("it does not end with a brace and spaces")
    return parse_object(memoryview(raw)[8:])


def _tensors(document: Mapping[str, Any], path: str, start: int, size: int) -> dict[str, Tensor]:
    """Return the tensors in the order of their data, which must fill the file without gap or overlap."""
    spans = []
    for key, entry in document.items():
        problem = _problem(key, entry)
        if problem:
            raise StoreError(f"{path}: the header's entry {key!r} {problem}.")
        spans.append((*entry["data_offsets"], key))
    tensors = {}
    position = 0
    for begin, end, key in sorted(spans):
        entry = document[key]
        tensor = Tensor(entry["dtype"], tuple(entry["shape"]), (FileRange(path, start + begin, end - begin),))
        if begin != position:
            raise StoreError(
                f"{path}, byte {start + position}: the data of {key!r} begins at {start + begin}; tensors must follow "
                "one another without gap or overlap."
            )
        if tensor.nbytes != end - begin:
            raise StoreError(
                f"{path}, byte {start + begin}: {key!r} has {end - begin} bytes of data, but {tensor.dtype} of shape "
                f"{list(tensor.shape)} needs {tensor.nbytes}."
            )
        tensors[key] = tensor
        position = end
    if start + position != size:
        raise StoreError(
            f"{path}: the header describes a file of {start + position} bytes and it has {size}. "
            "It is truncated or was changed: copy it again."
        )
    return tensors


def _problem(key: str, entry: Any) -> str | None:
    """Return the reason why an entry is invalid, or None."""
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name that cannot be encoded as UTF-8"
    if type(entry) is not dict or entry.keys() != _FIELDS:
        return f"must have the fields {', '.join(sorted(_FIELDS))} and no others"
    if type(entry["dtype"]) is not str or entry["dtype"] not in ITEM_SIZE:
        return f"has the unknown dtype {entry['dtype']!r}; expected one of {', '.join(ITEM_SIZE)}"
    shape, offsets = entry["shape"], entry["data_offsets"]
    if type(shape) is not list or len(shape) > _HIGHEST_RANK or not _are_sizes(shape):
        return f"has an invalid shape; expected a list of at most {_HIGHEST_RANK} sizes"
    if type(offsets) is not list or len(offsets) != 2 or not _are_sizes(offsets) or offsets[0] > offsets[1]:
        return "has invalid data_offsets; expected begin and end"
    return None


def _are_sizes(values: Iterable[Any]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)

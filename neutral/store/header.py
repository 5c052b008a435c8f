"""Encode the header of a safetensors file, with the bytes that the official writer gives.

The format is specified at https://github.com/huggingface/safetensors#format and in ``docs/format.md``;
:mod:`neutral.store.header_parser` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import Iterable, Iterator, Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.errors import TargetError, UsageError
from neutral.tensor import Tensor, nbytes_of

LIMIT = 100_000_000
"""The largest header that the official reader accepts, in bytes."""

METADATA = "__metadata__"
"""The key of the header's metadata; no tensor can have this name."""

_BATCH = 1 << 8
"""Texts that are joined before they are escaped or encoded."""

Metadata = Mapping[str, "str | Iterable[str]"]
"""Texts by key; a text of many megabytes can be given in parts, so that it is never in memory as a whole."""


@dataclass(frozen=True)
class Header:
    """The header of a safetensors file.

    Attributes:
        tensors: The tensors by key, in the order of their data.
        metadata: Texts by key.
        raw: The bytes of the header, with the eight bytes of its length.

    Example:
        >>> raw = bytes(encode_header({}, {"format": "pt"}))
        >>> Header({}, {"format": "pt"}, raw).raw[8:31]
        b'{"__metadata__":{"forma'
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    raw: bytes


def ordered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Sort tensors in the official writer's order: large dtypes first, so that data is aligned, then by key.

    Args:
        tensors: The tensors by key.

    Returns:
        The same tensors in the order of their data.

    Example:
        >>> from neutral.tensor import Tensor
        >>> list(ordered({"b": Tensor("U8", (), ()), "c": Tensor("F32", (), ()), "a": Tensor("F32", (), ())}))
        ['a', 'c', 'b']
    """
    keys: dict[str, list[str]] = {}
    for key, tensor in tensors.items():
        keys.setdefault(tensor.dtype, []).append(key)
    dtypes = sorted(keys, key=list(ITEM_SIZE).index, reverse=True)
    return {key: tensors[key] for dtype in dtypes for key in sorted(keys[dtype])}


def encode_header(tensors: Mapping[str, Tensor], metadata: Metadata | None = None) -> bytearray:
    """Encode a header. For :func:`ordered` tensors its bytes are the official writer's.

    Args:
        tensors: The tensors by key, in the order of their data.
        metadata: Texts by key, written in the order of the keys; None: no metadata.

    Returns:
        The eight bytes of the length, the JSON text and padding.

    Raises:
        UsageError: If a name or text cannot be encoded.
        TargetError: If the header is longer than :data:`LIMIT`.

    Example:
        >>> from neutral.tensor import Tensor
        >>> bytes(encode_header({"x": Tensor("U8", (2,), ())}))[8:]
        b'{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   '
    """
    if METADATA in tensors:
        raise UsageError(f"invalid tensor name {METADATA!r}: safetensors reserves it for the metadata.")
    header = bytearray(8)
    try:
        for text in _joined(_texts(tensors, metadata)):
            header += text.encode("utf-8")
            if len(header) - 8 > LIMIT:
                break
    except UnicodeEncodeError as error:
        excerpt = error.object[max(0, error.start - 20) : error.end + 20]
        raise UsageError(f"{excerpt!r} cannot be encoded as UTF-8.") from None
    header += b" " * (-len(header) % 8)
    length = len(header) - 8
    if length > LIMIT:
        raise TargetError(
            f"the header would take more than the {LIMIT} bytes that safetensors allows: the tensors, layers and texts "
            "are too many for one file. HDF5 has no such limit: name a file that ends in .h5."
        )
    header[:8] = length.to_bytes(8, "little")
    return header


def _texts(tensors: Mapping[str, Tensor], metadata: Metadata | None) -> Iterator[str]:
    """Yield the JSON text in parts."""
    separator = ""
    yield "{"
    if metadata is not None:
        yield f'"{METADATA}":{{'
        for key, value in sorted(metadata.items()):
            yield f'{separator}{encode_basestring(key)}:"'
            for text in (value,) if isinstance(value, str) else _joined(value):
                yield encode_basestring(text)[1:-1]
            yield '"'
            separator = ","
        yield "}"
        separator = ","
    start = 0
    for key, (dtype, shape, _) in tensors.items():
        end = start + nbytes_of(dtype, shape)
        yield (
            f'{separator}{encode_basestring(key)}:{{{_dtype_and_shape(dtype, shape)},"data_offsets":[{start},{end}]}}'
        )
        start, separator = end, ","
    yield "}"


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """Join short texts to fewer, longer ones."""
    rest = iter(texts)
    return iter(lambda: "".join(islice(rest, _BATCH)), "")


@lru_cache(maxsize=1 << 12)  # the layers of a model repeat their shapes
def _dtype_and_shape(dtype: str, shape: tuple[int, ...]) -> str:
    return f'"dtype":"{dtype}","shape":[{",".join(map(str, shape))}]'

"""The header of a safetensors file: read strictly, written as the official writer does.

The format is at https://github.com/huggingface/safetensors#format and, in full, in ``docs/format.md``.
The official readers accept duplicate keys and unknown fields; here they are errors, as everything is that the
format does not say.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, Iterable, Iterator, Mapping

from neutral.dtypes import ITEM_SIZE
from neutral.errors import SourceError, StoreError, TargetError, UsageError
from neutral.strict_json import parse_object
from neutral.tensor import FileRange, Tensor, nbytes_of

LIMIT = 100_000_000
"""The largest header, in bytes, that the official reader takes."""

_BATCH = 1 << 8
"""Texts that are joined before they are escaped or encoded."""

_MAX_RANK = 64
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}

Metadata = Mapping[str, "str | Iterable[str]"]
"""Texts by key; one of many megabytes can be given in parts, so that it is never in memory as a whole."""


@dataclass(frozen=True)
class Header:
    """What a header says. ``tensors`` are in the order of their data; ``raw`` is the length and the text, as read."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    raw: bytes


def ordered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in the official writer's order: large dtypes first, so that data is aligned, then by name."""
    keys: dict[str, list[str]] = {}
    for key, tensor in tensors.items():
        keys.setdefault(tensor.dtype, []).append(key)
    largest_first = sorted(keys, key=list(ITEM_SIZE).index, reverse=True)
    return {key: tensors[key] for dtype in largest_first for key in sorted(keys[dtype])}


def encode_header(tensors: Mapping[str, Tensor], metadata: Metadata | None = None) -> bytearray:
    """The length and the header text for tensors in the order of their data; metadata keys are sorted.

    For :func:`ordered` tensors the bytes are the official writer's.
    """
    if _METADATA in tensors:
        raise UsageError(f"no tensor can be called {_METADATA!r}: safetensors keeps that name for itself.")
    header = bytearray(8)
    try:
        for text in _joined(_texts(tensors, metadata)):
            header += text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{error.object[max(0, error.start - 20) : error.end + 20]!r} has no UTF-8 form.") from None
    header += b" " * (-len(header) % 8)
    length = len(header) - 8
    if length > LIMIT:
        raise TargetError(
            f"the header would take {length} bytes and safetensors allows {LIMIT}: "
            "the tensors, layers and texts are too many for one file."
        )
    header[:8] = length.to_bytes(8, "little")
    return header


def _texts(tensors: Mapping[str, Tensor], metadata: Metadata | None) -> Iterator[str]:
    """The header's text in parts."""
    comma = ""
    yield "{"
    if metadata is not None:
        yield f'"{_METADATA}":{{'
        for key, value in sorted(metadata.items()):
            yield f'{comma}{encode_basestring(key)}:"'
            for text in (value,) if isinstance(value, str) else _joined(value):
                yield encode_basestring(text)[1:-1]
            yield '"'
            comma = ","
        yield "}"
        comma = ","
    start = 0
    for key, (dtype, shape, _) in tensors.items():
        end = start + nbytes_of(dtype, shape)
        yield f'{comma}{encode_basestring(key)}:{{{_form(dtype, shape)},"data_offsets":[{start},{end}]}}'
        start, comma = end, ","
    yield "}"


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """The texts in fewer and longer ones."""
    rest = iter(texts)
    return iter(lambda: "".join(islice(rest, _BATCH)), "")


@lru_cache(maxsize=1 << 12)  # a model repeats its shapes
def _form(dtype: str, shape: tuple[int, ...]) -> str:
    return f'"dtype":"{dtype}","shape":[{",".join(map(str, shape))}]'


def read_header(path: str | os.PathLike[str]) -> Header:
    """The header of any safetensors file, checked against the file's size.

    Raises :class:`SourceError` where the file cannot be read and :class:`StoreError` where it breaks the format.
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
    """How long the header is that the first eight bytes announce, in a file of ``size`` bytes."""
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8:
        raise StoreError(f"{path}: {size} bytes are too few for a safetensors file.")
    if length > LIMIT:
        raise StoreError(f"{path}, byte 0: a header of {length} bytes; at most {LIMIT} are allowed.")
    if length > size - 8:
        raise StoreError(
            f"{path}, byte 0: a header of {length} bytes, but only {size - 8} follow. "
            "The file is truncated or is no safetensors file."
        )
    return length


def parse_header(raw: bytes, size: int, path: str) -> Header:
    """The header in ``raw``, its length included, checked against the file's size."""
    if len(raw) != 8 + int.from_bytes(raw[:8], "little"):
        raise StoreError(f"{path}, byte {len(raw)}: the file ends within its header.")
    try:
        document = _parse_header(raw[8:])
    except (ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{path}, byte 8: the header is damaged ({str(error) or type(error).__name__}).") from None
    metadata = document.pop(_METADATA, {})
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise StoreError(f"{path}: {_METADATA} is no table of texts.")
    return Header(_tensors(document, path, len(raw), size), metadata, raw)


def _parse_header(text: bytes) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise ValueError("it does not begin with a brace")
    if text.rstrip(b" ")[-1:] != b"}":
        raise ValueError("it does not end with a brace and spaces")
    return parse_object(text)


def _tensors(document: Mapping[str, Any], path: str, start: int, size: int) -> dict[str, Tensor]:
    """The entries as tensors, in the order of their data, which must fill the file without gap or overlap."""
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
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name without a UTF-8 form"
    if type(entry) is not dict or entry.keys() != _FIELDS:
        return f"must have the fields {', '.join(sorted(_FIELDS))} and no others"
    if type(entry["dtype"]) is not str or entry["dtype"] not in ITEM_SIZE:
        return f"is of dtype {entry['dtype']!r}, which is none of {', '.join(ITEM_SIZE)}"
    shape, offsets = entry["shape"], entry["data_offsets"]
    if type(shape) is not list or len(shape) > _MAX_RANK or not _are_sizes(shape):
        return f"has a shape that is no list of at most {_MAX_RANK} sizes"
    if type(offsets) is not list or len(offsets) != 2 or not _are_sizes(offsets) or offsets[0] > offsets[1]:
        return "has data_offsets that are no begin and end"
    return None


def _are_sizes(values: Iterable[Any]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)

"""Encode the manifest of a store, in the newest format version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Iterator, Mapping

from neutral.manifest.graphs import graph_to_json
from neutral.manifest.layers import layer_to_text
from neutral.manifest.schema import KEY, VERSION
from neutral.manifest.sources import source_to_json

if TYPE_CHECKING:
    from neutral.store.store import Store

_dump = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def encode(store: Store, digests: Mapping[str, str], file_digests: Mapping[str, str]) -> Iterator[str]:
    """Yield the manifest of a store in parts: JSON without spaces, keys sorted.

    Args:
        store: The store; none of its tensors is read.
        digests: SHA-256 by tensor key. They come before those of the source files.
        file_digests: SHA-256 by the name of a source file.

    Returns:
        An iterator over parts of the text.

    Example:
        >>> from neutral.store import Store
        >>> "".join(encode(Store({}, {}), {}, {}))
        '{"digests":{},"format":"neutral","graph":null,"layers":[],"notes":[],"source":null,"version":1}'
    """
    yield f'{{"digests":{_dump(dict(digests))}'
    yield f',"format":{_dump(KEY)}'
    yield f',"graph":{_dump(None if store.graph is None else graph_to_json(store.graph))}'
    yield ',"layers":['
    separator = ""
    for layer in store.layers.values():
        yield f"{separator}{layer_to_text(layer, _dump)}"
        separator = ","
    yield f'],"notes":{_dump(store.notes)}'
    yield f',"source":{_dump(source_to_json(store.source, file_digests))}'
    yield f',"version":{_dump(VERSION)}}}'

"""Decode manifests of every format version that has a decoder."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, TypedDict

import neutral.extensions  # noqa: F401  lets the catalogue look for the kinds of installed plug-ins
from neutral.errors import StoreError
from neutral.graph import Graph, Layer
from neutral.manifest.graphs import graph_from_json
from neutral.manifest.layers import layer_from_json
from neutral.manifest.schema import DOCUMENT, KEY
from neutral.manifest.sources import source_from_json
from neutral.operators import UnknownOperator
from neutral.source import StoreSource
from neutral.strict_json import bounded_int, reject_constant


class Contents(TypedDict):
    """The arguments of :class:`neutral.store.Store` that a manifest gives."""

    layers: Mapping[str, Layer]
    graph: Graph | None
    source: StoreSource | None
    notes: tuple[str, ...]
    digests: Mapping[str, str]


_LONGEST_INTEGER = 20
"""Digits of a 64-bit number, its sign included."""


def decode(text: str, file: str) -> Contents:
    """Decode a manifest.

    Args:
        text: The JSON document.
        file: The name of the file, for messages.

    Returns:
        The arguments for :class:`neutral.store.Store`, the tensors excepted.

    Raises:
        StoreError: If the manifest is damaged, or of an unknown format version or operator.

    Example:
        >>> text = '{"format":"neutral","version":1,"layers":[],"graph":null,"source":null,"digests":{},"notes":["a"]}'
        >>> decode(text, "model.safetensors")["notes"]
        ('a',)
    """
    try:
        document = json.loads(text, parse_int=bounded_int(_LONGEST_INTEGER), parse_constant=reject_constant)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(document, ensure_ascii=False).encode("utf-8")  # fails on half a surrogate pair
        del text
        return _decoder(document, file)(document)
    except UnknownOperator as error:
        raise StoreError(f"{file}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{file}: its manifest is damaged ({type(error).__name__}: {error}).") from None


def _decoder(document: Mapping[str, Any], file: str) -> Callable[[Any], Contents]:
    name, version = document["format"], document["version"]
    if name != KEY:
        raise StoreError(f"{file}: its manifest is of format {name!r}, not {KEY!r}.")
    if type(version) is not int or version not in DECODERS:
        raise StoreError(
            f"{file}: the manifest has version {version!r} and this Neutral reads version "
            f"{', '.join(map(str, DECODERS))}. Use a newer Neutral."
        )
    return DECODERS[version]


def _decode_version_1(document: Any) -> Contents:
    DOCUMENT.check(document)
    layers = [layer_from_json(item) for item in _consumed(document["layers"])]
    by_name = {layer.name: layer for layer in layers}
    if len(by_name) != len(layers):
        raise ValueError("two layers have the same name")
    return {
        "layers": by_name,
        "graph": None if document["graph"] is None else graph_from_json(document["graph"]),
        "source": source_from_json(document["source"]),
        "notes": tuple(document["notes"]),
        "digests": document["digests"],
    }


def _consumed(items: list[Any]) -> Iterator[Any]:
    """Yield the items of a list and remove them, so that each can be freed once it has been decoded."""
    items.reverse()
    while items:
        yield items.pop()


DECODERS: dict[int, Callable[[Any], Contents]] = {1: _decode_version_1}
"""The decoder of each format version; it raises ValueError and UnknownOperator. A new version adds its own."""

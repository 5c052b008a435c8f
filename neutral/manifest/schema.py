"""The schema of a manifest, version 1, key by key.

:data:`DOCUMENT` validates manifests that are read; ``docs/make_manifest_schema.py`` writes ``manifest.schema.json``
from it, for other tools.
"""

from __future__ import annotations

from typing import Any

from neutral.dtypes import DTYPE_CODE
from neutral.manifest.compound_validators import (
    by_key,
    by_type,
    list_of,
    named,
    optional,
    record,
    table_of,
    together,
    tuple_of,
    with_keywords,
)
from neutral.manifest.validators import anything, boolean, constant, matching, null, number, one_of, size, text

KEY = "neutral"
"""The name of the format, and the key of the manifest in the metadata of a container."""

VERSION = 1
"""The format version that this code writes."""

SPECIAL_NUMBERS = ("inf", "-inf", "nan")
"""The numbers that JSON cannot write, as texts."""

_TEXT = text()
_NUMBER = number()
_SIZE = named("size", size())
_SHA256 = named("sha256", matching("[0-9a-f]{64}"))
_DTYPE = named("dtype", one_of(*DTYPE_CODE))
_ATTRIBUTES = named("attributes", table_of(anything()), "By name; the catalogue lists those of each kind.")

_VALUE = named(
    "value", tuple_of(_TEXT, _SIZE), "The name of a node or of an input, and the number of one of its outputs."
)
_OPERAND = named(
    "operand",
    by_type(
        {
            list: _VALUE,
            str: named("special number", one_of(*SPECIAL_NUMBERS)),
            int: _NUMBER,
            float: _NUMBER,
            bool: boolean(),
            type(None): null(),
        }
    ),
)
_INPUT = named(
    "input",
    record(
        {"name": _TEXT, "shape": optional(list_of(optional(_SIZE))), "dtype": optional(_DTYPE)},
        {"floating": constant(True)},
    ),
)
_NODE = named(
    "node",
    record(
        {"name": _TEXT, "kind": _TEXT, "inputs": list_of(_OPERAND), "attributes": _ATTRIBUTES},
        {"layer": _TEXT, "computed": table_of(_VALUE)},
    ),
)
GRAPH = named("graph", record({"inputs": list_of(_INPUT), "nodes": list_of(_NODE), "outputs": list_of(_VALUE)}))
"""A graph: that of the model, or one within the attributes of a node."""

_ORIGIN = named("origin", record({"arrays": list_of(_TEXT), "rule": _TEXT}))
_LAYER_SOURCE = record({"node": optional(_TEXT), "operator": optional(_TEXT), "origins": table_of(_ORIGIN)})
_LAYER = named(
    "layer",
    record(
        {
            "name": _TEXT,
            "kind": _TEXT,
            "attributes": _ATTRIBUTES,
            "tensors": table_of(_TEXT),
            "typed_by": one_of("graph", "names", "user"),
            "source": _LAYER_SOURCE,
        }
    ),
)

_PERMUTATION = with_keywords(list_of(_SIZE), uniqueItems=True)
_RANGE = record({"tensor": _TEXT}, {"permutation": _PERMUTATION, "start": _SIZE, "nbytes": _SIZE})
_PIECE = named("piece", by_type({int: _SIZE, str: _TEXT, dict: together(_RANGE, "start", "nbytes")}))

_FILE_NAME = named("file name", with_keywords(_TEXT, pattern="^[^/\\\\\\u0000]+$", **{"not": {"enum": [".", ".."]}}))
_FILE = {"name": _FILE_NAME, "role": _TEXT, "format": _TEXT, "size": _SIZE, "sha256": optional(_SHA256)}
_TEXT_FILE = record({**_FILE, "text": _TEXT})
_BASE64 = with_keywords(_TEXT, contentEncoding="base64")
_BINARY_FILE = record({**_FILE, "pieces": list_of(_PIECE), "skeleton": _BASE64})
_SOURCE = named(
    "source",
    record(
        {
            "framework": _TEXT,
            "version": optional(_TEXT),
            "files": list_of(named("file", by_key("text", _TEXT_FILE, _BINARY_FILE))),
        }
    ),
)

DOCUMENT = record(
    {
        "format": constant(KEY),
        "version": constant(VERSION),
        "layers": list_of(_LAYER),
        "graph": optional(GRAPH),
        "source": optional(_SOURCE),
        "digests": table_of(_SHA256),
        "notes": list_of(_TEXT),
    }
)
"""The whole manifest."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a manifest.

    Returns:
        A new document, from the validators that :func:`neutral.manifest.decode` uses.

    Example:
        >>> json_schema()["properties"]["version"]
        {'const': 1}
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The manifest of a neutral store, version {VERSION}",
        "description": "format.md describes the meaning of the fields.",
        **DOCUMENT.schema,
        "$defs": dict(sorted(DOCUMENT.definitions.items())),
    }

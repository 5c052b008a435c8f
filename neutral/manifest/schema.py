"""The form of a manifest, key by key; ``docs/manifest.schema.json`` says the same to other tools."""

from __future__ import annotations

from typing import Any

from neutral.dtypes import DTYPE_NAME
from neutral.manifest.validators import anything, exactly, list_of, matching, one_of, optional, record, size, table_of

SPECIAL_NUMBERS = ("inf", "-inf", "nan")
"""The numbers that JSON cannot write, as text."""


def _check_value(item: Any) -> None:
    """``[node, output]``."""
    if type(item) is not list or len(item) != 2:
        raise ValueError(f"{item!r} is no pair of a node and an output")
    _TEXT(item[0])
    size(item[1])


def _check_operand(item: Any) -> None:
    if type(item) is list:
        _check_value(item)
    elif type(item) is str:
        one_of(*SPECIAL_NUMBERS)(item)
    elif type(item) not in (int, float, bool, type(None)):
        raise ValueError(f"{item!r} is no operand")


def _check_piece(item: Any) -> None:
    if type(item) is int:
        size(item)
    elif type(item) is not str:
        _PIECE(item)
        if ("start" in item) != ("nbytes" in item):
            raise ValueError("start and nbytes go together")


def _check_file(item: Any) -> None:
    (_TEXT_FILE if type(item) is dict and "text" in item else _BINARY_FILE)(item)


_TEXT = exactly(str)
_DTYPE = one_of(*DTYPE_NAME.values())
_DIGEST = matching("[0-9a-f]{64}")
_PIECE = record({"tensor": _TEXT}, {"permutation": list_of(size), "start": size, "nbytes": size})
_FILE = {"name": _TEXT, "role": _TEXT, "format": _TEXT, "size": size, "sha256": optional(_DIGEST)}
_TEXT_FILE = record({**_FILE, "text": _TEXT})
_BINARY_FILE = record({**_FILE, "pieces": list_of(_check_piece), "skeleton": _TEXT})
_ORIGIN = record({"arrays": list_of(_TEXT), "rule": _TEXT})
_LAYER = record(
    {
        "name": _TEXT,
        "kind": _TEXT,
        "attributes": table_of(anything),
        "tensors": table_of(_TEXT),
        "typed_by": one_of("graph", "names", "user"),
        "source": record({"node": optional(_TEXT), "operator": optional(_TEXT), "origins": table_of(_ORIGIN)}),
    }
)
check_graph = record(
    {
        "inputs": list_of(
            record({"name": _TEXT, "shape": optional(list_of(optional(size))), "dtype": optional(_DTYPE)})
        ),
        "nodes": list_of(
            record(
                {
                    "name": _TEXT,
                    "kind": _TEXT,
                    "inputs": list_of(_check_operand),
                    "attributes": table_of(anything),
                },
                {"layer": _TEXT, "computed": table_of(_check_value)},
            )
        ),
        "outputs": list_of(_check_value),
    }
)
check_document = record(
    {
        "format": _TEXT,
        "version": size,
        "source": optional(record({"framework": _TEXT, "version": optional(_TEXT), "files": list_of(_check_file)})),
        "layers": list_of(_LAYER),
        "graph": anything,
        "digests": table_of(_DIGEST),
        "notes": list_of(_TEXT),
    }
)

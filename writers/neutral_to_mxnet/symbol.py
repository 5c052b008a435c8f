"""Edit the symbol of a checkpoint: turn ``fix_gamma`` off for scales that are not ones any more."""

from __future__ import annotations

import json
from typing import Any, Collection

from neutral.errors import UnsupportedError

ATTRIBUTES = ("param", "attrs", "attr")
"""The keys of a node's operator attributes, in the order of MXNet's releases."""

SCALE = 1
"""The position of gamma among the inputs of a batch norm."""


def free_scales(text: str, arrays: Collection[str]) -> str:
    """Set ``fix_gamma`` to False in the batch norms whose scale is one of some arrays.

    Args:
        text: The symbol, JSON.
        arrays: Names of arrays, with or without the prefix ``arg:``.

    Returns:
        The edited symbol.

    Raises:
        UnsupportedError: If an array is not the scale of a batch norm.
    """
    document = json.loads(text)
    names = {array.partition(":")[2] if array.startswith(("arg:", "aux:")) else array for array in arrays}
    nodes = document["nodes"]
    freed = set()
    for node in nodes:
        scale = nodes[node["inputs"][SCALE][0]]["name"] if len(node["inputs"]) > SCALE else None
        if scale in names and "BatchNorm" in node["op"]:
            _attributes(node)["fix_gamma"] = "False"
            freed.add(scale)
    if names - freed:
        raise UnsupportedError(
            "these scales are fixed to ones by the symbol, but by no BatchNorm; nothing was written:",
            tuple(sorted(names - freed)),
        )
    return json.dumps(document, indent=2)


def _attributes(node: dict[str, Any]) -> dict[str, Any]:
    attributes = next((node[key] for key in ATTRIBUTES if key in node), None) or node.setdefault("attrs", {})
    assert isinstance(attributes, dict)
    return attributes

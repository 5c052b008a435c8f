"""The one thing that new weights can change in a symbol: a scale that was fixed to ones and is not any more."""

from __future__ import annotations

import json
from typing import Any, Collection

from neutral.errors import UnsupportedError

ATTRIBUTES = ("param", "attrs", "attr")
"""Where a node has its operator's attributes, by the age of the file; ``param`` is the oldest."""

SCALE = 1
"""The position of gamma among a batch norm's inputs."""


def free_scales(text: str, arrays: Collection[str]) -> str:
    """The symbol with ``fix_gamma`` off wherever one of ``arrays`` is the scale of a batch norm."""
    document = json.loads(text)
    names = {array.partition(":")[2] if array.startswith(("arg:", "aux:")) else array for array in arrays}
    nodes = document["nodes"]
    found = set()
    for node in nodes:
        scale = nodes[node["inputs"][SCALE][0]]["name"] if len(node["inputs"]) > SCALE else None
        if scale in names and "BatchNorm" in node["op"]:
            _attributes(node)["fix_gamma"] = "False"
            found.add(scale)
    if names - found:
        raise UnsupportedError(
            "the symbol fixes scales that the weights have, where it cannot be changed; nothing was written:",
            tuple(sorted(names - found)),
        )
    return json.dumps(document, indent=2)


def _attributes(node: dict[str, Any]) -> dict[str, Any]:
    return next((node[name] for name in ATTRIBUTES if name in node), None) or node.setdefault("attrs", {})

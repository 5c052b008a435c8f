"""Names of nodes and layers as identifiers of Python."""

from __future__ import annotations

import keyword


def identifier(name: str) -> str:
    """Return the valid identifier nearest to ``name``; never a keyword.

    Args:
        name: Any text, such as the name of a node.

    Returns:
        An identifier of ASCII letters, digits and ``_``, cut at 60 characters.

    Example:
        >>> identifier("stage1.conv-2"), identifier("class"), identifier("1x1")
        ('stage1_conv_2', 'class_', '_1x1')
    """
    body = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name).strip("_")
    while "__" in body:
        body = body.replace("__", "_")
    body = body[:60].rstrip("_") or "value"
    if body[0].isdigit():
        body = f"_{body}"
    return f"{body}_" if keyword.iskeyword(body) or body in ("None", "True", "False") else body

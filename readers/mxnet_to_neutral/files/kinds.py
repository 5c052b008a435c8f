"""Tell symbols, parameter files and archives from other files, by their first bytes or their JSON."""

from __future__ import annotations

import json
from typing import Any

from mxnet_to_neutral.arrays.signatures import ZIP_MAGICS, detect_format, is_tar
from neutral import limits
from neutral.torch_zip import is_saved_by_torch

SYMBOL, PARAMETERS, ARCHIVE = "symbol", "parameters", "archive"

PARAMETER_SUFFIXES = (".params", ".param")
"""Suffixes of files that are taken for parameters whatever they hold: errors then say what is wrong with them."""

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip", ".mar", ".model")
"""Suffixes of files that are reported as damaged archives if they cannot be read as archives."""

FOREIGN_SUFFIXES = (".safetensors", ".h5", ".hdf5", ".pth", ".pt", ".pt2", ".onnx")
"""Suffixes of files of other formats."""

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
SPACE = b"\xef\xbb\xbf \t\r\n"
"""Bytes that may come before JSON: a byte order mark and white space."""


def is_packed(head: bytes) -> bool:
    """Return whether a file may be an archive.

    Args:
        head: The first 512 bytes of the file.
    """
    if is_saved_by_torch(head):
        return False
    return head.startswith((*ZIP_MAGICS, *_PACKED)) or is_tar(head)


def kind_of_content(name: str, head: bytes, size: int) -> str | None:
    """Return the kind of a file that is neither an archive nor a symbol without the suffix ``-symbol.json``.

    Args:
        name: The name of the file.
        head: Its first 512 bytes.
        size: Its size in bytes.

    Example:
        >>> kind_of_content("weights-20", b"\\x12\\x01" + bytes(22), 24)
        'parameters'
    """
    if name.lower().endswith(PARAMETER_SUFFIXES) or detect_format(head, size) in ("ndarray-list", "npz"):
        return PARAMETERS if size or name.lower().endswith(PARAMETER_SUFFIXES) else None
    if name.endswith("-symbol.json") and head.lstrip(SPACE).startswith(b"{"):
        return SYMBOL
    return None


def is_symbol(name: str, content: bytes) -> bool:
    """Return whether a JSON text is a symbol: an object with ``nodes`` and ``heads``, or blocks that hold some.

    Args:
        name: The name of the file; ``-symbol.json`` is a symbol even if it is damaged.
        content: The whole file.

    Example:
        >>> is_symbol("config.json", b'{"nodes": 4}'), is_symbol("net", b'{"nodes": [], "heads": []}')
        (False, True)
    """
    if not content.lstrip(SPACE).startswith(b"{"):
        return False
    if name.endswith("-symbol.json"):
        return True
    if b"nodes" not in content or len(content) > limits.GRAPH_BYTES.value:
        return False
    try:
        return _holds_graph(json.loads(content.decode("utf-8-sig"), strict=False))
    except (ValueError, RecursionError):
        return False


def _holds_graph(document: Any, depth: int = 0) -> bool:
    if not isinstance(document, dict) or depth > 16:
        return False
    if "nodes" in document:
        return "heads" in document
    symbol = document.get("symbol")  # as Block.save writes
    return (isinstance(symbol, str) and '"nodes"' in symbol) or any(
        _holds_graph(child, depth + 1) for child in document.values()
    )

"""The names, types and attributes of an HDF5 store, for its writer and its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from neutral.dtypes import NUMPY_DTYPE
from neutral.errors import UnsupportedError
from neutral.text import printable

if TYPE_CHECKING:
    from neutral.graph import Layer

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of every HDF5 file."""

VERSION = 1
"""The version of the layout."""

STORED_DTYPE = {**NUMPY_DTYPE, "BOOL": "|u1"}
"""NumPy type of the dataset by dtype code."""


def recognises(head: bytes) -> bool:
    """Return whether a file is HDF5 by its first bytes.

    Args:
        head: The first bytes of the file, eight at least.

    Returns:
        True for the signature of HDF5, whether or not the file is a store.

    Example:
        >>> recognises(SIGNATURE + b"..."), recognises(b"weights in text")
        (True, False)
    """
    return head.startswith(SIGNATURE)


def import_h5py() -> Any:
    """Return the module h5py.

    Returns:
        The module.

    Raises:
        UnsupportedError: If it is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise UnsupportedError("HDF5 stores need h5py: pip install h5py.") from None
    return h5py


def escape_name(name: str) -> str:
    """Return a name as one step of an HDF5 path.

    Args:
        name: The name of a layer or role.

    Returns:
        The name, percent-encoded but for spaces, neither empty nor all dots.

    Example:
        >>> escape_name("a/b"), escape_name("..")
        ('a%2Fb', '%2E%2E')
    """
    escaped = quote(name, safe=" ") or "%00"
    return escaped.replace(".", "%2E") if set(escaped) <= {"."} else escaped


def escape_key(key: str) -> str:
    """Return a tensor's key as the text of an attribute; HDF5 texts end at a zero character.

    Args:
        key: The tensor's key.

    Returns:
        The key, with only ``%`` and the zero character percent-encoded.

    Example:
        >>> escape_key("a%b"), escape_key("fc/weight")
        ('a%25b', 'fc/weight')
    """
    return key.replace("%", "%25").replace("\0", "%00")


def layer_attributes(layer: Layer) -> dict[str, Any]:
    """Return the attributes of a layer's group: numbers, or text.

    Args:
        layer: The layer.

    Returns:
        The layer's attributes, its kind and ``typed_by``, for people: readers take them from the manifest.

    Example:
        >>> from neutral.graph import Layer
        >>> layer_attributes(Layer("pool", "max_pool", {"ceil_mode": None}, {}))["ceil_mode"]
        'none'
    """
    attributes: dict[str, Any] = {"kind": layer.kind, "typed_by": layer.typed_by}
    for name, value in layer.attributes.items():
        attributes[name] = "none" if value is None else value if _is_plain(value) else printable(str(value))
    return attributes


def _is_plain(value: Any) -> bool:
    """Return whether HDF5 can store an attribute's value as numbers."""
    if isinstance(value, tuple):
        return all(isinstance(item, (int, float)) and _is_plain(item) for item in value)
    return isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1 << 63)

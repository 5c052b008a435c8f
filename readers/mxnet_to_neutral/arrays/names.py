"""Decode and check the names of arrays: any text without NUL, never used as a path, each at most once in a file."""

from __future__ import annotations

from mxnet_to_neutral.arrays.window import DAMAGED, Window


def decode_name(window: Window, raw: bytes, encoding: str = "utf-8") -> str:
    """Decode the name of an array.

    Args:
        window: The window, positioned directly behind the name.
        raw: The bytes of the name.
        encoding: Their encoding.

    Returns:
        The decoded name.

    Raises:
        FormatError: The bytes are not valid in the encoding, or hold a NUL.
    """
    offset = window.position - len(raw)
    try:
        name = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise window.error(
            f"the name {_short(raw)} is not UTF-8: {error.reason} at its byte {error.start}.",
            "Load the file in MXNet and save it with other names.",
            offset,
        ) from error
    if "\0" in name:
        raise window.error(
            f"the name {_short(name)} holds a NUL character, where MXNet would cut it.",
            DAMAGED,
            offset,
        )
    return name


def claim_name(window: Window, name: str, taken: set[str], offset: int) -> None:
    """Add ``name`` to ``taken``.

    Args:
        window: The window, for the error.
        name: The name.
        taken: The names read before; changed in place.
        offset: The byte offset of the name, for the error.

    Raises:
        FormatError: Two arrays have this name.
    """
    if name in taken:
        raise window.error(
            f"two arrays have the name {_short(name)}, of which MXNet would keep the last.",
            "Save the file again with distinct names.",
            offset,
        )
    taken.add(name)


def _short(name: str | bytes) -> str:
    text = repr(name)
    return text if len(text) <= 100 else f"{text[:100]}..."

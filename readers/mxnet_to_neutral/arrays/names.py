"""Names of arrays: any text, as data and never as paths, but each only once."""

from __future__ import annotations

from mxnet_to_neutral.arrays.limits import DAMAGED
from mxnet_to_neutral.arrays.window import Window


def decode_name(window: Window, raw: bytes, encoding: str = "utf-8") -> str:
    """The name whose bytes end at the window's position."""
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
    """Notes that ``name`` is in use; two arrays of one name are an error, as only one could be meant."""
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

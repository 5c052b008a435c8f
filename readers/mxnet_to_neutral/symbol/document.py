"""Decode the JSON document of a symbol; name the kind of a file that is not a symbol."""

from __future__ import annotations

import json
from typing import Any

from mxnet_to_neutral.arrays.signatures import STORAGE_ERROR
from mxnet_to_neutral.limits import MAX_INTEGER_DIGITS
from neutral import limits
from neutral.errors import FormatError, SourceError

_ADVICE = "Give the -symbol.json that MXNet wrote; if this is it, the file is damaged: fetch it again."

_SIGNATURES = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for. Run `git lfs pull`, then try again."),
    (b"\x12\x01\x00\x00\x00\x00\x00\x00", "an MXNet parameter file (.params), not a symbol."),
    (b"PK\x03\x04", "a zip archive or an .npz of arrays, not a symbol."),
    (b"\x1f\x8b", "a gzip archive, not a symbol. Unpack it first."),
    (b"\x93NUMPY", "a NumPy array, not a symbol."),
    (b"\x80", "a Python pickle or other binary data, not a symbol. Pickles are never loaded."),
    (b"\xff\xfe", "UTF-16 text; a symbol is UTF-8. Save it again as UTF-8."),
    (b"\xfe\xff", "UTF-16 text; a symbol is UTF-8. Save it again as UTF-8."),
    (b"<", "an HTML or XML page, not a symbol: the download was probably refused. Fetch it again."),
)


def load_document(text: bytes | str, file: str) -> tuple[dict[str, Any], list[str]]:
    """Decode a symbol.

    ``Block.save`` wraps the symbol of each hybridized block in nested objects; the outermost symbol is returned.

    Args:
        text: The JSON, in UTF-8 if it is bytes.
        file: The name of the file, for messages.

    Returns:
        The JSON object that holds ``nodes``, and notes on irregularities of the file.

    Raises:
        SourceError: The text is not a symbol.
        FormatError: The text is not valid JSON, or holds no graph.
    """
    content, notes = _decode(text, file)
    document = _loads(content, file)
    if isinstance(document, dict) and "nodes" not in document:
        name, inner = _saved_block(document, file)
        notes.append(f"written by Block.save; took the symbol of block {name!r}")
        document = _loads(inner, f"{file} (symbol of block {name!r})")
    if not isinstance(document, dict) or "nodes" not in document:
        raise FormatError(file, None, f"JSON without a graph: found {_kind(document)}, expected an object with "
                          "'nodes', 'arg_nodes' and 'heads'.", _ADVICE)  # fmt: skip
    return document, notes


def _decode(text: bytes | str, file: str) -> tuple[str, list[str]]:
    if len(text) > limits.GRAPH_BYTES.value:
        raise SourceError(
            f"{file}: {len(text)} bytes is too large for a symbol; expected at most "
            f"{limits.GRAPH_BYTES.hint}. {_ADVICE}"
        )
    start = (text.encode("utf-8", "replace") if isinstance(text, str) else text).lstrip()
    message = STORAGE_ERROR.search(start)
    if message is not None:
        code = message.group(1).decode()
        raise SourceError(
            f"{file}: this is an error message of S3 or a similar storage ({code}), not a symbol. Check the address "
            "and the permissions, and get the file again."
        )
    for signature, meaning in _SIGNATURES:
        if start.startswith(signature):
            raise SourceError(f"{file}: this is {meaning}")
    try:
        content = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(file, error.start, "a byte that is not UTF-8 text.", _ADVICE) from error
    if not content.strip():
        raise SourceError(f"{file}: the file is empty, expected a symbol in JSON. {_ADVICE}")
    if content.startswith("\ufeff"):
        return content[1:], ["starts with a byte order mark, which MXNet does not accept"]
    return content, []


def _loads(content: str, file: str) -> Any:
    try:
        # not strict, since MXNet writes control characters in strings unescaped
        return json.loads(content, strict=False, parse_int=_integer)
    except json.JSONDecodeError as error:
        offset = len(content[: error.pos].encode("utf-8", "replace"))
        raise FormatError(file, offset, f"not JSON: {error.msg}.", _ADVICE) from error
    except ValueError as error:
        raise FormatError(file, None, f"{error}.", _ADVICE) from error
    except RecursionError as error:
        raise FormatError(file, None, "the JSON is nested too deeply for a symbol.", _ADVICE) from error


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits, expected at most {MAX_INTEGER_DIGITS}")
    return int(digits)


def _saved_block(document: dict[str, Any], file: str) -> tuple[str, str]:
    """Return the name and the symbol of the outermost block that ``Block.save`` wrote with a graph."""
    level = [("", document)]
    while level:
        symbols = [(name, block["symbol"]) for name, block in level if isinstance(block.get("symbol"), str)]
        if len(symbols) > 1:
            raise FormatError(file, None, f"Block.save wrote {len(symbols)} graphs and none for the whole model.",
                              "Hybridize the outermost block, run it once and export it.")  # fmt: skip
        if symbols:
            return symbols[0]
        level = [(name, child) for _, block in level for name, child in block.items() if isinstance(child, dict)]
    keys = ", ".join(repr(key)[:40] for key in list(document)[:6]) or "none"
    raise FormatError(file, None, f"JSON without a graph: found the keys {keys}, expected 'nodes', 'arg_nodes' and "
                      "'heads', or a block saved after it was hybridized.", _ADVICE)  # fmt: skip


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "a string", type(None): "null"}.get(type(value), "a number")

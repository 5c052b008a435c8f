"""Convert the provenance of a store to and from the JSON of a manifest."""

from __future__ import annotations

import base64
from typing import Any, Mapping

from neutral.source import Piece, SourceFile, StoreSource


def source_to_json(source: StoreSource | None, digests: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the JSON object of a store's source.

    Args:
        source: The source; None gives None.
        digests: SHA-256 by file name, for files whose digest the source does not have yet.

    Returns:
        The object with ``framework``, ``version`` and ``files``.
    """
    if source is None:
        return None
    files = [_file_to_json(file, digests.get(file.name, file.sha256)) for file in source.files]
    return {"framework": source.framework, "version": source.version, "files": files}


def source_from_json(item: Mapping[str, Any] | None) -> StoreSource | None:
    """Return the source of a JSON object that the schema accepts.

    Args:
        item: The object, or None.

    Returns:
        The source; None for None.

    Raises:
        ValueError: If the skeleton of a file is not base64.
    """
    if item is None:
        return None
    return StoreSource(item["framework"], item["version"], tuple(_file_from_json(file) for file in item["files"]))


def _file_to_json(file: SourceFile, digest: str | None) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": file.name,
        "role": file.role,
        "format": file.format,
        "size": file.size,
        "sha256": digest,
    }
    if file.text is not None:
        item["text"] = file.text
    else:
        item["pieces"] = [_piece_to_json(piece) for piece in file.pieces]
        item["skeleton"] = base64.b64encode(file.skeleton).decode("ascii")
    return item


def _file_from_json(item: Mapping[str, Any]) -> SourceFile:
    return SourceFile(
        name=item["name"],
        role=item["role"],
        format=item["format"],
        size=item["size"],
        sha256=item["sha256"],
        pieces=tuple(_piece_from_json(piece) for piece in item.get("pieces", ())),
        skeleton=base64.b64decode(item.get("skeleton", ""), validate=True),
        text=item.get("text"),
    )


def _piece_to_json(piece: int | Piece) -> int | str | dict[str, Any]:
    if isinstance(piece, int):
        return piece
    if piece.permutation is None and piece.nbytes is None:
        return piece.tensor
    item: dict[str, Any] = {"tensor": piece.tensor}
    if piece.permutation is not None:
        item["permutation"] = list(piece.permutation)
    if piece.nbytes is not None:
        item.update(start=piece.start, nbytes=piece.nbytes)
    return item


def _piece_from_json(item: Any) -> int | Piece:
    if isinstance(item, int):
        return item
    if isinstance(item, str):
        return Piece(item)
    permutation = item.get("permutation")
    return Piece(
        tensor=item["tensor"],
        permutation=None if permutation is None else tuple(permutation),
        start=item.get("start", 0),
        nbytes=item.get("nbytes"),
    )

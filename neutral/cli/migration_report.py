"""The text of a migration: the checkpoint, the files, the verification, and the next steps."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from neutral.cli.console import byte_size, plural
from neutral.text import shape_text


def lines_of(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        document: The JSON document of ``migrate``.

    Yields:
        Lines; the last three load the model.
    """
    yield from _found(document)
    yield ""
    yield from _written(document)
    yield from _verified(document)
    if document["example"]:
        yield "load it:"
        yield from (f"    {line}" for line in document["example"])


def _found(document: Mapping[str, Any]) -> Iterator[str]:
    contents = document["found"]
    origin = " ".join(filter(None, (contents["framework"], contents["version"])))
    yield f"found {', '.join(contents['files']) or ', '.join(document['source'])}" + (f" ({origin})" if origin else "")
    if contents["nodes"]:
        inputs = (f"{item['name']} {shape_text(item['shape'])}" for item in contents["inputs"])
        outputs = (
            f"{item['node']}" + (f"[{item['output']}]" if item["output"] else "") for item in contents["outputs"]
        )
        yield f"  inputs: {', '.join(inputs)}"
        yield f"  outputs: {', '.join(outputs)}"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in contents["kinds"].items())
    yield f"  {plural(contents['layers'], 'layer')}: {kinds}"
    yield f"  {plural(contents['parameters'], 'parameter')}, {byte_size(contents['bytes'])}"
    yield from (f"  note: {note}" for note in document["notes"])


def _written(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["written"]:
        yield f"nothing is written: {document['output']} would hold a model that computes something else"
        yield f"wrote {document['page']}, which shows where"
        return
    yield f"wrote {document['output']}:"
    width = max(len(file["name"]) for file in document["files"])
    for file in document["files"]:
        yield f"  {file['name']:{width}}  {byte_size(file['size'])}"


def _verified(document: Mapping[str, Any]) -> Iterator[str]:
    verification, capture = document["verification"], document["capture"]
    if verification is None:
        yield f"not verified: {document['not_verified']}"
    else:
        against = document["golden_file"] or "the reference"
        yield f"verified against {against}: {verification['summary']}"
        yield from (f"  {problem}" for problem in verification["problems"])
    if capture and document["written"]:
        yield "to prove the reader too, record the original framework's values where it can run, and compare:"
        yield from (f"    {command}" for command in capture)

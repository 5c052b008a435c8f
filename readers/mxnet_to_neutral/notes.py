"""Notes on a conversion. Stores keep these sentences, so their wording is part of the format."""

from __future__ import annotations

from typing import Iterator, Sequence

from mxnet_to_neutral.arrays import ArrayFile
from mxnet_to_neutral.drafts import Conversion, Draft
from neutral.graph import Layer
from neutral.text import listed

MAX_NAMES = 5
"""Nodes that a note on several of them names."""

MAX_LAYERS = 20
"""Layers that a note names."""


def notes_on_arrays(file: ArrayFile | None) -> Iterator[str]:
    """Yield the irregularities of a parameter file and the uninitialized arrays in it, or that there is no file.

    Args:
        file: The parsed parameter file, None if the checkpoint has none.

    Yields:
        A sentence without a full stop.
    """
    if file is None:
        yield "there is no parameter file: the layers have no tensors"
        return
    yield from file.notes
    for array in file.arrays:
        if array.storage == "none":
            yield f"array {array.name!r} was saved as 'no array'"


def notes_on_opaque_nodes(conversion: Conversion) -> Iterator[str]:
    """Yield the nodes without a rule, those in bodies of loops and branches included: a note for each reason.

    Args:
        conversion: The converted symbol.

    Yields:
        A sentence with the reason, and the node's name or the number of nodes.
    """
    drafts: dict[str, list[Draft]] = {}
    for draft in _opaque_drafts(conversion):
        drafts.setdefault(str(draft.attributes["reason"]), []).append(draft)
    for reason, members in drafts.items():
        operators = sorted({str(draft.attributes["operator"]) for draft in members})
        if len(members) == 1:
            yield f"node {members[0].name!r}: operator {operators[0]!r} is opaque: {reason}"
            continue
        names = listed([repr(draft.name) for draft in members], MAX_NAMES)
        verb = "operator {} is" if len(operators) == 1 else "operators {} are"
        yield f"nodes {names}: {verb.format(', '.join(map(repr, operators)))} opaque: {reason}"


def _opaque_drafts(conversion: Conversion) -> Iterator[Draft]:
    for draft in conversion.drafts:
        if draft.kind == "opaque":
            yield draft
        for body in draft.bodies.values():
            yield from _opaque_drafts(body)


def notes_on_unused_layers(layers: Sequence[Layer], has_graph: bool) -> Iterator[str]:
    """Yield how the layers that no node of the graph uses were typed.

    Args:
        layers: The layers inferred from names and shapes.
        has_graph: False if there is no graph that could use them.

    Yields:
        Up to three sentences without a full stop, each with the names of layers, of many the first ones.
    """
    typed = [layer.name for layer in layers if layer.kind != "parameter"]
    untyped = [layer.name for layer in layers if layer.kind == "parameter"]
    if typed:
        yield f"types inferred from names and shapes: {listed(typed, MAX_LAYERS)}"
    if untyped:
        yield f"type unknown, kept as parameters: {listed(untyped, MAX_LAYERS)}"
    if has_graph and layers:
        yield f"the graph does not use {listed([layer.name for layer in layers], MAX_LAYERS)}"

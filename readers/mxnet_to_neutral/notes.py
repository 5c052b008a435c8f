"""Notes on a conversion. Stores keep these sentences, so their wording is part of the format."""

from __future__ import annotations

from typing import Iterator, Sequence

from mxnet_to_neutral.arrays import ArrayFile
from mxnet_to_neutral.drafts import Conversion
from neutral.graph import Layer


def notes_on_arrays(file: ArrayFile | None) -> Iterator[str]:
    """Yield the irregularities of a parameter file and the uninitialized arrays in it, or that there is no file."""
    if file is None:
        yield "there is no parameter file: the layers have no tensors"
        return
    yield from file.notes
    for array in file.arrays:
        if array.storage == "none":
            yield f"array {array.name!r} was saved as 'no array'"


def notes_on_opaque_nodes(conversion: Conversion) -> Iterator[str]:
    """Yield the nodes without a rule, those in bodies of loops and branches included, with the reason of each."""
    for draft in conversion.drafts:
        if draft.kind == "opaque":
            operator, reason = draft.attributes["operator"], draft.attributes["reason"]
            yield f"node {draft.name!r}: operator {operator!r} is opaque: {reason}"
        for body in draft.bodies.values():
            yield from notes_on_opaque_nodes(body)


def notes_on_unused_layers(layers: Sequence[Layer], has_graph: bool) -> Iterator[str]:
    """Yield how the layers that no node of the graph uses were typed.

    Args:
        layers: The layers inferred from names and shapes.
        has_graph: False if there is no graph that could use them.
    """
    typed = [layer.name for layer in layers if layer.kind != "parameter"]
    untyped = [layer.name for layer in layers if layer.kind == "parameter"]
    if typed:
        yield f"types inferred from names and shapes: {', '.join(typed)}"
    if untyped:
        yield f"type unknown, kept as parameters: {', '.join(untyped)}"
    if has_graph and layers:
        yield f"the graph does not use {', '.join(layer.name for layer in layers)}"

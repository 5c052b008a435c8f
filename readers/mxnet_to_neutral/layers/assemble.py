"""Drafts and arrays as a store: layers named, tensors keyed, every byte of the source accounted for."""

from __future__ import annotations

import os
from typing import Container, Iterable, Mapping, Sequence, Tuple

from mxnet_to_neutral.arrays import Array, ArrayFile
from mxnet_to_neutral.drafts import Absent, Conversion, Draft, RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, identity, pieces_of
from mxnet_to_neutral.layers.infer import Inferred
from mxnet_to_neutral.layers.names import layer_of
from neutral.graph import Graph, Layer, LayerSource, Node, Origin, Value
from neutral.source import Piece, SourceFile
from neutral.tensor import FileRange, Tensor

SOURCE = "source"
"""The first part of the keys under which original arrays are kept; no layer has this name."""

Placed = Tuple[FileRange, Piece]
"""A stretch of the source and the stored bytes that are the same."""


class Assembly:
    """Collects layers and the tensors they name; a tensor that several layers use is stored once."""

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.tensors: dict[str, Tensor] = {}
        self.recipes: dict[str, Recipe] = {}
        self._key_of: dict[Origin, str] = {}
        self._layer_applied: dict[tuple[object, ...], str] = {}

    def graph(self, conversion: Conversion) -> Graph:
        """Freeze the drafts; those with tensors become layers."""
        nodes = []
        for draft in conversion.drafts:
            computed = {role: value for role, value in draft.roles.items() if isinstance(value, Value)}
            layer = None
            if draft.roles:
                layer = self._layer_of(draft)
            attributes = {**draft.attributes, **{name: self.graph(body) for name, body in draft.bodies.items()}}
            nodes.append(Node(draft.name, draft.kind, tuple(draft.inputs), attributes, layer, computed))
        return Graph(tuple(conversion.inputs), tuple(nodes), tuple(conversion.outputs))

    def inferred(self, inferred: Inferred) -> Layer:
        """Add a layer that no graph describes, of arrays that no other layer has."""
        name, kind, attributes, arrays = inferred
        name = _unique(name, self.layers)
        tensors, origins = {}, {}
        for role, array in arrays.items():
            recipe = identity(array)
            tensors[role] = self._store(f"{name}.{role}", recipe)
            origins[role] = recipe.origin
        layer = Layer(name, kind, attributes, tensors, LayerSource(None, None, origins), "names")
        self.layers[name] = layer
        return layer

    def _layer_of(self, draft: Draft) -> str:
        """The node's layer; nodes that apply the same tensors in the same way share one."""
        same = (
            draft.kind,
            tuple(sorted(draft.attributes.items())),
            tuple(sorted((role, _identity(value)) for role, value in draft.roles.items() if value is not None)),
        )
        if same not in self._layer_applied:
            self._layer_applied[same] = self._new_layer(draft)
        return self._layer_applied[same]

    def _new_layer(self, draft: Draft) -> str:
        name = draft.layer or _common_stem(draft.roles.values()) or draft.name
        if name in self.layers or name == SOURCE:
            name = draft.name
        name = _unique(name, self.layers)
        tensors, origins = {}, {}
        for role, recipe in draft.roles.items():
            if isinstance(recipe, Recipe):
                origin = origins[role] = recipe.origin
                if origin not in self._key_of:
                    self._key_of[origin] = self._store(f"{name}.{role}", recipe)
                tensors[role] = self._key_of[origin]
        source = LayerSource(draft.origin.name, draft.origin.operator, origins)
        self.layers[name] = Layer(name, draft.kind, draft.attributes, tensors, source, "graph")
        return name

    def _store(self, key: str, recipe: Recipe) -> str:
        """Keep the tensor, under ``key`` or one like it."""
        key = _unique(key, self.tensors)
        self.tensors[key] = recipe.tensor
        self.recipes[key] = recipe
        return key

    def used(self) -> set[str]:
        """The names of the source's arrays that some layer uses."""
        return {name for recipe in self.recipes.values() for name in recipe.origin.arrays}

    def source_file(self, file: ArrayFile, arrays: Sequence[Array], name: str) -> SourceFile:
        """The parameter file as pieces of stored tensors. What canonical tensors do not hold is kept beside them."""
        found = {
            content.offset: (content, piece) for content, piece in sorted(pieces_of(self.recipes)) if content.nbytes
        }
        placed: list[Placed] = []
        for array in arrays:
            dense = array.storage == "dense"
            covering = _covering(array.stored.only_range, found) if dense else None
            if covering is not None:
                placed += covering
                continue
            for part, tensor in array.parts().items():
                suffix = "" if dense else f".{part}"
                key = _unique(f"{SOURCE}.{array.name}{suffix}", self.tensors)
                self.tensors[key] = tensor
                placed.append((tensor.only_range, Piece(key)))
        pieces, skeleton = _cut(file, placed)
        return SourceFile(
            name=name,
            role="parameters",
            format=file.format,
            size=file.size,
            pieces=pieces,
            skeleton=skeleton,
            location=FileRange(file.path, 0, file.size),
        )


def _covering(whole: FileRange, found: Mapping[int, Placed]) -> list[Placed] | None:
    """What of ``found``, by offset, holds exactly these bytes, one after the other; None where bytes are left."""
    covering = []
    _, position, nbytes = whole
    end = position + nbytes
    while position < end:
        placed = found.get(position)
        if placed is None:
            return None
        covering.append(placed)
        position += placed[0].nbytes
    return covering if position == end else None


def _cut(file: ArrayFile, placed: Iterable[Placed]) -> tuple[tuple[int | Piece, ...], bytes]:
    """The file as literal stretches and pieces, and the bytes of the literal stretches."""
    pieces: list[int | Piece] = []
    skeleton = bytearray()
    with open(file.path, "rb") as source:
        position = 0
        for (_, offset, nbytes), piece in sorted(placed):
            gap = offset - position
            if gap > 0:
                pieces.append(gap)
                source.seek(position)
                skeleton += source.read(gap)
            pieces.append(piece)
            position = offset + nbytes
        if file.size > position:
            pieces.append(file.size - position)
            source.seek(position)
            skeleton += source.read(file.size - position)
    return tuple(pieces), bytes(skeleton)


def text_file(path: str, text: str, role: str, format: str) -> SourceFile:
    """A source file that is kept as text."""
    size = os.path.getsize(path)
    return SourceFile(os.path.basename(path), role, format, size, text=text, location=FileRange(path, 0, size))


def _array_names(role: RoleDraft) -> tuple[str, ...]:
    if isinstance(role, Recipe):
        return role.origin.arrays
    return (role.variable,) if isinstance(role, Absent) else ()


def _identity(role: RoleDraft) -> tuple[object, ...]:
    """Equal for roles that have the same tensor."""
    return role.origin if isinstance(role, Recipe) else (role,)


def _common_stem(roles: Iterable[RoleDraft]) -> str | None:
    """What all arrays are called but for the role at the end, if they agree."""
    stems = {layer_of(name) for role in roles for name in _array_names(role)}
    return stems.pop() if len(stems) == 1 else None


def _unique(name: str, taken: Container[str]) -> str:
    candidate, number = name, 1
    while candidate in taken or candidate == SOURCE:
        number += 1
        candidate = f"{name}#{number}"
    return candidate

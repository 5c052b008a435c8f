"""The manifest: what a store's container says beside the tensors, as one JSON document.

``docs/format.md`` describes it and ``docs/manifest.schema.json`` is its schema.
"""

from __future__ import annotations

import base64
import json
import math
from functools import lru_cache
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import neutral.extensions  # noqa: F401  # the catalogue finds kinds of installed plug-ins
from neutral.errors import StoreError
from neutral.graph import Graph, Input, Layer, LayerSource, Node, Operand, Origin, Value
from neutral.manifest.schema import SPECIAL_NUMBERS, check_document, check_graph
from neutral.operators import UnknownOperator, catalogue
from neutral.source import Piece, SourceFile, StoreSource

if TYPE_CHECKING:
    from neutral.store.store import Store

KEY = "neutral"
VERSION = 1

_MAX_DIGITS = 20

_dump = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def encode(store: Store, digests: Mapping[str, str], file_digests: Mapping[str, str]) -> Iterator[str]:
    """The manifest of ``store`` in parts: JSON, keys sorted, so that digests of tensors come before those of files.

    ``digests`` are by tensor key, ``file_digests`` by file name.
    """
    yield f'{{"digests":{_dump(dict(digests))}'
    yield f',"format":{_dump(KEY)}'
    yield f',"graph":{_dump(None if store.graph is None else _graph_to_json(store.graph))}'
    yield ',"layers":['
    comma = ""
    for layer in store.layers.values():
        yield f"{comma}{_layer_to_text(layer)}"
        comma = ","
    yield f'],"notes":{_dump(store.notes)}'
    yield f',"source":{_dump(_source_to_json(store.source, file_digests))}'
    yield f',"version":{_dump(VERSION)}}}'


def decode(text: str, file: str) -> dict[str, Any]:
    """Arguments for :class:`Store` from a manifest. Raises StoreError where it is not sound."""
    try:
        document = json.loads(text, parse_int=_integer, parse_constant=_no_number)
        _check_version(document, file)
        check_document(document)
        if "\\ud" in text.lower():
            _dump(document).encode("utf-8")  # fails on half a surrogate pair, which no text may hold
        layers = [_layer_from_json(item) for item in document["layers"]]
        by_name = {layer.name: layer for layer in layers}
        if len(by_name) != len(layers):
            raise ValueError("two layers have the same name")
        return {
            "layers": by_name,
            "graph": None if document["graph"] is None else _graph_from_json(document["graph"]),
            "source": _source_from_json(document["source"]),
            "notes": tuple(document["notes"]),
            "digests": document["digests"],
        }
    except UnknownOperator as error:
        raise StoreError(f"{file}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise StoreError(f"{file}: its manifest is damaged ({type(error).__name__}: {error}).") from None


def _check_version(document: Any, file: str) -> None:
    if document["format"] != KEY:
        raise StoreError(f"{file}: its manifest is of format {document['format']!r}, not {KEY!r}.")
    if document["version"] != VERSION:
        raise StoreError(
            f"{file}: the manifest has version {document['version']!r} and this Neutral reads version {VERSION}. "
            "Use a newer Neutral."
        )


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _source_to_json(source: StoreSource | None, digests: Mapping[str, str]) -> dict[str, Any] | None:
    if source is None:
        return None
    files = []
    for file in source.files:
        item: dict[str, Any] = {
            "name": file.name,
            "role": file.role,
            "format": file.format,
            "size": file.size,
            "sha256": digests.get(file.name, file.sha256),
        }
        if file.text is not None:
            item["text"] = file.text
        else:
            item["pieces"] = [_piece_to_json(piece) for piece in file.pieces]
            item["skeleton"] = base64.b64encode(file.skeleton).decode("ascii")
        files.append(item)
    return {"framework": source.framework, "version": source.version, "files": files}


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


def _source_from_json(item: Any) -> StoreSource | None:
    if item is None:
        return None
    files = tuple(
        SourceFile(
            name=file["name"],
            role=file["role"],
            format=file["format"],
            size=file["size"],
            sha256=file["sha256"],
            pieces=tuple(_piece_from_json(piece) for piece in file.get("pieces", ())),
            skeleton=base64.b64decode(file.get("skeleton", ""), validate=True),
            text=file.get("text"),
        )
        for file in item["files"]
    )
    return StoreSource(item["framework"], item["version"], files)


def _piece_from_json(item: Any) -> int | Piece:
    if isinstance(item, int):
        return item
    if isinstance(item, str):
        return Piece(item)
    permutation = item.get("permutation")
    return Piece(
        item["tensor"],
        None if permutation is None else tuple(permutation),
        item.get("start", 0),
        item.get("nbytes"),
    )


def _layer_to_text(layer: Layer) -> str:
    """The layer's JSON, put together from texts: of a hundred thousand layers no tables have to be made first."""
    name, kind, attributes, keys, (node, operator, origins), typed_by = layer
    values = _dump(_attributes_to_json(kind, attributes)) if attributes else "{}"
    made = [
        f'{_quote(role)}:{{"arrays":[{",".join(map(_quote, arrays))}],"rule":{_quote(rule)}}}'
        for role, (arrays, rule) in sorted(origins.items())
    ]
    tensors = [f"{_quote(role)}:{_quote(key)}" for role, key in sorted(keys.items())]
    return (
        f'{{"attributes":{values},"kind":{_quote(kind)},"name":{_quote(name)},"source":'
        f'{{"node":{"null" if node is None else _quote(node)},'
        f'"operator":{"null" if operator is None else _quote(operator)},'
        f'"origins":{{{",".join(made)}}}}},"tensors":{{{",".join(tensors)}}},"typed_by":{_quote(typed_by)}}}'
    )


def _layer_from_json(item: Any) -> Layer:
    source = item["source"]
    origins = {role: Origin(tuple(origin["arrays"]), origin["rule"]) for role, origin in source["origins"].items()}
    return Layer(
        name=item["name"],
        kind=item["kind"],
        attributes=_attributes_from_json(item["kind"], item["attributes"]),
        tensors=dict(item["tensors"]),
        source=LayerSource(source["node"], source["operator"], origins),
        typed_by=item["typed_by"],
    )


def _graph_to_json(graph: Graph) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": i.name, "shape": None if i.shape is None else list(i.shape), "dtype": i.dtype}
            for i in graph.inputs
        ],
        "nodes": [_node_to_json(node) for node in graph.nodes],
        "outputs": [[value.node, value.output] for value in graph.outputs],
    }


def _graph_from_json(item: Any) -> Graph:
    check_graph(item)
    return Graph(
        inputs=tuple(
            Input(i["name"], None if i["shape"] is None else tuple(i["shape"]), i["dtype"]) for i in item["inputs"]
        ),
        nodes=tuple(_node_from_json(node) for node in item["nodes"]),
        outputs=tuple(Value(name, output) for name, output in item["outputs"]),
    )


def _node_to_json(node: Node) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": node.name,
        "kind": node.kind,
        "inputs": [_operand_to_json(operand) for operand in node.inputs],
        "attributes": _attributes_to_json(node.kind, node.attributes),
    }
    if node.layer is not None:
        item["layer"] = node.layer
    if node.computed:
        item["computed"] = {role: [value.node, value.output] for role, value in node.computed.items()}
    return item


def _node_from_json(item: Any) -> Node:
    return Node(
        name=item["name"],
        kind=item["kind"],
        inputs=tuple(_operand_from_json(operand) for operand in item["inputs"]),
        attributes=_attributes_from_json(item["kind"], item["attributes"]),
        layer=item.get("layer"),
        computed={role: Value(name, output) for role, (name, output) in item.get("computed", {}).items()},
    )


def _operand_to_json(operand: Operand) -> Any:
    if isinstance(operand, Value):
        return [operand.node, operand.output]
    return _number_to_json(operand)


def _operand_from_json(item: Any) -> Operand:
    if isinstance(item, list):
        return Value(item[0], item[1])
    return float(item) if isinstance(item, str) else item


def _number_to_json(value: Any) -> Any:
    """JSON has no infinities and no NaN: they are written as text."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number_from_json(value: Any) -> float:
    if (type(value) is str and value in SPECIAL_NUMBERS) or type(value) in (int, float):
        return float(value)
    raise ValueError(f"{value!r} is no number")


@lru_cache(maxsize=None)
def _types(kind: str) -> Mapping[str, str]:
    """The types of a kind's attributes."""
    return {attribute.name: attribute.type for attribute in catalogue[kind].attributes}


def _attributes_to_json(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    types = _types(kind)
    return {name: _attribute_to_json(types.get(name), value) for name, value in attributes.items()}


def _attribute_to_json(kind: str | None, value: Any) -> Any:
    if value is None or kind == "json":
        return value
    if kind == "graph":
        return _graph_to_json(value)
    if kind == "float":
        return _number_to_json(float(value))
    if kind == "floats":
        return [_number_to_json(float(number)) for number in value]
    return list(value) if isinstance(value, tuple) else value


def _attributes_from_json(kind: str, item: Any) -> dict[str, Any]:
    types = _types(kind)
    for name in item:
        if name not in types:
            raise ValueError(f"{kind} has no attribute {name!r}")
    return {name: _attribute_from_json(types[name], value) for name, value in item.items()}


def _attribute_from_json(kind: str, value: Any) -> Any:
    if value is None or kind == "json":
        return value
    if kind == "graph":
        return _graph_from_json(value)
    if kind == "float":
        return _number_from_json(value)
    if kind == "floats":
        return tuple(_number_from_json(number) for number in value)
    return tuple(value) if isinstance(value, list) else value

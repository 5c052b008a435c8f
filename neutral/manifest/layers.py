"""Convert layers to and from the JSON of a manifest."""

from __future__ import annotations

from json.encoder import encode_basestring as _quote
from typing import Any, Callable, Mapping

from neutral.graph import Layer, LayerSource, Origin
from neutral.manifest.graphs import attributes_from_json, attributes_to_json


def layer_to_text(layer: Layer, dump: Callable[[Any], str]) -> str:
    """Return a layer as JSON text with sorted keys.

    The text is put together directly: of a hundred thousand layers, no dictionaries have to be built first.

    Args:
        layer: The layer.
        dump: The encoder for the attributes.

    Returns:
        The text, on one line.
    """
    name, kind, attributes, keys, (node, operator, origins), typed_by = layer
    origin_texts = [
        f'{_quote(role)}:{{"arrays":[{",".join(map(_quote, arrays))}],"rule":{_quote(rule)}}}'
        for role, (arrays, rule) in sorted(origins.items())
    ]
    tensor_texts = [f"{_quote(role)}:{_quote(key)}" for role, key in sorted(keys.items())]
    return (
        f'{{"attributes":{dump(attributes_to_json(kind, attributes)) if attributes else "{}"},'
        f'"kind":{_quote(kind)},"name":{_quote(name)},"source":'
        f'{{"node":{"null" if node is None else _quote(node)},'
        f'"operator":{"null" if operator is None else _quote(operator)},'
        f'"origins":{{{",".join(origin_texts)}}}}},"tensors":{{{",".join(tensor_texts)}}},'
        f'"typed_by":{_quote(typed_by)}}}'
    )


def layer_from_json(item: Mapping[str, Any]) -> Layer:
    """Return the layer of a JSON object that the schema accepts.

    Args:
        item: The object.

    Returns:
        The layer.

    Raises:
        UnknownOperator: If the layer is of a kind that the catalogue lacks.
        ValueError: If an attribute is not one of its kind's, or has a wrong type.
    """
    source = item["source"]
    origins = {role: Origin(tuple(origin["arrays"]), origin["rule"]) for role, origin in source["origins"].items()}
    return Layer(
        name=item["name"],
        kind=item["kind"],
        attributes=attributes_from_json(item["kind"], item["attributes"]),
        tensors=dict(item["tensors"]),
        source=LayerSource(source["node"], source["operator"], origins),
        typed_by=item["typed_by"],
    )

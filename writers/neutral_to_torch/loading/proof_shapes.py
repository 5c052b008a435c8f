"""Find shapes of inputs with which a stored graph can be run."""

from __future__ import annotations

from typing import Iterator, Sequence

import torch
from torch import nn

from neutral.graph import Graph, Input, Node, Value
from neutral.operators import catalogue
from neutral.rewriting.input_shapes import infer_input_shapes
from neutral.store import Store
from neutral_to_torch.emission.build import import_source
from neutral_to_torch.emission.compose import Emission

Shapes = list[tuple[int, ...]]
"""The shape of each input."""

_BATCH = 2
_IMAGE_SIZES = (64, 224, 320)
_LENGTHS = (8, 16, 64)
_UNEVEN = (75, 11)
"""An uneven size of images and length of sequences, whose halves and quarters are uneven too."""

_OTHER_SIZES = (32, 28, 48, 24, *range(4, 64), 80, 96, 100, 112, 120, 128, 160, 192, 227, 256, 299, 512)
_WRONG_SIZE = ("shapes cannot be multiplied", "same reduction dim")
"""Parts of torch's messages where a linear layer gets another number of features than it takes."""

_MOST_FITTING = 3


def possible_shapes(store: Store, emission: Emission) -> Iterator[Shapes]:
    """Yield shapes of a graph's inputs, of a batch of two, those with which the graph can be run first.

    Free sizes of images and sequences are tried: a graph that flattens before a linear layer runs with one size only.

    Args:
        store: A store with a graph.
        emission: Its emission, which is run on tensors without data.

    Yields:
        The shape of each input; nothing where the graph says too little.
    """
    assert store.graph is not None
    inputs = _inputs(store)
    pairs = [*zip(_IMAGE_SIZES, _LENGTHS), *((size, _LENGTHS[1]) for size in _OTHER_SIZES)]
    tried: list[Shapes] = []
    for size, length in pairs:
        shapes = [_completed(item, size, length) for item in inputs]
        complete = [shape for shape in shapes if shape is not None]
        if len(complete) == len(shapes) and complete not in tried:
            tried.append(complete)
    if len(tried) > 1:
        tried = _fitting(tried, emission) or tried
    yield from tried[:_MOST_FITTING]


def uneven_shapes(store: Store) -> Shapes | None:
    """Return shapes of a graph's inputs with uneven sizes, None where the graph has no free sizes or says too little.

    Args:
        store: A store with a graph.
    """
    inputs = _inputs(store)
    shapes = [_completed(item, *_UNEVEN) for item in inputs]
    complete = [shape for shape in shapes if shape is not None]
    is_free = any(item.shape is not None and None in item.shape[1:] for item in inputs)
    return complete if is_free and len(complete) == len(shapes) else None


def _inputs(store: Store) -> list[Input]:
    assert store.graph is not None
    return [_flattened(item, store) for item in infer_input_shapes(store.graph, store.layers, store.tensors)]


def _fitting(candidates: Sequence[Shapes], emission: Emission) -> list[Shapes]:
    """Return the first of the shapes with which the graph runs; nothing where that depends on more than sizes."""
    model = _without_data(emission)
    errors = [_error(model, emission, shapes) for shapes in candidates[:_MOST_FITTING]]
    fitting = [shapes for shapes, error in zip(candidates, errors) if error is None]
    if fitting or not all(any(text in str(error) for text in _WRONG_SIZE) for error in errors):
        return fitting
    rest = candidates[_MOST_FITTING:]
    return next(([shapes] for shapes in rest if _error(model, emission, shapes) is None), [])


def _without_data(emission: Emission) -> nn.Module:
    with torch.device("meta"):
        model: nn.Module = getattr(import_source(emission.source), emission.class_name)()
    return model.eval()


def _error(model: nn.Module, emission: Emission, shapes: Shapes) -> str | None:
    values = [
        torch.zeros(shape, dtype=getattr(torch, item.dtype or "float32"), device="meta")
        for item, shape in zip(emission.inputs, shapes)
    ]
    try:
        with torch.no_grad():
            model(*values)
    except Exception as error:  # another size is wanted, or a value that tensors without data do not have
        return str(error)
    return None


def _completed(item: Input, size: int, length: int) -> tuple[int, ...] | None:
    """Return an input's shape with a batch of two, and sizes for axes that the graph leaves free."""
    if item.shape is None:
        return None
    if len(item.shape) > 2 and item.shape[1] is None and item.shape[-1] is None:
        return None
    free = size if len(item.shape) > 3 else length
    batched = tuple(_BATCH if extent is None else extent for extent in item.shape[:1])
    return (*batched, *(free if extent is None else extent for extent in item.shape[1:]))


def _flattened(item: Input, store: Store) -> Input:
    """Return an input of unknown shape as a matrix, where its only use is a linear layer that flattens it."""
    graph, value = store.graph, Value(item.name)
    while item.shape is None and graph is not None:
        users = _users(graph, value)
        if len(users) != 1 or users[0].inputs[0] != value:
            break
        node = users[0]
        if node.kind == "linear" and node.layer is not None and "weight" in store.layers[node.layer].tensors:
            weight = store.tensors[store.layers[node.layer].tensors["weight"]]
            return Input(item.name, (None, weight.shape[1]), item.dtype)
        operator = catalogue.get(node.kind)
        if node.kind != "flatten" and not (operator is not None and operator.keeps_shape):
            break
        value = Value(node.name)
    return item


def _users(graph: Graph, value: Value) -> list[Node]:
    return [node for node in graph.nodes if value in node.operands]

"""Cut a model at recorded values: each step leads from the recorded values nearest before it to the next one."""

from __future__ import annotations

import re
from typing import Iterable, Iterator, Mapping, Sequence

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, helper

from neutral.verification.ties import Step
from neutral_to_onnx.verification.sessions import OnnxModel

KIND = re.compile(r"kind (\S+?)(?:, layer (.*))?", re.DOTALL)
"""The doc string of a node: the kind of the store's node, and its layer."""

COMPUTED = "/computed"
"""The end of the name of a recorded value where it is computed; under its own name the recorded array is given."""


def steps_of(model: OnnxModel, recorded: Iterable[str]) -> dict[str, Step]:
    """Return the step that leads to each recorded value.

    Args:
        model: The model.
        recorded: The names of recorded values and inputs.

    Returns:
        Steps by name of value, in execution order.

    Example:
        >>> from onnx import parser
        >>> text = '<ir_version: 8, opset_import: ["" : 17]> net (float[2] x) => (float[2] y) { y = Exp(x) }'
        >>> steps_of(OnnxModel(parser.parse_model(text), None, "net.onnx"), ["x", "y"])
        {'y': Step(operands=('x',), kinds=('',))}
    """
    known = set(recorded)
    steps: dict[str, Step] = {}
    between: dict[str, Step] = {}  # of values that are not recorded
    for node in model.proto.graph.node:
        stated = KIND.fullmatch(node.doc_string)
        operands: dict[str, None] = {}
        kinds: dict[str, None] = {stated[1] if stated else "": None}
        for name in used_names(node):
            if name in known:
                operands[name] = None
            elif name in between:
                operands.update(dict.fromkeys(between[name].operands))
                kinds.update(dict.fromkeys(between[name].kinds))
        for name in node.output:
            (steps if name in known else between)[name] = Step(tuple(operands), tuple(kinds))
    return steps


def used_names(node: NodeProto) -> Iterator[str]:
    """Yield the names of the values that a node uses, those that its subgraphs take from around them included.

    Args:
        node: The node.

    Yields:
        Names, some more than once.
    """
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from _captured(attribute.g)


def _captured(graph: GraphProto) -> Iterator[str]:
    available = {item.name for item in (*graph.input, *graph.initializer)}
    for node in graph.node:
        yield from (name for name in used_names(node) if name not in available)
        available.update(node.output)
    yield from (item.name for item in graph.output if item.name not in available)


def recompute(model: OnnxModel, recorded: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Compute values, each from the recorded values nearest before it.

    Args:
        model: The model.
        recorded: The recorded arrays, inputs included, in the shapes and dtypes of the model.
        names: The values to compute.

    Returns:
        Arrays by name.

    Raises:
        VerificationError: If onnxruntime cannot run this part of the model.

    Example:
        >>> from onnx import parser
        >>> text = '<ir_version: 8, opset_import: ["" : 17]> net (float[1] x) => (float[1] y) { h = Neg(x) y = Neg(h) }'
        >>> model = OnnxModel(parser.parse_model(text), None, "net.onnx")
        >>> recompute(model, {"x": np.float32([1]), "h": np.float32([5])}, ["y"])
        {'y': array([-5.], dtype=float32)}
    """
    nodes, given = _part(model.proto.graph, recorded, names)
    renamed = {name: f"{name}{COMPUTED}" for name in (*recorded, *names)}
    used = {name for node in nodes for name in used_names(node)}
    part = ModelProto(ir_version=model.proto.ir_version, opset_import=model.proto.opset_import)
    part.graph.name = model.proto.graph.name
    part.graph.initializer.extend(item for item in model.proto.graph.initializer if item.name in used)
    for node in nodes:
        copy = part.graph.node.add()
        copy.CopyFrom(node)
        copy.output[:] = [renamed.get(name, name) for name in node.output]
    for name in given:
        dtype = helper.np_dtype_to_tensor_dtype(recorded[name].dtype)
        part.graph.input.append(helper.make_tensor_value_info(name, dtype, recorded[name].shape))
    arrays = model.with_proto(part).run({name: recorded[name] for name in given}, [renamed[name] for name in names])
    return dict(zip(names, arrays))


def _part(
    graph: GraphProto, recorded: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[list[NodeProto], list[str]]:
    """Return the nodes that compute values from recorded ones, and the names of the recorded values that they use."""
    wanted = set(names)
    given: dict[str, None] = {}
    nodes: list[NodeProto] = []
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output):
            continue
        nodes.append(node)
        for name in used_names(node):
            if name in recorded:
                given[name] = None
            else:
                wanted.add(name)
    return nodes[::-1], list(given)

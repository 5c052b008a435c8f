"""The arithmetic of nodes: multiplications with an addition each, of layers with weights and of matrix products."""

from __future__ import annotations

import math
from typing import Mapping, Sequence

from neutral.graph import Node, Value
from neutral.operators import catalogue

Shape = Sequence[int]


def multiply_adds(node: Node, shapes: Mapping[Value, Shape], tensors: Mapping[str, Shape]) -> int:
    """Return the multiply-adds of one run of a node.

    Counted are convolutions, linear and recurrent layers, and products of matrices; additions of a bias, normalizations
    and element-wise operators are not.

    Args:
        node: The node.
        shapes: The shapes of values by :func:`neutral.reference.output_shapes`.
        tensors: The shapes of the layer's tensors by role.

    Returns:
        The number; 0 for other kinds, and where the shapes that it takes are absent.

    Example:
        >>> node = Node("fc", "linear", (Value("x"),), {"out_features": 4, "flatten": False}, "fc")
        >>> multiply_adds(node, {Value("x"): (2, 3), Value("fc"): (2, 4)}, {"weight": (4, 3)})
        24
    """
    operands = [shapes.get(value, ()) for value in node.operands]
    output = shapes.get(Value(node.name), ())
    weight = tensors.get("weight", ())
    if not operands or node.kind not in catalogue:
        return 0
    if node.kind in ("convolution", "deformable_convolution", "linear") and weight:
        return math.prod(output) // weight[0] * math.prod(weight)
    if node.kind == "transposed_convolution" and weight:
        return math.prod(operands[0]) // weight[0] * math.prod(weight)
    if catalogue[node.kind].family == "recurrent":
        steps = math.prod(operands[0][:-1]) if operands[0] else 0
        return steps * sum(math.prod(shape) for role, shape in tensors.items() if role.startswith("weight"))
    if node.kind in ("matmul", "dot") and len(operands) == 2 and operands[0]:
        return math.prod(output) * operands[0][-1]
    if not all(operands):
        return 0
    if node.kind.endswith("attention_scores"):
        features = operands[0][-1] // (3 if node.kind.startswith("self") else 1)
        return math.prod(output) * features // int(node.attributes["heads"])
    if node.kind.endswith("attention_values"):
        return math.prod(output) * operands[1][-1]
    return 0

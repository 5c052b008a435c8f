"""Weights and computation in float16, except where a kind needs float32."""

from __future__ import annotations

from typing import Sequence

from neutral.edit import cast
from neutral.graph import Graph
from neutral.operators import catalogue
from neutral.store import Store
from neutral_to_onnx.building import OnnxValue
from neutral_to_onnx.lowering.node_context import NodeContext
from neutral_to_onnx.registry import Unsupported

HALF_KINDS = frozenset(("convolution", "transposed_convolution", "linear", "embedding"))
"""Kinds whose weights become float16; the other layers keep their tensors."""

SINGLE_FAMILIES = frozenset(("normalization", "attention", "detection", "regions", "loss", "linear algebra"))
"""Families that compute in float32: statistics, and coordinates of pixels."""

SINGLE_KINDS = frozenset(
    ("softmax", "softmax_of_sample", "log_softmax", "masked_softmax", "masked_log_softmax", "exp", "power", "square")
)
"""Further kinds that compute in float32: float16 ends at 65504."""


class HalfPrecision:
    """The layers of a graph that compute in float16, and the conversion of the operands of each node.

    Inputs and outputs stay in float32. A value becomes float16 at the first convolution or linear layer that it meets,
    so that indices, lengths and coordinates among the inputs keep their precision.

    Args:
        store: The store.
        graph: The part of its graph that is written.

    Attributes:
        store: The store with the weights of these layers in float16.

    Example:
        >>> HalfPrecision(Store({}, {}), Graph((), (), ())).store
        <Store unsaved: 0 layers, 0 tensors>
    """

    def __init__(self, store: Store, graph: Graph) -> None:
        users: dict[str, set[str]] = {}
        for node in graph.nodes:
            if node.layer is not None:
                users.setdefault(node.layer, set()).add(node.kind if not node.computed else "")
        layers = {name for name, kinds in users.items() if kinds <= HALF_KINDS}
        singles = {key for name, layer in store.layers.items() if name not in layers for key in layer.tensors.values()}
        self._layers = {name for name in layers if not singles & set(store.layers[name].tensors.values())}
        self._outputs = {value.node for value in graph.outputs}
        names = (name for name in store.layers if name not in self._layers)
        self.store = cast(store, "float16", keep=[key for name in names for key in store.layers[name].tensors.values()])

    def prepared(self, context: NodeContext, operands: Sequence[OnnxValue | None]) -> list[OnnxValue | None]:
        """Return the operands of a node in the dtype in which its kind computes, and set ``context.single``.

        Args:
            context: The node.
            operands: Its operands.

        Returns:
            The operands, converted where necessary.

        Raises:
            Unsupported: For loops and branches, whose values must keep their dtype from step to step.
        """
        node, family = context.node, catalogue[context.node.kind].family
        if family == "control flow":
            raise Unsupported("loops and branches are written in float32 alone: leave out --fp16")
        if node.layer in self._layers and node.kind != "embedding":
            return [value and context.cast(value, "float16") if _is_single(value) else value for value in operands]
        floats = {value.dtype for value in operands if value is not None and value.is_floating}
        mixed = len(floats) > 1 or (node.layer is not None and node.layer not in self._layers)
        if "float16" in floats and (mixed or node.computed or family in SINGLE_FAMILIES or node.kind in SINGLE_KINDS):
            return [value and context.widened(value) for value in operands]
        return list(operands)

    def finished(self, context: NodeContext, results: Sequence[OnnxValue | None]) -> list[OnnxValue | None]:
        """Return the results of a node; those of an output of the graph as float32.

        Args:
            context: The node.
            results: Its results.

        Returns:
            The results, converted where necessary.
        """
        if context.node.name not in self._outputs:
            return list(results)
        return [value and context.widened(value) for value in results]


def _is_single(value: OnnxValue | None) -> bool:
    return value is not None and value.dtype == "float32"

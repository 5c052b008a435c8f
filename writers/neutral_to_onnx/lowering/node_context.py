"""The node that a rule writes: its attributes and tensors, and the methods that add operators for it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from neutral.graph import Layer, Node
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import numeric_values
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.building.value import Dim
from neutral_to_onnx.lowering.node_shapes import NodeShapes
from neutral_to_onnx.registry import Unsupported

if TYPE_CHECKING:
    from neutral_to_onnx.lowering.lower import Lowering


class NodeContext(NodeShapes):
    """A node of the store's graph that a rule writes.

    Args:
        node: The node.
        layer: The layer of its tensors, or None.
        tensors: The store's tensors by key.
        builder: The graph under construction.
        used: For each output whether it is used.
        computed: The values of the roles that the graph computes.
        lowering: The lowering, for rules that have subgraphs.
        prefix: The text before the node's name.

    Attributes:
        node: The node.
        name: The name of the node in the ONNX graph.
        builder: The graph under construction.
        lowering: The lowering, whose :meth:`Lowering.nodes` adds the nodes of a subgraph.
        single: Whether float16 operands and tensors are given as float32.
    """

    def __init__(
        self,
        node: Node,
        layer: Layer | None,
        tensors: Mapping[str, Tensor],
        builder: GraphBuilder,
        used: Sequence[bool],
        computed: Mapping[str, OnnxValue],
        lowering: Lowering,
        prefix: str = "",
    ) -> None:
        super().__init__(prefix + node.name, builder)
        self.node = node
        self.lowering = lowering
        self._layer = layer
        self._tensors = tensors
        self._used = used
        self._computed = computed
        self.single = False

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    def inside(self, builder: GraphBuilder) -> NodeContext:
        """Return the same node with another graph under construction, for the body of a loop or a branch.

        Args:
            builder: The builder of the body.

        Returns:
            The context, whose nodes are added to the body.
        """
        context = copy(self)
        context.builder = builder
        return context

    def uses(self, output: int) -> bool:
        """Return whether anything uses an output.

        Args:
            output: The number of the output, from 0.

        Returns:
            True if a node or the graph's outputs use it.
        """
        return output < len(self._used) and self._used[output]

    def has(self, role: str) -> bool:
        """Return whether the node has a tensor of a role, stored or computed.

        Args:
            role: The name of the role.

        Returns:
            True if :meth:`tensor` returns it.
        """
        return role in self._computed or (self._layer is not None and role in self._layer.tensors)

    def tensor(self, role: str) -> OnnxValue:
        """Return the tensor of a role.

        Args:
            role: The name of the role, which the node has.

        Returns:
            An initialiser, or the value that the graph computes.
        """
        if role in self._computed:
            value = self._computed[role]
        else:
            tensor, key = self._stored(role)
            value = self.builder.tensor(key, tensor)
        return self.widened(value) if self.single else value

    def optional(self, role: str) -> OnnxValue | None:
        """Return the tensor of a role, or None if the node has none.

        Args:
            role: The name of the role.

        Returns:
            The value.
        """
        return self.tensor(role) if self.has(role) else None

    def tensor_shape(self, role: str) -> tuple[Dim, ...]:
        """Return the shape of the tensor of a role.

        Args:
            role: The name of the role.

        Returns:
            The extents.

        Raises:
            Unsupported: If it is computed and its rank is unknown.
        """
        if role not in self._computed:
            return self._stored(role)[0].shape
        self.rank(self._computed[role])
        return self._computed[role].shape or ()

    def is_stored(self, role: str) -> bool:
        """Return whether a role has no tensor that the graph computes.

        Args:
            role: The name of the role.

        Returns:
            True if the tensor is stored, or absent.
        """
        return role not in self._computed

    def array(self, role: str) -> Any:
        """Read a stored tensor, which should be small.

        Args:
            role: The name of the role.

        Returns:
            The array.

        Raises:
            Unsupported: If the graph computes the tensor.
        """
        if role in self._computed:
            raise Unsupported(f"its {role} is computed by the graph")
        return numeric_values(self._stored(role)[0])

    def derived_tensor(
        self, roles: Sequence[str], shape: tuple[int, ...], derive: Callable[[list[Any]], Any], form: str
    ) -> OnnxValue:
        """Return an initialiser that is computed from stored tensors when the file is written.

        Args:
            roles: The names of the roles; none is computed by the graph.
            shape: The shape of the result.
            derive: Return the result for the arrays of the roles; a role that is absent gives None.
            form: The computation, in words, for each result that differs.

        Returns:
            The value, in the dtype of the first tensor.
        """
        present = [role for role in roles if self.has(role)]
        tensor, key = self._stored(present[0])
        tensors = {role: self._stored(role)[0] for role in present}

        def content() -> Any:
            return derive([tensors[role].numpy() if role in tensors else None for role in roles])

        keys = " ".join(self._stored(role)[1] for role in present)
        value = self.builder.tensor(key, lazy_tensor(tensor.dtype, shape, content), f"{form} {keys}")
        return self.widened(value) if self.single else value

    def shaped_tensor(self, role: str, shape: tuple[int, ...]) -> OnnxValue:
        """Return the tensor of a role in another shape: a stored one is declared so, a computed one reshaped.

        Args:
            role: The name of the role.
            shape: The shape, of as many elements.

        Returns:
            The value.
        """
        if role in self._computed:
            return self.reshape(self.tensor(role), shape)
        tensor, key = self._stored(role)
        value = self.builder.tensor(key, tensor._replace(shape=shape), f"shape {shape}")
        return self.widened(value) if self.single else value

    def transposed_tensor(self, role: str) -> OnnxValue:
        """Return the matrix of a role transposed: a stored one is declared so.

        Args:
            role: The name of the role.

        Returns:
            The value.
        """
        if role in self._computed:
            return self.op("Transpose", self.tensor(role), perm=[1, 0])
        tensor, key = self._stored(role)
        transposed = lazy_tensor(tensor.dtype, tensor.shape[::-1], lambda: tensor.numpy().T)
        value = self.builder.tensor(key, transposed, "transposed")
        return self.widened(value) if self.single else value

    def _stored(self, role: str) -> tuple[Tensor, str]:
        if self._layer is None or role not in self._layer.tensors:
            raise Unsupported(f"it has no tensor {role!r}")
        key = self._layer.tensors[role]
        return self._tensors[key], key

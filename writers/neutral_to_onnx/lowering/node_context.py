"""What a rule sees of its node, and the helpers with which it adds nodes."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

import numpy as np

from neutral.graph import Layer, Node
from neutral.operators.dtypes import promote
from neutral.tensor import Tensor, lazy_tensor
from neutral.values import numeric_values
from neutral_to_onnx.building import Extent, GraphBuilder, OnnxValue
from neutral_to_onnx.building.builder import element_type
from neutral_to_onnx.building.value import Dim
from neutral_to_onnx.lowering.kernels import WIDER
from neutral_to_onnx.registry import NeedsShape, Unsupported

if TYPE_CHECKING:
    from neutral_to_onnx.lowering.lower import Lowering


class NodeContext:
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
        self.node = node
        self.name = prefix + node.name
        self.lowering = lowering
        self.builder = builder
        self._layer = layer
        self._tensors = tensors
        self._used = used
        self._computed = computed
        self.single = False

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    @property
    def opset(self) -> int:
        """The version of the standard operators."""
        return self.builder.opset

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

    def op(self, op_type: str, *inputs: OnnxValue | None, **attributes: Any) -> OnnxValue:
        """Add a node with one output; see :meth:`GraphBuilder.op`.

        Args:
            op_type: The name of a standard operator.
            inputs: The operands; None for an optional one that is absent.
            attributes: The operator's attributes; those that are None are left out.

        Returns:
            The output.
        """
        (output,) = self.ops(op_type, inputs, 1, **attributes)
        return output

    def ops(
        self,
        op_type: str,
        inputs: Sequence[OnnxValue | None],
        count: int,
        types: Sequence[tuple[str, Any]] | None = None,
        **attributes: Any,
    ) -> list[OnnxValue]:
        """Add a node with several outputs; see :meth:`GraphBuilder.ops`.

        Args:
            op_type: The name of a standard operator.
            inputs: The operands; None for an optional one that is absent.
            count: The number of outputs.
            types: The dtype and shape of each output, instead of those that ONNX infers.
            attributes: The operator's attributes; those that are None are left out.

        Returns:
            The outputs.
        """
        name = f"{self.name}/{op_type}"
        names = [name if count == 1 else f"{name}:{number}" for number in range(count)]
        data = inputs[1:] if op_type == "Where" else inputs[:1]
        dtype = data[0].dtype if data and data[0] is not None else ""
        wider = WIDER.get(op_type, {}).get(dtype)
        if wider is None:
            return self.builder.ops(op_type, inputs, names, types, **attributes)
        first = int(op_type == "Where")
        operands = [
            self.cast(value, wider) if value is not None and value.dtype == dtype and number >= first else value
            for number, value in enumerate(inputs)
        ]
        outputs = self.builder.ops(op_type, operands, names, **attributes)
        return [self.cast(outputs[0], dtype) if outputs[0].dtype == wider else outputs[0], *outputs[1:]]

    def constant(self, content: Any, dtype: str) -> OnnxValue:
        """Return a constant.

        Args:
            content: A number or an array.
            dtype: The dtype's name.

        Returns:
            The value.
        """
        return self.builder.constant(content, dtype, f"{self.name}/constant")

    def ints(self, numbers: Sequence[int] | int) -> OnnxValue:
        """Return a constant vector of int64, as operands such as axes and shapes are.

        Args:
            numbers: One number or several.

        Returns:
            The value.
        """
        return self.constant(np.atleast_1d(np.asarray(numbers, np.int64)), "int64")

    def like(self, content: Any, value: OnnxValue) -> OnnxValue:
        """Return a constant of the dtype of a value.

        Args:
            content: A number or an array.
            value: The value.

        Returns:
            The constant.
        """
        return self.constant(content, value.dtype)

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

    def derived_tensor(
        self, roles: Sequence[str], shape: tuple[int, ...], derive: Callable[[list[Any]], Any], form: str
    ) -> OnnxValue:
        """Return an initialiser that is computed from stored tensors when the file is written.

        Args:
            roles: The names of the roles; none is computed by the graph.
            shape: The shape of the result.
            derive: Return the result for the arrays of the roles; a role that is absent gives None.
            form: What is computed, in words, for each result that differs.

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

    def is_stored(self, role: str) -> bool:
        """Return whether a role has no tensor that the graph computes.

        Args:
            role: The name of the role.

        Returns:
            True if the tensor is stored, or absent.
        """
        return role not in self._computed

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

    def optional(self, role: str) -> OnnxValue | None:
        """Return the tensor of a role, or None if the node has none.

        Args:
            role: The name of the role.

        Returns:
            The value.
        """
        return self.tensor(role) if self.has(role) else None

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

    def cast(self, value: OnnxValue, dtype: str) -> OnnxValue:
        """Return a value in another dtype.

        Args:
            value: The value.
            dtype: The dtype's name.

        Returns:
            The value itself if it has the dtype.
        """
        if value.dtype == dtype:
            return value
        if value.array is not None:
            return self.constant(value.array.astype(dtype), dtype) if dtype != "bfloat16" else self._cast(value, dtype)
        return self._cast(value, dtype)

    def widened(self, value: OnnxValue) -> OnnxValue:
        """Return a value of float16 as float32.

        Args:
            value: The value.

        Returns:
            The value itself if it has another dtype.
        """
        return self.cast(value, "float32") if value.dtype == "float16" else value

    def _cast(self, value: OnnxValue, dtype: str) -> OnnxValue:
        return self.op("Cast", value, to=element_type(dtype))

    def promoted(self, *values: OnnxValue) -> list[OnnxValue]:
        """Return values in their common dtype.

        Args:
            values: The values.

        Returns:
            The values, converted where necessary.

        Raises:
            Unsupported: If there is none.
        """
        dtype = promote([value.dtype for value in values])
        if dtype is None:
            raise Unsupported(f"the dtypes {', '.join(value.dtype for value in values)} have no common one")
        return [self.cast(value, dtype) for value in values]

    def reduce(self, op_type: str, x: OnnxValue, axes: Sequence[int] | None, keepdims: bool) -> OnnxValue:
        """Add a reduction, whose axes are an attribute or an operand, as the version of the operators wants them.

        Args:
            op_type: ``ReduceSum``, ``ReduceMean`` and so on.
            x: The operand.
            axes: The axes; None for all.
            keepdims: Whether the axes are kept with extent 1.

        Returns:
            The output.
        """
        keep = int(keepdims)
        if axes is None:
            return self.op(op_type, x, keepdims=keep)
        if op_type == "ReduceSum" or self.opset >= 18:
            return self.op(op_type, x, self.ints(list(axes)), keepdims=keep)
        return self.op(op_type, x, axes=list(axes), keepdims=keep)

    def rank(self, value: OnnxValue) -> int:
        """Return the rank of a value.

        Args:
            value: The value.

        Returns:
            The number of axes.

        Raises:
            Unsupported: If it is unknown.
        """
        if value.rank is None:
            raise NeedsShape(f"the rank of {value.name!r} is unknown")
        return value.rank

    def axis(self, axis: int, value: OnnxValue) -> int:
        """Return an axis counted from 0.

        Args:
            axis: The axis; negative ones count from the end.
            value: The value whose axis it is.

        Returns:
            The axis.
        """
        return axis if axis >= 0 else axis + self.rank(value)

    def extent(self, value: OnnxValue, axis: int) -> int | Extent:
        """Return the extent of an axis: a number if it is known.

        Args:
            value: The value.
            axis: The axis; negative ones count from the end.

        Returns:
            The number, or an object that stands for the extent at run time.
        """
        axis = self.axis(axis, value)
        size = None if value.shape is None else value.shape[axis]
        return size if isinstance(size, int) else Extent(value, axis)

    def extents(self, value: OnnxValue) -> list[int | Extent]:
        """Return the extents of all axes.

        Args:
            value: The value, whose rank is known.

        Returns:
            A number or an extent at run time for each axis.
        """
        return [self.extent(value, axis) for axis in range(self.rank(value))]

    def vector(self, parts: Sequence[int | Extent | OnnxValue]) -> OnnxValue:
        """Return a vector of int64 of extents.

        Args:
            parts: Numbers, extents at run time, and vectors of int64.

        Returns:
            A constant if all parts are numbers.
        """
        pieces: list[OnnxValue] = []
        numbers: list[int] = []
        for part in parts:
            if isinstance(part, int):
                numbers.append(part)
                continue
            if numbers:
                pieces.append(self.ints(numbers))
                numbers = []
            pieces.append(self._extent_vector(part) if isinstance(part, Extent) else part)
        if numbers or not pieces:
            pieces.append(self.constant(np.asarray(numbers, np.int64), "int64"))
        return pieces[0] if len(pieces) == 1 else self.op("Concat", *pieces, axis=0)

    def _extent_vector(self, extent: Extent) -> OnnxValue:
        return self.op("Shape", extent.value, start=extent.axis, end=extent.axis + 1)

    def reshape(self, value: OnnxValue, parts: Sequence[int | Extent]) -> OnnxValue:
        """Reshape a value, with a constant shape wherever at most one extent is left open.

        Args:
            value: The value.
            parts: The new extents; -1 stands for the one that is inferred.

        Returns:
            The value in the new shape.
        """
        shape = tuple(part.symbol if isinstance(part, Extent) else None if part == -1 else part for part in parts)
        if value.shape == shape and all(isinstance(size, int) for size in shape):
            return value
        if 0 in [part for part in parts if isinstance(part, int)]:
            reshaped = self.op("Reshape", value, self.vector(parts), allowzero=1)
        else:
            codes: list[int | Extent] = [_copied(part, value, position) for position, part in enumerate(parts)]
            late = [position for position, code in enumerate(codes) if isinstance(code, Extent)]
            if len(late) == 1 and -1 not in codes:
                codes[late[0]] = -1
            reshaped = self.op("Reshape", value, self.vector(codes))
        inferred = reshaped.shape
        if inferred is not None and len(inferred) == len(shape):
            shape = tuple(old if new is None else new for new, old in zip(shape, inferred))
        return self.builder.with_shape(reshaped, shape)


def _copied(part: int | Extent, value: OnnxValue, position: int) -> int | Extent:
    """Return the code 0, which copies the extent of the operand at this position, where that is the one wanted."""
    if isinstance(part, Extent) and part.axis == position and part.value.name == value.name:
        return 0
    return part

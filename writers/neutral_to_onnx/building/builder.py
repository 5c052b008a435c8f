"""The builder of an ONNX graph: nodes, initialisers and constants with unique names, and the type of every value."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

import numpy as np
from onnx import NodeProto, defs, helper, numpy_helper, shape_inference

from neutral.dtypes import DTYPE_CODE, DTYPE_NAME
from neutral.rewriting import UniqueNames
from neutral.tensor import Tensor, from_numpy
from neutral.values import cast_to
from neutral_to_onnx.building.value import ELEMENT_TYPE, OnnxValue, value_of_type

SMALL = 1024
"""The most elements of a constant whose content shape inference may use."""


class GraphBuilder:
    """Collect the content of a graph.

    Args:
        opset: The version of the standard operators.
        parent: The builder of the graph around this one, for a subgraph.

    Attributes:
        opset: The version of the standard operators.
        nodes: The nodes in execution order.
        initializers: Tensors by the name of their value; none of a store's is read.
        values: Every value by name, with its type.

    Example:
        >>> builder = GraphBuilder(17)
        >>> x = builder.input("x", "float32", ("batch", 3))
        >>> builder.op("Relu", x, name="act").shape
        ('batch', 3)
    """

    def __init__(self, opset: int, parent: GraphBuilder | None = None) -> None:
        self.opset = opset
        self.parent = parent
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, Tensor] = {} if parent is None else parent.initializers
        self.values: dict[str, OnnxValue] = {}
        self.unique: UniqueNames = UniqueNames(separator="_") if parent is None else parent.unique
        self._constants: dict[tuple[str, tuple[int, ...], bytes], OnnxValue] = (
            {} if parent is None else parent._constants
        )
        self._tensors: dict[tuple[str, str], OnnxValue] = {} if parent is None else parent._tensors

    def subgraph(self) -> GraphBuilder:
        """Return a builder for the body of a loop or a branch, which shares names, initialisers and constants.

        Returns:
            The builder; its nodes may use the values of this one.
        """
        return GraphBuilder(self.opset, self)

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names for the outputs of nodes, to which :meth:`rename` gives them.

        Args:
            names: The names.
        """
        for name in names:
            self.unique(name)

    def tensor_keys(self) -> dict[str, str]:
        """Return the store's key of each initialiser that is a stored tensor.

        Returns:
            Keys by name of value.
        """
        return {value.name: key for (key, _), value in self._tensors.items()}

    def identity(self, value: OnnxValue, name: str) -> OnnxValue:
        """Add an Identity, for an output of the graph that no node makes.

        Args:
            value: The value.
            name: The name of the output, which is not in use.

        Returns:
            The output.
        """
        first = len(self.nodes)
        return self.rename(self.op("Identity", value, name=f"{name}/Identity"), name, first)

    def input(self, name: str, dtype: str, shape: Any) -> OnnxValue:
        """Declare an input.

        Args:
            name: The wanted name.
            dtype: The dtype's name.
            shape: The extents; None where the rank is unknown.

        Returns:
            The value.
        """
        return self._add(OnnxValue(self.unique(name), dtype, shape))

    def tensor(self, key: str, tensor: Tensor, form: str = "") -> OnnxValue:
        """Return the initialiser of a stored tensor, declared at its first use.

        Args:
            key: The key in the store, which becomes the name.
            tensor: The tensor, or one that is computed of it; it is not read.
            form: The computation, in words: for each one there is an initialiser.

        Returns:
            The value.
        """
        if (key, form) not in self._tensors:
            value = self._add(OnnxValue(self.unique(key), DTYPE_NAME[tensor.dtype], tensor.shape))
            self.initializers[value.name] = tensor
            self._tensors[key, form] = value
        return self._tensors[key, form]

    def constant(self, content: Any, dtype: str, name: str) -> OnnxValue:
        """Return a constant, declared at its first use; equal constants are one.

        Args:
            content: A number or an array.
            dtype: The dtype's name.
            name: The wanted name.

        Returns:
            The value.
        """
        array = np.asarray(content)
        with np.errstate(all="ignore"):
            array = cast_to(array.astype(np.float32), "BF16") if dtype == "bfloat16" else array.astype(dtype)
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            known = array if array.size <= SMALL and dtype != "bfloat16" else None
            value = self._add(OnnxValue(self.unique(name), dtype, array.shape, known))
            self.initializers[value.name] = from_numpy(array, DTYPE_CODE[dtype])
            self._constants[key] = value
        return self._constants[key]

    def op(self, op_type: str, *inputs: OnnxValue | None, name: str, **attributes: Any) -> OnnxValue:
        """Add a node with one output.

        Args:
            op_type: The name of a standard operator.
            inputs: The operands; None for an optional one that is absent.
            name: The wanted name of the node and its output.
            attributes: The operator's attributes; those that are None are left out.

        Returns:
            The output, with the type that ONNX infers.
        """
        (output,) = self.ops(op_type, inputs, (name,), **attributes)
        return output

    def ops(
        self,
        op_type: str,
        inputs: Sequence[OnnxValue | None],
        names: Sequence[str],
        types: Sequence[tuple[str, Any]] | None = None,
        **attributes: Any,
    ) -> list[OnnxValue]:
        """Add a node with several outputs.

        Args:
            op_type: The name of a standard operator.
            inputs: The operands; None for an optional one that is absent.
            names: The wanted names of the outputs; an empty one for an output that is not wanted.
            types: The dtype and shape of each output, instead of those that ONNX infers.
            attributes: The operator's attributes; those that are None are left out.

        Returns:
            The outputs that are wanted.
        """
        outputs = [self.unique(name) if name else "" for name in names]
        given = {key: value for key, value in attributes.items() if value is not None}
        operands = list(inputs)
        while operands and operands[-1] is None:
            operands.pop()
        texts = ["" if value is None else value.name for value in operands]
        node = helper.make_node(op_type, texts, outputs, name=next(filter(None, outputs)), **given)
        self.nodes.append(node)
        wanted = [output for output in outputs if output]
        if types is not None:
            return [self._add(OnnxValue(name, *given)) for name, given in zip(wanted, types)]
        inferred = self._inferred(node, [value for value in operands if value is not None])
        return [self._add(value_of_type(name, inferred[name])) for name in wanted]

    def _inferred(self, node: NodeProto, operands: Iterable[OnnxValue]) -> Any:
        types = {value.name: value.type_proto() for value in operands}
        data = {
            value.name: numpy_helper.from_array(value.array, value.name)
            for value in operands
            if value.array is not None
        }
        schema = defs.get_schema(node.op_type, self.opset, node.domain)
        imports = [helper.make_opsetid("", self.opset)]
        return shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=imports, ir_version=8)

    def with_shape(self, value: OnnxValue, shape: Any) -> OnnxValue:
        """Return a value whose shape is known better than ONNX inferred it.

        Args:
            value: A value of this graph.
            shape: The extents.

        Returns:
            The value with that shape.
        """
        return self._add(OnnxValue(value.name, value.dtype, shape, value.array))

    def rename(self, value: OnnxValue, name: str, since: int) -> OnnxValue:
        """Rename an output of a node, and the node with it.

        Args:
            value: The output.
            name: The new name, which is not taken.
            since: The number of the first node that may have or use the value.

        Returns:
            The value under its new name.
        """
        for node in self.nodes[since:]:
            for texts in (node.input, node.output):
                for position, text in enumerate(texts):
                    if text == value.name:
                        texts[position] = name
            if node.name == value.name:
                node.name = name
        del self.values[value.name]
        return self._add(OnnxValue(name, value.dtype, value.shape, value.array))

    def _add(self, value: OnnxValue) -> OnnxValue:
        self.values[value.name] = value
        return value


def element_type(dtype: str) -> int:
    """Return the number of ONNX for a dtype.

    Args:
        dtype: The dtype's name.

    Returns:
        The element type.

    Example:
        >>> element_type("float32")
        1
    """
    return ELEMENT_TYPE[dtype]

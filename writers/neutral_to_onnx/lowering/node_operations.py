"""Add standard operators and constants to a graph, under the name of a node."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from neutral.operators.dtypes import promote
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.building.builder import element_type
from neutral_to_onnx.lowering.kernels import WIDER
from neutral_to_onnx.registry import Unsupported


class NodeOperations:
    """The operators that a rule adds for one node, and conversions of their dtypes.

    Args:
        name: The name of the node in the ONNX graph, with which the names of the added nodes begin.
        builder: The graph under construction.

    Attributes:
        name: The name of the node in the ONNX graph.
        builder: The graph under construction.
    """

    def __init__(self, name: str, builder: GraphBuilder) -> None:
        self.name = name
        self.builder = builder

    @property
    def opset(self) -> int:
        """The version of the standard operators."""
        return self.builder.opset

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

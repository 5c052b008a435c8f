"""The values of an ONNX graph under construction, and their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Tuple, Union

from onnx import TensorProto, TypeProto, helper

from neutral.dtypes import DTYPES

Dim = Union[int, str, None]
"""The extent of an axis: a number, the name of a free dimension, or None where nothing is known."""

Shape = Optional[Tuple[Dim, ...]]
"""The extents of all axes; None where the rank is unknown."""

ELEMENT_TYPE = {
    dtype.name: int(getattr(TensorProto, _name))
    for dtype in DTYPES
    for _name in ({"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype.name, dtype.name.upper()),)
}
"""The element type of ONNX for each dtype name."""

DTYPE_OF_ELEMENT = {element: name for name, element in ELEMENT_TYPE.items()}
"""The dtype name for each element type of ONNX."""


@dataclass(frozen=True, eq=False)
class OnnxValue:
    """A value of an ONNX graph: an input, an initialiser, or an output of a node.

    Attributes:
        name: The name, unique in the graph.
        dtype: The dtype's name, such as ``float32``.
        shape: The extents of the axes; None where the rank is unknown.
        array: The elements, of a small constant.

    Example:
        >>> OnnxValue("data", "float32", ("batch", 3)).rank
        2
    """

    name: str
    dtype: str
    shape: Shape = None
    array: Any = None

    @property
    def rank(self) -> int | None:
        """The number of axes; None where it is unknown."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_floating(self) -> bool:
        """True for float16, bfloat16, float32 and float64."""
        return "float" in self.dtype

    def type_proto(self) -> TypeProto:
        """Return the type as ONNX states it.

        Returns:
            A tensor type; axes of unknown extents have neither a value nor a name.
        """
        return helper.make_tensor_type_proto(ELEMENT_TYPE[self.dtype], self.shape)


def value_of_type(name: str, type_proto: TypeProto) -> OnnxValue:
    """Return the value of a type that ONNX inferred.

    Args:
        name: The name of the value.
        type_proto: A tensor type.

    Returns:
        The value.
    """
    tensor = type_proto.tensor_type
    if not tensor.HasField("shape"):
        return OnnxValue(name, DTYPE_OF_ELEMENT[tensor.elem_type])
    dims: list[Dim] = [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in tensor.shape.dim
    ]
    return OnnxValue(name, DTYPE_OF_ELEMENT[tensor.elem_type], tuple(dims))

"""The dtypes of literal numbers, which follow those of the other operands."""

from __future__ import annotations

from typing import Sequence

from neutral.operators import Operator
from neutral.operators.dtypes import INTEGERS, promote
from neutral_to_onnx.building import OnnxValue


def literal_dtype(operator: Operator, literal: float | int | bool, known: Sequence[OnnxValue | None]) -> str:
    """Return the dtype of a literal number beside other operands.

    Args:
        operator: The kind of the node.
        literal: The number.
        known: The operands in order; None for literals and absent ones.

    Returns:
        The dtype's name.

    Example:
        >>> from neutral.operators import catalogue
        >>> literal_dtype(catalogue["add"], 2, [OnnxValue("x", "float16"), None])
        'float16'
        >>> literal_dtype(catalogue["divide"], 2, [OnnxValue("x", "int32"), None])
        'float32'
    """
    names = (*operator.inputs, *[None] * len(known))
    dtypes = [value.dtype for value, name in zip(known, names) if value is not None and name != "condition"]
    dtype = promote(dtypes) if dtypes else None
    if dtype is None:
        return "float32" if isinstance(literal, float) else "bool" if isinstance(literal, bool) else "int64"
    if dtype == "bool" and literal not in (0, 1):
        return "int64" if literal == int(literal) else "float32"
    if operator.dtype_rule == "promote_to_float" and dtype in INTEGERS:
        return "float32"
    return dtype

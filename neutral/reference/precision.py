"""The dtypes of an evaluation: literals, float16 computed in float32, and a precision for everything floating."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from neutral.operators import Operator
from neutral.operators.dtypes import output_dtype
from neutral.reference.registry import Array

_WIDENED_RULES = ("same", "promote", "promote_to_float", "accumulate")
_FLOATS = ("float16", "bfloat16", "float32", "float64")


def as_precision(array: Array, precision: str | None) -> Array:
    """Convert a floating array to a precision.

    Args:
        array: Any array.
        precision: The name of the dtype; None: leave the array as it is.

    Returns:
        The array; integers and bools are unchanged.
    """
    return array.astype(precision, copy=False) if precision is not None and array.dtype.kind == "f" else array


def with_precision(attributes: Mapping[str, Any], precision: str | None) -> dict[str, Any]:
    """Return the attributes of a node for a precision: a floating ``dtype`` becomes the precision.

    Args:
        attributes: The node's attributes.
        precision: The name of a dtype, or None.

    Returns:
        The attributes.

    Example:
        >>> with_precision({"dtype": "float16"}, "float64"), with_precision({"dtype": "int32"}, "float64")
        ({'dtype': 'float64'}, {'dtype': 'int32'})
    """
    floating = precision is not None and attributes.get("dtype") in _FLOATS
    return {**attributes, "dtype": precision} if floating else dict(attributes)


def literal_array(operator: Operator, literal: float | int | bool, known: Sequence[Array | None]) -> Array:
    """Return a literal number in the dtype of the other operands, without conditions.

    Args:
        operator: The kind. Beside integers, a kind that computes floats takes the number as float32, and a comparison
            with a fraction as float64.
        literal: The number.
        known: The operands; None for literals and absent ones.

    Returns:
        An array without axes.

    Example:
        >>> from neutral.operators import catalogue
        >>> literal_array(catalogue["add"], 2, [np.ones(3, np.float32)]).dtype
        dtype('float32')
    """
    names = (*operator.inputs, *[None] * len(known))
    arrays = [array for array, name in zip(known, names) if array is not None and name != "condition"]
    dtype = np.result_type(*[array.dtype for array in arrays]) if arrays else None
    if dtype is not None and dtype.kind == "b" and literal not in (0, 1):  # bools are promoted
        return np.asarray(int(literal) if literal == int(literal) else np.float32(literal))
    if dtype is None:
        return np.asarray(literal, np.float32 if isinstance(literal, float) else None)
    if operator.dtype_rule == "promote_to_float" and dtype.kind in "iu":
        return np.asarray(literal, np.float32)
    if operator.dtype_rule == "attribute" and dtype.kind in "iu" and literal != int(literal):  # comparisons
        return np.asarray(literal, np.float64)
    return np.asarray(literal).astype(dtype)


def widened(
    operator: Operator, operands: Sequence[Array | None], tensors: Mapping[str, Array]
) -> tuple[list[Array | None], dict[str, Array], bool]:
    """Convert float16 operands and tensors of a kind that computes to float32, unless others are wider.

    Args:
        operator: The kind.
        operands: The operands; None for absent ones.
        tensors: The layer's tensors.

    Returns:
        Operands and tensors, and whether any was converted.
    """
    arrays = [array for array in (*operands, *tensors.values()) if array is not None]
    half = (
        operator.dtype_rule in _WIDENED_RULES
        and not operator.layout_only
        and {array.dtype for array in arrays if array.dtype.kind == "f"} == {np.dtype(np.float16)}
    )
    if not half:
        return list(operands), dict(tensors), False
    return (
        [None if array is None else _single(array) for array in operands],
        {role: _single(array) for role, array in tensors.items()},
        True,
    )


def _single(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def finished(
    operator: Operator,
    attributes: Mapping[str, Any],
    results: Sequence[Any],
    dtypes: Sequence[np.dtype[Any]],
    half: bool,
    precision: str | None,
) -> list[Array]:
    """Convert the results of a function to the dtypes that the catalogue states.

    Args:
        operator: The kind.
        attributes: The node's attributes.
        results: The results of the function.
        dtypes: The dtypes of the operands that are tensors, before they were widened.
        half: Whether operands were widened, so that other results are rounded to float16.
        precision: The precision of everything floating, or None.

    Returns:
        The outputs as arrays.
    """
    arrays = [np.asarray(result) for result in results]
    if half:
        arrays = [array.astype(np.float16) if array.dtype == np.float32 else array for array in arrays]
    rule = output_dtype(operator.dtype_rule, attributes, [dtype.name for dtype in dtypes])
    if rule is not None and rule != "bfloat16" and arrays:
        arrays[0] = arrays[0].astype(rule, copy=False)
    return [as_precision(array, precision) for array in arrays]

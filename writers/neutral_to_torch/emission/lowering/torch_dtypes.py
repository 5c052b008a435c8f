"""The dtypes of the graph and of the store as torch writes them."""

from __future__ import annotations

from neutral.dtypes import DTYPE_CODE
from neutral_to_torch.emission.expression.symbols import Symbol, torch
from neutral_to_torch.emission.lowering.rule_results import Unsupported

DTYPE = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
"""The dtypes that torch computes with, by the store's code."""


def torch_dtype(name: str) -> Symbol:
    """Return a dtype of the graph as torch writes it.

    Args:
        name: The name in attributes, such as ``float32``.

    Returns:
        The expression, such as ``torch.float32``.

    Raises:
        Unsupported: Torch does not compute with this dtype, or there is no such dtype.

    Example:
        >>> str(torch_dtype("float32"))
        'torch.float32'
    """
    code = DTYPE_CODE.get(name)
    if code not in DTYPE:
        known = ", ".join(other for other, code in DTYPE_CODE.items() if code in DTYPE)
        raise Unsupported(f"dtype {name}: torch does not compute with it; it does with {known}")
    return DTYPE[code]

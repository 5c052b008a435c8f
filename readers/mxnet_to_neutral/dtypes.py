"""Which dtype a value has, where the symbol or the arrays say so: operators that mix numbers of both sorts need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mxnet_to_neutral.symbol.attributes import Attributes, declared_dtype
from neutral.tensor import DTYPE_NAME

if TYPE_CHECKING:
    from mxnet_to_neutral.op import Op
    from mxnet_to_neutral.symbol.model import SymbolNode

INTEGERS = frozenset({"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"})

FLOATS_OF_AMP = frozenset({"float32", "float16", "bfloat16"})
"""The dtypes that amp_cast changes."""

_STATED = frozenset(
    {
        "Cast", "_arange", "_eye", "_full", "_linspace", "_ones", "_zeros", "argsort", "one_hot", "topk",
        "_random_normal", "_random_uniform", "_random_randint",
    }
)  # fmt: skip
"""Operators whose attribute dtype is the output's; float32 where it is left out."""

_FIXED = {
    "shape_array": "int64",
    "size_array": "int64",
    "_contrib_index_array": "int64",
}

_FOLLOWED = {"Embedding": 1, "_contrib_SparseEmbedding": 1, "where": 1}
"""The input whose dtype the output has, where that is not the first."""


def dtype_of(op: Op, index: int) -> str | None:
    """The dtype of an input by name, None where it is not to be seen.

    That is a floating one: inputs of a model that are integers say so, or are cast.
    """
    node, followed = op.symbol_node, index
    while True:
        array = op.arrays_of(node)[followed]
        if array is not None:
            return DTYPE_NAME.get(array.record.dtype)
        node = op.producers_of(node)[followed]
        if node.is_variable:
            return declared_dtype(node, op.attributes.file)
        stated = _stated(node, op)
        if stated is not None:
            return stated
        followed = _FOLLOWED.get(node.operator, 0)
        if followed >= len(node.inputs):
            return None


def is_integer(op: Op, index: int) -> bool:
    """Whether an input is known to be of an integer type."""
    return dtype_of(op, index) in INTEGERS


def _stated(node: SymbolNode, op: Op) -> str | None:
    attributes = Attributes(node, op.attributes.file)
    if node.operator == "topk" and attributes.str("ret_typ", "indices") != "indices":
        return None
    if node.operator in _STATED:
        return attributes.str("dtype", "float32")
    if node.operator in ("softmax", "log_softmax", "softmin"):
        return attributes.optional_str("dtype", None)
    if node.operator.endswith("_scalar") and not attributes.bool("is_int", True):
        return "float64"
    return _FIXED.get(node.operator)

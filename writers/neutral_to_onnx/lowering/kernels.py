"""Integer dtypes that onnxruntime does not compute an operator in, and wider ones that hold their numbers."""

from __future__ import annotations

from typing import Mapping

_TO_32 = {"bool": "int32", "int16": "int32", "uint16": "int32"}
_SMALL = {**_TO_32, "int8": "int32", "uint8": "int32", "uint32": "int64"}
_REDUCED = {**_TO_32, "uint32": "int64"}
_FLOATS = {"int16": "float32", "uint16": "float32", "int32": "float64", "uint32": "float64", "bool": "float32"}

WIDER: Mapping[str, Mapping[str, str]] = {
    "ArgMax": _REDUCED,
    "ArgMin": _REDUCED,
    "CumSum": _SMALL,
    "DepthToSpace": _FLOATS,
    "Einsum": _SMALL,
    "MatMul": _SMALL,
    "Max": _TO_32,
    "Min": _TO_32,
    "Pad": {"int16": "int32", "uint16": "int32"},
    "ReduceMax": _REDUCED,
    "ReduceMin": _REDUCED,
    "ReduceProd": _SMALL,
    "ReduceSum": _SMALL,
    "SpaceToDepth": _FLOATS,
    "TopK": _REDUCED,
    "Trilu": {**_SMALL, "int32": "int64", **dict.fromkeys(("bool", "int8", "uint8", "int16", "uint16"), "int64")},
    "Where": {**_TO_32, "bool": "uint8", "uint64": "int64"},
}
"""For each operator the dtype in whose place another one is taken; the first output is converted back."""

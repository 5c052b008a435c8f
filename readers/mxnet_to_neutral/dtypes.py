"""Which dtype a value has, where the symbol or the arrays say so: operators that mix numbers of both sorts need it.

None stands for a dtype that is not to be seen. That is a floating one: inputs of a model that are integers say so, or
are cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Sequence

from mxnet_to_neutral.symbol.attributes import Attributes, declared_dtype
from neutral.dtypes import DTYPE_NAME

if TYPE_CHECKING:
    from mxnet_to_neutral.arrays import Array
    from mxnet_to_neutral.context import NodeContext
    from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode

INTEGERS = frozenset({"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"})

FLOATS_OF_AMP = frozenset({"float32", "float16", "bfloat16"})
"""The dtypes that amp_cast changes."""

_SIZE = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}

_STATED = frozenset(
    {
        "Cast", "_arange", "_eye", "_full", "_linspace", "_ones", "_zeros", "argsort", "one_hot", "topk",
        "_random_normal", "_random_uniform", "_random_randint", "_npi_zeros", "_npi_ones", "_npi_full", "_npi_eye",
        "_npi_identity", "_npi_arange", "_npi_linspace", "_npi_logspace", "_npi_hanning", "_npi_hamming",
        "_npi_blackman", "_npi_tri", "_npi_uniform", "_npi_uniform_n", "_npi_normal", "_npi_normal_n", "_npi_gamma",
        "_npi_bernoulli", "_npi_laplace", "_npi_indices",
    }
)  # fmt: skip
"""Operators whose attribute dtype is the output's; float32 where it is left out."""

_FIXED = {
    "shape_array": "int64",
    "size_array": "int64",
    "_contrib_index_array": "int64",
    **dict.fromkeys(
        ("_npi_argmax", "_npi_argmin", "_npx_nonzero", "_npi_tril_indices", "_npi_diag_indices_from", "_npi_bincount"),
        "int64",
    ),
    **dict.fromkeys(
        ("_npi_isnan", "_npi_isinf", "_npi_isfinite", "_npi_isposinf", "_npi_isneginf", "_npi_logical_not")
        + ("_np_any", "_np_all", "_npi_any", "_npi_all"),
        "bool",
    ),
}

_FOLLOWED = dict.fromkeys(
    ("Embedding", "_contrib_SparseEmbedding", "where", "_npi_where_lscalar", "_npi_where_rscalar"), 1
)
"""The input whose dtype the output has, where that is not the first."""

_TRUTHS = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
TRUTHS = frozenset(
    f"_npi_{name}{form}" for name in (*_TRUTHS, "logical_and", "logical_or", "logical_xor") for form in ("", "_scalar")
)
"""Comparisons of NumPy mode, which give bools."""

_WITH_FLOATS = frozenset({"_npi_true_divide", "_npi_true_divide_scalar", "_npi_rtrue_divide_scalar"})

_ADDING = frozenset({"_np_sum", "_npi_sum", "_np_prod", "_npi_prod", "_np_cumsum", "_npi_cumsum"})

_PROMOTING = frozenset(
    f"_npi_{name}"
    for name in (
        "add", "subtract", "multiply", "true_divide", "mod", "fmod", "floor_divide", "power", "maximum", "minimum",
        "fmax", "fmin", "hypot", "arctan2", "copysign", "ldexp", "lcm", "gcd", "bitwise_and", "bitwise_or",
        "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "logaddexp",
    )
)  # fmt: skip
"""Binary operators of NumPy mode, whose operands may differ in dtype."""

REAL_OF_2 = frozenset(
    f"_npi_{name}"
    for name in (
        "sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin", "arccos",
        "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "degrees", "radians", "fix", "rint",
    )
)  # fmt: skip
"""Functions for which MXNet 2 gives floating numbers for integers too."""


def dtype_of(context: NodeContext, index: int) -> str | None:
    """The dtype of an input by name, None where it is not to be seen."""
    return context.dtypes[index]


def is_integer(context: NodeContext, index: int) -> bool:
    """Whether an input is known to be of an integer type."""
    return dtype_of(context, index) in INTEGERS


def float_of(dtype: str) -> str:
    """The floating type in which MXNet 2 computes functions of real numbers for integers."""
    return "float32" if dtype in ("int32", "int64") else "float16"


def promoted(dtypes: Sequence[str | None]) -> str | None:
    """The dtype that holds all of them, None where one is not known."""
    known = [dtype for dtype in dtypes if dtype is not None]
    if len(known) < len(dtypes) or not known:
        return None
    floats = [dtype for dtype in known if dtype not in INTEGERS]
    if floats:
        return max(floats, key=lambda dtype: _SIZE.get(dtype, 4))
    return max(known, key=("bool", "uint8", "int8", "int16", "int32", "int64").index) if set(known) <= _SIGNED else None


_SIGNED = {"bool", "uint8", "int8", "int16", "int32", "int64"}


def dtypes_of(symbol: Symbol, array: Callable[[Entry], Array | None], file: str) -> list[str | None]:
    """The dtype of every node's outputs; ``array`` gives the stored array that an edge comes from."""
    found: list[str | None] = []
    stored = {entry.node: array(entry) for node in symbol.nodes for entry in node.inputs}
    major = (symbol.version or (0,))[0]
    for index, node in enumerate(symbol.nodes):
        held = stored.get(index)
        if held is not None:
            found.append(DTYPE_NAME.get(held.dtype))
        elif node.is_variable:
            found.append(declared_dtype(node, file))
        else:
            found.append(_output(node, Attributes(node, file), [found[entry.node] for entry in node.inputs], major))
    return found


def _output(node: SymbolNode, attributes: Attributes, inputs: list[str | None], major: int) -> str | None:
    operator = node.operator
    if operator == "topk" and attributes.str("ret_typ", "indices") != "indices":
        return None
    if operator in TRUTHS:
        return "bool"
    if operator in _FIXED:
        return _FIXED[operator]
    if operator in _STATED:
        stated = attributes.str("dtype", "float32")
        return _unstated(operator, attributes) if stated == "None" else stated
    if operator in ("softmax", "log_softmax", "softmin", "_npi_mean", "_npi_std", "_npi_var", *_ADDING):
        asked = attributes.optional_str("dtype", None)
        if asked is not None:
            return asked
    first = inputs[_FOLLOWED.get(operator, 0)] if len(inputs) > _FOLLOWED.get(operator, 0) else None
    if operator == "_npi_mean":
        return "float32" if first in INTEGERS else first
    if operator in _ADDING:
        return "int64" if first == "bool" else first
    if operator.endswith("_scalar"):
        return _with_scalar(operator, first, attributes.bool("is_int", True))
    if operator in _PROMOTING:
        first = promoted(inputs)
    elif operator == "_npi_where":
        first = promoted(inputs[1:])
    elif operator in REAL_OF_2 and major >= 2 and first in INTEGERS:
        return float_of(first)
    elif first is None and operator.startswith(("broadcast_", "elemwise_")):
        first = next((dtype for dtype in inputs if dtype is not None), None)
    return "float32" if operator in _WITH_FLOATS and first in INTEGERS else first


def _unstated(operator: str, attributes: Attributes) -> str:
    """What MXNet 2 makes where no dtype is asked for."""
    whole = operator == "_npi_indices" or (operator == "_npi_full" and attributes.int("value_type", 2) != 2)
    return "int64" if whole else "float32"


def _with_scalar(operator: str, dtype: str | None, whole: bool) -> str | None:
    """What a tensor and a number give."""
    if operator in _WITH_FLOATS:
        return "float32" if dtype in INTEGERS else dtype
    if operator.startswith("_npi_bitwise"):
        return dtype
    if not whole and dtype in INTEGERS:
        return "float64"
    return "int64" if dtype == "bool" and operator.startswith("_npi_") else dtype

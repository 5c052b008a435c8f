"""Infer dtypes of values from attributes, declared dtypes of variables, and stored arrays.

Rules of operators that treat integers and floating numbers differently need them. None stands for an unknown dtype,
which is a floating one: a model's integer inputs are declared in the symbol or cast.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.declarations import declared_dtype
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from neutral.dtypes import DTYPE_NAME
from neutral.operators.dtypes import INTEGERS, promote

MIXED_PRECISION_DTYPES = frozenset({"float32", "float16", "bfloat16"})
"""The dtypes that ``amp_cast`` changes."""

BOOL_RESULTS = frozenset(
    f"_npi_{name}{suffix}"
    for name in (
        "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or",
        "logical_xor",
    )
    for suffix in ("", "_scalar")
)  # fmt: skip
"""Comparisons and logical operators of NumPy mode, whose results are bools."""

FLOAT_RESULTS_SINCE_2 = frozenset(
    f"_npi_{name}"
    for name in (
        "sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin", "arccos",
        "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "degrees", "radians", "fix", "rint",
        "floor", "ceil", "trunc",
    )
)  # fmt: skip
"""Functions of NumPy mode that give floating numbers for integers since MXNet 2."""

_DIVISIONS_BY_SCALAR = frozenset({"_npi_true_divide_scalar", "_npi_rtrue_divide_scalar"})


def infer_dtypes(symbol: Symbol, array: Callable[[Entry], Array | None], file: str) -> list[str | None]:
    """Return the dtype of every node's outputs.

    Args:
        symbol: The symbol.
        array: Gives the stored array at the source of an edge, None if there is none.
        file: The symbol's file, for messages.

    Returns:
        For each node of the symbol a dtype's name, such as ``int32``, or None where it is unknown.
    """
    dtypes: list[str | None] = []
    stored_arrays = {entry.node: array(entry) for node in symbol.nodes for entry in node.inputs}
    for index, node in enumerate(symbol.nodes):
        stored = stored_arrays.get(index)
        if stored is not None:
            dtypes.append(DTYPE_NAME.get(stored.dtype))
        else:
            dtypes.append(_output_dtype(symbol, node, [dtypes[entry.node] for entry in node.inputs], file))
    return dtypes


def _output_dtype(symbol: Symbol, node: SymbolNode, inputs: list[str | None], file: str) -> str | None:
    """Return the dtype of a node's outputs, None also if an attribute is invalid."""
    try:
        if node.is_variable:
            return declared_dtype(node, file)
        major = (symbol.version or (0,))[0]
        return _rule_of(node)(_Typed(node.operator, Attributes(node, file), inputs, major))
    except InvalidAttribute:
        return None


def float_for_integers(dtype: str) -> str:
    """Return the floating dtype in which MXNet 2 computes functions of real numbers for integers.

    Args:
        dtype: The name of an integer dtype.

    Returns:
        ``float32`` for integers of 32 and 64 bits, else ``float16``.

    Example:
        >>> float_for_integers("int32"), float_for_integers("uint8")
        ('float32', 'float16')
    """
    return "float32" if dtype in ("int32", "int64") else "float16"


class _Typed(NamedTuple):
    """A node of which the dtypes of the inputs are known, and MXNet's major version."""

    operator: str
    attributes: Attributes
    inputs: list[str | None]
    major: int

    def input(self, index: int) -> str | None:
        """Return the dtype of an input, None where there is no such input."""
        return self.inputs[index] if index < len(self.inputs) else None


_Rule = Callable[[_Typed], "str | None"]


def _rule_of(node: SymbolNode) -> _Rule:
    rule = _RULES.get(node.operator)
    if rule is not None:
        return rule
    if node.operator.endswith("_scalar"):
        return _with_scalar
    return _first_known if node.operator.startswith(("broadcast_", "elemwise_")) else _same


def _same(node: _Typed) -> str | None:
    return node.input(0)


def _bincount(node: _Typed) -> str | None:
    return node.input(1) if node.attributes.bool("has_weights", False) else node.input(0)


def _same_as_second(node: _Typed) -> str | None:
    return node.input(1)


def _first_known(node: _Typed) -> str | None:
    return next((dtype for dtype in node.inputs if dtype is not None), None)


def _bool(node: _Typed) -> str:
    return "bool"


def _int64(node: _Typed) -> str:
    return "int64"


def _attribute(node: _Typed) -> str:
    """Return the attribute dtype, or the operator's default."""
    stated = node.attributes.str("dtype", "float32")
    if stated != "None":
        return stated
    integral = node.operator == "_npi_full" and node.attributes.int("value_type", 2) != 2
    return "int64" if integral or node.operator == "_npi_indices" else "float32"


def _topk(node: _Typed) -> str | None:
    return _attribute(node) if node.attributes.str("ret_typ", "indices") == "indices" else None


def _attribute_or_same(node: _Typed) -> str | None:
    return node.attributes.optional_str("dtype", None) or node.input(0)


def _sum(node: _Typed) -> str | None:
    stated = node.attributes.optional_str("dtype", None)
    return stated or ("int64" if node.input(0) == "bool" else node.input(0))


def _mean(node: _Typed) -> str | None:
    stated = node.attributes.optional_str("dtype", None)
    return stated or ("float32" if node.input(0) in INTEGERS else node.input(0))


def _promoted(node: _Typed) -> str | None:
    return promote(node.inputs)


def _division(node: _Typed) -> str | None:
    dtype = promote(node.inputs)
    return "float32" if dtype in INTEGERS else dtype


def _branches(node: _Typed) -> str | None:
    return promote(node.inputs[1:])


def _real_function(node: _Typed) -> str | None:
    dtype = node.input(0)
    return float_for_integers(dtype) if dtype in INTEGERS and node.major >= 2 else dtype


def _with_scalar(node: _Typed) -> str | None:
    """Return the dtype of a tensor and a number; ``is_int`` says whether the number was an integer in Python."""
    dtype = node.input(0)
    integral = node.attributes.bool("is_int", True)
    if node.operator in _DIVISIONS_BY_SCALAR:
        return "float32" if dtype in INTEGERS else dtype
    if node.operator.startswith("_npi_bitwise"):
        return dtype
    if not integral and dtype in INTEGERS:
        return "float64"
    return "int64" if dtype == "bool" and node.operator.startswith("_npi_") else dtype


_OPERATORS: dict[_Rule, str] = {
    _attribute: """
        Cast _arange _eye _full _linspace _ones _zeros argsort one_hot _random_normal _random_uniform _random_randint
        _npi_zeros _npi_ones _npi_full _npi_eye _npi_identity _npi_arange _npi_linspace _npi_logspace _npi_hanning
        _npi_hamming _npi_blackman _npi_tri _npi_uniform _npi_uniform_n _npi_normal _npi_normal_n _npi_gamma
        _npi_bernoulli _npi_laplace _npi_indices
    """,
    _topk: "topk",
    _int64: """
        shape_array size_array _contrib_index_array _npi_argmax _npi_argmin _npx_nonzero _npi_tril_indices
        _npi_diag_indices_from _npi_choice _npi_multinomial _histogram
    """,
    _bool: """
        _npi_isnan _npi_isinf _npi_isfinite _npi_isposinf _npi_isneginf _npi_logical_not _np_any _np_all _npi_any
        _npi_all
    """,
    _attribute_or_same: "softmax log_softmax softmin _npi_std _npi_var",
    _sum: "_np_sum _npi_sum _np_prod _npi_prod _np_cumsum _npi_cumsum",
    _mean: "_npi_mean",
    _same_as_second: "Embedding _contrib_SparseEmbedding where _npi_where_lscalar _npi_where_rscalar",
    _promoted: """
        _npi_add _npi_subtract _npi_multiply _npi_mod _npi_fmod _npi_floor_divide _npi_power _npi_maximum _npi_minimum
        _npi_fmax _npi_fmin _npi_hypot _npi_arctan2 _npi_copysign _npi_ldexp _npi_lcm _npi_gcd _npi_bitwise_and
        _npi_bitwise_or _npi_bitwise_xor _npi_bitwise_left_shift _npi_bitwise_right_shift _npi_logaddexp
    """,
    _bincount: "_npi_bincount",
    _division: "_npi_true_divide",
    _branches: "_npi_where",
}

_RULES: dict[str, _Rule] = {
    **{operator: rule for rule, operators in _OPERATORS.items() for operator in operators.split()},
    **dict.fromkeys(BOOL_RESULTS, _bool),
    **dict.fromkeys(FLOAT_RESULTS_SINCE_2, _real_function),
}
"""The dtype rule of each of MXNet's operators whose output has not simply its first input's dtype."""

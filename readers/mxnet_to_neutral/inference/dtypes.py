"""Infer dtypes of values from attributes, declared dtypes of variables, and stored arrays.

A test compares the rules with MXNet's own inference, over random calls of every operator.

Rules of operators that treat integers and floating numbers differently need them. None stands for an unknown dtype,
which is a floating one: a model's integer inputs are declared in the symbol or cast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.inference.subgraph_inputs import bound_inputs
from mxnet_to_neutral.symbol.attribute_texts import InvalidAttribute
from mxnet_to_neutral.symbol.attributes import Attributes
from mxnet_to_neutral.symbol.declarations import declared_dtype
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.values import DTYPES
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

_NUMBERS = {name: number for number, name in DTYPES.items()}

_DIVISIONS_BY_SCALAR = frozenset({"_npi_true_divide_scalar", "_npi_rtrue_divide_scalar"})


Dtypes = Sequence[Optional[str]]
"""The dtypes of a node's outputs; the last is that of all further outputs, too."""


def infer_dtypes(symbol: Symbol, array: Callable[[Entry], Array | None], file: str) -> list[Dtypes]:
    """Return the dtypes of every node's outputs.

    Args:
        symbol: The symbol.
        array: Gives the stored array at the source of an edge, None if there is none.
        file: The symbol's file, for messages.

    Returns:
        For each node of the symbol the names of its outputs' dtypes, such as ``int32``, None where one is unknown; see
        :func:`dtype_at`.
    """
    dtypes: list[Dtypes] = []
    stored_arrays = {entry.node: array(entry) for node in symbol.nodes for entry in node.inputs}
    for index, node in enumerate(symbol.nodes):
        stored = stored_arrays.get(index)
        if stored is not None:
            dtypes.append((DTYPE_NAME.get(stored.dtype),))
        else:
            dtypes.append(_output_dtypes(symbol, node, [dtype_at(dtypes, entry) for entry in node.inputs], file))
    return dtypes


def dtype_at(dtypes: Sequence[Dtypes], entry: Entry) -> str | None:
    """Return the dtype at the source of an edge.

    Args:
        dtypes: The dtypes of every node's outputs.
        entry: The source of the edge.

    Returns:
        The name of the dtype, None where it is unknown.

    Example:
        >>> dtype_at([("float32",), ("float32", "int64")], Entry(1, 2))
        'int64'
    """
    of_node = dtypes[entry.node]
    return of_node[min(entry.output, len(of_node) - 1)]


def _output_dtypes(symbol: Symbol, node: SymbolNode, inputs: list[str | None], file: str) -> Dtypes:
    """Return the dtypes of a node's outputs, None also if an attribute is invalid."""
    try:
        if node.is_variable:
            return (declared_dtype(node, file),)
        bound = bound_inputs(node, file)
        if bound is not None:
            return _of_subgraph(node.subgraphs[bound.subgraph], [inputs[k] for k in bound.positions], file)
        major = (symbol.version or (0,))[0]
        result = _rule_of(node)(_Typed(node.operator, Attributes(node, file), inputs, major))
    except InvalidAttribute:
        return (None,)
    return result if isinstance(result, tuple) else (result,)


def _of_subgraph(subgraph: Symbol, inputs: Sequence[str | None], file: str) -> Dtypes:
    """Return the dtypes of a subgraph's outputs for those of its arguments."""
    given = {subgraph.nodes[index].name: dtype for index, dtype in zip(subgraph.arguments, inputs)}
    dtypes = infer_dtypes(with_declared_dtypes(subgraph, given), lambda entry: None, file)
    return [dtype_at(dtypes, head) for head in subgraph.heads] or (None,)


def with_declared_dtypes(symbol: Symbol, dtypes: Mapping[str, str | None]) -> Symbol:
    """Return a symbol with other dtypes declared for some of its variables.

    Args:
        symbol: The symbol.
        dtypes: Names of dtypes by the names of variables; None leaves a variable's declaration as it is.

    Returns:
        The changed symbol.
    """

    def declared(node: SymbolNode) -> SymbolNode:
        dtype = dtypes.get(node.name) if node.is_variable else None
        if dtype is None:
            return node
        return replace(node, hidden={**node.hidden, "__dtype__": str(_NUMBERS[dtype])})

    return replace(symbol, nodes=tuple(map(declared, symbol.nodes)))


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


_Rule = Callable[[_Typed], Union[str, Tuple[Optional[str], ...], None]]


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
    return node.attributes.optional_str("dtype", None) or "float32"


def _zeros_without_dtype(node: _Typed) -> str | None:
    return DTYPES.get(node.attributes.int("dtype", -1), "float32")


def _random_integers(node: _Typed) -> str:
    return node.attributes.optional_str("dtype", None) or "int32"


def _random_classes(node: _Typed) -> tuple[str | None, ...]:
    """Return the dtypes of classes and of their logarithmic probabilities."""
    if node.operator == "_sample_multinomial" and node.major >= 2:  # another operator, of counts
        return (node.input(0),)
    return node.attributes.optional_str("dtype", None) or "int32", node.input(0)


def _indices(node: _Typed) -> str:
    return node.attributes.optional_str("dtype", None) or ("int64" if node.major >= 2 else "int32")


def _topk(node: _Typed) -> str | tuple[str | None, ...] | None:
    result = node.attributes.str("ret_typ", "indices")
    if result == "both":
        return node.input(0), _attribute(node)
    return _attribute(node) if result == "indices" else node.input(0)


def _norm(node: _Typed) -> str | None:
    return node.attributes.optional_str("out_dtype", None) or node.input(0)


def _amp_cast(node: _Typed) -> str | None:
    dtype = node.input(0)
    return node.attributes.optional_str("dtype", None) if dtype in (None, *MIXED_PRECISION_DTYPES) else dtype


def _amp_multicast(node: _Typed) -> str | None:
    """Return the widest dtype of the inputs, or the narrowest."""
    if None in node.inputs or node.attributes.bool("cast_narrow", False):
        return "float16" if "float16" in node.inputs and None not in node.inputs else node.input(0)
    return "float32" if "float32" in node.inputs else node.input(0)


def _float32(node: _Typed) -> str:
    return "float32"


def _float64(node: _Typed) -> str:
    return "float64"


def _float64_for_integers(node: _Typed) -> str | None:
    return "float64" if node.input(0) in INTEGERS else node.input(0)


def _percentile(node: _Typed) -> str | None:
    dtype = node.input(0)
    return "float32" if dtype == "float16" or dtype in INTEGERS else dtype


def _unique(node: _Typed) -> tuple[str | None, ...]:
    return node.input(0), "int64"


def _histogram(node: _Typed) -> tuple[str | None, ...]:
    return "int64", node.input(1) if node.attributes.optional_str("bin_cnt", None) is None else node.input(0)


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
    if not integral and dtype in INTEGERS:
        return "float64"
    return "int64" if dtype == "bool" else dtype


_OPERATORS: dict[_Rule, str] = {
    _attribute: """
        Cast _arange _eye _full _linspace _ones _zeros argsort one_hot _random_normal _random_uniform _random_randint
        _npi_zeros _npi_ones _npi_full _npi_eye _npi_identity _npi_arange _npi_linspace _npi_logspace _npi_hanning
        _npi_hamming _npi_blackman _npi_tri _npi_uniform _npi_uniform_n _npi_normal _npi_normal_n _npi_gamma
        _npi_bernoulli _npi_laplace _sample_exponential _sample_gamma _sample_generalized_negative_binomial
        _sample_negative_binomial _sample_normal _sample_poisson _sample_uniform _sample_binomial
    """,
    _zeros_without_dtype: "_zeros_without_dtype",
    _random_integers: "_random_randint",
    _random_classes: "_sample_multinomial _sample_categorical",
    _indices: "_npi_indices",
    _norm: "norm",
    _amp_cast: "amp_cast",
    _amp_multicast: "amp_multicast",
    _same: """
        _npi_bitwise_and_scalar _npi_bitwise_or_scalar _npi_bitwise_xor_scalar _npi_bitwise_left_shift_scalar
        _npi_bitwise_right_shift_scalar _npi_rbitwise_left_shift_scalar _npi_rbitwise_right_shift_scalar
        _npi_lcm_scalar _npi_gcd_scalar _npi_insert_scalar _npi_boolean_mask_assign_scalar _slice_assign_scalar
    """,
    _float32: """
        _contrib_dequantize _image_to_tensor _npi_exponential _npi_gumbel _npi_logistic _npi_pareto _npi_powerd
        _npi_rayleigh _npi_weibull _npi_where_scalar2 _contrib_sldwin_atten_context _contrib_sldwin_atten_mask_like
        _contrib_sldwin_atten_score
    """,
    _float64: "_npi_interp",
    _float64_for_integers: """
        _npi_eig _npi_eigh _npi_eigvals _npi_eigvalsh _npi_pinv _npi_pinv_scalar_rcond _npi_qr _npi_solve
        _npi_tensorinv _npi_tensorsolve
    """,
    _percentile: "_npi_percentile",
    _unique: "_npi_unique",
    _histogram: "_histogram",
    _topk: "topk",
    _int64: """
        shape_array size_array _contrib_index_array _npi_argmax _npi_argmin _npx_nonzero _npi_tril_indices
        _npi_diag_indices_from _npi_choice _npi_multinomial
    """,
    _bool: """
        _npi_isnan _npi_isinf _npi_isfinite _npi_isposinf _npi_isneginf _npi_logical_not _np_any _np_all _npi_any
        _npi_all
    """,
    _attribute_or_same: "softmax log_softmax softmin _npi_std _npi_var _npi_full_like",
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

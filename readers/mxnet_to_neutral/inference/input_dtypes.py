"""Dtypes of inputs that a symbol does not declare: those that the caller gives, and whether integers would matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.inference.dtypes import Dtypes, dtype_at, infer_dtypes, with_declared_dtypes
from mxnet_to_neutral.stored_inputs import is_called_like_parameter
from mxnet_to_neutral.symbol import Symbol
from mxnet_to_neutral.symbol.model import Entry
from mxnet_to_neutral.symbol.values import DTYPES
from neutral.errors import NeutralError, UsageError
from neutral.operators.dtypes import INTEGERS
from neutral.text import suggestion

TRIED = ("int32", "uint8")
"""Integer dtypes that stand for all: a wide one, and one whose numbers overflow."""

MAX_INPUTS = 16
"""Inputs of one graph that are tried."""

MAX_NODES = 5000
"""Nodes of a graph that is converted with other dtypes: the weights of larger ones tell that inputs are floating."""

_ANY_DTYPES = frozenset({
    "Embedding", "_contrib_SparseEmbedding", "take", "batch_take", "pick", "gather_nd", "scatter_nd", "where",
    "one_hot", "SequenceMask", "SequenceLast", "SequenceReverse", "_contrib_boolean_mask", "_contrib_index_copy",
    "slice_like", "reshape_like", "broadcast_like", "amp_multicast", "_foreach", "_while_loop", "_cond",
})  # fmt: skip
"""Operators outside of NumPy mode whose inputs may have different dtypes."""


def with_dtypes(symbol: Symbol, dtypes: Mapping[str, str]) -> Symbol:
    """Return the symbol with other dtypes declared for some of its variables.

    Args:
        symbol: The symbol.
        dtypes: Names of dtypes by the names of variables.

    Returns:
        The symbol itself if there are none.

    Raises:
        UsageError: A variable or a dtype does not exist.
    """
    if not dtypes:
        return symbol
    known = DTYPES.values()
    variables = [node.name for node in symbol.nodes if node.is_variable]
    for name, dtype in dtypes.items():
        if name not in variables:
            raise UsageError(f"no variable of the symbol is named {name!r}.{suggestion(name, variables)}")
        if dtype not in known:
            raise UsageError(f"dtype {dtype!r} of {name!r} is unknown; expected one of {', '.join(known)}.")

    return with_declared_dtypes(symbol, dtypes)


def mark_floating_inputs(
    symbol: Symbol,
    conversion: Conversion,
    array: Callable[[Entry], Array | None],
    convert: Callable[[Symbol], Conversion],
) -> None:
    """Mark, and note, inputs without a dtype for which integers would have been converted in another way.

    Args:
        symbol: The symbol.
        conversion: Its conversion, in which a value of unknown dtype is a floating one; it is changed.
        array: Gives the stored array at the source of an edge, None if there is none.
        convert: Converts a symbol with declared dtypes.
    """
    if len(symbol.nodes) > MAX_NODES:
        return
    names = [item.name for item in conversion.inputs if item.dtype is None]
    signature = _signature(conversion)

    def matters(name: str, dtype: str) -> bool:
        typed = with_dtypes(symbol, {name: dtype})
        if _is_refused_by_mxnet(typed, infer_dtypes(typed, array, conversion.file), array):
            return False
        try:
            return _signature(convert(typed)) != signature
        except NeutralError:
            return False

    variables = {node.name for node in symbol.nodes if node.is_variable}
    found = [name for name in names[:MAX_INPUTS] if name in variables and any(matters(name, dtype) for dtype in TRIED)]
    if found:
        conversion.inputs = [replace(item, floating=item.name in found) for item in conversion.inputs]
        conversion.notes.append(
            f"the symbol declares no dtype of {', '.join(found)}: converted for floating point, where MXNet computes "
            "integers in another way; export with --dtype NAME=int32 if they are integers"
        )


def _is_refused_by_mxnet(symbol: Symbol, dtypes: Sequence[Dtypes], array: Callable[[Entry], Array | None]) -> bool:
    """Return whether a node gets both integers and floating numbers, which only some operators of MXNet take."""

    def is_floating(entry: Entry) -> bool:
        node, dtype = symbol.nodes[entry.node], dtype_at(dtypes, entry)
        if dtype is None:
            return node.is_variable and array(entry) is None and is_called_like_parameter(node.name)
        return dtype not in INTEGERS

    for node in symbol.nodes:
        if node.operator.startswith(("_np", "_image")) or node.operator in _ANY_DTYPES:
            continue
        of_integers = any(dtype_at(dtypes, entry) in INTEGERS for entry in node.inputs[:1])
        if of_integers and any(map(is_floating, node.inputs[1:])):
            return True
    return False


def _signature(conversion: Conversion) -> list[Any]:
    """Return what differs between conversions that compute different results."""
    return [
        (draft.kind, draft.inputs, draft.attributes, [_signature(body) for body in draft.bodies.values()])
        for draft in conversion.drafts
    ]

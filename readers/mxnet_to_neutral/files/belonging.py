"""Decide whether a parameter file is of a symbol, by the names of its arrays."""

from __future__ import annotations

from mxnet_to_neutral.arrays import read_arrays
from mxnet_to_neutral.layers.gates import names_of_whole
from mxnet_to_neutral.layers.names import strip_prefix
from mxnet_to_neutral.symbol import read_symbol
from neutral.errors import NeutralError


def names_agree(symbol: str, params: str) -> bool:
    """Return whether a variable of a symbol has the name of an array; True if a file cannot be read.

    Args:
        symbol: The path of the symbol.
        params: The path of the parameter file.

    Returns:
        False only if both files are readable and have no name in common.
    """
    try:
        names = {strip_prefix(array.name) for array in read_arrays(params).arrays}
        variables = {node.name for node in read_symbol(symbol).nodes if node.is_variable}
    except NeutralError:
        return True
    return not names or bool(variables & names.union(*map(names_of_whole, names)))

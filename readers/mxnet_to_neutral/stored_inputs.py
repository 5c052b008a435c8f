"""Find the inputs of a graph among stored arrays, where the parameters were saved from an executor's ``arg_dict``."""

from __future__ import annotations

import re
from typing import Collection, Iterator

from mxnet_to_neutral.symbol import Symbol

MAX_NAMES = 5
"""Arrays that a note names."""

_DATA = re.compile(r"(^|_)(data|input)s?_?\d*$")
_LABEL = re.compile(r"(^|_)labels?_?\d*$")
_PARAMETER = re.compile(r"weight|bias|gamma|beta|moving|running|mean|var|param|alpha|slope|scale", re.IGNORECASE)


def is_called_like_parameter(variable: str) -> bool:
    """Return whether a variable is called as layers call their parameters.

    Args:
        variable: The name of a variable.

    Returns:
        True for ``conv0_weight``, False for ``kernels`` or ``data1``.
    """
    return _PARAMETER.search(variable) is not None


def stored_inputs(symbol: Symbol, arrays: Collection[str]) -> list[str]:
    """Return the variables that have an array, are called like an input, and feed the graph where one enters.

    Args:
        symbol: The symbol.
        arrays: The names of the arrays, as the symbol uses them.

    Returns:
        Their names, in the order of the symbol.
    """
    data = {node.inputs[0].node for node in symbol.nodes if node.inputs}
    labels = {entry.node for node in symbol.nodes for entry in node.inputs[1:]}
    return [
        node.name
        for index, node in enumerate(symbol.nodes)
        if node.is_variable
        and node.name in arrays
        and ((_DATA.search(node.name) and index in data) or (_LABEL.search(node.name) and index in labels))
    ]


def notes_on_stored_inputs(symbol: Symbol, arrays: Collection[str], has_inputs: bool) -> Iterator[str]:
    """Yield a note if arrays seem to be a batch of data that was saved with the parameters.

    Args:
        symbol: The symbol.
        arrays: The names of the arrays that the converted graph needs, as the symbol uses them.
        has_inputs: Whether the converted graph has inputs.

    Yields:
        At most one sentence, without a full stop.
    """
    names = stored_inputs(symbol, arrays)
    if names:
        yield (
            f"constants that are called like inputs: {', '.join(names)}. An executor's arg_dict holds the last batch "
            "beside the parameters; export with --input NAME to make them inputs"
        )
    elif arrays and not has_inputs:
        entering = {node.inputs[0].node for node in symbol.nodes if node.inputs}
        first = [symbol.nodes[index].name for index in sorted(entering)]
        others = [name for name in first if name in arrays and not is_called_like_parameter(name)][:MAX_NAMES]
        yield (
            "the graph has no input, since every variable has an array: its outputs are constants. Export with --input "
            f"NAME to make an array an input{', such as ' + ', '.join(others) if others else ''}"
        )

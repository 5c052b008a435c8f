"""The attributes of MXNet's operators, from its registry.

``python registry.py FILE`` writes those of the operators that the reader has rules for as JSON. It needs MXNet and the
reader.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_DATA = ("NDArray", "Symbol")


def all_attributes() -> dict[str, dict[str, str]]:
    """Return for every registered operator its attributes, and their types as MXNet describes them.

    A type reads such as ``int (non-negative), optional, default=1`` or ``{'max', 'avg'}, required``. The inputs are
    counted under the name ``inputs``; ``*`` stands for any number.
    """
    return {name: _attributes_of(name) for name in _names()}


def names_by_operator() -> list[list[str]]:
    """Return the names of every registered operator, other than those of a gradient."""
    from mxnet.base import _LIB, check_call

    groups: dict[Any, list[str]] = {}
    for name in _names():
        handle = ctypes.c_void_p()
        check_call(_LIB.NNGetOpHandle(ctypes.c_char_p(name.encode()), ctypes.byref(handle)))
        if "backward" not in name:
            groups.setdefault(handle.value, []).append(name)
    return list(groups.values())


def _names() -> list[str]:
    from mxnet.base import _LIB, check_call

    names, size = ctypes.POINTER(ctypes.c_char_p)(), ctypes.c_uint()
    check_call(_LIB.MXListAllOpNames(ctypes.byref(size), ctypes.byref(names)))
    return sorted(names[index].decode() for index in range(size.value))


def _attributes_of(operator: str) -> dict[str, str]:
    from mxnet.base import _LIB, check_call

    handle, count = ctypes.c_void_p(), ctypes.c_uint()
    texts: list[Any] = [ctypes.c_char_p() for _ in range(4)]
    lists: list[Any] = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    check_call(_LIB.NNGetOpHandle(ctypes.c_char_p(operator.encode()), ctypes.byref(handle)))
    parts = [texts[0], texts[1], count, *lists, texts[2], texts[3]]
    check_call(_LIB.MXSymbolGetAtomicSymbolInfo(handle, *map(ctypes.byref, parts)))
    named = [(lists[0][index].decode(), lists[1][index].decode()) for index in range(count.value)]
    inputs = [kind for _, kind in named if kind.startswith(_DATA)]
    is_variadic = any(kind.endswith("[]") for kind in inputs)
    attributes = {name: kind for name, kind in named if not kind.startswith(_DATA)}
    return {"inputs": "*" if is_variadic else str(len(inputs)), **attributes}


def main(path: str) -> None:
    """Write the attributes of the operators that have a rule."""
    from mxnet_to_neutral.operators import RULES
    from mxnet_to_neutral.symbol.aliases import CANONICAL

    table = {name: kinds for name, kinds in all_attributes().items() if CANONICAL.get(name, name) in RULES}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(table, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])

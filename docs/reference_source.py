"""Read the source of the reference functions, and of what they use, for ``operators.md``."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
from typing import Any, Iterator

from neutral.operators.dtypes import output_dtype
from neutral.reference.precision import finished, literal_array, widened
from neutral.reference.registry import FUNCTIONS, load_functions

HEAD = """\
from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

Array = np.ndarray
FUNCTIONS = {}


def reference(*kinds, context=None):
    def decorate(function):
        FUNCTIONS.update(dict.fromkeys(kinds, function))
        return function

    return decorate
"""
"""What the functions of the document need; blocks that follow are executed in the same scope."""

LINE_LENGTH = 120
"""The length of lines that the formatter, which formats blocks in documents too, breaks."""

EVALUATION = (literal_array, widened, finished, output_dtype)
"""The functions that an evaluation calls around those of the kinds."""


def source_of_kind(kind: str) -> str | None:
    """Return the source of the reference function of a kind, None for a kind that cannot be executed."""
    function = load_functions().get(kind)
    if function is None:
        return None
    if isinstance(function, types.FunctionType):
        return _source(function)
    return f'reference("{kind}")(np.{function.__name__})\n'


def shared_functions() -> list[tuple[str, str]]:
    """Return the name and the source of each function that is used and is of no kind, in the order of their names."""
    functions, _ = _reachable()
    of_kinds = {id(function) for function in FUNCTIONS.values()}
    shared = sorted((function.__name__, _source(function)) for function in functions if id(function) not in of_kinds)
    names = [function.__name__ for function in functions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SystemExit(f"several reference functions are called {doubled[0]}: in one document only one can be")
    return shared


def constants() -> str:
    """Return assignments of the constants that the functions use."""
    _, values = _reachable()
    lines = []
    for name in sorted(values):
        value = sorted(values[name]) if isinstance(values[name], frozenset) else values[name]
        text = f"{name} = {value!r}"
        if isinstance(value, dict) and len(text) > LINE_LENGTH:
            text = "\n".join([f"{name} = {{", *(f"    {key!r}: {item!r}," for key, item in value.items()), "}"])
        lines.append(text.replace("'", '"'))
    return "\n".join(lines) + "\n"


def _reachable() -> tuple[list[types.FunctionType], dict[str, Any]]:
    """Return all functions of this project that the reference functions use, themselves included, and constants."""
    functions: dict[int, types.FunctionType] = {}
    values: dict[str, Any] = {}
    waiting = [*load_functions().values(), *EVALUATION]
    while waiting:
        function = waiting.pop()
        if not isinstance(function, types.FunctionType) or id(function) in functions:
            continue
        functions[id(function)] = function
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, types.FunctionType) and value.__module__.startswith("neutral."):
                waiting.append(value)
            elif isinstance(value, (str, int, float, tuple, dict, frozenset)):
                values[name] = value
    return list(functions.values()), values


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _source(function: types.FunctionType) -> str:
    """Return the source of a function, with the first line of its docstring, and without comments for checkers."""
    text = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    docstring = ast.get_docstring(definition)
    if docstring is not None:
        node, lines = definition.body[0], text.splitlines()
        assert node.end_lineno is not None
        lines[node.lineno - 1 : node.end_lineno] = [f'    """{docstring.splitlines()[0]}"""']
        text = "\n".join(lines) + "\n"
    return re.sub(r"  # (noqa|type: ignore).*", "", text)

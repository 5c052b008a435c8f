"""Draw calls of an operator from the types of its attributes, by a seed."""

from __future__ import annotations

import json
import random
from typing import Any, Iterator, Mapping

from reader.registry_cases import Case, default_of, input_count, required_attributes

DTYPES = {"float": ("float32", "float64"), "integer": ("int32", "int64", "uint8"), "bool": ("bool",)}
"""The dtypes that a call's inputs have, by the class of dtypes under which its result is counted."""

CODES = {"float32": 0, "float64": 1, "uint8": 3, "int32": 4, "int64": 6, "bool": 7}
"""MXNet's numbers of dtypes."""

GIVEN_SHARE = 0.3
"""The share of optional attributes that a call states."""

TRIES = 16
"""Calls that are drawn for one that is wanted: MXNet runs the first that it accepts."""

SHAPES = ((3, 4), (2, 4, 5, 6), (2, 3, 4), (4,), (3, 3), (1, 4, 4), (2, 4, 6, 6))


def draw_calls(case: Case, count: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield, for each wanted call of an operator in each class of dtypes, the calls to try until one is valid.

    Args:
        case: The operator, in MXNet 1.9.1.
        count: The number of wanted calls with floats; with integers and with bools half of it. The first has the
            required attributes alone.
        seed: The seed; the same seed gives the same calls.

    Yields:
        Calls for ``mxnet_side.differential``.
    """
    for dtype_class in DTYPES:
        for index in range(count if dtype_class == "float" else (count + 1) // 2):
            draw = random.Random(f"{seed} {case.operator} {dtype_class} {index}")
            yield [_call(case, dtype_class, index > 0, draw) for _ in range(TRIES)]


def _call(case: Case, dtype_class: str, has_optional: bool, draw: random.Random) -> dict[str, Any]:
    dtype, inputs = draw.choice(DTYPES[dtype_class]), input_count(case)
    numpy = case.operator.startswith(("_np", "_npi", "_npx"))
    attributes = _attributes(case, draw) if has_optional else required_attributes(case)
    # NumPy has no bfloat16 to compare by.
    attributes = {name: "float32" if value == "bfloat16" else value for name, value in attributes.items()}
    return {
        "operator": case.operator,
        "class": dtype_class,
        "dtype": dtype,
        "numpy": numpy,
        "attributes": attributes,
        "shapes": _input_shapes(draw, inputs),
        "seed": draw.randrange(2**31),
        "symbol": symbol_json(case.operator, inputs, attributes, dtype, numpy),
    }


def _input_shapes(draw: random.Random, inputs: int) -> list[tuple[int, ...]]:
    """Return a shape for each input; those after the first may broadcast."""
    shape = draw.choice(SHAPES)
    others = (shape, shape, tuple(1 if draw.random() < 0.4 else extent for extent in shape), shape[-1:])
    return [shape, *(draw.choice(others) for _ in range(inputs - 1))]


def _attributes(case: Case, draw: random.Random) -> dict[str, str]:
    """Return the required attributes, and some of the others, each drawn by its type."""
    attributes = required_attributes(case)
    for name, kind in case.types.items():
        if name in ("inputs", "num_args") or (name not in attributes and draw.random() > GIVEN_SHARE):
            continue
        drawn = _value(kind, draw)
        if drawn is not None and draw.random() < 0.8:
            attributes[name] = drawn
    return attributes


def _value(kind: str, draw: random.Random) -> str | None:
    """Return a value of a type as MXNet's registry describes it; None for a type of which none is drawn."""
    if "or None" in kind and draw.random() < 0.2:
        return "None"
    if kind.startswith("{"):
        return draw.choice(kind[1 : kind.index("}")].split(",")).strip(" '")
    if kind.startswith("boolean"):
        return draw.choice(("True", "False"))
    if kind.startswith("Shape"):
        return f"({', '.join(str(draw.randint(0, 3)) for _ in range(draw.randint(1, 3)))},)"
    if kind.startswith(("int", "long")):
        return str(draw.randint(1, 4) if "non-negative" in kind else draw.randint(-2, 3))
    if kind.startswith(("float", "double")):
        return draw.choice(("0.5", "1", "2", "-0.5", "0", "1.5"))
    return default_of(kind)


def symbol_json(operator: str, inputs: int, attributes: Mapping[str, str], dtype: str, numpy: bool) -> str:
    """Return the JSON of a symbol with one node ``op``, whose inputs declare their dtype where it is not a float.

    Args:
        operator: MXNet's name of the operator.
        inputs: The number of inputs.
        attributes: The node's attributes.
        dtype: The dtype of all inputs.
        numpy: Whether shapes have NumPy's meaning.

    Returns:
        The text.
    """
    declared = {} if dtype.startswith("float") else {"__dtype__": str(CODES[dtype])}
    nodes = [{"op": "null", "name": f"input{i}", "attrs": declared, "inputs": []} for i in range(inputs)]
    edges = [[i, 0, 0] for i in range(inputs)]
    node = {"op": operator, "name": "op", "attrs": dict(attributes), "inputs": edges}
    return json.dumps(
        {
            "nodes": [*nodes, node],
            "arg_nodes": list(range(inputs)),
            "node_row_ptr": list(range(inputs + 2)),
            "heads": [[inputs, 0, 0]],
            "attrs": {"mxnet_version": ["int", 10901], **({"is_np_shape": ["int", 1]} if numpy else {})},
        }
    )

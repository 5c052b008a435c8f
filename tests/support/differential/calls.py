"""Draw calls of an operator from the types of its attributes, by a seed."""

from __future__ import annotations

import json
import random
import re
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from differential.array_constraints import ARRAYS
from differential.draft import CODES, Constraint, Draft, Input
from differential.image_constraints import DENSITIES, IMAGES
from differential.layer_constraints import LAYERS
from differential.matrix_constraints import MATRICES
from differential.mxnet2_constraints import MXNET_2
from differential.random_constraints import RANDOM
from differential.region_constraints import REGIONS
from differential.split_constraints import SPLITS
from reader.registry_cases import Case, default_of, input_count, required_attributes

DTYPES = {
    "half": ("float16",),
    "float": ("float32", "float64"),
    "integer": ("int32", "int64", "uint8", "int8"),
    "bool": ("bool",),
}
"""The dtypes that a call's inputs have, by the class of dtypes under which its result is counted."""

GIVEN_SHARE = 0.3
"""The share of optional attributes that a call states."""

NUMPY_SHARE = 0.3
"""The share of calls of other operators in which shapes have NumPy's meaning."""

TRIES = 16
"""Calls that are drawn for one that is wanted: MXNet runs the first that it accepts."""

SHAPES = ((3, 4), (2, 4, 5, 6), (2, 3, 4), (4,), (3, 3), (1, 4, 4), (2, 4, 6, 6))


_CONSTRAINTS: dict[str, Constraint] = {
    **LAYERS,
    **REGIONS,
    **ARRAYS,
    **IMAGES,
    **DENSITIES,
    **MATRICES,
    **RANDOM,
    **SPLITS,
}

CONSTRAINTS: dict[int, Mapping[str, Constraint]] = {10901: _CONSTRAINTS, 20000: {**_CONSTRAINTS, **MXNET_2}}
"""By version and operator: what its attributes and inputs have to be for MXNet to accept a call, where types do not
say it."""

ONE_OUTPUT = re.compile(r"_contrib_(re)?quantize")
"""Operators of which the first output is compared: the others are the ends of its range."""


def draw_calls(case: Case, count: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield, for each wanted call of an operator in each class of dtypes, the calls to try until one is valid.

    The dtypes of a class take turns.

    Args:
        case: The operator, in one version of MXNet.
        count: The number of wanted calls with floats; with other dtypes half of it. The first has the required
            attributes alone.
        seed: The seed; the same seed gives the same calls.

    Yields:
        Calls for ``mxnet_side.differential``.
    """
    for dtype_class, dtypes in DTYPES.items():
        for index in range(count if dtype_class == "float" else (count + 1) // 2):
            draw = random.Random(f"{seed} {case.operator} {dtype_class} {index}")
            dtype = dtypes[index % len(dtypes)]
            calls = [_call(case, dtype, index > 0, draw) for _ in range(TRIES)]
            yield [{**call, "class": dtype_class} for call in calls]


def _call(case: Case, dtype: str, has_optional: bool, draw: random.Random) -> dict[str, Any]:
    attributes = _attributes(case, draw) if has_optional else required_attributes(case)
    # NumPy has no bfloat16 to compare by.
    attributes = {name: "float32" if value == "bfloat16" else value for name, value in attributes.items()}
    constraint = CONSTRAINTS[case.version].get(case.operator)
    inputs = None if constraint is None else constraint(Draft(draw, attributes, dtype, has_optional))
    fits = inputs is not None
    if inputs is None:
        count = input_count(case)
        inputs = [Input(shape) for shape in _input_shapes(draw, count)[:count]]
    numpy = is_numpy(case.operator) or draw.random() < NUMPY_SHARE
    options = Options(case.version, numpy, fits, draw.random() < 0.5, draw.randrange(2**31))
    return single_call(case.operator, attributes, inputs, dtype, options)


class Options(NamedTuple):
    """What else a call is.

    Attributes:
        version: The version of MXNet, as in symbols.
        numpy: Whether shapes have NumPy's meaning.
        fits: Whether the shapes belong together; else MXNet infers the others from the first.
        declares_shapes: Whether the symbol states the shapes, as far as they belong together.
        seed: The seed of the inputs' numbers.
    """

    version: int = 10901
    numpy: bool = False
    fits: bool = True
    declares_shapes: bool = False
    seed: int = 0


def is_numpy(operator: str) -> bool:
    """Return whether an operator is of MXNet's NumPy interface."""
    return operator.startswith(("_np_", "_npi_", "_npx_"))


def single_call(
    operator: str,
    attributes: Mapping[str, str],
    inputs: Sequence[Input],
    dtype: str,
    options: Options | None = None,
) -> dict[str, Any]:
    """Return a call for ``mxnet_side.differential``.

    Args:
        operator: MXNet's name of the operator.
        attributes: The node's attributes.
        inputs: The inputs.
        dtype: The dtype of the inputs that state none.
        options: What else the call is; by default a call of MXNet 1.9.1 that declares no shapes.

    Returns:
        The call.
    """
    options = options or Options(numpy=is_numpy(operator))
    declares, fits = options.declares_shapes, options.fits
    shapes = [array.shape if declares and (fits or i == 0) else None for i, array in enumerate(inputs)]
    call = {
        "operator": operator,
        "dtype": dtype,
        "numpy": options.numpy,
        "attributes": dict(attributes),
        "heads": 1 if ONE_OUTPUT.match(operator) else None,
        "inputs": {
            f"input{i}": {
                "shape": array.shape,
                "dtype": array.dtype or dtype,
                "values": array.values,
                "fits": fits,
                "is_fixed": array.dtype is not None,
            }
            for i, array in enumerate(inputs)
        },
        "seed": options.seed,
    }
    return {**call, "symbol": symbol_json(call, shapes, options.version)}


def with_dtype(call: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Return a call of the same attributes and shapes in another dtype.

    Args:
        call: A call of :func:`draw_calls`.
        dtype: The dtype of the inputs that state none, and of the attribute ``dtype`` where it is the call's.

    Returns:
        The call, which declares no shapes.
    """
    own = call["dtype"]
    attributes = {name: dtype if (name, text) == ("dtype", own) else text for name, text in call["attributes"].items()}
    inputs = {
        name: {**array, "dtype": array["dtype"] if array["is_fixed"] else dtype}
        for name, array in call["inputs"].items()
    }
    version = json.loads(call["symbol"])["attrs"]["mxnet_version"][1]
    changed = {**call, "dtype": dtype, "attributes": attributes, "inputs": inputs}
    return {**changed, "symbol": symbol_json(changed, [None] * len(inputs), version)}


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
    if "is_int" in attributes and "scalar" in attributes:  # MXNet's functions write both, and by the same number
        attributes["is_int"] = str(float(attributes["scalar"]).is_integer())
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


def symbol_json(call: Mapping[str, Any], shapes: Sequence[tuple[int, ...] | None], version: int) -> str:
    """Return the JSON of a symbol with one node ``op``, whose inputs declare their dtype where it is not float32.

    Args:
        call: A call without its symbol.
        shapes: The shape of each input that is declared; None for others.
        version: The version of MXNet, as in symbols.

    Returns:
        The text.
    """
    dtypes = [array["dtype"] for array in call["inputs"].values()]
    declared = [{} if dtype in ("float32", "float64") else {"__dtype__": str(CODES[dtype])} for dtype in dtypes]
    declared = [{**of, **({} if shape is None else {"__shape__": str(shape)})} for of, shape in zip(declared, shapes)]
    count = len(dtypes)
    nodes = [{"op": "null", "name": f"input{i}", "attrs": declared[i], "inputs": []} for i in range(count)]
    edges = [[i, 0, 0] for i in range(count)]
    node = {"op": call["operator"], "name": "op", "attrs": dict(call["attributes"]), "inputs": edges}
    return json.dumps(
        {
            "nodes": [*nodes, node],
            "arg_nodes": list(range(count)),
            "node_row_ptr": list(range(count + 2)),
            "heads": [[count, 0, 0]],
            "attrs": {"mxnet_version": ["int", version], **({"is_np_shape": ["int", 1]} if call["numpy"] else {})},
        }
    )


def undeclared(symbol: str) -> str:
    """Return a symbol's JSON whose inputs declare no dtype of half precision."""
    parsed = json.loads(symbol)
    for node in parsed["nodes"]:
        if node["op"] == "null" and node["attrs"].get("__dtype__") == str(CODES["float16"]):
            del node["attrs"]["__dtype__"]
    return json.dumps(parsed)

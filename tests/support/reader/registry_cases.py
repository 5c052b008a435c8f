"""Every operator that has a rule, with the types of its attributes, from the registries of MXNet 1.9.1 and 2.0.0b1."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterator, Mapping, NamedTuple

import pytest

from reader.checkpoints import SymbolBuilder

FOLDER = Path(__file__).parents[2] / "mxnet_to_neutral" / "operators" / "attributes"

TABLES = {10901: "mxnet-1.9.1.json", 20000: "mxnet-2.0.0b1.json"}

WITH_SUBGRAPHS = re.compile(r"_(npx_)?(foreach|while_loop|cond)|_sg_")

WITH_DECLARED_INPUTS = ("_image_resize", "_npi_advanced_indexing")
"""Operators whose inputs have to declare more than a case does."""

SHAPED = {"shape": "(2, 3)"}
SAMPLES: Mapping[str, Mapping[str, str]] = {
    "_contrib_quantized_reshape": SHAPED,
    "_image_adjust_lighting": {"alpha": "(0.1, 0.2, 0.3)"},
    "_random_binomial": SHAPED,
    "GridGenerator": {"transform_type": "affine", "target_shape": "(4, 4)"},
    "LRN": {"nsize": "3"},
    "Pooling": {"kernel": "(2, 2)"},
    "Pooling_v1": {"kernel": "(2, 2)"},
    "SpatialTransformer": {"target_shape": "(4, 4)", "transform_type": "affine", "sampler_type": "bilinear"},
    "UpSampling": {"num_filter": "2"},
    "_contrib_quantized_pooling": {"kernel": "(2, 2)"},
    "_linspace": {"start": "0", "stop": "1", "num": "3"},
    "_np_roll": {"shift": "1"},
    "_npi_roll": {"shift": "1"},
    "_npi_boolean_mask_assign_scalar": {"value": "1"},
    "_npi_broadcast_to": SHAPED,
    "_npi_choice": {"a": "4", "size": "(2,)"},
    "_npi_delete": {"int_ind": "1"},
    "_npi_full": SHAPED,
    "_npi_insert_scalar": {"int_ind": "1"},
    "_npi_insert_slice": {"start": "0", "step": "1"},
    "_npi_norm": {"flag": "-2"},
    "_npi_linspace-10901": {"start": "0", "stop": "1", "num": "3"},
    "_npi_pad": {"pad_width": "((1, 1), (0, 0))", "mode": "constant"},
    "_npi_repeats": {"repeats": "2"},
    "_slice_assign": {"begin": "(0,)", "end": "(1,)"},
    "_slice_assign_scalar": {"begin": "(0,)", "end": "(1,)"},
    "_crop_assign": {"begin": "(0,)", "end": "(1,)"},
    "_crop_assign_scalar": {"begin": "(0,)", "end": "(1,)"},
    "slice": {"begin": "(0,)", "end": "(1,)"},
    "crop": {"begin": "(0,)", "end": "(1,)"},
    "_split_v2": {"indices": "(0, 2)"},
    "moments": {"axes": "(0,)"},
    "_npi_identity": {"shape": "(2, 2)"},
    **{operator: {"M": "4"} for operator in ("_npi_blackman", "_npi_hamming", "_npi_hanning")},
    **{operator: {"loc": "0", "scale": "1"} for operator in ("_npi_gumbel", "_npi_logistic", "_npi_laplace")},
    **{operator: {"a": "2"} for operator in ("_npi_pareto", "_npi_powerd", "_npi_weibull")},
    **dict.fromkeys(
        (
            "_full", "_ones", "_zeros", "_zeros_without_dtype", "Reshape", "reshape", "_ravel_multi_index",
            "_unravel_index", "_npi_unravel_index", "ravel_multi_index", "unravel_index", "_random_exponential",
            "_random_gamma", "_random_generalized_negative_binomial", "_random_negative_binomial", "_random_normal",
            "_random_poisson", "_random_randint", "_random_uniform",
        ),
        SHAPED,
    ),
}  # fmt: skip
"""Attributes without which a node is refused, or which cannot be made from their types."""

INPUTS = {
    "BatchNorm_v1": 5,
    **dict.fromkeys(("_npi_delete", "_npi_bincount", "_npi_ediff1d"), 1),
    **dict.fromkeys(("_npi_choice", "_npi_gumbel", "_npi_logistic", "_npi_laplace"), 0),
}
"""Numbers of inputs of which attributes take the place, or to which auxiliary states are added."""


class Case(NamedTuple):
    """An operator in one version, with the registry's types of its attributes."""

    version: int
    operator: str
    types: Mapping[str, str]


def cases() -> Iterator[Any]:
    for version, name in TABLES.items():
        table = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        for operator, types in table.items():
            if not WITH_SUBGRAPHS.match(operator) and operator not in WITH_DECLARED_INPUTS:
                yield pytest.param(Case(version, operator, types), id=f"{operator}-{version}")


ALWAYS_REFUSED = {("_sample_multinomial", 20000)}
"""Operators with a rule that refuses every node of a version, by name and version."""


def convertible_cases() -> Iterator[Any]:
    """Yield the cases of operators that are not always refused."""
    for parameter in cases():
        (case,) = parameter.values
        if (case.operator, case.version) not in ALWAYS_REFUSED:
            yield parameter


def required_value(kind: str) -> str:
    """Return a value for a required attribute of this type."""
    if kind.startswith("{"):
        return next(choice.strip(" '") for choice in kind[1 : kind.index("}")].split(",") if "None" not in choice)
    if "Shape" in kind:
        return "(2, 2)"
    if "tuple" in kind:
        return "(0.5, 0.5)"
    if kind.startswith("boolean"):
        return "False"
    return "0.5" if kind.startswith(("float", "double")) else "2"


def default_of(kind: str) -> str | None:
    """Return the default as MXNet writes it, None if the type does not state it."""
    match = re.search(r"default=(.*)$", kind)
    if match is None:
        return None
    text = match[1].strip().strip("'")
    return str(text == "1") if kind.startswith("boolean") and text in ("0", "1") else text


def required_attributes(case: Case) -> dict[str, str]:
    """Return valid values of the attributes without which a node of the operator is refused."""
    kinds = {name: kind for name, kind in case.types.items() if name != "inputs"}
    required = {name: required_value(kind) for name, kind in kinds.items() if "required" in kind}
    for key in (case.operator, f"{case.operator}-{case.version}"):
        required.update(SAMPLES.get(key, {}))
    return required


def add_node(symbol: SymbolBuilder, case: Case, name: str, attributes: Mapping[str, str]) -> int:
    """Add a node of the operator with variables as inputs, and return the head: of integers their real numbers."""
    inputs: list[Any] = [f"x{len(symbol.nodes)}{index}" for index in range(input_count(case))]
    if "quantize" not in case.operator:
        return symbol.add(case.operator, name, inputs, **attributes)
    if case.operator not in ("_contrib_quantize", "_contrib_quantize_v2"):
        inputs = [symbol.add("_contrib_quantize_v2", f"{item}_integers", [item]) for item in inputs]
    head = symbol.add(case.operator, name, inputs, **attributes)
    ends = [(head, 1), (head, 2)]
    return head if "dequ" in case.operator else symbol.add("_contrib_dequantize", f"{name}_real", [head, *ends])


def input_count(case: Case) -> int:
    """Return the number of inputs of a node of the operator."""
    return INPUTS.get(case.operator, 2 if case.types["inputs"] == "*" else int(case.types["inputs"]))

"""No attribute, and no value of one, keeps the weights of a checkpoint from being read: at worst its node is opaque."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

import mxnet_to_neutral
from neutral.store.store import Store
from reader.checkpoints import SymbolBuilder, ramp, write_checkpoint
from reader.registry_cases import Case, add_node, convertible_cases, required_attributes

NONSENSE = ("nonsense", "", "-7", "9" * 30, "(3,)", "nan")
"""Values that most attributes do not accept: words, numbers out of range, tuples of another length."""


def different_cases() -> Iterator[Any]:
    """Yield the operators of both releases, once where they have the same attributes."""
    seen = set()
    for parameter in convertible_cases():
        (case,) = parameter.values
        key = (case.operator, tuple(sorted(case.types.items())))
        if key not in seen:
            yield parameter
        seen.add(key)


def read(folder: Path, case: Case, variants: dict[str, dict[str, str]]) -> Store:
    """Read a symbol with a node of the operator for each variant of its attributes, and a layer with a weight."""
    symbol = SymbolBuilder()
    heads = [symbol.add("FullyConnected", "fc", ["data", "fc_weight"], num_hidden="2", no_bias="True")]
    heads += [add_node(symbol, case, name, attributes) for name, attributes in variants.items()]
    prefix = write_checkpoint(folder, symbol, {"arg:fc_weight": ramp(2, 3)})
    text = symbol.json(*heads).replace("10901", str(case.version))
    Path(f"{prefix}-symbol.json").write_text(text, encoding="utf-8")
    return mxnet_to_neutral.read(prefix)


@pytest.mark.parametrize("case", list(different_cases()))
def test_nonsense_makes_a_node_opaque_at_worst(tmp_path: Path, case: Case) -> None:
    required = required_attributes(case)
    names = [name for name in case.types if name != "inputs"]
    variants = {"node": {**required, "nonsense": "1"}}
    for name in names:
        variants.update({f"{name}{i}": {**required, name: value} for i, value in enumerate(NONSENSE)})
    store = read(tmp_path, case, variants)
    np.testing.assert_array_equal(store.tensors["fc.weight"].numpy(), ramp(2, 3))
    assert store.graph is not None
    kinds = {node.name: node for node in store.graph.nodes}
    assert kinds["fc"].kind == "linear"
    opaque = kinds["node"]
    assert opaque.kind == "opaque" and "nonsense" in opaque.attributes["reason"]

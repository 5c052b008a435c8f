"""A store run with nothing but ``docs/format.md`` and ``docs/operators.md``, as someone without this project would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from documents import blocks
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.operators import catalogue
from neutral.reference import run
from neutral.reference.registry import load_functions
from neutral.store import Store
from neutral.tensor import from_numpy

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    (block,) = (block.text for block in blocks(DOCS / "format.md", "## 12. Running a store"))
    assert "import neutral" not in block and "from neutral" not in block
    scope: dict[str, Any] = {}
    exec(block, scope)
    return scope


@pytest.fixture(scope="module")
def operators(program: dict[str, Any]) -> Any:
    """The functions that ``operators.md`` defines, and the entries of its kinds."""
    return program["read_operators"](DOCS / "operators.md")


def test_the_document_defines_a_function_for_every_executable_kind(operators: Any) -> None:
    scope, entries = operators
    assert set(scope.FUNCTIONS) == set(load_functions())
    assert {kind: entry.dtype_rule for kind, entry in entries.items()} == {o.kind: o.dtype_rule for o in catalogue}
    assert {kind: entry.inputs for kind, entry in entries.items()} == {o.kind: tuple(o.inputs) for o in catalogue}
    text = (DOCS / "operators.md").read_text(encoding="utf-8").partition("\n## MXNet's operators")[0]
    assert not re.search(r"^\s*(import neutral|from neutral)", text, re.MULTILINE)


def test_one_function_of_the_document_computes_what_the_code_does(operators: Any) -> None:
    text = (DOCS / "operators.md").read_text(encoding="utf-8")
    entry = text.partition("#### `convolution`\n")[2].partition("\n#### ")[0]
    (source,) = re.findall(r"^```python\n(.*?)^```$", entry, re.MULTILINE | re.DOTALL)
    scope = {**vars(operators[0]), "FUNCTIONS": {}}
    exec(source, scope)
    random = np.random.default_rng(0)
    x, weight = random.standard_normal((2, 4, 7, 6)), random.standard_normal((6, 2, 3, 2))
    sizes: dict[str, Any] = dict.fromkeys(("stride", "dilation", "padding"), (2, 1))
    shape = {"out_channels": 6, "kernel_size": (3, 2), "groups": 2, "layout": "channels_first"}
    expected = load_functions()["convolution"](x, weight=weight, bias=None, **sizes, **shape)
    np.testing.assert_array_equal(scope["convolution"](x, weight=weight, bias=None, **sizes, **shape), expected)


def network() -> Store:
    """A network with a layer, literals, float16, a comparison, a loop, and a tensor that the graph computes."""
    sizes = {"out_features": 3, "flatten": False}
    step = Graph(
        (Input("row"), Input("state")),
        (Node("next", "add", (Value("state"), Value("row")), {}), Node("half", "divide", (Value("next"), 2), {})),
        (Value("half"), Value("next")),
    )
    how = {"axes": (1,), "exclude": False, "keepdim": False, "at_least_1d": False}
    nodes = (
        Node("fc", "linear", (Value("x"),), sizes, "fc"),
        Node("again", "linear", (Value("fc"),), sizes, "w", {"weight": Value("square")}),
        Node("positive", "greater", (Value("again"), 0.25), {"dtype": None}),
        Node("low", "cast", (Value("again"),), {"dtype": "float16"}),
        Node("total", "sum", (Value("low"),), how),
        Node("start", "full", (), {"shape": (3,), "value": 1.0, "dtype": "float32"}),
        Node("loop", "foreach", (Value("again"), Value("start")), {"body": step, "sequences": 1, "states": 1}),
    )
    square = Node("square", "matmul", (Value("m"), Value("m")), {})
    outputs = (Value("positive"), Value("total"), Value("loop"), Value("loop", 1))
    graph = Graph((Input("x", (None, 3), "float32"), Input("m", (3, 3))), (square, *nodes), outputs)
    random = np.random.default_rng(0)
    arrays = {"fc.weight": random.standard_normal((3, 3)), "fc.bias": random.standard_normal(3)}
    layers = {
        "fc": Layer("fc", "linear", sizes, {"weight": "fc.weight", "bias": "fc.bias"}),
        "w": Layer("w", "linear", sizes, {}),
    }
    return Store(layers, {key: from_numpy(array.astype("f4")) for key, array in arrays.items()}, graph)


def test_a_store_is_run_with_the_two_documents(program: dict[str, Any], tmp_path: Path) -> None:
    store, random = network(), np.random.default_rng(1)
    path = tmp_path / "net.safetensors"
    store.save(path)
    inputs = {"x": random.standard_normal((4, 3), np.float32), "m": random.standard_normal((3, 3), np.float32)}
    computed = program["Runner"](path, DOCS / "operators.md").run(inputs)
    expected = list(run(store, inputs).values())
    assert [array.dtype for array in computed] == [array.dtype for array in expected]
    for array, wanted in zip(computed, expected):
        np.testing.assert_array_equal(array, wanted)

"""Texts of a weight file never become code: in attributes and names they are refused or inert."""

from __future__ import annotations

import ast
import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphs import GraphBuilder
from neutral.errors import NeutralError, StoreError, UnsupportedError
from neutral.graph import Graph, Input, Node, Value
from neutral.operators import catalogue
from neutral.source import SourceFile, StoreSource
from neutral.store import Store
from neutral_to_torch.emission.compose import compose
from neutral_to_torch.emission.emit import emit
from neutral_to_torch.emission.expression.literals import check_name, constant, docstring
from neutral_to_torch.emission.source_gate import check_source

MARK = "hostile_mark"
HOSTILE = (
    f'"+{MARK}()+"',
    f"'+{MARK}()+'",
    f'\\"+{MARK}()#',
    f"a\\'+{MARK}()#",
    f'"""\n{MARK}()\n"""',
    f"'''\n{MARK}()\n'''",
    f"\n{MARK}()\n",
    f"\r\n{MARK}()\x0c",
    f'"\\",{MARK}(),"',
    f"float32; {MARK}()",
    f"float32({MARK}())",
    f"load({MARK}",
    "hub.load",
    "__class__",
    "\ud800",
    "\u202e\u2028",
    "# -*- coding: utf-7 -*-",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20), st.sampled_from(HOSTILE).map(lambda t: t * 2))


def is_inert(source: str) -> bool:
    """Return whether nothing calls the mark; submodules and variables may be named after it."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return not any(isinstance(func, ast.Name) and MARK in func.id for func in calls)


def check(store: Store) -> None:
    """The store is refused by our own error, or its source passes the gate and is inert."""
    try:
        source = compose(store).source
        check_source(source)
    except NeutralError:
        return
    assert is_inert(source), source


def a_value(kind: str) -> Any:
    return {"int": 1, "float": 0.5, "bool": False, "str": "a", "ints": (1, 1), "floats": (0.5,)}.get(kind, (1, 1))


def stores(hostile: str) -> Iterator[tuple[str, Store]]:
    """One store for each text attribute of each kind, in which the text is hostile."""
    for operator in catalogue:
        for attribute in operator.attributes:
            if attribute.type not in ("str", "json"):
                continue
            attributes: dict[str, Any] = {}
            for other in operator.attributes:
                attributes[other.name] = other.choices[0] if other.choices else a_value(other.type)
            attributes[attribute.name] = hostile
            count = sum(not name.endswith("?") for name in operator.inputs)
            inputs = tuple(Input(f"x{k}", (2, 3, 4, 5)) for k in range(count))
            node = Node("node", operator.kind, tuple(Value(item.name) for item in inputs), attributes)
            yield f"{operator.kind}.{attribute.name}", Store({}, {}, Graph(inputs, (node,), (Value("node"),)))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_text_attribute_of_every_kind(hostile: str) -> None:
    count = 0
    for _, store in stores(hostile):
        check(store)
        count += 1
    assert count > 40


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "...i,i...", "i,j", "ij, jk"])
def test_einsum_of_the_grammar_is_written(subscripts: str) -> None:
    assert repr(subscripts).replace("'", '"') in compose(_einsum(subscripts)).source


@pytest.mark.parametrize("subscripts", ["ij,jk->ik->", 'i"j,j', "....ij,j", "i1,j", "ij,jk->i,k"])
def test_einsum_beyond_the_grammar_is_refused(subscripts: str) -> None:
    graph = _einsum("ij,jk->ik").graph
    assert graph is not None
    node = replace(graph.nodes[-1], attributes={"subscripts": subscripts})
    store = Store({}, {}, replace(graph, nodes=(*graph.nodes[:-1], node)))
    with pytest.raises(StoreError, match="subscripts"):
        compose(store)


@pytest.mark.parametrize("subscripts", ["ij", "ij,jk,kl"])
def test_einsum_of_another_number_of_operands_is_refused(subscripts: str) -> None:
    with pytest.raises(UnsupportedError, match="subscripts"):
        compose(_einsum(subscripts))


def _einsum(subscripts: str) -> Store:
    g = GraphBuilder()
    x, y = g.input("x", (2, 3)), g.input("y", (3, 4))
    return g.store(g.node("einsum", x, y, subscripts=subscripts))


@settings(max_examples=60, deadline=None)
@example(name=HOSTILE[0])
@example(name='"""' + f"\n{MARK}()\n")
@given(name=texts)
def test_names_of_inputs_nodes_layers_files_and_notes(name: str) -> None:
    g = GraphBuilder()
    value = g.input(name or "x", (None, 3, 8, 8))
    for layer in (f"{name}1", f"{name}2"):
        value = g.node("relu", g.conv(value, 3, name=layer), name=f"{layer}relu")
    store = g.store(value)
    file = SourceFile(f"{name}.json", "symbol", "json", 1, sha256="0" * 64)
    source = StoreSource(name, name, (file,))
    check(Store(store.layers, store.tensors, store.graph, source, (name,)))


@settings(max_examples=300, deadline=None)
@given(value=texts)
def test_literals_and_docstrings_read_back(value: str) -> None:
    assert ast.literal_eval(constant(value)) == value
    assert constant(value).isascii() and "\n" not in constant(value)
    assert isinstance(ast.literal_eval(docstring(value)), str)
    if value.isprintable() and '"""' not in value:
        assert ast.literal_eval(docstring(value)) == value


class Liar(str):
    """A text whose repr is code."""

    def __repr__(self) -> str:
        return f"{MARK}()"


@pytest.mark.parametrize("value", [Liar("x"), (Liar("x"),), b"x", 1j, [1], object()])
def test_only_exact_constants_are_printed(value: Any) -> None:
    with pytest.raises(TypeError):
        constant(value)


@pytest.mark.parametrize("name", ["", "x y", "x;y", "x.", ".x", "1x", "x()", "x[y]", "class", "x.if", "ä", "x\n"])
def test_only_names_are_names(name: str) -> None:
    with pytest.raises(ValueError):
        check_name(name)


MODEL = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
        return x
"""


@pytest.mark.parametrize(
    "line",
    [
        "__import__('os')", "x = eval('1')", "x = torch.load('x')", "x = torch.hub.load('a', 'b')", "import os",
        "x = x.__class__", "x = self.__dict__", "x = (lambda: 1)()", "x = f'{x}'", "x = torch.ops.load_library('x')",
        "x = nn.functional.relu(x)", "x = torch.from_file('x')", "x = [k for k in x]", "with x: pass", "del x",
        "x = open('x')", "getattr(x, 'y')", "self.x.y.__init__()", "x = b'1'", "range = 1", "torch = x",
        "x = 'a'.format", "global x", "x = torch._C", "x = torch.jit.script(x)", "torch.nn.relu = 1",
        "x(**x)", "raise x", "x = type(x)", "x = type[nn.Module]",
        "assert x",
    ],
)  # fmt: skip
def test_the_gate_refuses(line: str) -> None:
    for place in ({"init": line, "forward": "pass_ = 1"}, {"init": "self.y = 1", "forward": line}):
        with pytest.raises(UnsupportedError, match="refused"):
            check_source(MODEL.format(**place))


@pytest.mark.parametrize("annotation", ["type", "type[nn.Linear]", "type[nn.Module, nn.Linear]", "type(nn.Module)"])
def test_the_gate_refuses_annotations_by_other_classes(annotation: str) -> None:
    source = MODEL.format(init="self.act = act()", forward="x = self.act(x)")
    assert "__init__(self)" in source
    check_source(source.replace("__init__(self)", "__init__(self, act: type[nn.Module] = nn.ReLU)"))
    with pytest.raises(UnsupportedError, match="refused"):
        check_source(source.replace("__init__(self)", f"__init__(self, act: {annotation} = nn.ReLU)"))


def test_the_gate_passes_the_rest() -> None:
    check_source(MODEL.format(init="self.y = nn.Linear(1, 2)", forward="x = torch.relu(self.y(x)).flatten(1)"))


@pytest.mark.parametrize(
    "source",
    ["x = 1", "def f(): pass", "class A: pass", "@x\nclass A(nn.Module): pass", "import os", "from torch import load",
     "class A(nn.Module):\n    x = 1", "class A(nn.Module):\n    def __del__(self): pass", "x(", "'\\0\0'",
     "def linear(x): return x", "class print(nn.Module): pass"],
)  # fmt: skip
def test_the_gate_refuses_other_files(source: str) -> None:
    with pytest.raises(UnsupportedError, match="refused"):
        check_source(source)


def test_nothing_is_written_that_the_gate_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    g = GraphBuilder()
    store = g.store(g.node("relu", g.input("x", (None, 3))))
    monkeypatch.setattr("neutral_to_torch.emission.compose.file_text", lambda *_: f"{MARK}()", raising=True)
    with pytest.raises(UnsupportedError, match="refused"):
        emit(store, tmp_path / "model.py")
    assert not list(tmp_path.iterdir())


def test_the_last_result_of_interactive_python_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "_", 1, raising=False)
    source = compose(_einsum("ij,jk->ik")).source
    changed = source.replace("        return ", "        _ = x\n        return ", 1)
    assert changed != source
    check_source(changed)

"""Writing the files: what stands in them, what the report says, what is refused and that nothing is left then."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import networks
from checks import run, source_of, torch
from graphs import GraphBuilder
from neutral import __version__
from neutral.errors import StoreError, UnsupportedError, UsageError
from neutral.graph import Value
from neutral.store import SourceFile, Store, StoreSource
from neutral_to_torch.emission.build import build, plan_of
from neutral_to_torch.emission.emit import emit, preflight


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small(*outputs: str) -> Store:
    g = GraphBuilder()
    x = g.relu(g.conv(g.input(), 4, 3, bias=True, name="conv"), name="act")
    g.linear(x, 5, features=4 * 32 * 32, name="fc")
    return g.store(*(Value(name) for name in outputs or ("fc",)))


def test_the_files_are_a_model_without_neutral(tmp_path: Path) -> None:
    store = networks.resnet((1, 2))
    report = emit(store, tmp_path / "model.py")
    assert (report.path, report.weights) == (tmp_path / "model.py", tmp_path / "model.safetensors")
    text = report.path.read_text()
    assert report.lines == len(text.splitlines())
    assert not any(line.startswith(("import neutral", "from neutral")) for line in text.splitlines())
    from safetensors.torch import load_file

    model = getattr(imported(report.path), report.class_name)()
    model.load_state_dict(load_file(report.weights), strict=True)
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.eval()(image), build(store)(image))


def test_the_report_maps_keys_to_the_store(tmp_path: Path) -> None:
    store = small()
    report = emit(store, tmp_path / "model.py")
    assert dict(report.keys) == {
        "conv.weight": "conv.weight", "conv.bias": "conv.bias", "fc.weight": "fc.weight", "fc.bias": "fc.bias",
    }  # fmt: skip
    assert report.modules["fc"] == "fc"
    assert plan_of(store) == report.modules


def test_pth(tmp_path: Path) -> None:
    report = emit(small(), tmp_path / "model.py", pth=True)
    assert report.weights == tmp_path / "model.pth"
    state = torch.load(report.weights, weights_only=True)
    assert set(state) == {"conv.weight", "conv.bias", "fc.weight", "fc.bias"}


def test_the_docstring_says_where_the_model_came_from(tmp_path: Path) -> None:
    store = small()
    files = (SourceFile("my net-symbol.json", "symbol", "json", 2, text="{}", sha256="ab" * 32),)
    store.source = StoreSource("mxnet", "1.9.1", files)
    source = source_of(store)
    assert f"Converted from mxnet 1.9.1 by Neutral {__version__}:" in source
    assert f"    my net-symbol.json: 2 bytes\n        SHA-256 {'ab' * 32}\n" in source
    assert "    data: (N, 3, 32, 32)" in source
    assert "class MyNet(nn.Module):" in source
    assert source.startswith('"""MyNet: ')
    assert '    model.load_state_dict(load_file("model.safetensors"))\n' in source
    assert "class Other(nn.Module):" in source_of(store, class_name="Other")


@pytest.mark.parametrize("options", [{"until": "act"}, {"outputs": ["act"]}, {"outputs": ["act:0"]}])
def test_a_cut_keeps_what_is_needed(options: dict[str, Any]) -> None:
    model = build(small(), **options)
    assert set(model.state_dict()) == {"conv.weight", "conv.bias"}
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)


def test_several_outputs_and_inputs() -> None:
    g = GraphBuilder()
    a, b = g.input("a", (None, 3)), g.input("class", (None, 3))
    total = g.add(a, b, name="sum it")
    store = g.store(total, g.node("tanh", total, name="2nd"), b)
    source = source_of(store)
    assert "def forward(self, a: Tensor, class_: Tensor) -> tuple[Tensor, Tensor, Tensor]:" in source
    x, y = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
    one, two, three = run(store, x, y)
    assert torch.equal(one, torch.full((2, 3), 3.0))
    assert torch.equal(two, torch.tanh(one))
    assert torch.equal(three, torch.from_numpy(y))


def test_identities_and_what_is_not_used_are_gone() -> None:
    g = GraphBuilder()
    x = g.node("identity", g.input("data", (None, 3)), name="copy")
    g.node("tanh", x, name="unused")
    store = g.store(g.node("identity", g.node("sigmoid", x, name="s"), name="out"))
    source = source_of(store)
    assert "return torch.sigmoid(data)" in source
    assert "tanh" not in source


@pytest.mark.parametrize("name", ["class", "conv 1/weights", "1x1", "forward", "modules", "training", "T_destination"])
def test_names_that_python_or_torch_take(name: str) -> None:
    g = GraphBuilder()
    x = g.conv(g.input(), 4, name=name)
    store = g.store(g.linear(x, 2, features=4 * 32 * 32, name="other"))
    source_of(store)
    model = build(store)
    assert len(model.state_dict()) == 3
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


def test_names_that_differ_only_in_what_identifiers_lack() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    for name in ("a.b", "a_b", "a b", "a/b"):
        x = g.linear(x, 4, 4, name=name)
    model = build(g.store(x))
    assert len(model.state_dict()) == 8


def test_names_are_data() -> None:
    g = GraphBuilder()
    name = '"""\nimport os\n\\N{BELL}\x1b[31m'
    store = g.store(g.linear(g.input(f"{name} in", (None, 4)), 4, 4, name=name))
    source = source_of(store)
    assert "\x1b" not in source
    assert run(store, np.zeros((1, 4), np.float32)).shape == (1, 4)


def test_tied_tensors_stay_one() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    weight = g.values(4, 4)
    attributes = {"out_features": 4, "flatten": False}
    one = g.layer("one", "linear", {"weight": weight}, attributes)
    two = g.layer("two", "linear", {"weight": weight, "bias": g.values(4)}, attributes, keys={"weight": "one.weight"})
    x = g.node("tanh", g.node("linear", x, layer=one, **attributes))
    store = g.store(g.node("linear", x, layer=two, **attributes))
    source = source_of(store)
    assert "self.two.weight = self.one.weight" in source
    model = build(store)
    assert model.two.weight is model.one.weight
    assert len(list(model.parameters())) == 2
    again = type(model)()
    again.load_state_dict(model.state_dict())
    assert again.two.weight is again.one.weight


def test_all_problems_at_once(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    for k in range(7):
        attributes = {"operator": "Custom", "attributes": {}, "reason": "no plug-in offers it"}
        x = g.node("opaque", x, name=f"custom{k}", **attributes)
    store = g.store(g.node("linear", x, name="lonely", out_features=2, flatten=False))
    with pytest.raises(UnsupportedError) as caught:
        emit(store, tmp_path / "model.py")
    assert caught.value.problems == (
        "operator Custom: no plug-in offers it (7 nodes: custom0, custom1, custom2, custom3, custom4, ...)",
        "kind linear: its layer has no tensor for the role weight (1 node: lonely)",
    )
    assert list(tmp_path.iterdir()) == []
    error = preflight(store)
    assert error is not None and error.problems == caught.value.problems
    assert preflight(store, until="data") is None


def test_a_store_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.linear(g.input("data", (None, 4)), 4, 4, name="fc")
    del g.tensors["fc.weight"]
    with pytest.raises(StoreError, match=r"'weight' is the tensor 'fc.weight', which is not there"):
        emit(g.store(x), tmp_path / "model.py")
    assert list(tmp_path.iterdir()) == []


def test_calls_that_cannot_be_meant(tmp_path: Path) -> None:
    store = small()
    with pytest.raises(UsageError, match="no node 'fx'"):
        build(store, until="fx")
    with pytest.raises(UsageError, match="Did you mean one of conv"):
        build(store, until="CON")
    for output in ("\u00b2", "9" * 5000):
        with pytest.raises(UsageError, match="the graph has no node"):
            build(store, until=f"fc:{output}")
    with pytest.raises(UsageError, match="give one"):
        build(store, until="fc", outputs=["act"])
    with pytest.raises(UsageError, match=r"ends with \.py"):
        emit(store, tmp_path / "model")
    with pytest.raises(UsageError, match="has no graph"):
        build(Store(store.layers, store.tensors))


def test_the_module_can_be_found_again() -> None:
    import inspect
    import traceback

    model = build(small())
    assert "def forward(self, data: Tensor)" in inspect.getsource(type(model))
    assert sys.modules[type(model).__module__].__dict__[type(model).__name__] is type(model)
    with pytest.raises(RuntimeError) as caught:
        model(torch.zeros(1, 2, 8, 8))
    lines = "".join(traceback.format_exception(None, caught.value, caught.value.__traceback__))
    assert "F.relu(self.conv(data))" in lines


def test_weights_are_the_mapped_file(tmp_path: Path) -> None:
    store = small()
    store.save(tmp_path / "store.safetensors")
    import neutral

    model = build(neutral.open(tmp_path / "store.safetensors"))
    before = (tmp_path / "store.safetensors").read_bytes()
    with torch.no_grad():
        model.conv.weight.zero_()
    assert (tmp_path / "store.safetensors").read_bytes() == before
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_dtype_is_given_to_floating_tensors() -> None:
    model = build(small(), dtype=torch.float64)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}
    assert not model.training

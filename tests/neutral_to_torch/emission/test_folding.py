"""Folding: the same numbers as layer by layer, in a file of the length that one would write by hand."""

from __future__ import annotations

import re
from typing import Callable

import pytest

import networks
from checks import check_style, torch
from graphs import GraphBuilder
from neutral.store import Store
from neutral_to_torch.emission.build import build, load
from neutral_to_torch.emission.compose import compose

NETWORKS: dict[str, tuple[Callable[[], Store], int]] = {
    "resnet": (networks.resnet, 92),
    "basic_resnet": (lambda: networks.resnet((2, 2, 2), bottleneck=False), 80),
    "resnet_v2": (networks.resnet_v2, 86),
    "vgg": (networks.vgg, 55),
    "mobilenet": (networks.mobilenet, 73),
    "mobilenet_v2": (networks.mobilenet_v2, 84),
    "densenet": (networks.densenet, 60),
    "inception": (networks.inception, 125),
}
"""Networks, and the lines that they may take: two more than they do."""


def classes(source: str) -> list[str]:
    return re.findall(r"^class (\w+)", source, re.MULTILINE)


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_is_equal_to_layer_by_layer(name: str) -> None:
    make, bound = NETWORKS[name]
    store = make()
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source)
    check_style(flat.source)
    assert folded.source.count("\n") <= bound
    assert sorted(folded.state.keys.values()) == sorted(flat.state.keys.values()) == sorted(store.tensors)
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(load(folded, store, None, None)(image), load(flat, store, None, None)(image))


def test_the_source_is_the_same_every_time() -> None:
    assert compose(networks.inception()).source == compose(networks.inception()).source


def test_a_residual_network() -> None:
    store = networks.resnet()
    source = compose(store).source
    assert classes(source) == ["Bottleneck", "Model"]
    assert "def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:" in source
    assert "            if stride != 1 or in_channels != out_channels\n" in source
    assert "return F.relu(out + self.downsample(x))" in source
    assert "*(Bottleneck(128, 128) for _ in range(layers[2] - 1))," in source
    assert "layers: tuple[int, ...] = (3, 4, 6, 3)" in source
    modules = dict(build(store).named_modules())
    assert {"stem.conv", "stage1.0.conv1", "stage4.2.bn3", "stage2.0.downsample.sc", "fc1"} <= set(modules)


def test_every_layer_is_where_the_plan_says() -> None:
    store = networks.resnet()
    model = build(store)
    paths = compose(store).state.modules
    for name, layer in store.layers.items():
        module = model.get_submodule(paths[name])
        for role, key in layer.tensors.items():
            assert torch.equal(getattr(module, role), torch.from_numpy(store[key])), (name, role)


def test_a_block_gives_the_result_of_its_last_node() -> None:
    store = networks.resnet()
    paths = compose(store).state.modules
    assert paths["stage3_unit2_relu"] == "stage3.1"
    folded, results = build(store), {}
    folded.get_submodule("stage3.1").register_forward_hook(lambda m, a, out: results.update(block=out))
    image = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        folded(image)
        assert torch.equal(results["block"], build(store, until="stage3_unit2_relu")(image))


def test_units_that_normalise_first() -> None:
    source = compose(networks.resnet_v2()).source
    assert classes(source)[-2:] == ["BasicBlock", "Model"]
    assert "shortcut = x if self.downsample is None else self.downsample(activation)" in source


def test_parts_that_some_units_lack() -> None:
    source = compose(networks.mobilenet_v2()).source
    assert classes(source) == ["InvertedResidual", "Model"]
    assert "InvertedResidual(8, 8, 8)," in source
    assert "InvertedResidual(8, 48, 12, stride=2)," in source
    assert "            if channels != in_channels\n" in source
    assert "        self.residual = stride == 1 and in_channels == out_channels\n" in source
    assert "return out + x if self.residual else out" in source


def test_growing_channels_are_a_loop() -> None:
    source = compose(networks.densenet()).source
    assert "self.stage1 = nn.Sequential(*(DenseLayer(8 + 4 * k, 4) for k in range(4)))" in source


def test_pairs_of_convolutions() -> None:
    source = compose(networks.mobilenet()).source
    assert classes(source) == ["DepthwiseSeparable", "Model"]
    assert "groups=in_channels," in source


def test_a_straight_network_is_two_sequences() -> None:
    source = compose(networks.vgg()).source
    assert classes(source) == ["Model"]
    assert "conv1_1=nn.Conv2d(3, 8, kernel_size=3, padding=1)," in source
    assert "x = self.features(data).flatten(1)\n        return self.classifier(x)" in source


def test_several_ways_are_sequences() -> None:
    source = compose(networks.inception()).source
    assert classes(source) == ["ConvBNReLU", "InceptionA", "ParallelBranches", "InceptionB", "Model"]
    assert "self.branch3 = nn.Sequential(" in source


def test_structural_names_make_nested_sequences() -> None:
    g = GraphBuilder()
    x = g.input()
    for k, out in enumerate((8, 8, 16)):
        x = g.relu(g.bn(g.conv(x, out, name=f"features.{k}.0"), name=f"features.{k}.1"), name=f"node_{3 * k + 2}")
    store = g.store(g.linear(x, 4, features=16 * 32 * 32, name="output"))
    model = build(store)
    assert {"output.weight", "output.bias"} < set(model.state_dict())
    keys = {key for key in model.state_dict() if key.startswith("features.")}
    assert len(keys) == 3 * 6


def test_one_layer_that_is_used_twice_is_one_module() -> None:
    g = GraphBuilder()
    x, y = g.input("x", (None, 4)), g.input("y", (None, 4))
    arrays = {"weight": g.values(3, 4), "bias": g.values(3)}
    layer = g.layer("fc", "linear", arrays, {"out_features": 3, "flatten": False})
    attributes = {"out_features": 3, "flatten": False, "layer": layer}
    a, b = g.node("linear", x, name="first", **attributes), g.node("linear", y, name="second", **attributes)
    store = g.store(g.add(a, b))
    source = compose(store).source
    check_style(source)
    assert "return self.fc(x) + self.fc(y)" in source
    assert set(build(store).state_dict()) == {"fc.weight", "fc.bias"}


def test_a_unit_that_is_applied_at_several_scales() -> None:
    g = GraphBuilder()
    x = g.input()
    scales = [x]
    for k in range(2):
        scales.append(g.relu(g.conv(scales[-1], 3, 3, 2, name=f"down{k}")))
    attributes = {
        "out_channels": 3, "kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1),
        "groups": 1, "layout": "channels_first",
    }  # fmt: skip
    layers = [g.layer(f"head{k}", "convolution", {"weight": g.values(3, 3, 3, 3)}, attributes) for k in range(2)]
    outputs = []
    for scale in scales:
        y = scale
        for layer in layers:
            y = g.relu(g.node("convolution", y, layer=layer, **attributes))
        outputs.append(y)
    store = g.store(*outputs)
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source)
    image = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        for one, other in zip(load(folded, store, None, None)(image), load(flat, store, None, None)(image)):
            assert torch.equal(one, other)
    assert len(build(store).state_dict()) == 4


def test_a_long_chain_is_quick_and_not_too_deep() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    for k in range(3000):
        x = g.add(g.node("tanh", x, name=f"t{k}"), float(k), name=f"a{k}")
    store = g.store(x)
    value = torch.zeros(2, 4)
    for k in range(3000):
        value = torch.tanh(value) + float(k)
    assert torch.equal(build(store)(torch.zeros(2, 4)), value)


def test_layers_that_share_a_mask_are_a_loop() -> None:
    store = networks.transformer()
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source)
    assert classes(folded.source) == ["Attention", "FeedForward", "TransformerLayer", "Model"]
    assert "self.transformer = nn.ModuleList(TransformerLayer(16) for _ in range(3))" in folded.source
    assert "        for layer in self.transformer:\n            x = layer(x, scale)\n" in folded.source
    data, mask = torch.randn(2, 5, 16), torch.randn(2, 5, 5)
    with torch.no_grad():
        expected = load(flat, store, None, None)(data, mask)
        assert torch.equal(load(folded, store, None, None)(data, mask), expected)


def test_what_is_computed_twice_is_computed_once() -> None:
    source = compose(networks.transformer()).source
    assert len(re.findall(r"mask \* 2", source)) == 1


def test_compositions_that_have_a_name() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4))
    inside = g.node("clamp", g.add(x, 3.0), min=0.0, max=6.0)
    y = g.node("multiply", x, g.node("divide", inside, 6.0), name="y")
    z = g.node("multiply", g.node("sigmoid", y, name="s"), y, name="z")
    store = g.store(g.add(g.node("multiply", z, 1), 0, name="same"))
    source = compose(store).source
    assert "return F.silu(F.hardswish(data))" in source
    data = torch.linspace(-5, 5, 8).reshape(2, 4)
    expected = data * (data + 3).clamp(0, 6) / 6
    torch.testing.assert_close(build(store)(data), expected * torch.sigmoid(expected))


def test_many_results_are_items_of_one() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 9))
    parts = g.node("split", x, name="parts", axis=1, parts=9)
    total = g.add(parts, parts.__class__(parts.node, 8))
    source = compose(g.store(total)).source
    check_style(source)
    assert "parts[0] + parts[8]" in source


def test_branches_that_feed_each_other_are_no_inception() -> None:
    """A tree that aggregates what it computes in turn has parallel operands, but no parallel branches."""
    g = GraphBuilder()
    x = g.conv(g.input(), 24, 3)
    for _ in range(3):
        first = g.node("relu", g.conv(x, 8, 3))
        second = g.node("relu", g.conv(first, 8, 3))
        third = g.node("relu", g.conv(x, 8, 1))
        x = g.node("concatenate", second, first, third, axis=1, channels=24)
    assert "Inception" not in compose(g.store(x)).source

"""Blocks that differ in their activation or lack parts are one class, with names and arguments that are true."""

from __future__ import annotations

import re
from functools import partial
from typing import Sequence

from checks import check_style, torch
from graphs import GraphBuilder
from neutral.graph import Value
from neutral.store import Store
from neutral_to_torch.emission.build import load
from neutral_to_torch.emission.compose import compose
from neutral_to_torch.emission.lowering.pipeline import lower
from neutral_to_torch.emission.structure.block_docs import listing


def classes(source: str) -> list[str]:
    return re.findall(r"^class (\w+)", source, re.MULTILINE)


def folded_source(store: Store) -> str:
    """Return the emitted source, of a module that computes the same numbers as one without classes."""
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source)
    assert sorted(folded.state.keys.values()) == sorted(store.tensors)
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(load(folded, store, None, None)(image), load(flat, store, None, None)(image))
    return folded.source


def hard_swish(g: GraphBuilder, x: Value) -> Value:
    gate = g.node("divide", g.node("clamp", g.add(x, 3.0), min=0.0, max=6.0), 6.0)
    return g.node("multiply", x, gate)


def inverted_residual(
    g: GraphBuilder, x: Value, sizes: tuple[int, int, int], activation: str, reduced: int | None, stride: int
) -> Value:
    inputs, channels, outputs = sizes
    activate = partial(hard_swish, g) if activation == "hard_swish" else g.relu
    y = x
    if channels != inputs:
        y = activate(g.bn(g.conv(x, channels, 1)))
    y = activate(g.bn(g.conv(y, channels, 3, stride, groups=channels)))
    if reduced is not None:
        gate = g.relu(g.conv(g.node("global_average_pool", y, layout="channels_first"), reduced, 1))
        y = g.node("multiply", y, g.node("sigmoid", g.conv(gate, channels, 1)))
    y = g.bn(g.conv(y, outputs, 1))
    return g.add(x, y) if stride == 1 and inputs == outputs else y


def mobilenet_v3() -> Store:
    g = GraphBuilder()
    x = g.relu(g.bn(g.conv(g.input(), 8, 3, 2)))
    rows: Sequence[tuple[tuple[int, int, int], str, int | None, int]] = (
        ((8, 8, 8), "relu", None, 1), ((8, 16, 12), "relu", None, 2), ((12, 24, 12), "relu", None, 1),
        ((12, 24, 16), "relu", 6, 2), ((16, 40, 16), "relu", 8, 1), ((16, 40, 20), "hard_swish", None, 2),
        ((20, 48, 20), "hard_swish", None, 1), ((20, 48, 24), "hard_swish", 12, 1), ((24, 64, 24), "hard_swish", 14, 1),
    )  # fmt: skip
    for sizes, activation, reduced, stride in rows:
        x = inverted_residual(g, x, sizes, activation, reduced, stride)
    return g.store(g.linear(g.node("global_average_pool", x, layout="channels_first"), 5, features=24, name="fc"))


def test_blocks_that_differ_in_activation_and_two_parts_are_one_class() -> None:
    source = folded_source(mobilenet_v3())
    assert classes(source) == ["SqueezeExcite", "InvertedResidual", "Model"]
    assert "        activation: type[nn.Module] = nn.ReLU,\n" in source
    assert "        reduced_channels: int | None = None,\n" in source
    assert "            if reduced_channels is not None\n" in source
    assert "InvertedResidual(12, 24, 12),\n" in source
    assert "InvertedResidual(12, 24, 16, stride=2, reduced_channels=6),\n" in source
    assert "InvertedResidual(20, 48, 20, activation=nn.Hardswish),\n" in source


def test_a_sum_of_two_inputs_is_no_residual_block() -> None:
    g = GraphBuilder()
    levels = [g.relu(g.conv(g.input(), 8, 3))]
    for _ in range(3):
        levels.append(g.conv(levels[-1], 8, 3, 2))
    x = g.conv(levels[-1], 8, 3)
    for level in levels[2::-1]:
        upsampled = g.node("upsample_nearest", g.bn(g.conv(x, 8, 3)), scale=2)
        x = g.node("relu", g.add(upsampled, level))
    source = folded_source(g.store(x))
    assert "Residual" not in source
    assert "class ConvBNUpsampleAddReLU(nn.Module):" in source


def unit(g: GraphBuilder, x: Value, out: int, kernel: int, stride: int = 1) -> Value:
    return g.relu(g.bn(g.conv(x, out, kernel, stride)))


def basic_block(g: GraphBuilder, x: Value, out: int, stride: int = 1, shortcut: Value | None = None) -> Value:
    y = g.bn(g.conv(unit(g, x, out, 3, stride), out, 3))
    return g.relu(g.add(y, x if shortcut is None else shortcut))


def test_trees_of_residual_blocks_are_not_called_parallel() -> None:
    """A deep layer aggregation: trees of residual blocks, whose outputs are concatenated."""
    g = GraphBuilder()
    window = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "rounding": "down"}
    x = unit(g, unit(g, g.input(), 8, 7), 8, 3)
    for out in (16, 24, 32):
        pooled = g.node("max_pool", x, layout="channels_first", **window)
        first = basic_block(g, x, out, 2, g.bn(g.conv(pooled, out, 1)))
        second = basic_block(g, first, out)
        root = unit(g, g.concat(second, first), out, 1)
        if out < 32:
            third = basic_block(g, root, out)
            root = unit(g, g.concat(basic_block(g, third, out), third, pooled, root), out, 1)
        x = root
    source = folded_source(g.store(x))
    assert classes(source) == ["ConvBNReLU", "BasicBlock", "Block", "Model"]


def test_branches_that_feed_each_other_are_not_called_parallel() -> None:
    g = GraphBuilder()
    x = g.conv(g.input(), 24, 3)
    for _ in range(3):
        first = g.relu(g.conv(x, 8, 3))
        second = g.relu(g.conv(first, 8, 3))
        x = g.node("concatenate", second, first, g.conv(x, 8, 1), axis=1, channels=24)
    source = folded_source(g.store(x))
    assert len(classes(source)) > 1
    assert "parallel" not in source.lower()


def test_a_1x1_convolution_and_a_larger_one_share_no_layer_of_a_block_with_options() -> None:
    g = GraphBuilder()
    x = g.relu(g.bn(g.conv(g.input(), 16, 3)))
    for _ in range(3):  # bottlenecks that normalise first, then pairs of 3x3 convolutions
        y = g.relu(g.bn(g.conv(x, 8, 1)))
        y = g.relu(g.bn(g.conv(y, 8, 3)))
        x = g.relu(g.bn(g.add(g.conv(y, 16, 1), x)))
    for _ in range(3):
        y = g.conv(g.relu(g.bn(g.conv(x, 8, 3))), 16, 3)
        x = g.relu(g.bn(g.add(y, x)))
    source = folded_source(g.store(x))
    assert "kxk" not in source
    assert {"BasicBlock", "Bottleneck"} <= set(classes(source))


def test_groups_that_one_class_cannot_express_stay_classes_of_their_own() -> None:
    """Two parallel modules of which one lacks two layers of the other, at sizes that share nothing."""
    g = GraphBuilder()
    x = g.conv_bn_relu(g.input(), 16, 3)
    for k in range(3):
        left = g.conv_bn_relu(x, 8, 1)
        middle = g.conv_bn_relu(g.conv_bn_relu(x, 6, 1), 10 + k, 5)
        right = g.conv_bn_relu(g.conv_bn_relu(g.conv_bn_relu(x, 4, 1), 12, 3), 9, 3)
        x = g.concat(left, middle, right)
    for k in range(4):
        left = g.conv_bn_relu(x, 20, 1)
        middle = g.conv_bn_relu(g.conv_bn_relu(g.conv_bn_relu(x, 11 + k, 1), 13 + k, (1, 7)), 17, (7, 1))
        right = x
        for out, kernel in ((13, 1), (14 + k, (7, 1)), (15, (1, 7)), (16 + k, (7, 1)), (18, (1, 7))):
            right = g.conv_bn_relu(right, out, kernel)
        x = g.concat(left, middle, right)
    source = folded_source(g.store(x))
    assert classes(source) == ["ConvBNReLU", "InceptionA", "InceptionB", "Model"]


def test_a_sequence_includes_the_activation_that_follows_every_use() -> None:
    """Extra layers of a detector: each result goes to the next ones and to an output."""
    g = GraphBuilder()
    x = g.conv(g.input(), 16, 3)
    outputs = []
    for channels, out in ((4, 8), (6, 8), (6, 8), (5, 8), (5, 9)):
        x = g.relu(g.conv(g.relu(g.conv(x, channels, 1, bias=True)), out, 3, 2, bias=True))
        outputs.append(g.node("tanh", x))
    store = g.store(*outputs)
    folded, flat = compose(store), compose(store, folded=False)
    check_style(folded.source)
    assert "class ConvReLUConvReLU(nn.Sequential):" in folded.source
    assert "F.relu" not in folded.source
    assert "self.convs" in folded.source
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for one, other in zip(load(folded, store, None, None)(image), load(flat, store, None, None)(image)):
            assert torch.equal(one, other)


def test_the_heads_of_masked_attention_are_an_argument() -> None:
    g = GraphBuilder()
    x, length = g.input("data", (5, None, 16)), g.input("valid", (None, 5))
    for _ in range(3):
        query, key, value = (g.linear(x, 16, features=16, flatten=False) for _ in range(3))
        weights = g.node("softmax", g.node("attention_scores", query, key, heads=4), length, axis=-1)
        x = g.add(g.linear(g.node("attention_values", value, weights, heads=4), 16, features=16, flatten=False), x)
    source = compose(g.store(x)).source
    assert "def __init__(self, features: int, num_heads: int = 4) -> None:" in source
    assert source.count("heads=self.num_heads)") == 2
    assert "heads=4" not in source


def test_the_description_of_many_operations_names_those_that_tell() -> None:
    g = GraphBuilder()
    parts = g.node("split", g.conv(g.input(), 12, 1), axis=1, parts=3)
    place, size = g.node("sigmoid", parts), g.node("exp", Value(parts.node, 1))
    score = g.node("softmax", Value(parts.node, 2), axis=1)
    y = g.node("concatenate", g.add(place, size), g.node("multiply", size, score), axis=1)
    statements = lower(g.store(g.node("transpose", g.node("multiply", y, y), axes=(0, 2, 3, 1)))).statements
    assert listing(statements) == "convolution with sigmoid, exp and softmax"
    assert listing(statements[:2]) == "convolution, split"

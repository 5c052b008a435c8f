"""Networks with the structure and the names of well-known ones, small in channels."""

from __future__ import annotations

from typing import Sequence

from graphs import GraphBuilder
from neutral.graph import Value
from neutral.store import Store


def resnet(units: Sequence[int] = (3, 4, 6, 3), width: int = 8, bottleneck: bool = True) -> Store:
    """ResNet v1 with the names of MXNet's symbol scripts."""
    g = GraphBuilder()
    x = g.conv_bn_relu(g.input(), width, 7, 2, name="stem_")
    for stage, count in enumerate(units):
        out = width * (4 if bottleneck else 1) * 2**stage
        for unit in range(count):
            name = f"stage{stage + 1}_unit{unit + 1}_"
            stride = 2 if unit == 0 and stage > 0 else 1
            y = x
            sizes = ((1, out // 4), (3, out // 4), (1, out)) if bottleneck else ((3, out), (3, out))
            for k, (kernel, channels) in enumerate(sizes, 1):
                y = g.conv(y, channels, kernel, stride if k == 1 else 1, name=f"{name}conv{k}")
                y = g.bn(y, name=f"{name}bn{k}")
                if k < len(sizes):
                    y = g.relu(y, name=f"{name}relu{k}")
            if unit == 0 and (bottleneck or stage > 0):
                x = g.bn(g.conv(x, out, 1, stride, name=f"{name}sc"), name=f"{name}sc_bn")
            x = g.relu(g.add(y, x, name=f"{name}plus"), name=f"{name}relu")
    return _classifier(g, x, 16 // 2 ** (len(units) - 1))


def resnet_v2(units: Sequence[int] = (2, 2, 2), width: int = 8, prefix: str = "resnetv20_") -> Store:
    """ResNet v2 with the names that Gluon 1.x exports: one counter a stage."""
    g = GraphBuilder(prefix=prefix)
    x = g.bn(g.input(), name="batchnorm0_fwd", scale=False)
    x = g.conv_bn_relu(x, width, 7, 2)
    for stage, count in enumerate(units):
        counters = {"conv": 0, "batchnorm": 0, "activation": 0}

        def named(kind: str, stage: int = stage, counters: dict[str, int] = counters) -> str:
            counters[kind] += 1
            return f"stage{stage + 1}_{kind}{counters[kind] - 1}_fwd"

        out = width * 2**stage
        for unit in range(count):
            stride = 2 if unit == 0 and stage > 0 else 1
            shortcut = x
            y = g.relu(g.bn(x, name=named("batchnorm")), name=named("activation"))
            if unit == 0:
                shortcut = g.conv(y, out, 1, stride, name=named("conv"))
            y = g.conv(y, out, 3, stride, name=named("conv"))
            y = g.relu(g.bn(y, name=named("batchnorm")), name=named("activation"))
            y = g.conv(y, out, 3, name=named("conv"))
            x = g.add(y, shortcut, name=f"stage{stage + 1}__plus{unit}")
    x = g.relu(g.bn(x, name="batchnorm9_fwd"), name="relu9_fwd")
    return _classifier(g, x, 16 // 2 ** (len(units) - 1))


def vgg(stages: Sequence[tuple[int, int]] = ((2, 8), (2, 16), (3, 32))) -> Store:
    g = GraphBuilder()
    x = g.input()
    for stage, (count, channels) in enumerate(stages, 1):
        for k in range(1, count + 1):
            stride = 2 if k == count else 1
            x = g.relu(g.conv(x, channels, 3, stride, bias=True, name=f"conv{stage}_{k}"), name=f"relu{stage}_{k}")
    x = g.node("flatten", x, name="flatten_0")
    x = g.relu(g.linear(x, 32, features=g.channels[x] * 16, name="fc6"), name="relu6")
    x = g.relu(g.linear(x, 32, name="fc7"), name="relu7")
    x = g.linear(x, 10, name="fc8")
    return g.store(g.node("softmax", x, axis=1, name="prob"))


def mobilenet(width: int = 8, prefix: str = "mobilenet0_") -> Store:
    """MobileNet v1: pairs of depthwise and pointwise convolutions, numbered through."""
    g = GraphBuilder(prefix=prefix)
    x = g.conv_bn_relu(g.input(), width, 3, 2, name="conv0_")
    for k, (wider, stride) in enumerate([(2, 1), (2, 2), (4, 1), (4, 2), (4, 1), (4, 1), (8, 2), (8, 1)]):
        x = g.conv_bn_relu(x, g.channels[x], 3, stride, groups=g.channels[x], name=f"conv{2 * k + 1}_")
        x = g.conv_bn_relu(x, wider * width, 1, name=f"conv{2 * k + 2}_")
    return _classifier(g, x, 2)


def mobilenet_v2(prefix: str = "mobilenetv20_features_") -> Store:
    g = GraphBuilder(prefix=prefix)
    x = g.conv_bn_relu(g.input(), 8, 3, 2)
    for k, (expand, out, stride) in enumerate(
        [(1, 8, 1), (6, 12, 2), (6, 12, 1), (6, 16, 2), (6, 16, 1), (6, 16, 1), (6, 24, 1), (6, 24, 1)]
    ):
        name = f"linearbottleneck{k}_"
        y, inside = x, g.channels[x] * expand
        if expand > 1:
            y = g.conv_bn_relu(y, inside, 1, name=f"{name}a_")
        y = g.conv_bn_relu(y, inside, 3, stride, groups=inside, name=f"{name}b_")
        y = g.bn(g.conv(y, out, 1, name=f"{name}c_conv"), name=f"{name}c_bn")
        x = g.add(y, x, name=f"{name}plus") if stride == 1 and g.channels[x] == out else y
    x = g.conv_bn_relu(x, 48, 1)
    return _classifier(g, x, 4)


def densenet(units: Sequence[int] = (4, 6, 5), growth: int = 4) -> Store:
    g = GraphBuilder(prefix="densenet0_")
    x = g.conv_bn_relu(g.input(), 8, 7, 2)
    for stage, count in enumerate(units, 1):
        for unit in range(count):
            name = f"stage{stage}_"
            y = g.relu(g.bn(x, name=f"{name}batchnorm{2 * unit}"), name=f"{name}relu{2 * unit}")
            y = g.conv(y, 4 * growth, 1, name=f"{name}conv{2 * unit}")
            y = g.relu(g.bn(y, name=f"{name}batchnorm{2 * unit + 1}"), name=f"{name}relu{2 * unit + 1}")
            y = g.conv(y, growth, 3, name=f"{name}conv{2 * unit + 1}")
            x = g.concat(x, y, name=f"{name}concat{unit}")
        if stage < len(units):
            x = g.relu(g.bn(x, name=f"batchnorm{stage}"), name=f"relu{stage}")
            x = g.conv(x, g.channels[x] // 2, 1, 2, name=f"conv{stage}")
    x = g.relu(g.bn(x, name="batchnorm8"), name="relu8")
    return _classifier(g, x, 16 // 2 ** (len(units) - 1))


def inception(count: int = 3) -> Store:
    """Four ways in each block, with names that a single counter gives."""
    g = GraphBuilder(prefix="inception30_")
    numbers = iter(range(1000))

    def unit(x: Value, out: int, kernel: int = 1, stride: int = 1) -> Value:
        k = next(numbers)
        x = g.bn(g.conv(x, out, kernel, stride, name=f"conv{k}_fwd"), name=f"batchnorm{k}_fwd")
        return g.relu(x, name=f"relu{k}_fwd")

    x = unit(unit(unit(g.input(), 8, 3, 2), 8, 3), 16, 3)
    for k in range(count):
        ways = (unit(x, 8), unit(unit(x, 6), 8, 5), unit(unit(unit(x, 8), 12, 3), 12, 3), unit(x, 4 + 4 * k))
        x = g.concat(*ways, name=f"concat{k}")
    ways = (unit(x, 16, 3, 2), unit(unit(unit(x, 8), 12, 3), 12, 3, 2))
    x = g.concat(*ways, name="concat9")
    for _ in range(count):
        ways = (unit(x, 24), unit(unit(x, 8), 12, 3), unit(unit(unit(x, 8), 12, 3), 12, 3))
        x = g.concat(*ways)
    return _classifier(g, x, 8)


def _classifier(g: GraphBuilder, x: Value, size: int) -> Store:
    """Flatten (32x32 inputs leave ``size`` x ``size``) and a linear layer with a softmax."""
    x = g.node("flatten", x, name="flatten0")
    x = g.linear(x, 10, features=g.channels[x] * size * size, name="fc1")
    return g.store(g.node("softmax", x, axis=1, name="softmax"))


def transformer(layers: int = 3, width: int = 16) -> Store:
    """An encoder with post-normalisation whose layers all take one mask."""
    g = GraphBuilder(prefix="encoder0_")
    x, mask = g.input("data", (None, 5, width)), g.input("mask", (None, 5, 5))

    def linear(x: Value, out: int, name: str) -> Value:
        return g.linear(x, out, g.channels[x], flatten=False, name=name)

    def norm(x: Value, name: str) -> Value:
        arrays = {"weight": g.values(width) + 1, "bias": g.values(width)}
        return g.node("layer_norm", x, name=name, arrays=arrays, eps=1e-5, axis=-1)

    g.channels[x] = width
    for k in range(layers):
        name = f"transformer{k}_"
        query, key, value = (linear(x, width, f"{name}{role}") for role in ("query", "key", "value"))
        scores = g.node("matmul", query, g.node("swap_axes", key, axis=1, other_axis=2), name=f"{name}scores")
        scale = g.node("multiply", mask, 2.0, name=f"{name}scale")
        weights = g.node("softmax", g.add(scores, scale, name=f"{name}masked"), name=f"{name}softmax", axis=-1)
        y = linear(g.node("matmul", weights, value, name=f"{name}mixed", channels=width), width, f"{name}proj")
        x = norm(g.add(y, x, name=f"{name}plus0"), f"{name}layernorm0")
        y = linear(x, 4 * width, f"{name}ffn_1")
        gate = g.add(g.node("erf", g.node("divide", y, 2**0.5), name=f"{name}erf"), 1, name=f"{name}plus1")
        y = g.node("multiply", g.node("multiply", y, 0.5, name=f"{name}half"), gate, name=f"{name}gelu")
        x = norm(g.add(linear(y, width, f"{name}ffn_2"), x, name=f"{name}plus2"), f"{name}layernorm1")
    return g.store(x)

"""Measure the reference: a ResNet-50 and a MobileNet on one image of 224 x 224, on one core.

PYTHONPATH=tests/support python benchmarks/reference.py [--limit SECONDS]

The exit code is 1 if a network takes longer than the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from typing import Callable

import numpy as np
from common import own_peak, table

import neutral
from graphs import GraphBuilder
from neutral.graph import Value
from neutral.reference import run
from neutral.store import Store

LIMIT = 60.0
"""Seconds that a ResNet-50 may take."""


def resnet50() -> Store:
    """Return ResNet-50 with random weights: 4.1 billion multiplications for an image."""
    g = GraphBuilder()
    x = g.conv_bn_relu(g.input(shape=(None, 3, 224, 224)), 64, 7, 2, name="stem_")
    window = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1), "rounding": "down"}
    x = g.node("max_pool", x, layout="channels_first", **window)
    for stage, units in enumerate((3, 4, 6, 3)):
        for unit in range(units):
            x = bottleneck(g, x, 256 * 2**stage, 2 if stage and not unit else 1)
    return classifier(g, x)


def bottleneck(g: GraphBuilder, x: Value, out: int, stride: int) -> Value:
    """Add a residual unit of three convolutions."""
    y = g.conv_bn_relu(x, out // 4, 1, 1, name=f"block{g.count}_")
    y = g.conv_bn_relu(y, out // 4, 3, stride, name=f"block{g.count}_")
    y = g.bn(g.conv(y, out, 1))
    shortcut = x if g.channels[x] == out else g.bn(g.conv(x, out, 1, stride))
    return g.relu(g.add(y, shortcut))


def mobilenet() -> Store:
    """Return MobileNet with random weights: depthwise convolutions, which have a product for each channel."""
    g = GraphBuilder()
    x = g.conv_bn_relu(g.input(shape=(None, 3, 224, 224)), 32, 3, 2, name="stem_")
    for out, stride in (
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ):
        x = g.relu(g.bn(g.conv(x, g.channels[x], 3, stride, groups=g.channels[x])))
        x = g.conv_bn_relu(x, out, 1, 1, name=f"block{g.count}_")
    return classifier(g, x)


def classifier(g: GraphBuilder, x: Value) -> Store:
    """Add a global pooling and a linear layer of a thousand classes."""
    x = g.node("flatten", g.node("global_average_pool", x, layout="channels_first"))
    return g.store(g.linear(x, 1000, features=2048 if g.channels[x] == 2048 else 1024))


NETWORKS: dict[str, Callable[[], Store]] = {"ResNet-50": resnet50, "MobileNet": mobilenet}


def seconds(store: Store) -> float:
    """Return the CPU time of one image: with several cores, the time that one would take."""
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    start = time.process_time()
    run(store, {"data": image})
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=LIMIT)
    limit = parser.parse_args().limit
    rows = [("network", "nodes", "CPU seconds", "peak of the process, MiB")]
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in NETWORKS.items():
            make().save(f"{folder}/{name}.safetensors")
            with neutral.open(f"{folder}/{name}.safetensors") as store:
                assert store.graph is not None
                elapsed = seconds(store)
                rows.append((name, str(len(store.graph.nodes)), f"{elapsed:.1f}", f"{own_peak():.0f}"))
            slowest = max(slowest, elapsed)
    table("The reference: one image of 224 x 224", rows)
    return int(slowest > limit)


if __name__ == "__main__":
    sys.exit(main())

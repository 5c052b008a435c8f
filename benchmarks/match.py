"""Measure time and memory of matching and proof: ResNets of 500 and 5,000 layers, hand-written with other names.

    PYTHONPATH=tests/support python benchmarks/match.py

No name matches, so every pair comes from the dataflow. Each size runs in its own process. The forward pass of the
example is measured separately and subtracted. The proof runs the filled module and the store's own model on drawn
inputs and compares every layer.
"""

from __future__ import annotations

import subprocess
import sys

from common import own_peak, table

UNITS = {500: (3, 8, 68, 3), 5000: (3, 8, 815, 3)}


def measure(units: tuple[int, ...]) -> None:
    import torch
    from emit import forward, resnet, seconds

    import networks
    from neutral.matching import planning
    from neutral_to_torch import make_plan
    from neutral_to_torch.loading.target import trace_target

    store, module = networks.resnet(units, width=4), resnet(units, width=4).eval()
    image = torch.randn(1, 3, 32, 32)
    run = min(seconds(forward, module, image) for _ in range(3))
    before = own_peak()
    plans = []
    matching = seconds(lambda: plans.append(planning.make_plan(trace_target(module, store.graph, image, None), store)))
    after = own_peak()
    whole = seconds(lambda: plans.append(make_plan(module, store, example=image)))
    assert all({pair.layer for pair in plan.pairs} == set(store.layers) for plan in plans)
    assert {pair.reason for plan in plans for pair in plan.pairs} == {"structure"}
    assert plans[1].grade.is_proven
    times = (f"{value:.2f}" for value in (matching, matching - run, whole - matching))
    print(len(store.layers), *times, f"{after - before:.0f}", f"{own_peak() - before:.0f}")


def main() -> None:
    if len(sys.argv) > 1:
        measure(UNITS[int(sys.argv[1])])
        return
    rows = [["layers", "seconds", "beyond the example's forward", "and proof", "memory, MiB", "with proof"]]
    for layers in UNITS:
        command = [sys.executable, __file__, str(layers)]
        rows.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    table("Matching by dataflow alone", rows)


if __name__ == "__main__":
    main()

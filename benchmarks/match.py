"""Measure time and memory of matching: ResNets of 500 and 5,000 layers with hand-written modules of other names.

    PYTHONPATH=tests/support python benchmarks/match.py

No name matches, so every pair comes from the dataflow. Each size runs in its own process. The forward pass of the
example is measured separately and subtracted.
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
    from neutral_to_torch import make_plan

    store, module = networks.resnet(units, width=4), resnet(units, width=4).eval()
    image = torch.randn(1, 3, 32, 32)
    run = min(seconds(forward, module, image) for _ in range(3))
    before = own_peak()
    plan = None

    def match() -> None:
        nonlocal plan
        plan = make_plan(module, store, example=image)

    elapsed = seconds(match)
    assert plan is not None and {pair.layer for pair in plan.pairs} == set(store.layers)
    assert {pair.reason for pair in plan.pairs} == {"structure"}
    print(len(store.layers), f"{elapsed:.2f}", f"{elapsed - run:.2f}", f"{own_peak() - before:.0f}")


def main() -> None:
    if len(sys.argv) > 1:
        measure(UNITS[int(sys.argv[1])])
        return
    rows = [["layers", "seconds", "beyond the example's forward", "memory, MiB"]]
    for layers in UNITS:
        command = [sys.executable, __file__, str(layers)]
        rows.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    table("Matching by dataflow alone", rows)


if __name__ == "__main__":
    main()

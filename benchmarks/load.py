"""Measure memory and time of ``load_into``: a ``meta`` module maps the file, without a second copy of the weights.

    python benchmarks/load.py

Each case runs in its own process, which reports its anonymous memory; pages of a mapped file, which the system may drop
at any time, are not counted.
"""

from __future__ import annotations

import subprocess
import sys

from common import folder, table, write_params

import mxnet_to_neutral

LAYERS, SIZE = 64, 2048

PROGRAM = """
import sys, time, torch, neutral, neutral_to_torch
from torch import nn

def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

class Vectors(nn.Module):
    def __init__(self, count, size):
        super().__init__()
        for index in range(count):
            self.register_parameter(f"layer{index}_weight", nn.Parameter(torch.empty(size)))

way, path, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
before = anonymous()
if way == "meta":
    with torch.device("meta"):
        module = Vectors(count, size)
else:
    module = Vectors(count, size)
start = time.perf_counter()
with neutral.open(path) as store:
    neutral_to_torch.load_into(module, store)
seconds = time.perf_counter() - start
assert not any(parameter.is_meta for parameter in module.parameters())
print(seconds, anonymous() - before)
"""


def main() -> None:
    with folder() as place:
        params, path = place / "model.params", place / "model.safetensors"
        write_params(params, LAYERS, SIZE * SIZE)
        with mxnet_to_neutral.read(params) as store:
            store.save(path)
        mib = path.stat().st_size / (1 << 20)
        rows = [["module", "seconds", "anonymous memory, MiB", "of the weights"]]
        for way in ("meta", "initialised"):
            command = [sys.executable, "-c", PROGRAM, way, str(path), str(LAYERS), str(SIZE * SIZE)]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds, memory = map(float, output.split())
            rows.append([way, f"{seconds:.2f}", f"{memory:.0f}", f"{memory / mib:.2f}"])
        table(f"load_into, {mib:.0f} MiB of weights", rows)


if __name__ == "__main__":
    main()

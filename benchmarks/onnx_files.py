"""Compare ONNX files of ``neutral_to_onnx`` with those of ``torch.onnx.export`` of the emitted module, and with export.

    PYTHONPATH=tests/support python benchmarks/onnx_files.py

**Speed**: both files of a network alternate in onnxruntime on one thread, on one image; the fastest run of each is
reported. **Writing**: ``neutral emit`` of a checkpoint of 550 MB beside ``neutral export``. Its memory is the peak
above that of a checkpoint with a single one of its layers, beside the size of this layer. The exit code is 1 if an ONNX
file takes more than twice the time of ``export``, or more memory than its largest tensor and 32 MiB.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
import warnings
from pathlib import Path
from typing import Callable

import numpy as np
import onnxruntime
import torch
from common import MAGIC_V2, best, folder, interleaved, measure, table
from reference import mobilenet, resnet50

import networks
from neutral.store import Store
from neutral_to_onnx import write
from neutral_to_torch import build

TURNS = 10
NETWORKS: dict[str, tuple[Callable[[], Store], int]] = {
    "ResNet-50": (resnet50, 224),
    "MobileNet": (mobilenet, 224),
    "VGG": (lambda: networks.vgg(((2, 64), (2, 128), (3, 256))), 32),
}
"""Networks, and the size of an image."""

LAYERS, WIDTH = 33, 2048
"""Linear layers of the large checkpoint, and their width."""

LARGEST = WIDTH * WIDTH * 4 / 2**20
"""The size of its largest tensor in MiB."""

TIMES = 2.0
"""How many times as long as an export the writing of an ONNX file may take."""

SLACK = 32
"""MiB that it may use beside its largest tensor."""


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def fastest(runs: list[Callable[[], object]]) -> list[float]:
    """Return the fastest time of each function in milliseconds; the functions alternate."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(TURNS):
        for number, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[number].append(1000 * (time.perf_counter() - start))
    return [min(each) for each in times]


def compare(name: str, place: Path) -> list[str]:
    make, size = NETWORKS[name]
    store = make()
    image = np.random.RandomState(0).randn(1, 3, size, size).astype("float32")
    own, torchs = place / "neutral.onnx", place / "torch.onnx"
    start = time.perf_counter()
    written = write(store, own)
    own_seconds = time.perf_counter() - start
    module = build(store).eval()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, on its own code
        torch.onnx.export(module, (torch.from_numpy(image),), str(torchs), dynamo=True, verbose=False)
    torch_seconds = time.perf_counter() - start
    sessions = [session(path) for path in (own, torchs)]
    inputs = [{item.get_inputs()[0].name: image} for item in sessions]
    results = [item.run(None, given)[0] for item, given in zip(sessions, inputs)]
    error = float(np.abs(results[0] - results[1]).max() / np.abs(results[1]).max())
    times = fastest([lambda k=k: sessions[k].run(None, inputs[k]) for k in range(2)])  # type: ignore[misc]
    ratio = f"{times[0] / times[1]:.2f}"
    seconds = [f"{own_seconds:.2f}", f"{torch_seconds:.2f}"]
    return [name, str(written.nodes), *(f"{each:.1f}" for each in times), ratio, *seconds, f"{error:.0e}"]


def write_checkpoint(prefix: Path, layers: int) -> None:
    """Write an MXNet checkpoint of linear layers, of bytes that do not compress."""
    noise = os.urandom(WIDTH * 4)
    names = [f"fc{number}_weight" for number in range(layers)]
    with open(f"{prefix}-0000.params", "wb") as file:
        file.write(struct.pack("<3Q", 0x112, 0, layers))
        for _ in names:
            file.write(struct.pack("<Iii2q3i", MAGIC_V2, 0, 2, WIDTH, WIDTH, 1, 0, 0))
            for _ in range(WIDTH):
                file.write(noise)
        file.write(struct.pack("<Q", layers))
        for name in (f"arg:{name}".encode() for name in names):
            file.write(struct.pack("<Q", len(name)) + name)
    nodes: list[dict[str, object]] = [{"op": "null", "name": "data", "inputs": []}]
    last = 0
    for number, name in enumerate(names):
        nodes.append({"op": "null", "name": name, "inputs": []})
        attributes = {"num_hidden": str(WIDTH), "no_bias": "True", "flatten": "False"}
        inputs = [[last, 0, 0], [len(nodes) - 1, 0, 0]]
        nodes.append({"op": "FullyConnected", "name": f"fc{number}", "attrs": attributes, "inputs": inputs})
        last = len(nodes) - 1
    variables = [number for number, node in enumerate(nodes) if node["op"] == "null"]
    symbol = {"nodes": nodes, "arg_nodes": variables, "heads": [[last, 0, 0]]}
    symbol.update(node_row_ptr=list(range(len(nodes) + 1)), attrs={"mxnet_version": ["int", 10901]})
    Path(f"{prefix}-symbol.json").write_text(json.dumps(symbol))


def writing(place: Path) -> bool:
    """Print the time and the memory of writing ONNX files; return whether they are within the limits."""
    write_checkpoint(place / "large", LAYERS)
    write_checkpoint(place / "single", 1)
    neutral = [sys.executable, "-m", "neutral", "--quiet"]
    verbs = {
        "export": ["export", "{}", "-o", str(place / "out.safetensors")],
        "emit": ["emit", "{}", "-o", str(place / "out.onnx")],
        "emit --external-data": ["emit", "{}", "-o", str(place / "out.onnx"), "--external-data"],
    }

    def command(verb: str, name: str) -> list[str]:
        return [*neutral, *(word.format(place / name) for word in verbs[verb])]

    single = {verb: best(lambda verb=verb: measure(command(verb, "single")), 1).peak for verb in verbs}  # type: ignore[misc]
    runs = interleaved({verb: lambda verb=verb: measure(command(verb, "large")) for verb in verbs}, 3)  # type: ignore[misc]
    rows = [["", "seconds", "times that of export", "memory added, MiB", "largest tensor, MiB"]]
    good = True
    for verb, run in runs.items():
        times, added = run.seconds / runs["export"].seconds, run.peak - single[verb]
        good &= times <= TIMES and added <= LARGEST + SLACK
        rows.append([verb, f"{run.seconds:.2f}", f"{times:.2f}", f"{added:.0f}", f"{LARGEST:.0f}"])
    table(f"Writing of a checkpoint of {LAYERS * LARGEST * 2**20 / 1e6:.0f} MB", rows)
    return good


def main() -> int:
    with folder() as place:
        head = ["network", "nodes", "Neutral, ms", "torch, ms", "ratio", "written in s", "exported in s", "difference"]
        table("Files in onnxruntime", [head, *(compare(network, place) for network in NETWORKS)])
        return int(not writing(place))


if __name__ == "__main__":
    sys.exit(main())

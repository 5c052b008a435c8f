"""Compare ONNX files of ``neutral_to_onnx`` with those of ``torch.onnx.export`` of the emitted module.

    PYTHONPATH=tests/support python benchmarks/onnx_files.py

The networks are those of ``tests/support/networks.py`` at full width. The two files alternate in onnxruntime on one
thread, and the fastest run of each is reported. The last table has the time of writing a large store, beside that of
writing the store itself, and the memory that each adds.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Callable

import numpy as np
import onnxruntime
import torch
from common import own_peak, table

import networks
from neutral.store import Store, open_store
from neutral_to_onnx import write
from neutral_to_torch import build

TURNS = 15
IMAGE = np.random.RandomState(0).randn(1, 3, 32, 32).astype("float32")
NETWORKS: dict[str, Callable[[], Store]] = {
    "ResNet-50": lambda: networks.resnet((3, 4, 6, 3), 64),
    "MobileNet": lambda: networks.mobilenet(32),
    "VGG": lambda: networks.vgg(((2, 64), (2, 128), (3, 256))),
}


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


def compare(name: str, folder: Path) -> list[str]:
    store = NETWORKS[name]()
    own, torchs = folder / "neutral.onnx", folder / "torch.onnx"
    start = time.perf_counter()
    written = write(store, own)
    own_seconds = time.perf_counter() - start
    module = build(store).eval()
    start = time.perf_counter()
    torch.onnx.export(module, (torch.from_numpy(IMAGE),), str(torchs), dynamo=True, verbose=False)
    torch_seconds = time.perf_counter() - start
    sessions = [session(path) for path in (own, torchs)]
    inputs = [{item.get_inputs()[0].name: IMAGE} for item in sessions]
    results = [item.run(None, given)[0] for item, given in zip(sessions, inputs)]
    error = float(np.abs(results[0] - results[1]).max() / np.abs(results[1]).max())
    times = fastest([lambda k=k: sessions[k].run(None, inputs[k]) for k in range(2)])  # type: ignore[misc]
    ratio = f"{times[0] / times[1]:.2f}"
    seconds = [f"{own_seconds:.2f}", f"{torch_seconds:.2f}"]
    return [name, str(written.nodes), *(f"{each:.2f}" for each in times), ratio, *seconds, f"{error:.0e}"]


def writing(folder: Path) -> list[list[str]]:
    """Return the time and the memory of writing a store of 550 MB, and of its ONNX files."""
    networks.vgg(((2, 512), (4, 1024), (6, 1400))).save(folder / "large.safetensors")
    rows = []
    with open_store(folder / "large.safetensors") as store:
        size = store.nbytes / 1e6
        jobs: dict[str, Callable[[], object]] = {
            "store": lambda: store.save(folder / "copy.safetensors"),
            "ONNX": lambda: write(store, folder / "large.onnx"),
            "ONNX, external data": lambda: write(store, folder / "large.onnx", external_data=True),
        }
        for name, job in jobs.items():
            before, start = own_peak(), time.perf_counter()
            job()
            seconds = time.perf_counter() - start
            rows.append([name, f"{size:.0f}", f"{seconds:.2f}", f"{own_peak() - before:.0f}"])
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = ["network", "nodes", "Neutral, ms", "torch, ms", "ratio", "written in s", "exported in s", "difference"]
        print(table(head, [compare(network, folder) for network in NETWORKS]))
        print(table(["file", "MB", "s", "memory added, MB"], writing(folder)))


if __name__ == "__main__":
    main()

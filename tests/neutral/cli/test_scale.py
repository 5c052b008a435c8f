"""Peak memory of the verbs on stores of gigabytes, which are sparse files: it does not depend on the size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neutral import manifest
from neutral.graph import Layer
from neutral.store import Store
from neutral.store.header import encode_header
from neutral.store.header_digest import KEY, PLACEHOLDER, write_header_digest
from neutral.tensor import Tensor

MIB, GIB = 1 << 20, 1 << 30
MEASURED = """
import sys
from neutral.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1], file=sys.stderr)
sys.exit(code)
"""

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")


def sparse_store(path: Path, tensors: int, nbytes: int) -> Path:
    """Write a store of float32 tensors of zeros, without digests, whose data take no room on the disk."""
    keys = [f"layer{index}.value" for index in range(tensors)]
    layers = {key[:-6]: Layer(key[:-6], "parameter", {}, {"value": key}, typed_by="names") for key in keys}
    contents = {key: Tensor("F32", (nbytes // 4,), ()) for key in keys}
    text = "".join(manifest.encode(Store(layers, contents), {}, {}))
    header = encode_header(contents, {"format": "pt", manifest.KEY: text, KEY: PLACEHOLDER})
    path.write_bytes(write_header_digest(header))
    os.truncate(path, len(header) + tensors * nbytes)
    return path


def peak(*words: Any) -> float:
    """Run a verb and return its peak memory in MiB."""
    command = [sys.executable, "-c", MEASURED, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1024


@pytest.mark.parametrize("verb", ["inspect", "check"])
def test_structure_of_twenty_gigabytes(verb: str, tmp_path: Path) -> None:
    assert peak(verb, sparse_store(tmp_path / "a.safetensors", 20, GIB)) < 64


def test_a_slice_of_twenty_gigabytes(tmp_path: Path) -> None:
    store = sparse_store(tmp_path / "a.safetensors", 640, 32 * MIB)
    assert peak("slice", store, "layer7", "-o", tmp_path / "b.safetensors") < 64
    assert (tmp_path / "b.safetensors").stat().st_size > 32 * MIB


@pytest.mark.parametrize(
    "words",
    [("hash",), ("cast", "--to", "float16", "-o", "{folder}/b.safetensors"), ("diff", "{folder}/a.safetensors")],
)
def test_values_of_one_large_tensor(words: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    store = sparse_store(tmp_path / "a.safetensors", 1, 256 * MIB)
    verb, *rest = (word.format(folder=tmp_path) for word in words)
    assert peak(verb, store, *rest) < 128


def test_inspecting_takes_little_memory_for_each_tensor(tmp_path: Path) -> None:
    few, many = (peak("inspect", sparse_store(tmp_path / f"{n}.safetensors", n, 4)) for n in (1_000, 21_000))
    assert (many - few) * MIB / 20_000 < 4_000

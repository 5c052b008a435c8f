"""Every hostile file is refused or harmless in every command: no code runs, no limit of time or memory is passed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch.nn")
pytest.importorskip("h5py")

from hostile_files import ATTACKS, MARKER

from neutral.store.check import check
from neutral.store.safetensors import write_tensors
from neutral.tensor import from_numpy

COMMANDS = {
    "inspect": ("inspect", "{input}"),
    "check": ("check", "--data", "{input}"),
    "export": ("export", "{input}", "-o", "out.safetensors"),
    "inspect --summary": ("inspect", "{store}", "--summary", "--stats"),
    "inspect --html": ("inspect", "{store}", "--html", "network.html"),
    "emit": ("emit", "{store}", "-o", "network.py"),
    "emit to ONNX": ("emit", "{store}", "-o", "network.onnx"),
    "run": ("run", "{store}", "--input", "data=data.npy", "-o", "outputs.npz"),
    "golden": ("golden", "{store}", "-o", "golden.safetensors"),
    "verify": ("verify", "{store}", "--reference"),
    "load --like": ("load", "weights.safetensors", "--like", "{store}", "--into", "own:Net", "-o", "loaded.pth"),
    "migrate": ("migrate", "{input}", "-o", "migrated", "--onnx"),
}
EXIT_CODES = range(9)
"""What docs/cli.md documents; 70 is an error that Neutral did not foresee."""

MEMORY = 3 * 2**30
"""Bytes that a command may map beyond what torch's libraries take: less than 1 GB, or more than 4 GB with CUDA."""

CPU_SECONDS = 60
DISK = 2**28
"""Bytes that a command may leave in the folder or take for temporary files."""


@lru_cache(maxsize=None)
def _mapped_by_torch() -> int:
    """Return the bytes of address space that a process takes that only imports torch."""
    code = "import torch; print(open('/proc/self/status').read().partition('VmPeak:')[2].split()[0])"
    kibibytes = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return int(kibibytes) * 1024


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK, DISK))


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "neutral", *words]
    limit = partial(_limit, _mapped_by_torch() + MEMORY)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, preexec_fn=limit, timeout=300
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_does_no_harm(tmp_path: Path, name: str) -> None:
    """Run every command on the attack, and ``emit`` on the store that ``export`` makes of it, if it makes one."""
    path = ATTACKS[name](tmp_path)
    _write_own_files(tmp_path)
    for command, words in COMMANDS.items():
        exported = tmp_path / "out.safetensors"
        store = exported.name if exported.exists() else path.name
        result = _run(tmp_path, *(word.format(input=path.name, store=store) for word in words))
        assert result.returncode in EXIT_CODES, result.stderr[-2000:]
        assert "Traceback" not in result.stderr
        assert not (tmp_path / MARKER).exists()
        if result.returncode == 0 and command == "export":
            assert check(exported, data=True).problems == ()
        if result.returncode == 0 and command == "emit":
            imported = _run_source(tmp_path)
            assert imported.returncode == 0 and not (tmp_path / MARKER).exists(), imported.stderr[-2000:]


def _write_own_files(folder: Path) -> None:
    """Write the files that a user adds to a command: inputs, weights and a module."""
    np.save(folder / "data.npy", np.ones((2, 3), np.float32))
    write_tensors({"weight": from_numpy(np.ones((2, 3), np.float32))}, folder / "weights.safetensors", {"format": "pt"})
    (folder / "own.py").write_text("from torch import nn\n\n\ndef Net():\n    return nn.Linear(3, 2, bias=False)\n")


def _run_source(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import the emitted module as a user would."""
    command = [sys.executable, "-c", "import network"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", ["symbolic_link_for_parameters", "hard_link_for_parameters", "device_for_parameters"])
def test_an_archive_member_that_is_no_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = ATTACKS[name](tmp_path)
    result = _run(tmp_path, "export", path.name, "-o", "out.safetensors")
    assert result.returncode == 3
    assert "model-0000.params" in result.stderr
    assert not (tmp_path / "out.safetensors").exists()


def test_an_external_link_is_not_followed(tmp_path: Path) -> None:
    path = ATTACKS["external_links_in_hdf5"](tmp_path)
    result = _run(tmp_path, "check", path.name)
    assert result.returncode == 4
    assert "link" in result.stderr + result.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bit_that_makes_hdf5_hang", "damaged: reading a part of it takes too long"),
        ("manifest_of_gigabytes_in_hdf5", "NEUTRAL_LIMIT_MANIFEST_BYTES"),
        ("chunk_of_a_gigabyte_in_hdf5", "NEUTRAL_LIMIT_HDF5_BLOCK_BYTES"),
        ("external_data_in_hdf5", "takes its data from another file"),
        ("soft_link_within_hdf5", "links out of a store are refused"),
    ],
)
def test_a_hostile_hdf5_file_is_refused_with_the_reason(tmp_path: Path, name: str, message: str) -> None:
    path = ATTACKS[name](tmp_path)
    result = _run(tmp_path, "check", "--data", path.name)
    assert result.returncode == 4
    assert message in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("outputs_without_number", "OUTPUT_COUNT"),
        ("layers_without_number", "LAYER_COUNT"),
        ("output_of_a_high_number", "OUTPUT_NUMBER"),
        ("many_sparse_arrays", "DENSE_TOTAL_BYTES"),
        ("reshape_of_many_codes", "ITEM_COUNT"),
        ("constants_of_gigabytes", "CONSTANT_BYTES"),
    ],
)
def test_a_large_claim_is_refused_with_the_limit_that_it_exceeds(tmp_path: Path, name: str, variable: str) -> None:
    path = ATTACKS[name](tmp_path)
    texts = []
    options = ["--graph-only"] if path.suffix == ".json" else []
    exported = _run(tmp_path, "export", *options, path.name, "-o", "out.safetensors")
    texts.append(exported.stderr)
    if exported.returncode == 0:
        texts.append(_run(tmp_path, "inspect", "out.safetensors", "--json").stdout)
        texts.append(_run(tmp_path, "emit", "out.safetensors", "-o", "network.py").stderr)
    assert f"NEUTRAL_LIMIT_{variable}" in "".join(texts), texts

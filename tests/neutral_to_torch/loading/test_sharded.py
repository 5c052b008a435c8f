"""Modules that are spread over processes: each of two fills its own part and reads no other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sharded_process import Net

import neutral
from neutral_to_torch import load_into
from stores import Builder

SCRIPT = Path(__file__).with_name("sharded_process.py")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    builder = Builder()
    builder.convolution("conv", 3, 7)
    builder.batch_norm("bn", 7)
    builder.prelu("act", 1)
    builder.linear("fc", 7 * 8 * 8, 501)
    builder.linear("out", 501, 2, bias=False)
    builder.store().save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("way", ["fsdp", "meta", "columns"])
def test_each_process_fills_its_part(stored: Path, way: str) -> None:
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), way, str(stored)],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    results = [json.loads(out.splitlines()[-1]) for out, _ in outputs]  # Gloo of torch 2.8 prints its connections first
    with neutral.open(stored) as store:
        size = store.nbytes
        plain = Net().eval()
        load_into(plain, store)
    for each in results:
        assert all(each["equal"].values()) and len(each["equal"]) == 10
        if way == "columns":  # a part of every row: all rows are read, once
            assert each["read"] == size
        else:
            assert each["read"] < 0.55 * size
            with torch.no_grad():
                expected = plain(torch.ones(2, 3, 8, 8))
            torch.testing.assert_close(torch.tensor(each["result"]), expected, rtol=1e-5, atol=1e-5)

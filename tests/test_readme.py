"""Every command and snippet of the README runs in a reader's order, in one empty folder, and prints what is shown.

The two commands of "See it work" are the content of ``.ci/run``, which runs them from a clean clone.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Iterator

import pytest

from document_reader import Reader
from documents import blocks
from mxnet_side.client import mxnet_python

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
ACTIVATION = ". .venv/bin/activate"


def test_the_first_commands_are_those_of_ci() -> None:
    commands = [block.text.strip() for block in blocks(README, "## See it work")]
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-len(commands) :] == commands


@pytest.fixture
def bucket() -> Iterator[str]:
    """Serve buckets with the example as the user has it in them, and yield the address of the server."""
    pytest.importorskip("s3fs", reason="reads buckets")
    server_module = pytest.importorskip("moto.server", reason="serves buckets")
    boto3 = pytest.importorskip("boto3", reason="fills buckets")
    server = server_module.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    for name in ("models", "archive"):
        client.create_bucket(Bucket=name)
    example = ROOT / "examples" / "shapes"
    for path in (example / "shapes-symbol.json", example / "shapes-0006.params"):
        client.upload_file(str(path), "models", path.name)
    yield address
    server.stop()


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Start a Dask cluster and yield the address of its scheduler."""
    distributed = pytest.importorskip("distributed", reason="runs a cluster")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


def test_every_recipe_runs_and_prints_what_is_shown(tmp_path: Path, bucket: str, scheduler: str) -> None:
    pytest.importorskip("torch", reason="loads and emits modules")
    pytest.importorskip("onnxscript", reason="exports to ONNX")
    pytest.importorskip("h5py", reason="writes HDF5")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    programs = tmp_path / "bin"
    programs.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in (("neutral", f"{python} -m neutral"), ("python", python)):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    capture = ROOT / "readers" / "mxnet_capture.py"
    mxnet = mxnet_python()
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": bucket,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    names = {
        ACTIVATION: "true",
        "tcp://scheduler:8786": scheduler,
        "uv run mxnet_capture.py": f"{mxnet} {capture}" if mxnet else "true",
    }
    reader = Reader(tmp_path, environment, names)
    recipes = list(blocks(README, "## Recipes"))
    assert len(recipes) > 15
    for block in recipes:
        reader.run(block)

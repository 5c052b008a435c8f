"""Every command and snippet of the README runs in a reader's order, in one empty folder, and prints what is shown.

The two commands of "See it work" are the content of ``.ci/run``, which runs them from a clean clone.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import pytest

from documents import Block, blocks, matches_output
from mxnet_side.client import mxnet_python

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
ACTIVATION = ". .venv/bin/activate"


def test_the_first_commands_are_those_of_ci() -> None:
    commands = [block.text.strip() for block in blocks(README, "## See it work")]
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-len(commands) :] == commands


@dataclass
class Reader:
    """A reader of the README in an empty folder beside the examples, with Neutral installed."""

    folder: Path
    environment: dict[str, str]
    names: dict[str, str]
    scope: dict[str, Any] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        if block.language == "python":
            self.run_python(block)
        else:
            for command, expected in block.commands():
                self.run_command(command, expected)

    def run_command(self, command: str, expected: str | None) -> None:
        for name, replacement in self.names.items():
            command = command.replace(name, replacement)
        script = f"set -e\n{command}\npwd >&3"
        read, write = os.pipe()
        try:
            done = subprocess.run(
                ["bash", "-c", script.replace(">&3", f">&{write}")],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                pass_fds=(write,),
            )
        finally:
            os.close(write)
        with os.fdopen(read) as file:
            self.folder = Path(file.read().strip() or self.folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if expected is not None:
            assert matches_output(done.stdout, expected), f"{command} printed\n{done.stdout}\nREADME shows\n{expected}"

    def run_python(self, block: Block) -> None:
        """Run a snippet after the earlier ones, in one namespace and in the current folder of the commands."""
        self.scope.setdefault("snippets", []).append(block.text)
        source = "\n".join(self.scope["snippets"])
        done = subprocess.run(
            [sys.executable, "-c", source], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block.text}\n{done.stderr}"


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
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
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
        "python mxnet_capture.py": f"{mxnet} {capture}" if mxnet else "true",
    }
    reader = Reader(tmp_path, environment, names)
    recipes = list(blocks(README, "## Recipes"))
    assert len(recipes) > 15
    for block in recipes:
        reader.run(block)

"""Stores and checkpoints behind URLs: memory, a server of HTTP with ranges, and one of S3."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

import mxnet_to_neutral
import neutral
from neutral.errors import SourceError, StoreError, UnsupportedError
from neutral.fleet import archive
from neutral.graph import Layer
from neutral.store import Store, shards
from neutral.tensor import from_numpy

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")

SHAPES = Path(__file__).resolve().parents[3] / "examples" / "shapes"
ELEMENTS = 1_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of 12 MB in three tensors."""
    path = tmp_path_factory.mktemp("large") / "model.safetensors"
    layers = {name: Layer(name, "parameter", {}, {"value": f"{name}.value"}, typed_by="user") for name in "abc"}
    tensors = {f"{n}.value": from_numpy(np.full(ELEMENTS, k, np.float32)) for k, n in enumerate("abc")}
    Store(layers, tensors).save(path)
    return path


class Server(ThreadingHTTPServer):
    """Serve one folder, ranges included, and count the bytes that were sent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.sent = folder, 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.server.folder / self.path.strip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data, wanted = path.read_bytes(), self.headers.get("Range")
        start, end = 0, len(data)
        if wanted:
            first, _, last = wanted.partition("=")[2].partition("-")
            start, end = int(first), min(int(last) + 1 if last else len(data), len(data))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if body:
            self.server.sent += end - start
            self.wfile.write(data[start:end])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def http(large: Path) -> Iterator[tuple[str, Server]]:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    server = Server(large.parent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/model.safetensors", server
    server.shutdown()
    server.server_close()


def test_looking_at_a_remote_store_moves_kilobytes(http: tuple[str, Server], large: Path) -> None:
    url, server = http
    with neutral.open(url) as store, neutral.open(large) as local:
        assert store.layers == local.layers and set(store.tensors) == set(local.tensors)
    assert server.sent <= 1 << 16
    np.testing.assert_array_equal(store["b.value"], np.full(ELEMENTS, 1, np.float32))
    assert 4 * ELEMENTS <= server.sent <= 4 * ELEMENTS + (2 << 16)


def test_the_command_line_takes_urls(http: tuple[str, Server], tmp_path: Path) -> None:
    url, server = http
    done = subprocess.run([sys.executable, "-m", "neutral", "inspect", url, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["tensors"] == 3
    assert server.sent <= 1 << 16
    missing = url.replace("model", "none")
    failed = subprocess.run([sys.executable, "-m", "neutral", "inspect", missing], capture_output=True, text=True)
    assert failed.returncode == 3
    assert failed.stderr == f"neutral: error: {missing}: there is no such file.\n"


def test_a_remote_store_is_copied_byte_for_byte(http: tuple[str, Server], large: Path, tmp_path: Path) -> None:
    with neutral.open(http[0]) as store:
        store.save(tmp_path / "copy.safetensors")
    assert (tmp_path / "copy.safetensors").read_bytes() == large.read_bytes()


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def checkpoint_in(memory: Any, folder: str) -> None:
    for path in SHAPES.glob("shapes-*"):
        memory.pipe_file(f"{folder}/{path.name}", path.read_bytes())


@pytest.mark.parametrize("source", ["memory://models/shapes", "memory://models", "memory://models/shapes-0006.params"])
def test_a_checkpoint_behind_a_url(memory: Any, source: str, tmp_path: Path) -> None:
    checkpoint_in(memory, "/models")
    local = source.replace("memory://models", str(SHAPES))
    with mxnet_to_neutral.read(source) as remote, mxnet_to_neutral.read(local) as expected:
        remote.save(tmp_path / "remote.safetensors")
        expected.save(tmp_path / "local.safetensors")
    assert (tmp_path / "remote.safetensors").read_bytes() == (tmp_path / "local.safetensors").read_bytes()


def test_shards_behind_a_url(memory: Any, large: Path, tmp_path: Path) -> None:
    with neutral.open(large) as store:
        names = shards.write(store, "memory://stores/model.safetensors", max_shard_size=5_000_000)
    assert names[0] == "memory://stores/model-00001-of-00003.safetensors"
    with neutral.open(names[-1]) as store:
        assert store["b.value"][0] == 1
        store.save(tmp_path / "whole.safetensors")
    assert (tmp_path / "whole.safetensors").read_bytes() == large.read_bytes()


def test_a_store_is_written_to_a_url(memory: Any, large: Path) -> None:
    with neutral.open(large) as store:
        store.save("memory://out/model.safetensors")
    assert memory.cat_file("/out/model.safetensors") == large.read_bytes()
    with neutral.open("memory://out/model.safetensors") as again:
        assert again["c.value"][0] == 2


@pytest.mark.parametrize(
    ("url", "content", "error", "message"),
    [
        ("memory://none.safetensors", None, SourceError, "there is no such file"),
        ("memory://a.safetensors", b"", StoreError, "not a safetensors file"),
        ("memory://a.safetensors", b"\x10\0\0\0\0\0\0\0{", StoreError, "only 1 follow"),
        ("memory://a.safetensors", b"<html>no</html>", StoreError, "not a safetensors file"),
        ("nosuch://a.safetensors", None, SourceError, "nosuch"),
    ],
)
def test_invalid_stores(memory: Any, url: str, content: Any, error: type[Exception], message: str) -> None:
    if content is not None:
        memory.pipe_file("/a.safetensors", content)
    with pytest.raises(error, match=message):
        neutral.open(url)


def test_a_prefix_without_a_file(memory: Any) -> None:
    checkpoint_in(memory, "/models")
    with pytest.raises(SourceError, match="nothing begins with this prefix"):
        mxnet_to_neutral.read("memory://models/other")


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UnsupportedError, match="pip install fsspec"):
        neutral.open("s3://bucket/model.safetensors")


def test_a_server_of_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(port=0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir("bucket")
        for path in SHAPES.glob("shapes-*"):
            system.put_file(str(path), f"bucket/models/{path.name}")
        with mxnet_to_neutral.read("s3://bucket/models/shapes") as checkpoint:
            checkpoint.save("s3://bucket/stores/shapes.safetensors")
        with neutral.open("s3://bucket/stores/shapes.safetensors") as store:
            assert store.layers["conv1_1"].kind == "convolution"
            assert store["conv1_1.weight"].shape == store.tensors["conv1_1.weight"].shape
        summary = archive(["s3://bucket"], tmp_path / "archive", workers=1)
        assert [(entry.name, entry.status) for entry in summary.entries] == [("models/shapes-0006", "converted")]
        with neutral.open(tmp_path / "archive" / "models" / "shapes-0006.safetensors") as store:
            assert store.layers["conv1_1"].kind == "convolution"
    finally:
        server.stop()

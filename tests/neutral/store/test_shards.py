"""Shards and their index: the same content in several files, as the Hugging Face libraries read them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, Callable

import pytest

import neutral
from neutral.errors import NeutralError, SourceError, StoreError, TargetError, UsageError
from neutral.graph import Layer
from neutral.store import Store, shards
from neutral.store.check import check
from neutral.store.shard_index import encode_with_digest
from neutral.store.shards import parse_size
from neutral.tensor import Tensor
from samples import in_memory, run_python, sample_store

INDEX = "model.safetensors.index.json"


def split(folder: Path, size: int = 16) -> Path:
    """Write the sample store in shards of at most ``size`` bytes of data; return the index."""
    shards.write(sample_store(folder), str(folder / "model.safetensors"), max_shard_size=size)
    return folder / INDEX


@pytest.mark.parametrize(("size", "count"), [(1, 3), (16, 2), (1 << 30, 1)])
def test_there_and_back_gives_the_same_bytes(size: int, count: int, tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.safetensors")
    with neutral.open(tmp_path / "a.safetensors") as store:
        names = shards.write(store, str(tmp_path / "model.safetensors"), max_shard_size=size)
    expected = [f"model-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)]
    assert [os.path.basename(name) for name in names] == [*expected, INDEX]
    with neutral.open(tmp_path / INDEX) as store:
        store.save(tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_written_directly_it_has_all_digests(tmp_path: Path) -> None:
    report = check(split(tmp_path), data=True)
    assert (report.problems, report.tensors, report.files) == ((), 3, 2)


def test_the_index_and_the_shards_are_as_hugging_face_has_them(tmp_path: Path) -> None:
    load_file = pytest.importorskip("safetensors.numpy").load_file
    index = json.loads(split(tmp_path).read_text())
    assert index["metadata"]["total_size"] == 36
    assert index["weight_map"] == {
        "act.weight": "model-00001-of-00002.safetensors",
        "fc.bias": "model-00001-of-00002.safetensors",
        "fc.weight": "model-00002-of-00002.safetensors",
    }
    for key, name in index["weight_map"].items():
        assert key in load_file(tmp_path / name)


def test_a_store_of_no_tensors(tmp_path: Path) -> None:
    shards.write(Store({}, {}), str(tmp_path / "model.safetensors"), max_shard_size=9)
    assert neutral.open(tmp_path / INDEX).tensors == {}


def test_a_tensor_with_the_name_of_the_digest(tmp_path: Path) -> None:
    layers = {"neutral": Layer("neutral", "parameter", {}, {"value": "neutral.sha256"}, typed_by="user")}
    store = Store(layers, {"neutral.sha256": Tensor("U8", (2,), lambda: (b"ab",))})
    shards.write(store, str(tmp_path / "model.safetensors"), max_shard_size=9)
    assert neutral.open(tmp_path / INDEX)["neutral.sha256"].tolist() == [97, 98]


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change an index and write its digest anew."""
    index = json.loads(path.read_text())
    change(index)
    index["metadata"]["neutral.sha256"] = "0" * 64
    path.write_bytes(encode_with_digest(index))


FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def rename(index: Any, name: str) -> None:
    index["metadata"]["neutral.headers"][name] = index["metadata"]["neutral.headers"].pop(FIRST)


HOSTILE: dict[str, Callable[[Any], None]] = {
    "a path up": lambda i: rename(i, f"../{FIRST}"),
    "an absolute path": lambda i: rename(i, "/etc/hostname"),
    "no name": lambda i: rename(i, ""),
    "a zero character": lambda i: rename(i, "a\0b"),
    "a folder": lambda i: rename(i, "sub"),
    "a shard that is not there": lambda i: rename(i, "other.safetensors"),
    "a name that is a number": lambda i: i["weight_map"].update({"fc.bias": 7}),
    "a map to another shard": lambda i: i["weight_map"].update({"fc.bias": SECOND}),
    "a tensor too many": lambda i: i["weight_map"].update({"ghost": FIRST}),
    "a tensor too few": lambda i: i["weight_map"].pop("fc.bias"),
    "another header": lambda i: i["metadata"]["neutral.headers"].update({FIRST: "0" * 64}),
    "headers in a list": lambda i: i["metadata"].update({"neutral.headers": [FIRST]}),
    "no manifest": lambda i: i["metadata"].pop("neutral"),
    "a manifest of numbers": lambda i: i["metadata"].update(neutral=5),
    "a manifest of noise": lambda i: i["metadata"].update(neutral="{"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_index_is_refused(case: str, tmp_path: Path) -> None:
    index = split(tmp_path)
    (tmp_path / "sub").mkdir()
    edit(index, HOSTILE[case])
    with pytest.raises(StoreError, match=r"model.*safetensors"):
        neutral.open(index)


@pytest.mark.parametrize(
    "text",
    [
        '{"metadata": {}, "weight_map": []}',
        '{"metadata": {}, "weight_map": {}}',
        '{"metadata": 1}',
        '{"metadata": {"total_size": ' + "9" * 5000 + '}, "weight_map": {}}',
        '{"metadata": {}, "metadata": {}, "weight_map": {}}',
        '{"metadata": ' + "[" * 100_000,
        '{"metadata": {"x": NaN}, "weight_map": {}}',
        '{"weight_map"',
    ],
)
def test_a_file_that_only_looks_like_an_index(text: str, tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(StoreError, match="index"):
        neutral.open(tmp_path / INDEX)


def test_every_changed_byte_and_every_truncation_is_noticed(tmp_path: Path) -> None:
    index = split(tmp_path)
    for path in sorted(tmp_path.glob("model*")):
        content = path.read_bytes()
        for position in range(0, len(content), 7):
            damaged = bytearray(content)
            damaged[position] ^= 1 << position % 8
            for version in (bytes(damaged), content[:position]):
                path.write_bytes(version)
                assert found_unsound(index), f"{path.name}, byte {position}"
        path.write_bytes(content)
    assert check(index, data=True).ok


def found_unsound(path: Path) -> bool:
    try:
        return check(path, data=True).problems != ()
    except NeutralError:
        return True


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Any:
        yield b"1234"
        raise SourceError("the disk went away")

    tensors = {"a": in_memory("U8", (4,), b"1234"), "b": Tensor("U8", (8,), failing)}
    with pytest.raises(SourceError, match="went away"):
        shards.write(Store({}, tensors), str(tmp_path / "model.safetensors"), max_shard_size=4)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "none").write_bytes(b"")
    with pytest.raises(TargetError):
        shards.write(sample_store(tmp_path), str(tmp_path / "none" / "model.safetensors"), max_shard_size=4)


def test_a_killed_write_leaves_no_store_and_the_next_one_sweeps(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from neutral.store import Store, shards
from neutral.tensor import Tensor
def killed():
    yield b"1234"
    os.kill(os.getpid(), signal.SIGKILL)
shards.write(Store({}, {"a": Tensor("U8", (4,), lambda: (b"1234",)), "b": Tensor("U8", (8,), killed)}),
             sys.argv[1], max_shard_size=4)
"""
    folder = tmp_path / "out"
    folder.mkdir()
    assert run_python(script, str(folder / "model.safetensors")).returncode == -signal.SIGKILL
    assert all(path.name.endswith(".tmp") for path in folder.iterdir())
    shards.write(sample_store(tmp_path), str(folder / "model.safetensors"), max_shard_size=16)
    assert {path.name for path in folder.iterdir()} == {FIRST, SECOND, INDEX}


def test_memory_is_a_chunk_not_the_model(tmp_path: Path) -> None:
    script = """
import resource, sys
import neutral
from neutral.store import Store, shards
from neutral.tensor import Tensor
def content():
    yield from (bytes(1 << 20) for _ in range(16))
tensors = {str(n): Tensor("U8", (16 << 20,), content) for n in range(16)}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shards.write(Store({}, tensors), sys.argv[1], max_shard_size=64 << 20)
with neutral.open(sys.argv[1] + ".index.json") as store:
    store.save(sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    run = run_python(script, str(tmp_path / "model.safetensors"), str(tmp_path / "joined.safetensors"))
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 64  # MiB, of a model of 256


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("5GB", 5 * 10**9), ("5 GiB", 5 << 30), ("0.5k", 500), ("7b", 7), ("1TiB", 1 << 40)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "0.1", "-1", "GB", "5 iB", "1e9", "9" * 400, "٣", "5PB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="invalid size"):
        parse_size(text)


def test_names_that_no_shard_can_have(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.h5"):
        shards.write(sample_store(tmp_path), str(tmp_path / "model.h5"), max_shard_size=16)


def test_layers_share_tensors_across_shards(tmp_path: Path) -> None:
    tensors = {name: in_memory("U8", (4,), b"abcd") for name in ("a", "b")}
    layers = {n: Layer(n, "parameter", {}, {"value": "a"}) for n in ("one", "two")}
    shards.write(Store(layers, tensors), str(tmp_path / "model.safetensors"), max_shard_size=4)
    with neutral.open(tmp_path / INDEX) as store:
        assert store.layers["one"].tensors == store.layers["two"].tensors == {"value": "a"}

"""Saving: deterministic, streamed, with digests computed while copying."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neutral
from neutral.errors import SourceError, StoreError, TargetError
from neutral.graph import Layer
from neutral.store import Store
from neutral.store.check import check
from neutral.store.header_parser import read_header
from neutral.store.safetensors import write_tensors
from neutral.tensor import FileRange, Tensor, from_numpy
from samples import SYMBOL, in_memory, run_python, sample_store, sha256_of


def test_a_store_comes_back_as_it_was(tmp_path: Path) -> None:
    sample = sample_store(tmp_path)
    sample.save(tmp_path / "m.safetensors")
    with neutral.open(tmp_path / "m.safetensors") as store:
        assert dict(store.layers) == dict(sample.layers)
        assert list(store.layers) == ["fc", "act"]
        assert store.graph == sample.graph
        assert store.notes == sample.notes
        assert store.source is not None and sample.source is not None
        assert [replace(file, sha256=None) for file in store.source.files] == list(sample.source.files)
        assert {key: b"".join(tensor.chunks()) for key, tensor in store.tensors.items()} == {
            key: b"".join(tensor.chunks()) for key, tensor in sample.tensors.items()
        }


def test_digests_are_of_the_tensors_and_of_the_source_files(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    store = neutral.open(tmp_path / "m.safetensors")
    assert store.digests == {
        key: hashlib.sha256(b"".join(tensor.chunks())).hexdigest() for key, tensor in store.tensors.items()
    }
    assert store.source is not None
    assert {file.name: file.sha256 for file in store.source.files} == {
        "net-0000.params": sha256_of(tmp_path / "net-0000.params"),
        "net-symbol.json": hashlib.sha256(SYMBOL.encode()).hexdigest(),
    }


def test_the_digest_of_a_file_that_is_gone_is_made_from_its_pieces(tmp_path: Path) -> None:
    sample = sample_store(tmp_path)
    assert sample.source is not None
    files = tuple(replace(file, location=None) for file in sample.source.files)
    sample.source = replace(sample.source, files=files)
    sample.save(tmp_path / "m.safetensors")
    store = neutral.open(tmp_path / "m.safetensors")
    assert store.source is not None
    assert store.source.files[0].sha256 == sha256_of(tmp_path / "net-0000.params")


def test_without_digests_none_are_made_and_known_ones_are_kept(tmp_path: Path) -> None:
    without_digests, with_digests, again = (
        tmp_path / f"{name}.safetensors" for name in ("without_digests", "with_digests", "again")
    )
    sample = sample_store(tmp_path)
    sample.save(without_digests, digests=False)
    store = neutral.open(without_digests)
    assert store.digests == {} and store.source is not None
    assert [file.sha256 for file in store.source.files] == [None, None]
    sample.save(with_digests)
    neutral.open(with_digests).save(again, digests=False)
    assert again.read_bytes() == with_digests.read_bytes()


def test_known_digests_are_taken_over_not_made_again(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    store = neutral.open(tmp_path / "m.safetensors")
    store.digests = {**store.digests, "fc.bias": "f" * 64}
    store.save(tmp_path / "again.safetensors")
    assert neutral.open(tmp_path / "again.safetensors").digests["fc.bias"] == "f" * 64
    assert not check(tmp_path / "again.safetensors", data=True).ok


def test_a_store_saved_over_itself_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path)
    before = path.read_bytes()
    neutral.open(path).save(path)
    assert path.read_bytes() == before


def test_metadata_and_header_are_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sample_store(tmp_path).save(path)
    header = read_header(path)
    assert list(header.metadata) == ["format", "neutral", "neutral.sha256"]
    assert header.metadata["format"] == "pt"
    assert len(header.raw) % 8 == 0
    assert list(header.tensors) == ["act.weight", "fc.bias", "fc.weight"]
    assert json.loads(header.metadata["neutral"])["version"] == 1
    digest = header.metadata["neutral.sha256"]
    assert hashlib.sha256(header.raw.replace(digest.encode(), b"0" * 64)).hexdigest() == digest


def test_of_many_layers_the_manifest_is_in_canonical_form_and_each_digest_in_its_place(tmp_path: Path) -> None:
    names = [f"layer{number}" for number in range(250)]
    layers = {name: Layer(name, "parameter", {}, {"value": f"{name}.value"}) for name in names}
    arrays = {f"{name}.value": np.full(3, number) for number, name in enumerate(names)}
    store = Store(layers, {key: from_numpy(array) for key, array in arrays.items()})
    store.digests = {key: hashlib.sha256(arrays[key]).hexdigest() for key in list(arrays)[::3]}
    store.save(tmp_path / "m.safetensors")
    text = read_header(tmp_path / "m.safetensors").metadata["neutral"]
    manifest = json.loads(text)
    assert [layer["name"] for layer in manifest["layers"]] == names
    assert manifest["digests"] == {key: hashlib.sha256(array).hexdigest() for key, array in arrays.items()}
    assert text == json.dumps(manifest, sort_keys=True, separators=(",", ":"))


SAVE = """
import os, sys
from pathlib import Path
from samples import sample_store
os.umask(int(sys.argv[2], 8))
sample_store(Path(sys.argv[1])).save(sys.argv[3])
"""


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """The bytes do not depend on hash seed, working directory, umask or location of the source."""
    digests = set()
    for seed, umask, place in (("0", "022", "a"), ("1", "077", "b"), ("random", "002", "c")):
        folder = tmp_path / place
        folder.mkdir()
        run = run_python(SAVE, str(folder), umask, "m.safetensors", environment={"PYTHONHASHSEED": seed}, cwd=folder)
        assert run.returncode == 0, run.stderr
        digests.add(sha256_of(folder / "m.safetensors"))
        assert (folder / "m.safetensors").stat().st_mode & 0o777 == 0o666 & ~int(umask, 8)
    assert len(digests) == 1


def big_source(folder: Path, megabytes: int) -> Path:
    path = folder / "source.bin"
    with open(path, "wb") as file:
        for number in range(megabytes):
            file.write(bytes([number % 251]) * (1 << 20))
    return path


def test_ranges_of_any_size_are_copied_in_order(tmp_path: Path) -> None:
    """Tensors of several ranges, large and small, are copied beside computed ones."""
    source = big_source(tmp_path, 3)
    parts = (FileRange(str(source), 1 << 20, 2 << 20), FileRange(str(source), 5, 9), FileRange(str(source), 5, 1 << 20))
    tensors = {
        "a": in_memory("U8", (7,), b"seven77"),
        "b": Tensor("U8", (9 + (3 << 20),), parts),
        "c": Tensor("U8", (12,), (FileRange(str(source), (1 << 20) - 5, 10), FileRange(str(source), 0, 2))),
        "d": in_memory("U8", (2,), b"ok"),
    }
    Store({}, tensors).save(tmp_path / "m.safetensors")
    written = neutral.open(tmp_path / "m.safetensors")
    for key, tensor in tensors.items():
        content = b"".join(tensor.chunks())
        assert b"".join(written.tensors[key].chunks()) == content
        assert written.digests[key] == hashlib.sha256(content).hexdigest()


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    source = big_source(tmp_path, 2)
    store = Store(
        {}, {"a": Tensor("U8", (2 << 20,), (FileRange(str(source), 0, 2 << 20),)), "b": in_memory("U8", (3,), b"abc")}
    )
    steps: list[tuple[int, int]] = []
    store.save(tmp_path / "m.safetensors", progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1] == ((2 << 20) + 3, (2 << 20) + 3)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_disk_that_fails_while_more_is_copied_fails_the_run(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel reports such an error once, to a thread; it must not be lost."""
    calls = 0

    def fdatasync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("neutral.store.copying._EARLY_SYNC", 1 << 10)
    monkeypatch.setattr(os, "fdatasync", fdatasync, raising=False)
    tensors = {f"t{number}": from_numpy(np.zeros(1 << 16, np.float32)) for number in range(8)}
    with pytest.raises(TargetError, match=os.strerror(errno.EIO)):
        write_tensors(tensors, tmp_path / "t.safetensors")
    assert calls >= failing and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_source_that_has_become_shorter_is_an_error_and_leaves_nothing(size: int, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(size - 1))
    store = Store({}, {"a": Tensor("U8", (size,), (FileRange(str(source), 0, size),))})
    with pytest.raises(SourceError, match="ends here"):
        store.save(tmp_path / "m.safetensors")
    assert os.listdir(tmp_path) == ["source.bin"]


def test_a_source_that_is_gone_is_an_error(tmp_path: Path) -> None:
    store = Store({}, {"a": Tensor("U8", (9,), (FileRange(str(tmp_path / "gone"), 0, 9),))})
    with pytest.raises(SourceError, match="gone"):
        store.save(tmp_path / "m.safetensors")


@pytest.mark.parametrize("data", [b"ab", b"abcd"])
def test_content_of_another_length_than_the_shape_says_is_an_error(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'a': U8 of shape \[3\] takes 3 bytes"):
        Store({}, {"a": in_memory("U8", (3,), data)}).save(tmp_path / "m.safetensors")
    assert os.listdir(tmp_path) == []


def test_a_plain_safetensors_file_is_no_store_and_the_error_helps(tmp_path: Path) -> None:
    write_tensors({"a": in_memory("U8", (3,), b"abc")}, tmp_path / "plain.safetensors")
    with pytest.raises(StoreError, match=r"without Neutral's manifest.*read_tensors"):
        neutral.open(tmp_path / "plain.safetensors")


def test_a_header_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutral.store.header.LIMIT", 100)
    with pytest.raises(TargetError, match="too many for one file"):
        sample_store(tmp_path).save(tmp_path / "m.safetensors")


MEMORY = """
import sys
from neutral.store.store import Store
from neutral.source import SourceFile, StoreSource, Piece
from neutral.tensor import FileRange, Tensor
import neutral.store.safetensors, hashlib, concurrent.futures
from neutral.store.check import check
source, target, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
count = megabytes // 10
tensors = {
    f"t{number}": Tensor("U8", (10 << 20,), (FileRange(source, number * (10 << 20), 10 << 20),))
    for number in range(count)
}
tensors["computed"] = Tensor("U8", (100 << 20,), lambda: (bytes(1 << 20) for _ in range(100)))
size = count * (10 << 20)
pieces = tuple(Piece(f"t{number}") for number in range(count))
file = SourceFile("source.bin", "parameters", "x", size, pieces, location=FileRange(source, 0, size))
store = Store({}, tensors, source=StoreSource("test", None, (file,)))
def peak():
    # not getrusage: its peak is that of the process before exec, where that was larger
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
before = peak()
store.save(target)
report = check(target, data=True)
assert report.problems == ("tensor 'computed': no layer and no source file names it",), report
print(peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak as Linux tells it")
def test_memory_does_not_depend_on_size(tmp_path: Path) -> None:
    """Saving and checking 300 MB takes at most 64 MiB above the interpreter."""
    source = tmp_path / "source.bin"
    with open(source, "wb") as file:
        file.truncate(200 << 20)
    run = run_python(MEMORY, str(source), str(tmp_path / "m.safetensors"), "200")
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 64


def test_many_tiny_tensors_of_more_files_than_may_be_open(tmp_path: Path) -> None:
    tensors = {}
    for number in range(200):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * 40)
        tensors[f"a{number}"] = Tensor("U8", (30,), (FileRange(str(path), 0, 30),))
        tensors[f"b{number}"] = Tensor("U8", (10,), (FileRange(str(path), 30, 10),))
    write_tensors(tensors, tmp_path / "x.safetensors")
    written = read_header(tmp_path / "x.safetensors").tensors
    assert all(b"".join(written[key].chunks()) == b"".join(tensors[key].chunks()) for key in tensors)


def test_a_golden_file_is_no_store_and_is_named_as_one(tmp_path: Path) -> None:
    write_tensors({"x": in_memory("U8", (4,), b"abcd")}, tmp_path / "golden.safetensors", {"golden": "{}"})
    with pytest.raises(StoreError, match=r"golden\.safetensors: a golden file, the values that a model computed"):
        neutral.open(tmp_path / "golden.safetensors")

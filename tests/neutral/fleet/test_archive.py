"""Archive trees of checkpoints: discovery, duplicates, catalogue, resumption; one failure does not stop the others."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli_cases import ndarray_list, run_process, write_checkpoint
from neutral.errors import SourceError
from neutral.fleet import Entry, archive
from neutral.fleet.discovery import Checkpoint, discover
from neutral.fleet.runner import TaskRunner
from neutral.store.check import check

np = pytest.importorskip("numpy")


def write_params(path: Path, value: float, elements: int = 4) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ndarray_list({"dense0_weight": np.full((elements, 2), value, "<f4")}))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two epochs, a Gluon file, its copy, a tarball, and a file that is cut short."""
    root = tmp_path / "tree"
    (root / "deep").mkdir(parents=True)
    write_checkpoint(root / "model")
    epoch = ndarray_list({"arg:fc1_weight": np.ones((2, 3), "<f4"), "arg:fc1_bias": np.ones(2, "<f4")})
    (root / "model-0010.params").write_bytes(epoch)
    write_params(root / "deep" / "gluon.params", 1)
    (root / "deep" / "again").mkdir()
    (root / "deep" / "again" / "gluon.params").write_bytes((root / "deep" / "gluon.params").read_bytes())
    with tarfile.open(root / "model.tar.gz", "w:gz") as tar:
        tar.add(root / "model-0000.params", "model-0000.params")
        tar.add(root / "model-symbol.json", "model-symbol.json")
    (root / "cut.params").write_bytes(epoch[:-9])
    (root / "notes.txt").write_text("nothing of ours")
    return root


NAMES = ["cut", "deep/again/gluon", "deep/gluon", "model-0000", "model-0010", "model.tar.gz"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_discovery_finds_every_checkpoint(tree: Path) -> None:
    found = discover([str(tree)])
    assert [checkpoint.name for checkpoint in found] == NAMES
    assert [os.path.basename(path) for path in found[4].paths] == ["model-symbol.json", "model-0010.params"]
    assert [c.name for c in discover([str(tree / "deep"), str(tree / "cut.params")])] == [
        "cut.params/cut",
        "deep/again/gluon",
        "deep/gluon",
    ]
    with pytest.raises(SourceError, match="missing"):
        discover([str(tree / "missing")])


def test_one_bad_file_stops_no_other(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = archive([str(tree)], out, workers=2)
    entries = {entry.name: entry for entry in summary.entries}
    assert list(entries) == NAMES
    assert (summary.count("converted"), summary.count("duplicate"), summary.count("failed")) == (4, 1, 1)
    assert "cut.params" in entries["cut"].error
    assert entries["deep/gluon"].status == "duplicate"
    assert entries["deep/gluon"].store == "deep/again/gluon.safetensors"
    assert (entries["model-0000"].layers, entries["model-0000"].parameters) == (1, 8)
    assert entries["model-0000"].dtypes == ("float32",)
    for entry in summary.entries:
        if entry.store:
            assert check(out / entry.store, data=True).ok
    assert "model-0010" in (out / "index.html").read_text()


def test_the_result_depends_neither_on_workers_nor_on_the_executor(tree: Path, tmp_path: Path) -> None:
    archive([str(tree)], tmp_path / "one", workers=1)
    with ThreadPoolExecutor(3) as threads:
        archive([str(tree)], tmp_path / "two", executor=threads)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_second_run_converts_nothing_and_a_lost_store_again(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive([str(tree)], out, workers=1)
    before = files(out)
    assert archive([str(tree)], out, workers=1).resumed == 4
    (out / "model-0000.safetensors").unlink()
    assert archive([str(tree)], out, workers=1).resumed == 3
    assert files(out) == before


def test_copies_are_found_whatever_they_are_called(tree: Path, tmp_path: Path) -> None:
    copy = tree / "deep" / "renamed-0003.params"
    copy.write_bytes((tree / "deep" / "gluon.params").read_bytes())
    entries = {entry.name: entry for entry in archive([str(tree)], tmp_path / "out", workers=1).entries}
    assert entries["deep/renamed-0003"].status == "duplicate"
    assert entries["deep/renamed-0003"].digest == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert entries["deep/renamed-0003"].digest in (tmp_path / "out" / "index.html").read_text()


def test_buckets_are_searched(tree: Path, tmp_path: Path) -> None:
    memory = pytest.importorskip("fsspec", reason="fsspec is not installed").filesystem("memory")
    memory.put(f"{tree}/", "bucket/", recursive=True)
    memory.touch("bucket/empty-0001.params")
    with ThreadPoolExecutor(2) as threads:
        summary = archive(["memory://bucket"], tmp_path / "there", executor=threads)
        archive([str(tree)], tmp_path / "here", executor=threads)
    entries = {entry.name: entry for entry in summary.entries}
    assert sorted(entries) == sorted([*NAMES, "empty-0001"])
    assert "memory://bucket/cut.params" in entries["cut"].error
    for name in ("model-0000", "model-0010", "deep/again/gluon"):
        stores = [(tmp_path / where / f"{name}.safetensors").read_bytes() for where in ("there", "here")]
        assert stores[0] == stores[1]
    memory.rm("bucket", recursive=True)


def test_a_table_that_is_left_out_is_said(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    summary = archive([str(tree)], tmp_path / "out", workers=1)
    assert "catalogue.parquet was left out" in summary.notes[0]
    assert not (tmp_path / "out" / "catalogue.parquet").exists()


def test_a_changed_input_is_converted_again(tree: Path, tmp_path: Path) -> None:
    archive([str(tree)], tmp_path / "out", workers=1)
    write_params(tree / "deep" / "again" / "gluon.params", 5)
    summary = archive([str(tree)], tmp_path / "out", workers=1)
    assert (summary.resumed, summary.count("converted"), summary.count("duplicate")) == (3, 5, 0)


def test_killed_and_resumed_the_result_is_the_same(tmp_path: Path) -> None:
    for number in range(60):
        write_params(tmp_path / "tree" / f"{number:02d}.params", number, 20_000)
    archive([str(tmp_path / "tree")], tmp_path / "whole", workers=2)
    command = [sys.executable, "-m", "neutral", "archive", str(tmp_path / "tree"), "--to", str(tmp_path / "out")]
    chance = random.Random(0)
    for enough in (1, 15, 30):
        process = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, start_new_session=True)
        journal = tmp_path / "out" / "journal.jsonl"
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"}\n") >= enough):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with open(journal, "ab") as file:
        file.write(b'{"name": "torn')
    summary = archive([str(tmp_path / "tree")], tmp_path / "out", workers=2)
    assert summary.resumed > 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_parquet(tree: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    archive([str(tree)], tmp_path / "out", workers=1)
    table = parquet.read_table(tmp_path / "out" / "catalogue.parquet").to_pydict()
    assert table["name"] == NAMES
    assert table["status"][0] == "failed"


def test_on_a_dask_cluster(tree: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    archive([str(tree)], tmp_path / "here", workers=1)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        done = run_process("archive", tree, "--to", tmp_path / "there", "--scheduler", cluster.scheduler_address)
    assert done.returncode == 3, done.stderr
    assert files(tmp_path / "here") == files(tmp_path / "there")


def test_the_command(tree: Path, tmp_path: Path) -> None:
    done = run_process("archive", tree, "--to", tmp_path / "out", "--workers", 1)
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == (
        f"6 checkpoints in {tmp_path / 'out'}: 4 converted, 1 duplicate, 1 failed (0 resumed)"
    )
    dry = run_process("archive", tree, "--to", tmp_path / "x", "--dry-run", "--json")
    assert [item["name"] for item in json.loads(dry.stdout)["found"]] == NAMES
    assert not (tmp_path / "x").exists()


def _dies_of_two(checkpoint: Checkpoint) -> Entry:
    if checkpoint.name == "2":
        os.kill(os.getpid(), signal.SIGKILL)
    return Entry(checkpoint.name, (), status="converted")


def test_a_worker_that_dies_takes_no_other_with_it() -> None:
    checkpoints = {name: Checkpoint(name, "mxnet", ()) for name in "12345"}
    runner = TaskRunner(None, 2)
    entries = {e.name: e for e in runner.run(_dies_of_two, {n: (c,) for n, c in checkpoints.items()}, checkpoints)}
    runner.close()
    assert {name: entry.status for name, entry in entries.items()} == {
        name: "failed" if name == "2" else "converted" for name in "12345"
    }
    assert "its worker was lost" in entries["2"].error

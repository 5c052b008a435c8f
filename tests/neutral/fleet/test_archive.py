"""Archive trees of checkpoints: discovery, duplicates, catalogue, resumption; one failure does not stop the others."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import neutral
from cli_cases import ndarray_list, run_process, write_checkpoint
from neutral.errors import SourceError, TargetError
from neutral.fleet import Entry, archive
from neutral.fleet.discovery import Checkpoint, discover
from neutral.fleet.runner import TaskRunner
from neutral.store.check import check
from neutral.store.locking import exclusive_lock
from pages import Page

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
    checkpoints = discover([str(tree)])
    assert [checkpoint.name for checkpoint in checkpoints] == NAMES
    assert [os.path.basename(path) for path in checkpoints[4].paths] == ["model-symbol.json", "model-0010.params"]
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
    assert [entries[name].has_graph for name in ("model-0000", "deep/again/gluon", "cut")] == [True, False, None]
    assert entries["deep/gluon"].has_graph is False and entries["model-0000"].opaque == 0
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
        n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=str(tmp_path / "dask")
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


def entries_of(folder: Path) -> dict[str, dict[str, object]]:
    return {item["name"]: item for item in map(json.loads, (folder / "journal.jsonl").read_text().splitlines())}


def content_of(store: Path) -> float:
    with neutral.open(store) as opened:
        return float(next(iter(opened.tensors.values())).numpy().flat[0])


def test_checkpoints_of_one_name_from_other_sources_get_names_of_their_own(tmp_path: Path) -> None:
    for number in (1, 2):
        write_params(tmp_path / f"source{number}" / "model.params", number)
        archive([str(tmp_path / f"source{number}")], tmp_path / "out", workers=1)
    assert content_of(tmp_path / "out" / "model.safetensors") == 1
    assert content_of(tmp_path / "out" / "model~2.safetensors") == 2
    assert list(entries_of(tmp_path / "out")) == ["model", "model~2"]
    assert "model~2" in (tmp_path / "out" / "index.html").read_text()
    again = archive([str(tmp_path / "source2")], tmp_path / "out", workers=1)
    assert (again.resumed, again.run, len(again.entries)) == (1, {"model~2"}, 2)


def test_names_that_differ_only_in_case_are_two_files_on_every_file_system(tmp_path: Path) -> None:
    for number, name in enumerate(("model", "Model", "deep/net", "DEEP/NET")):
        write_params(tmp_path / "tree" / f"{name}.params", number)
    archive([str(tmp_path / "tree")], tmp_path / "out", workers=1)
    stores = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.safetensors")]
    assert len(stores) == 4 and len({name.casefold() for name in stores}) == 4
    assert sorted(content_of(tmp_path / "out" / name) for name in stores) == [0, 1, 2, 3]


def test_a_second_source_is_added_and_a_copy_in_it_is_a_duplicate(tmp_path: Path) -> None:
    write_params(tmp_path / "a" / "one.params", 1)
    write_params(tmp_path / "b" / "two.params", 1)
    archive([str(tmp_path / "a")], tmp_path / "out", workers=1)
    summary = archive([str(tmp_path / "b")], tmp_path / "out", workers=1)
    assert [(entry.name, entry.status, entry.store) for entry in summary.entries] == [
        ("one", "converted", "one.safetensors"),
        ("two", "duplicate", "one.safetensors"),
    ]


def test_the_store_of_a_changed_checkpoint_is_kept(tmp_path: Path) -> None:
    source, out = tmp_path / "tree" / "model.params", tmp_path / "out"
    statuses = []
    for value in (1, 2, 1):
        write_params(source, value)
        summary = archive([str(tmp_path / "tree")], out, workers=1)
        statuses.append({entry.name: entry.status for entry in summary.entries})
    assert statuses == [
        {"model": "converted"},
        {"model": "superseded", "model~2": "converted"},
        {"model": "converted", "model~2": "superseded"},
    ]
    assert [content_of(out / name) for name in ("model.safetensors", "model~2.safetensors")] == [1, 2]


def test_a_checkpoint_that_failed_keeps_its_name_when_it_is_mended(tmp_path: Path) -> None:
    source, out = tmp_path / "tree" / "model.params", tmp_path / "out"
    write_params(source, 1)
    whole = source.read_bytes()
    source.write_bytes(whole[:-3])
    assert archive([str(tmp_path / "tree")], out, workers=1).count("failed") == 1
    source.write_bytes(whole)
    summary = archive([str(tmp_path / "tree")], out, workers=1)
    assert [(entry.name, entry.status) for entry in summary.entries] == [("model", "converted")]


def test_a_file_in_the_archive_that_the_catalogue_does_not_list_is_kept(tmp_path: Path) -> None:
    write_params(tmp_path / "tree" / "model.params", 1)
    out = tmp_path / "out"
    out.mkdir()
    (out / "model.safetensors").write_bytes(b"of a person")
    entry = archive([str(tmp_path / "tree")], out, workers=1).entries[0]
    assert (out / "model.safetensors").read_bytes() == b"of a person"
    assert entry.store == f"model~{entry.digest[:12]}.safetensors" and content_of(out / entry.store) == 1


DAMAGED_LINES = (
    b"[1]",
    b'{"name": 5}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"name": "x", "sources": ["y"]}',
    b"null",
    json.dumps({**vars(Entry("x", ("y",))), "has_graph": "yes"}).encode(),
    json.dumps({**vars(Entry("x", ("y",))), "opaque": -1}).encode(),
)


def test_a_journal_of_an_earlier_version_tells_nothing_of_graphs(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive([str(tree)], out, workers=1)
    items = list(entries_of(out).values())
    for item in items:
        del item["has_graph"], item["opaque"]
    (out / "journal.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    summary = archive([str(tree)], out, workers=1)
    assert summary.resumed >= 3
    assert [note for note in summary.notes if "pyarrow" not in note] == []
    kept = [entry for entry in summary.entries if entry.status == "converted"]
    assert kept and all(entry.has_graph is None and entry.opaque == 0 for entry in kept)


@pytest.mark.parametrize("line", DAMAGED_LINES, ids=range(len(DAMAGED_LINES)))
def test_a_damaged_line_of_the_journal_is_moved_out_and_reported(tree: Path, tmp_path: Path, line: bytes) -> None:
    out = tmp_path / "out"
    archive([str(tree)], out, workers=1)
    before = files(out)
    lines = (out / "journal.jsonl").read_bytes().splitlines()
    damaged = [line if b'"model-0000"' in item else item for item in lines]
    (out / "journal.jsonl").write_bytes(b"\n".join(damaged) + b"\n")
    summary = archive([str(tree)], out, workers=1)
    assert summary.resumed == 3
    assert "1 damaged line, moved to journal.damaged" in summary.notes[0]
    assert files(out) == {**before, "journal.damaged": line + b"\n"}
    assert "damaged" not in "".join(archive([str(tree)], out, workers=1).notes)


@pytest.mark.parametrize("field", Entry.__dataclass_fields__)
def test_an_entry_with_a_field_of_another_type_is_damaged(tree: Path, tmp_path: Path, field: str) -> None:
    out = tmp_path / "out"
    archive([str(tree)], out, workers=1)
    items = list(entries_of(out).values())
    items[-1][field] = {"a": 1}
    (out / "journal.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    assert "1 damaged line" in archive([str(tree)], out, workers=1).notes[0]


def test_an_entry_whose_store_is_outside_of_the_archive_is_damaged(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive([str(tree)], out, workers=1)
    for outside in ("/etc/passwd", "../model.safetensors"):
        items = list(entries_of(out).values())
        items[-1]["store"] = outside
        (out / "journal.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
        assert "1 damaged line" in archive([str(tree)], out, workers=1).notes[0]


def test_a_journal_that_cannot_be_read_is_an_error(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "journal.jsonl").mkdir(parents=True)
    with pytest.raises(TargetError, match="cannot read the journal"):
        archive([str(tree)], tmp_path / "out", workers=1)


def test_parallel_runs_lose_nothing(tmp_path: Path) -> None:
    """Archive sources with checkpoints of one name from several processes at once; the environment makes it longer."""
    processes, rounds = (int(os.environ.get(f"NEUTRAL_ARCHIVE_{name}", 3)) for name in ("PROCESSES", "ROUNDS"))
    out = tmp_path / "out"
    expected = set()
    for turn in range(rounds):
        running = []
        for number in range(processes):
            value = 1 + turn * processes + number
            expected.add(float(value))
            source = tmp_path / "sources" / str(value)
            write_params(source / "model.params", value)
            running.append(start_archive(source, out))
        told = [process.communicate()[1] for process in running]
        assert [process.returncode for process in running] == [0] * processes, told
        entries = entries_of(out)
        assert {content_of(out / str(entry["store"])) for entry in entries.values()} == expected
        assert len(entries) == len(expected) == len({entry["store"] for entry in entries.values()})
        page = Page((out / "index.html").read_text())
        assert {entry["name"] for entry in page.document["entries"]} == set(entries)


def start_archive(source: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "neutral", "archive", str(source), "--to", str(out), "--workers", "1"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_a_run_waits_for_another_one_and_not_for_its_orphans(tmp_path: Path) -> None:
    write_params(tmp_path / "source" / "model.params", 1)
    out = tmp_path / "out"
    out.mkdir()
    with exclusive_lock(str(out / ".lock")):
        child = start_archive(tmp_path / "source", out)
        orphan = os.fork()
        if not orphan:
            signal.pause()
        assert child.stderr is not None
        assert "waiting for its end" in child.stderr.readline()
        assert not (out / "journal.jsonl").exists()
    try:
        child.communicate()
        assert child.returncode == 0 and len(entries_of(out)) == 1
    finally:
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)


def test_the_lines_of_an_error_are_lines_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    write_checkpoint(tmp_path / "tree" / "model")
    params = ndarray_list({"arg:fc1_weight": np.ones((5, 3), "<f4"), "arg:fc1_bias": np.ones(2, "<f4")})
    (tmp_path / "tree" / "model-0000.params").write_bytes(params)
    done = run_process("archive", tmp_path / "tree", "--to", tmp_path / "out", "--workers", 1)
    assert done.returncode == 3 and "\\n" not in done.stdout
    assert re.search(r"^failed model-0000: .*:\n  - ", done.stdout, re.MULTILINE)


def test_what_was_passed_over_is_said(tree: Path, tmp_path: Path) -> None:
    done = run_process("archive", tree, "--to", tmp_path / "out", "--workers", 1)
    assert "passed over 1 file, of another kind: .txt 1" in done.stdout.splitlines()
    done = run_process("archive", tree, "--to", tmp_path / "out", "--workers", 1, "--json")
    assert json.loads(done.stdout)["passed_over"] == [{"path": str(tree / "notes.txt"), "reason": "of another kind"}]


def test_an_archive_within_its_source_is_not_searched(tree: Path) -> None:
    archive([str(tree)], tree / "out", workers=1)
    assert not any("out" in item.path for item in archive([str(tree)], tree / "out", workers=1).passed_over)

"""HDF5 files are read in a child process: files on which the HDF5 library hangs or crashes are refused."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py")

import neutral
from hdf5_damage import make_reading_hang
from neutral.errors import StoreError, UsageError
from neutral.store import Store
from neutral.store.hdf5 import process, reading, server
from samples import sample_store


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Return a store that counts as written by another process."""
    path = tmp_path / "a.h5"
    sample_store(tmp_path).save(path)
    os.utime(path, ns=(1, 1))
    return path


def child_of(store: Store) -> Any:
    """Return the process that reads a store, or None."""
    return store.container_problems.__self__._process._process  # type: ignore[attr-defined]


def test_a_file_of_this_process_is_read_in_this_process(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.h5")
    with neutral.open(tmp_path / "a.h5") as store:
        store["fc.weight"]
        assert child_of(store) is None


def test_a_file_that_was_changed_is_read_in_a_child_with_the_same_result(stored: Path, tmp_path: Path) -> None:
    with neutral.open(stored) as store:
        assert child_of(store) is not None
        store.save(tmp_path / "child.safetensors")
    sample_store(tmp_path).save(tmp_path / "direct.safetensors")
    assert (tmp_path / "child.safetensors").read_bytes() == (tmp_path / "direct.safetensors").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="there the time of the clock is limited")
def test_a_bit_that_makes_the_library_hang_is_reported(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_HDF5_STEP_SECONDS", "1")
    make_reading_hang(stored)
    with pytest.raises(StoreError, match=r"a\.h5: .*damaged.*too long.*NEUTRAL_LIMIT_HDF5_STEP_SECONDS"), neutral.open(
        stored
    ) as store:
        assert store.container_problems() == []


@pytest.mark.parametrize("verb", ["inspect", "check", "check --data", "convert", "emit", "diff"])
def test_no_verb_hangs(stored: Path, tmp_path: Path, verb: str) -> None:
    """Flip the bit in the text that every verb reads: the key of a tensor."""
    make_reading_hang(stored, b"fc.weight")
    words = [*verb.split(), str(stored)]
    words += {"convert": ["x.safetensors"], "emit": ["-o", "x.py"], "diff": [str(stored)]}.get(verb, [])
    environment = {**os.environ, "NEUTRAL_LIMIT_HDF5_STEP_SECONDS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "neutral", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 4
    assert "too long" in run.stdout + run.stderr and "Traceback" not in run.stderr
    assert not list(tmp_path.glob("x.*"))


def test_a_crash_of_the_child_is_damage_and_the_next_request_starts_another(stored: Path) -> None:
    with neutral.open(stored) as store:
        os.kill(child_of(store).pid, signal.SIGSEGV)
        with pytest.raises(StoreError, match=r"a\.h5: .*damaged.*SIGSEGV"):
            store["fc.weight"]
        assert store["fc.weight"].shape == (2, 3)


def test_closing_ends_the_child_and_reading_starts_another(stored: Path) -> None:
    store = neutral.open(stored)
    child = child_of(store)
    store.close()
    assert child.returncode is not None
    assert store["fc.weight"].shape == (2, 3)
    child = child_of(store)
    del store
    gc.collect()
    assert child.returncode is not None


def test_a_refused_file_leaves_no_child(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    end = process._end_process
    monkeypatch.setattr(process, "_end_process", lambda child, owner: (end(child, owner), ended.append(child.pid)))
    stored.write_bytes(stored.read_bytes()[:-500])
    with pytest.raises(StoreError, match=r"a\.h5"):
        neutral.open(stored)
    assert len(ended) == 1


def test_a_file_that_is_replaced_while_a_store_is_open_is_noticed(stored: Path, tmp_path: Path) -> None:
    import numpy as np

    from neutral.graph import Layer
    from neutral.tensor import from_numpy

    with neutral.open(stored) as store:
        store.close()
        layers = {"fc": Layer("fc", "parameter", {}, {"weight": "fc.weight"})}
        Store(layers, {"fc.weight": from_numpy(np.zeros((5, 3), np.float32))}).save(tmp_path / "b.h5")
        os.utime(tmp_path / "b.h5", ns=(1, 1))
        os.replace(tmp_path / "b.h5", stored)
        with pytest.raises(StoreError, match="changed while it was read"):
            store["fc.weight"]


def test_no_module_of_the_current_folder_is_imported(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("h5py", "json", "numpy"):
        (stored.parent / f"{name}.py").write_text("import pathlib; pathlib.Path('code-was-run').touch()")
    monkeypatch.chdir(stored.parent)
    monkeypatch.syspath_prepend("")
    monkeypatch.setenv("PYTHONPATH", str(stored.parent))
    with neutral.open(stored) as store:
        assert store["fc.weight"].shape == (2, 3)
    assert not Path("code-was-run").exists()


def test_a_wrong_limit_is_an_error_of_use(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_HDF5_MEMORY_BYTES", "much")
    with pytest.raises(UsageError, match="NEUTRAL_LIMIT_HDF5_MEMORY_BYTES"):
        neutral.open(stored)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_fork_of_the_process_starts_a_child_of_its_own(stored: Path) -> None:
    with neutral.open(stored) as store:
        child = os.fork()
        if not child:
            sound = store["fc.weight"].shape == (2, 3)
            store.close()
            os._exit(0 if sound else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert store["fc.weight"].shape == (2, 3)


def test_what_the_memory_limit_forbids_is_damage(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_HDF5_MEMORY_BYTES", "1")
    with pytest.raises(StoreError, match=r"a\.h5"), neutral.open(stored) as store:
        store.container_problems()


def test_the_paths_of_files_are_compared_by_identity(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.h5")
    os.link(tmp_path / "a.h5", tmp_path / "b.h5")
    with neutral.open(tmp_path / "b.h5") as store:
        assert child_of(store) is None
    assert reading._identity(str(tmp_path / "a.h5")) in reading._WRITTEN


def reading_process(script: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> process.ReadingProcess:
    """Return a process that runs this script in place of the server."""
    monkeypatch.setattr(process, "_START", script)
    return process.ReadingProcess(str(path))


ANSWER = "import sys, time; sys.stdin.readline(); sys.stdout.buffer.write({!r}); sys.stdout.flush(); {}"


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (ANSWER.format(b"", "sys.exit(3)"), "exit code 3"),
        (ANSWER.format(b"\0" + (9).to_bytes(8, "little") + b"part", "sys.exit(0)"), "exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "SIGABRT"),
    ],
)
def test_an_answer_that_is_cut_is_damage_with_its_cause(
    script: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reading_process(script, tmp_path / "a.h5", monkeypatch)
    with pytest.raises(StoreError, match=rf"a\.h5: .*: the HDF5 library fails on it \({cause}\)"):
        reader.manifest()
    assert reader._process is None


def test_a_request_to_a_process_that_has_ended_is_damage(stored: Path) -> None:
    reader = process.ReadingProcess(str(stored))
    child = reader._started()
    child.kill()
    child.wait()
    with pytest.raises(StoreError, match=r"damaged.*SIGKILL"):
        reader.manifest()


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LAST_SECONDS", 0)
    script = ANSWER.format(b"\0" + (2).to_bytes(8, "little") + b"[]", "time.sleep(600)")
    reader = reading_process(script, tmp_path / "a.h5", monkeypatch)
    assert reader.tensors() == []
    child = reader._process
    reader.close()
    assert child is not None and child.returncode == -signal.SIGKILL


def test_a_fork_leaves_the_process_of_its_parent_alone(stored: Path) -> None:
    reader = process.ReadingProcess(str(stored))
    child = reader._started()
    process._end_process(child, owner=os.getpid() + 1)
    assert child.returncode == 0  # as if it had been waited for
    child.returncode = None
    assert child.poll() is None and reader.manifest().startswith(b"{")
    reader.close()


@pytest.mark.parametrize(("requests", "status"), [(b"", b""), (b'["manifest"]\n', b"\4")])
def test_a_server_answers_the_first_request_alone_if_the_file_cannot_be_opened(
    requests: bytes, status: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "limit_memory", lambda nbytes: None)
    monkeypatch.setattr(server, "renew_time", lambda seconds: None)
    answers = io.BytesIO()
    server.serve(str(tmp_path / "absent.h5"), io.BytesIO(requests), answers)
    assert answers.getvalue()[:1] == status
    assert (b"absent.h5: this HDF5 file is damaged or not a neutral store" in answers.getvalue()) == bool(status)

"""Which commands run code: those that name it by --into or --plugin, and no others."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch.nn", reason="loads and emits modules")

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shapes"
PACKAGES = ("torch", "numpy", "h5py", "safetensors", "rich", "fsspec", "pyarrow", "distributed", "tomli_w", "shtab")
PROGRAM = "import sys\nfrom neutral.cli import main\nsys.exit(main())\n"

SILENT = (
    "export model -o store.safetensors",
    "migrate model -o migrated",
    "inspect store.safetensors",
    "check --data store.safetensors",
    "convert store.safetensors store.h5",
    "check --data store.h5",
    "diff store.safetensors model",
    "hash store.safetensors",
    "cast store.safetensors --to float16 -o half.safetensors",
    "slice store.safetensors --until bn1_2 -o part.safetensors",
    "merge part.safetensors --prefix a. -o merged.safetensors",
    "archive checkpoints --to archive",
    "restore store.safetensors -o restored",
    "write store.safetensors --like store.safetensors -o served",
    "verify store.safetensors --golden golden.safetensors",
    "emit store.safetensors -o network.py",
    "run store.safetensors --input data=x.npy -o out.npz",
    "golden store.safetensors --input data=x.npy -o computed.safetensors",
    "doctor",
    "completion bash",
)
RUNNING = (
    "load store.safetensors --into poison:Shapes --golden golden.safetensors -o weights.pth",
    "verify store.safetensors --into poison:Shapes --golden golden.safetensors",
    "inspect store.safetensors --plugin poison.py",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of a checkpoint, with a file named as each package that leaves a trace when it runs."""
    for source, name in (("shapes-symbol.json", "model-symbol.json"), ("shapes-0006.params", "model-0006.params")):
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        shutil.copy(EXAMPLE / source, tmp_path / name)
        shutil.copy(EXAMPLE / source, tmp_path / "checkpoints" / name)
    shutil.copy(EXAMPLE / "golden.safetensors", tmp_path)
    np.save(tmp_path / "x.npy", np.ones((1, 1, 24, 24), np.float32))
    trace = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    for package in PACKAGES:
        (tmp_path / f"{package}.py").write_text(trace)
    module = (EXAMPLE / "model.py").read_text(encoding="utf-8").partition("from __future__ import annotations\n")[2]
    (tmp_path / "poison.py").write_text(f"{trace}OPERATORS = ()\n{module}", encoding="utf-8")
    return tmp_path


def call(folder: Path, program: list[str], command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *program, *shlex.split(command)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def test_no_command_runs_code_of_the_current_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("bin") / "neutral"
    program.write_text(PROGRAM)
    for command in SILENT:
        done = call(folder, [str(program)], command)
        assert done.returncode == 0, (command, done.stderr)
        assert not (folder / "ran").exists(), command


def test_neither_does_the_package_as_a_program(folder: Path) -> None:
    for command in (SILENT[0], SILENT[4], SILENT[-4]):
        done = call(folder, ["-m", "neutral"], command)
        assert done.returncode == 0, (command, done.stderr)
        assert not (folder / "ran").exists(), command


def test_a_distribution_in_the_current_folder_is_no_plug_in(folder: Path) -> None:
    """Its entry points would be found, and its module run, if the folder were searched for packages."""
    shutil.copy(folder / "torch.py", folder / "stranger.py")
    info = folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    groups = ("readers", "writers", "commands", "operators")
    (info / "entry_points.txt").write_text("".join(f"[neutral.{group}]\nit = stranger\n" for group in groups))
    for command, code in (("it", 2), ("inspect poison.py", 3)):
        assert call(folder, ["-m", "neutral"], command).returncode == code
        assert not (folder / "ran").exists(), command


def test_code_that_is_named_runs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("bin") / "neutral"
    program.write_text(PROGRAM)
    assert call(folder, [str(program)], SILENT[0]).returncode == 0
    for package in PACKAGES:
        (folder / f"{package}.py").unlink()
    for command in RUNNING:
        done = call(folder, [str(program)], command)
        assert done.returncode == 0, (command, done.stderr)
        assert (folder / "ran").exists(), command
        (folder / "ran").unlink()


def test_every_verb_is_tried() -> None:
    from neutral.cli import VERBS

    assert {command.split()[0] for command in (*SILENT, *RUNNING)} == set(VERBS)

"""Typical mistakes, each with its exit code and its whole message: read them one after another as a user would."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

from cli_cases import Run

pytest.importorskip("torch.nn", reason="loads and emits modules")

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shapes"


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


def forbid_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: str, name: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("neutral.store.temporary._create", fail)


def forbid_file(monkeypatch: pytest.MonkeyPatch) -> None:
    original = open

    def fail_for_parameters(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith("model-0006.params"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return original(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", fail_for_parameters)


def remove_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


class Mistake(NamedTuple):
    command: str
    code: int
    message: str
    prepare: Callable[[pytest.MonkeyPatch], None] | None = None
    """What is wrong with the machine."""


MISTAKES: list[Mistake] = [
    Mistake(
        "export modle -o a.safetensors",
        3,
        "modle: no such file or folder, and no checkpoint has this prefix. Did you mean 'model'?",
    ),
    Mistake(
        "export model --epoch 3 -o a.safetensors",
        3,
        "model: there are no parameters of epoch 3 (model-0003.params); there are 6.",
    ),
    Mistake(
        "export model -o a",
        2,
        "a: unknown suffix ''; expected one of .safetensors, .h5, .hdf5.",
    ),
    Mistake(
        "export model -o a.params",
        2,
        "a.params: unknown suffix '.params'; expected one of .safetensors, .h5, .hdf5.",
    ),
    Mistake(
        "export model -o folder",
        2,
        "folder: unknown suffix ''; expected one of .safetensors, .h5, .hdf5.",
    ),
    Mistake(
        "export model",
        2,
        "the following arguments are required: -o/--output. See `neutral export --help`.",
    ),
    Mistake(
        "export",
        2,
        "the following arguments are required: SOURCE, -o/--output. See `neutral export --help`.",
    ),
    Mistake(
        "export store.safetensors -o a.safetensors",
        2,
        "store.safetensors: this is a neutral store; expected a checkpoint.",
    ),
    Mistake(
        "export notes.txt -o a.safetensors",
        3,
        "notes.txt: unknown checkpoint format; the readers are mxnet, torch. Pass the files of a checkpoint.",
    ),
    Mistake(
        "export folder -o a.safetensors",
        3,
        "folder: no MXNet symbol and no parameter file in this folder.",
    ),
    Mistake(
        "export nofolder/model -o a.safetensors",
        3,
        "nofolder/model: no such file or folder, and no checkpoint has this prefix.",
    ),
    Mistake(
        "export model-0006.params model-0006.params -o a.safetensors",
        3,
        "model-0006.params and model-0006.params: both are parameter files; give one symbol and one parameter file.",
    ),
    Mistake(
        "export model-symbol.json model-symbol.json -o a.safetensors",
        3,
        "model-symbol.json and model-symbol.json: both are symbol files; give one symbol and one parameter file.",
    ),
    Mistake(
        "export cut-0000.params -o a.safetensors",
        3,
        "cut-0000.params, byte 19964: array 17 of 30: 44 bytes of the shape, device and dtype are expected, "
        "36 are left. The file is cut short or damaged: get it again.",
    ),
    Mistake(
        "export empty-0000.params -o a.safetensors",
        3,
        "empty-0000.params: is empty. The download or the copy failed: get it again.",
    ),
    Mistake(
        "export lfs-0000.params -o a.safetensors",
        3,
        "lfs-0000.params: is a Git LFS pointer, not the file it stands for. Run `git lfs pull` in its repository.",
    ),
    Mistake(
        "export page-0000.params -o a.safetensors",
        3,
        "page-0000.params: is an HTML page: the download failed. Get the file itself.",
    ),
    Mistake(
        "export states.params -o a.safetensors",
        3,
        "states.params: is a Python pickle, such as the optimizer states (.states) that MXNet saves. It can "
        "run any code and is never loaded. Give the .params file.",
    ),
    Mistake(
        "export cut-symbol.json -o a.safetensors",
        3,
        "cut-symbol.json, byte 11: not JSON: Expecting value. Give the -symbol.json that MXNet wrote; if this "
        "is it, the file is damaged: fetch it again.",
    ),
    Mistake(
        "export model -o notes.txt/a.safetensors",
        8,
        "notes.txt/a.safetensors: cannot be written: Not a directory. An existing file is unchanged.",
    ),
    Mistake(
        "export golden.safetensors -o a.safetensors",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "expotr model -o a.safetensors",
        2,
        "unknown verb 'expotr'; expected one of migrate, export, inspect, check, convert, diff, hash, cast, slice, "
        "merge, archive, restore, write, load, verify, emit, run, golden, doctor, completion. Did you mean 'export'?",
    ),
    Mistake(
        "export model --outptu a.safetensors",
        2,
        "unknown option --outptu. Did you mean '--output'? See `neutral export --help`.",
    ),
    Mistake(
        "inspect store.safetensor",
        3,
        "store.safetensor: no such file or folder, and no checkpoint has this prefix. Did you mean "
        "'store.safetensors'?",
    ),
    Mistake(
        "inspect golden.safetensors",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "inspect bad.pth",
        3,
        "bad.pth: torch cannot load this as weights only (error: unpack requires a buffer of 4 bytes). Save "
        "module.state_dict() alone; pickled modules hold code and are never run.",
    ),
    Mistake(
        "check",
        2,
        "the following arguments are required: STORE. See `neutral check --help`.",
    ),
    Mistake(
        "convert store.safetensors",
        2,
        "the following arguments are required: OUTPUT. See `neutral convert --help`.",
    ),
    Mistake(
        "convert store.safetensors a.npz",
        2,
        "a.npz: unknown suffix '.npz'; expected one of .safetensors, .h5, .hdf5.",
    ),
    Mistake(
        "convert store.safetensors a.h5 --compression zip",
        2,
        "unknown compression 'zip'; expected one of gzip, blosc, blosc2, bzip2, lz4, zstd, zfp, bitshuffle.",
    ),
    Mistake(
        "convert store.safetensors a.safetensors --compression gzip",
        2,
        "a.safetensors: --compression needs an HDF5 output (.h5 or .hdf5).",
    ),
    Mistake(
        "convert store.safetensors a.safetensors --max-shard-size 5XB",
        2,
        "invalid size '5XB'; expected for example 500MB or 5GiB.",
    ),
    Mistake(
        "convert store.safetensors store.safetensors",
        2,
        "store.safetensors: the output would replace the source store.safetensors. Choose another name.",
    ),
    Mistake(
        "slice store.safetensors -o a.safetensors",
        2,
        "nothing to do: pass names of layers, or --until NODE.",
    ),
    Mistake(
        "slice store.safetensors conv12 -o a.safetensors",
        2,
        "store.safetensors: no layer matches 'conv12'. Did you mean 'conv1_2'?",
    ),
    Mistake(
        "slice store.safetensors --until bn12 -o a.safetensors",
        2,
        "store.safetensors: the graph has no node 'bn12'. Did you mean 'bn1_2'?",
    ),
    Mistake(
        "merge store.safetensors store.safetensors -o a.safetensors",
        2,
        "two of the stores have a layer 'conv1_1'; give each store a prefix.",
    ),
    Mistake(
        "merge store.safetensors model --prefix a. -o a.safetensors",
        2,
        "1 prefixes were given for 2 stores; each needs one, if only ''.",
    ),
    Mistake(
        "diff store.safetensors",
        2,
        "the following arguments are required: B. See `neutral diff --help`.",
    ),
    Mistake(
        "diff store.safetensors modle",
        3,
        "modle: no such file or folder, and no checkpoint has this prefix. Did you mean 'model'?",
    ),
    Mistake(
        "diff store.safetensors model --rtol -1",
        2,
        "invalid --rtol -1.0 or --atol 0.0; expected numbers from 0 up.",
    ),
    Mistake(
        "emit store.safetensors",
        2,
        "the following arguments are required: -o/--output. See `neutral emit --help`.",
    ),
    Mistake(
        "emit store.safetensors -o net",
        2,
        "net: unknown suffix of the source; expected a name that ends with .py.",
    ),
    Mistake(
        "emit store.safetensors -o net.py --class-name 1st",
        2,
        "invalid class name '1st'; expected a Python identifier that is not a keyword.",
    ),
    Mistake(
        "emit store.safetensors -o net.py --class-name class",
        2,
        "invalid class name 'class'; expected a Python identifier that is not a keyword.",
    ),
    Mistake(
        "emit store.safetensors -o net.py --until conv11",
        2,
        "the graph has no node 'conv11'. Did you mean 'conv1_1'?",
    ),
    Mistake(
        "emit store.safetensors -o net.py --until conv1_1 --outputs fc",
        2,
        "argument --outputs: not allowed with argument --until. See `neutral emit --help`.",
    ),
    Mistake(
        "emit golden.safetensors -o net.py",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "emit store.safetensors -o net.py --to tensorflow",
        2,
        "unknown name 'tensorflow' in neutral.writers; expected one of mxnet, onnx, torch.",
    ),
    Mistake(
        "emit store.safetensors -o net --hub-layout --pth",
        2,
        "--hub-layout writes the whole model as safetensors: leave out --pth, --until and --outputs.",
    ),
    Mistake(
        "emit store.safetensors -o net.py --max-shard-size 1GB",
        2,
        "--max-shard-size needs --hub-layout: a module alone loads its weights from one file.",
    ),
    Mistake(
        "load store.safetensors -o w.pth",
        2,
        "the following arguments are required: --into. See `neutral load --help`.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes",
        2,
        "nothing to do: pass -o, --save-plan or --dry-run.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes -o w.bin",
        2,
        "w.bin: unsupported suffix; expected .safetensors, .pth or .pt.",
    ),
    Mistake(
        "load store.safetensors --into nets -o w.pth",
        2,
        "--into nets: expected package.module:Factory, such as models.resnet:ResNet20, or file.py:Factory.",
    ),
    Mistake(
        "load store.safetensors --into nets.Shapes -o w.pth",
        2,
        "--into nets.Shapes: expected package.module:Factory, such as models.resnet:ResNet20, or file.py:Factory.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shape -o w.pth",
        2,
        "--into nets:Shape: nets.py has no 'Shape'. Did you mean 'Shapes'?",
    ),
    Mistake(
        "load store.safetensors --into net:Shapes -o w.pth",
        2,
        "--into net:Shapes: net cannot be imported: ModuleNotFoundError: No module named 'net'. The current "
        "folder and those of --path are searched. Did you mean 'nets'?",
    ),
    Mistake(
        "load store.safetensors --into net.py:Shapes -o w.pth",
        2,
        "--into net.py:Shapes: there is no file net.py. Did you mean 'nets.py'?",
    ),
    Mistake(
        "load store.safetensors --into nets:SHAPES -o w.pth",
        2,
        "--into nets:SHAPES: nets.py has no 'SHAPES'. Did you mean 'Shapes'?",
    ),
    Mistake(
        "load store.safetensors --into nets:F -o w.pth",
        2,
        "--into nets:F: expected a class or function, got module.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes --kwargs '{classes: 4}' -o w.pth",
        2,
        "--kwargs {classes: 4}: invalid JSON (Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1)).",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes --mapping no.toml -o w.pth",
        3,
        "no.toml: cannot be read: No such file or directory.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes --mapping bad.toml -o w.pth",
        3,
        "bad.toml: this is not TOML: Invalid value (at line 1, column 11).",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes --mapping typo.toml -o w.pth",
        2,
        "the mapping names 'conv1_9', which the store lacks. Did you mean 'conv1_3'?",
    ),
    Mistake(
        "load store.safetensors --int nets:Shapes -o w.pth",
        2,
        "unknown option --int. Did you mean '--into'? See `neutral load --help`.",
    ),
    Mistake(
        "verify store.safetensors",
        2,
        "one of the arguments --golden --reference is required. See `neutral verify --help`.",
    ),
    Mistake(
        "verify store.safetensors --golden no.safetensors",
        3,
        "no.safetensors: cannot be read: No such file or directory.",
    ),
    Mistake(
        "verify store.safetensors --golden store.safetensors",
        4,
        "store.safetensors: a neutral store; expected a golden file. Record one with mxnet_capture.py.",
    ),
    Mistake(
        "verify store.safetensors --golden golden.safetensors --tolerance abc",
        2,
        "argument --tolerance: invalid tolerance abc; expected a finite number, 0 or larger. See `neutral "
        "verify --help`.",
    ),
    Mistake(
        "verify store.safetensors --golden golden.safetensors --tolerance -1",
        2,
        "argument --tolerance: invalid tolerance -1; expected a finite number, 0 or larger. See `neutral "
        "verify --help`.",
    ),
    Mistake(
        "verify golden.safetensors --golden store.safetensors",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "restore store.safetensors",
        2,
        "the following arguments are required: -o/--output. See `neutral restore --help`.",
    ),
    Mistake(
        "restore golden.safetensors -o a",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "write golden.safetensors --like store.safetensors -o served",
        4,
        "golden.safetensors: a golden file, the values that a model computed; expected a store.",
    ),
    Mistake(
        "write store.safetensors --like notes.txt -o served",
        4,
        "notes.txt: not a neutral store (its first bytes are 68656c6c6f).",
    ),
    Mistake(
        "hash notes.txt",
        3,
        "notes.txt: unknown checkpoint format; the readers are mxnet, torch. Pass the files of a checkpoint.",
    ),
    Mistake(
        "archive nofolder --to a",
        3,
        "nofolder: no such file or folder.",
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes -o bad.pth",
        8,
        "bad.pth: exists, and Neutral did not write it. Choose another name, or pass --force.",
    ),
    Mistake(
        "export model -o full.safetensors",
        8,
        "full.safetensors: cannot be written: No space left on device. An existing file is unchanged.",
        fill_disk,
    ),
    Mistake(
        "emit store.safetensors -o full.py",
        8,
        "full.safetensors: cannot be written: No space left on device. An existing file is unchanged.",
        fill_disk,
    ),
    Mistake(
        "export model -o forbidden.safetensors",
        8,
        "forbidden.safetensors: cannot be written: Permission denied. An existing file is unchanged.",
        forbid_folder,
    ),
    Mistake(
        "export model -o forbidden.h5",
        3,
        "model-0006.params: cannot be read: Permission denied.",
        forbid_file,
    ),
    Mistake(
        "emit store.safetensors -o without.py",
        5,
        "PyTorch is not installed: pip install torch safetensors",
        remove_torch,
    ),
    Mistake(
        "load store.safetensors --into nets:Shapes -o without.pth",
        5,
        "PyTorch is not installed: pip install torch safetensors",
        remove_torch,
    ),
    Mistake(
        "hash bad.pth",
        5,
        "bad.pth: PyTorch is needed to read its own files, and is not installed: pip install torch. Or save the "
        "state dict as .safetensors where it is.",
        remove_torch,
    ),
]


@pytest.fixture
def folder(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the current folder: a checkpoint ``model``, its store, a golden file, a module, and damaged files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    symbol = (EXAMPLE / "shapes-symbol.json").read_bytes()
    parameters = (EXAMPLE / "shapes-0006.params").read_bytes()
    files: dict[str, bytes] = {
        "model-symbol.json": symbol,
        "model-0006.params": parameters,
        "cut-0000.params": parameters[:20000],
        "empty-0000.params": b"",
        "lfs-0000.params": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "page-0000.params": b"<!DOCTYPE html><html><body>404</body></html>",
        "states.params": pickle.dumps({"momentum": [1.0]}),
        "cut-symbol.json": b'{"nodes": [',
        "labels-symbol.json": json.dumps({"cat": 0}).encode(),
        "notes.txt": b"hello",
        "bad.toml": b"conv1_1 = conv1_1\n",
        "typo.toml": b'"conv1_9" = "conv1_1"\n',
        "bad.pth": b"junk",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    shutil.copy(EXAMPLE / "golden.safetensors", "golden.safetensors")
    shutil.copy(EXAMPLE / "model.py", "nets.py")
    (tmp_path / "folder").mkdir()
    assert run("export", "model", "-o", "store.safetensors").code == 0
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.command for mistake in MISTAKES])
def test_a_mistake_has_one_clear_message(
    mistake: Mistake, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(os.listdir(folder))
    if mistake.prepare is not None:
        mistake.prepare(monkeypatch)
    result = run(*shlex.split(mistake.command))
    assert result.err.replace(f"{folder}{os.sep}", "") == f"neutral: error: {mistake.message}\n"
    assert result.code == mistake.code
    assert result.out == ""
    assert sorted(os.listdir(folder)) == before


def test_there_are_many() -> None:
    assert len({mistake.command for mistake in MISTAKES}) == len(MISTAKES) >= 60

"""No output destroys an input, another output, or a file that Neutral did not write; --no-clobber keeps all files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli_cases import Run, linear_store
from neutral.cli import VERBS, parser

INTO = ("--into", "nets:Net")
TYPED: dict[str, tuple[str, ...]] = {
    "export": ("model-symbol.json", "model-0000.params"),
    "inspect": ("model-symbol.json", "model-0000.params"),
    "convert": ("linear.safetensors",),
    "cast": ("linear.safetensors", "--to", "float16"),
    "slice": ("linear.safetensors", "fc1"),
    "merge": ("linear.safetensors",),
    "load": ("linear.safetensors", *INTO),
    "verify": ("linear.safetensors",),
    "emit": ("linear.safetensors",),
    "run": ("linear.safetensors",),
    "golden": ("linear.safetensors",),
}
"""What is typed after each verb that writes one file, without its outputs."""

FOLDERS = {"migrate", "archive", "restore", "write"}
"""The verbs whose ``-o`` or ``--to`` is a folder or a prefix; tests of their own show what they replace."""

READ: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "source": ((), ("model-symbol.json", "model-0000.params")),
    "store": ((), ("linear.safetensors",)),
    "stores": ((), ("linear.safetensors",)),
    "golden": (("--golden", "golden.safetensors"), ("golden.safetensors",)),
    "mapping": (("--mapping", "map.toml"), ("map.toml",)),
    "like": (("--like", "model-0000.params"), ("model-0000.params",)),
    "plugin": (("--plugin", "plugin.py"), ("plugin.py",)),
    "example": (("--example", "x.npz"), ("x.npz",)),
    "arrays": (("--input", "data=x.npz"), ("x.npz",)),
    "into": (INTO, ("nets.py",)),
}
"""The words and the files of each argument that names files to read."""

WRITTEN: dict[str, dict[str | None, tuple[str, ...]]] = {
    "output": {"convert": ("{}",), None: ("-o", "{}")},
    "save_plan": {None: ("--save-plan", "{}")},
    "html": {None: ("--html", "{}")},
}
"""The words of each argument that names a file to write, for a verb or for all others."""

NOT_FILES = set(
    "allow_attributes allow_missing allow_output_order allow_set allow_unused batch class_name compression "  # noqa: SIM905
    "debug depth dry_run dtype end_to_end epoch external_data fold_batch_norms force fp16 graph_only help "
    "hub_layout input json keep kwargs layers max_shard_size no_clobber no_digests nodes opset outputs path "
    "precision prefix pth quiet reference require_proof seed set_attributes shape stats summary to tolerance "
    "until verbose".split()
)
"""All other arguments of the verbs that write files. ``--path`` is searched for the module of ``--into``."""


def arguments_of_verbs() -> dict[str, list[str]]:
    """The names of the arguments that the parser of each verb declares."""
    (verbs,) = (action for action in parser(list(VERBS))._actions if action.dest == "verb")
    assert isinstance(verbs.choices, dict)
    return {verb: [action.dest for action in child._actions] for verb, child in verbs.choices.items()}


WRITING = {verb: names for verb, names in arguments_of_verbs().items() if verb not in FOLDERS and {*names} & {*WRITTEN}}


def command(verb: str, output: str, read: str) -> tuple[str, ...]:
    """A command that reads by one argument and writes by another; ``{}`` stands for the output."""
    needed = ("--reference",) if verb == "verify" and read != "golden" else ()
    words = () if verb == "load" and read == "into" else READ[read][0]
    written = WRITTEN[output].get(verb) or WRITTEN[output][None]
    return (verb, *TYPED[verb], *needed, *words, *written)


CASES = [
    (command(verb, output, read), file)
    for verb, names in WRITING.items()
    for output in WRITTEN
    if output in names
    for read in READ
    if read in names
    for file in READ[read][1]
]


@pytest.fixture
def inputs(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("model-0000.params", "model-symbol.json", "golden.safetensors", "nets.py", "map.toml", "x.npz"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "plugin.py").write_text("OPERATORS = ()\n")
    return tmp_path


def test_every_argument_of_every_verb_is_known_to_read_to_write_or_to_name_no_file() -> None:
    assert {*WRITING} == {*TYPED}
    assert {name for names in WRITING.values() for name in names} == {*READ, *WRITTEN} | NOT_FILES


@pytest.mark.parametrize("alias", ["itself", "absolute", "relative", "symbolic link", "hard link"])
@pytest.mark.parametrize(("words", "file"), CASES, ids=[f"{' '.join(words)} = {file}" for words, file in CASES])
def test_no_output_is_an_input(words: tuple[str, ...], file: str, alias: str, inputs: Path, run: Run) -> None:
    (inputs / "sub").mkdir()
    name = {"itself": file, "absolute": str(inputs / file), "relative": f"sub/../{file}"}.get(
        alias, "alias" + Path(file).suffix
    )
    if alias == "symbolic link":
        os.symlink(file, name)
    elif alias == "hard link":
        os.link(file, name)
    before = {path.name: path.read_bytes() for path in inputs.iterdir() if path.is_file()}
    result = run(*(word.format(name) for word in words), *(("--force",) if alias == "itself" else ()))
    assert result.code == 2, result.err
    assert result.err.startswith(f"neutral: error: {name}: the output would replace the source ")
    assert len(result.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in inputs.iterdir() if path.is_file()} == before


def test_shards_that_an_index_replaces_are_no_input(inputs: Path, run: Run) -> None:
    assert run("convert", "linear.safetensors", "s.safetensors", "--max-shard-size", "40").code == 0
    before = {path.name: path.read_bytes() for path in inputs.iterdir()}
    shard = next(name for name in sorted(before) if name.startswith("s-00001-of-"))
    result = run("convert", shard, "s.safetensors", "--max-shard-size", "30")
    assert result.code == 2 and "would replace the source" in result.err
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == before


def test_write_replaces_no_file_that_it_reads(checkpoint: Path, inputs: Path, run: Run) -> None:
    assert run("export", checkpoint, "-o", "like.safetensors").code == 0
    before = {path: path.read_bytes() for path in checkpoint.parent.iterdir()}
    result = run("write", f"{checkpoint}-0000.params", "--like", "like.safetensors", "-o", checkpoint, "--force")
    assert result.code == 2 and "-0000.params: the output would replace a file that is read" in result.err
    assert {path: path.read_bytes() for path in checkpoint.parent.iterdir()} == before


def test_two_outputs_are_two_files(inputs: Path, run: Run) -> None:
    result = run("load", "linear.safetensors", "--into", "nets:Net", "-o", "x.toml", "--save-plan", "./x.toml")
    assert result.code == 2 and "two outputs" in result.err
    assert not (inputs / "x.toml").exists()


FOREIGN = [
    *(("emit", "output", name) for name in ("own.py", "own.onnx")),
    *(("load", "output", name) for name in ("own.pth", "own.pt", "own.safetensors")),
    *((verb, "output", "own.safetensors") for verb in ("export", "convert", "cast", "slice", "merge", "golden")),
    ("convert", "output", "own.h5"),
    ("run", "output", "own.npz"),
    ("load", "save_plan", "own.toml"),
    ("verify", "html", "own.html"),
    ("inspect", "html", "own.html"),
]
"""A verb, what it writes, and the file of a person that it would replace."""

CONTENTS = {
    ".py": b"precious = 1\n",
    ".toml": b"[tool.precious]\n",
    ".html": b"<html>precious</html>\n",
    ".safetensors": b'\x3f\0\0\0\0\0\0\0{"__metadata__":{"format":"pt"},"neutral":{"dtype":"F32","shape"',
    ".h5": b"\x89HDF\r\n\x1a\n precious",
    ".pth": b"PK\x03\x04 precious",
    ".pt": b"\x80\x02 a pickle of an old torch",
    ".npz": b"PK\x03\x04 precious",
    ".onnx": b"\x08\x08\x12\x07pytorch",
}


def test_every_verb_that_writes_is_tried_on_a_file_of_a_person() -> None:
    assert {(verb, output) for verb, output, _ in FOREIGN} == {
        (verb, output) for verb, names in WRITING.items() for output in WRITTEN if output in names
    }


@pytest.mark.parametrize(("verb", "output", "target"), FOREIGN)
def test_a_file_of_a_person_is_kept_without_force(verb: str, output: str, target: str, inputs: Path, run: Run) -> None:
    content = CONTENTS[Path(target).suffix]
    (inputs / target).write_bytes(content)
    result = run(*(word.format(target) for word in command(verb, output, "plugin")))
    assert result.code == 8, result.err
    assert result.err == (
        f"neutral: error: {target}: exists, and Neutral did not write it. Choose another name, or pass --force.\n"
    )
    assert (inputs / target).read_bytes() == content


@pytest.mark.parametrize("name", ["own.safetensors.index.json", "own-00001-of-00002.safetensors"])
def test_a_shard_set_of_others_is_kept_without_force(name: str, inputs: Path, run: Run) -> None:
    (inputs / name).write_text('{"metadata": {"total_size": 8}, "weight_map": {}}')
    result = run("convert", "linear.safetensors", "own.safetensors", "--max-shard-size", "40")
    assert result.code == 8 and f"{name}: exists, and Neutral did not write it" in result.err
    assert sorted(path.name for path in inputs.glob("own*")) == [name]


@pytest.mark.parametrize(("options", "weights"), [((), "own.safetensors"), (("--pth",), "own.pth")])
def test_weights_of_others_beside_an_emitted_module_are_kept(
    options: tuple[str, ...], weights: str, inputs: Path, run: Run
) -> None:
    pytest.importorskip("torch.nn")
    (inputs / weights).write_bytes(CONTENTS[Path(weights).suffix])
    result = run("emit", "linear.safetensors", "-o", "own.py", *options)
    assert result.code == 8 and f"{weights}: exists, and Neutral did not write it" in result.err
    assert not (inputs / "own.py").exists()
    assert run("emit", "linear.safetensors", "-o", "own.py", *options, "--force").code == 0


def test_data_that_belong_to_no_model_are_kept(inputs: Path, run: Run) -> None:
    pytest.importorskip("onnx")
    (inputs / "own.onnx.data").write_bytes(b"precious")
    result = run("emit", "linear.safetensors", "-o", "own.onnx", "--external-data")
    assert result.code == 8 and "own.onnx.data: exists, and there is no model own.onnx" in result.err
    assert [path.name for path in inputs.glob("own*")] == ["own.onnx.data"]


@pytest.mark.parametrize(
    "words",
    [
        ("convert", "linear.safetensors", "x.safetensors"),
        ("convert", "linear.safetensors", "x.safetensors", "--max-shard-size", "40"),
        ("convert", "linear.safetensors", "x.h5"),
        ("cast", "linear.safetensors", "--to", "float16", "-o", "x.safetensors"),
        ("inspect", "linear.safetensors", "--html", "x.html"),
        ("run", "linear.safetensors", "--input", "data=data.npy", "-o", "y.npz"),
        ("golden", "linear.safetensors", "--shape", "data=1,3", "-o", "x.safetensors"),
        ("emit", "linear.safetensors", "-o", "x.py"),
        ("emit", "linear.safetensors", "-o", "x.py", "--pth"),
        ("emit", "linear.safetensors", "-o", "x.onnx"),
        ("emit", "linear.safetensors", "-o", "x.onnx", "--external-data"),
        ("load", "linear.safetensors", "--into", "x:Linear", "-o", "w.safetensors"),
        ("load", "linear.safetensors", "--into", "x:Linear", "-o", "w.pth", "--save-plan", "x.toml"),
    ],
    ids=" ".join,
)
def test_what_neutral_wrote_is_replaced(words: tuple[str, ...], inputs: Path, run: Run) -> None:
    needed = {"load": "torch.nn", "x.h5": "h5py", "x.onnx": "onnx", "x.py": "torch.nn"}
    for word in words:
        if word in needed:
            pytest.importorskip(needed[word])
    np.save(inputs / "data.npy", np.ones((1, 3), np.float32))
    if words[0] == "load":
        assert run("emit", "linear.safetensors", "-o", "x.py", "--class-name", "Linear").code == 0
    for _ in range(2):
        result = run(*words)
        assert result.code == 0, result.err


def test_an_emitted_module_is_replaced_and_a_module_of_a_person_with_force(inputs: Path, run: Run) -> None:
    pytest.importorskip("torch.nn")
    (inputs / "own.py").write_text("precious = 1\n")
    assert run("emit", "linear.safetensors", "-o", "own.py", "--force").code == 0
    written = (inputs / "own.py").read_bytes()
    assert run("emit", "linear.safetensors", "-o", "own.py").code == 0
    assert (inputs / "own.py").read_bytes() == written


@pytest.mark.parametrize("words", [("x.safetensors",), ("x.safetensors", "--max-shard-size", "40")])
def test_no_clobber_keeps_what_exists(words: tuple[str, ...], inputs: Path, run: Run) -> None:
    assert run("convert", "linear.safetensors", *words, "--no-clobber").code == 0
    before = {path.name: path.read_bytes() for path in inputs.iterdir()}
    linear_store("other").save(inputs / "other.safetensors")
    result = run("convert", "other.safetensors", *words, "--no-clobber")
    assert result.code == 8 and "exists already" in result.err
    (inputs / "other.safetensors").unlink()
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == before


def test_exactly_one_of_many_processes_creates_a_file(inputs: Path) -> None:
    words = [sys.executable, "-m", "neutral", "convert", "linear.safetensors", "x.safetensors", "--no-clobber"]
    processes = [
        subprocess.Popen(words, cwd=inputs, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(6)
    ]
    assert sorted(process.wait() for process in processes) == [0, 8, 8, 8, 8, 8]

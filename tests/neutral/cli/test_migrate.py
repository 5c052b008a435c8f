"""One command from a checkpoint to a verified folder; it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import tarfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch.nn", reason="emits modules")

from cli_cases import Run, write_checkpoint, write_golden  # noqa: E402
from neutral import plugins  # noqa: E402
from neutral.errors import VerificationError  # noqa: E402
from neutral.plugins import registry  # noqa: E402
from neutral.store.header_parser import read_header  # noqa: E402
from neutral.store.safetensors import write_tensors  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
FILES = ["model.py", "model.safetensors", "report.html", "store.safetensors"]


@pytest.fixture(autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_sources(golden: Path, digests: dict[str, str]) -> None:
    """Write into a golden file from which files it was recorded."""
    header = read_header(str(golden))
    description = json.loads(header.metadata["golden"])
    description["sources"] = {role: {"name": role, "size": 1, "sha256": sha} for role, sha in digests.items()}
    content = {key: tensor.numpy() for key, tensor in header.tensors.items()}
    write_tensors(
        {key: from_numpy(array) for key, array in content.items()}, golden, {"golden": json.dumps(description)}
    )


def digests_of(checkpoint: Path) -> dict[str, str]:
    names = {"symbol": f"{checkpoint}-symbol.json", "parameters": f"{checkpoint}-0000.params"}
    return {role: hashlib.sha256(Path(name).read_bytes()).hexdigest() for role, name in names.items()}


def test_a_checkpoint_becomes_a_folder_verified_by_the_reference(run: Run, checkpoint: Path) -> None:
    result = run("migrate", checkpoint, "-o", "net")
    assert result.code == 0, result.err
    assert sorted(os.listdir("net")) == FILES
    lines = result.out.splitlines()
    assert lines[0] == "found model-0000.params, model-symbol.json (mxnet 1.9.1)"
    assert "  1 layer: 1 linear" in lines and "  8 parameters, 32 bytes" in lines
    assert "  note: verified on data: standard normal numbers of shape (2, 3), seed 0." in lines
    assert any(
        line.startswith("verified against the reference: equal: 1 layer and 1 output compared") for line in lines
    )
    start = lines.index(
        "to prove the reader too, record the original framework's values where it can run, and compare:"
    )
    words = shlex.split(lines[start + 1])
    assert words[:2] == ["uv", "run"] and Path(words[2]).name == "mxnet_capture.py" and Path(words[2]).is_file()
    files = ["--symbol", f"{checkpoint}-symbol.json", "--params", f"{checkpoint}-0000.params"]
    assert words[3:] == ["run", *files, "--shape", "data=2,3", "-o", "net-golden.safetensors"]
    assert lines[start + 2] == "    neutral verify net/store.safetensors --golden net-golden.safetensors"
    assert not [name for name in os.listdir(".") if "tmp" in name]


def test_the_last_three_lines_load_the_model(run: Run, checkpoint: Path) -> None:
    lines = run("migrate", checkpoint, "-o", "net").out.splitlines()
    assert lines[-4] == "load it:"
    scope: dict[str, Any] = {}
    exec("\n".join(line.strip() for line in lines[-3:]), scope)
    assert scope["outputs"].shape == (2, 2)
    data = np.array([[1, 2, 3]], np.float32)
    expected = data @ np.arange(6, dtype=np.float32).reshape(2, 3).T + np.array([1, -1], np.float32)
    assert np.array_equal(scope["model"](scope["torch"].from_numpy(data)).detach().numpy(), expected)


def test_a_golden_file_beside_the_checkpoint_proves_the_reader_too(run: Run, checkpoint: Path) -> None:
    golden = checkpoint.parent / "recorded.safetensors"
    write_golden(golden)
    document = run("migrate", checkpoint, "-o", "net", "--json").json
    assert document["golden_file"] == str(golden) and document["proves"] == "reader and writer"
    assert document["capture"] is None and document["verification"]["ok"] is True
    assert f"took {golden} beside the checkpoint; it does not say from which files" in document["notes"]
    with_sources(golden, digests_of(checkpoint))
    write_golden(checkpoint.parent / "other.safetensors", 2.0)
    document = run("migrate", checkpoint, "-o", "again", "--json").json
    assert document["golden_file"] == str(golden)
    assert f"took {golden}, which was recorded from these files" in document["notes"]


def test_a_golden_file_of_another_checkpoint_is_not_used(run: Run, checkpoint: Path) -> None:
    golden = checkpoint.parent / "golden.safetensors"
    write_golden(golden, 2.0)
    with_sources(golden, {**digests_of(checkpoint), "parameters": "0" * 64})
    document = run("migrate", checkpoint, "-o", "net", "--json").json
    assert document["golden_file"] is None and document["proves"] == "writer"
    assert f"{golden}: a golden file of another checkpoint; it was not used" in document["notes"]


def test_several_golden_files_are_not_guessed_from(run: Run, checkpoint: Path) -> None:
    for name in ("a", "b"):
        write_golden(checkpoint.parent / f"{name}.safetensors")
    assert run("migrate", checkpoint, "-o", "net", "--json").json["golden_file"] is None
    for name in ("a", "b"):
        with_sources(checkpoint.parent / f"{name}.safetensors", digests_of(checkpoint))
    result = run("migrate", checkpoint, "-o", "again")
    assert result.code == 3 and "name one with --golden" in result.err and not Path("again").exists()
    assert run("migrate", checkpoint, "-o", "again", "--reference").code == 0


def test_a_difference_leaves_the_page_alone(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    write_golden(tmp_path / "wrong.safetensors", 1.01)
    before = sorted(os.listdir())
    result = run("migrate", checkpoint, "-o", "net", "--golden", "wrong.safetensors", "--json")
    assert result.code == 7 and sorted(os.listdir()) == sorted([*before, "net-report.html"])
    page = Path("net-report.html").read_text()
    assert '"first_divergence":0' in page and ".tmp" not in page and result.json["page"] == "net-report.html"
    document = result.json
    assert document["written"] is False and document["files"] == document["example"] == []
    assert document["verification"]["first_divergence"] == 0 and document["proves"] is None
    text = run("migrate", checkpoint, "-o", "net", "--golden", "wrong.safetensors").out
    assert "nothing is written: net would hold a model that computes something else" in text
    assert "wrote net-report.html, which shows where" in text
    assert "different: 1 layer and 1 output compared; first in fc1" in text and "load it" not in text
    nested = run("migrate", checkpoint, "-o", "not/yet/net/", "--golden", "wrong.safetensors")
    assert nested.code == 7 and os.listdir("not/yet") == ["net-report.html"]
    Path("net-report.html").write_text("mine")
    refused = run("migrate", checkpoint, "-o", "net", "--golden", "wrong.safetensors")
    assert refused.code == 8 and "net-report.html: exists, and Neutral did not write it. Choose another" in refused.err
    assert Path("net-report.html").read_text() == "mine"


def test_an_error_in_any_step_leaves_no_folder(
    run: Run, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise VerificationError("the module fails.")

    monkeypatch.setattr("neutral_to_torch.plugin.TorchWriter.verify", fail)
    before = sorted(os.listdir())
    result = run("migrate", checkpoint, "-o", "net")
    assert result.code == 7 and "the module fails" in result.err and sorted(os.listdir()) == before


def test_no_name_of_a_temporary_folder_stays(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    result = run("migrate", checkpoint, "-o", "net", "--json")
    for text in (result.out, *(Path("net", name).read_bytes().decode("latin-1") for name in FILES)):
        assert ".tmp" not in text and "/neutral-" not in text
    assert result.json["commands"] == [
        f"neutral export {checkpoint} -o net/store.safetensors",
        "neutral inspect net/store.safetensors",
        "neutral emit net/store.safetensors -o net/model.py --to torch",
        "neutral golden net/store.safetensors --shape data=2,3 -o reference.safetensors",
        "neutral verify net/store.safetensors --golden reference.safetensors --to torch --html net/report.html",
    ]


def test_the_parts_write_what_their_verbs_write(run: Run, checkpoint: Path) -> None:
    assert run("migrate", checkpoint, "-o", "net", "--class-name", "Net").code == 0
    run("export", checkpoint, "-o", "store.safetensors")
    run("emit", "store.safetensors", "-o", "model.py", "--class-name", "Net")
    for name in set(FILES) - {"report.html"}:
        assert Path("net", name).read_bytes() == Path(name).read_bytes(), name


def test_folders_are_searched(run: Run, tmp_path: Path) -> None:
    assert run("migrate", tmp_path, "-o", "net").code == 3
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_checkpoint(tmp_path / "a" / "b" / "model")
    document = run("migrate", "a", "-o", "net", "--json").json
    assert document["source"] == ["a/b/model-symbol.json", "a/b/model-0000.params"]
    (tmp_path / "a" / "c").mkdir()
    write_checkpoint(tmp_path / "a" / "c" / "other")
    result = run("migrate", "a", "-o", "both")
    assert result.code == 3 and "2 checkpoints; expected one" in result.err and not Path("both").exists()
    assert "  - b/model-0000" in result.err and "neutral archive a --to FOLDER" in result.err


def test_checkpoints_of_two_readers_in_one_folder_are_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_checkpoint(tmp_path / "a" / "model")
    write_tensors({"fc.weight": from_numpy(np.ones((2, 3), np.float32))}, tmp_path / "a" / "tuned.safetensors", {})
    result = run("migrate", "a", "-o", "net")
    assert result.code == 3 and "2 checkpoints; expected one" in result.err and "  - tuned.safetensors" in result.err


def test_what_neutral_wrote_is_no_second_checkpoint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_checkpoint(tmp_path / "a" / "model")
    write_golden(tmp_path / "golden.safetensors")
    assert run("migrate", ".", "-o", "net").code == 0
    assert run("emit", "net/store.safetensors", "-o", "plain.py", "--pth").code == 0
    np.save("data.npy", np.ones((2, 3), np.float32))
    assert run("run", "net/store.safetensors", "--input", "data=data.npy", "-o", "values.npz").code == 0
    Path("data.npy").unlink()
    document = run("migrate", ".", "-o", "again", "--json").json
    assert document["source"] == ["a/model-symbol.json", "a/model-0000.params"]
    own = ["net/model.safetensors", "plain.pth", "values.npz"]
    assert {f"passed over {path}, which Neutral wrote" for path in own} <= set(document["notes"])
    (tmp_path / "a" / "model-symbol.json").unlink()
    (tmp_path / "a" / "model-0000.params").unlink()
    result = run("migrate", "net", "-o", "weights")
    assert result.code == 0 and "found net/model.safetensors (torch)" in result.out


def test_an_archive_is_restored_before_it_is_captured(run: Run, checkpoint: Path) -> None:
    with tarfile.open("model.tar.gz", "w:gz") as archive:
        for name in ("model-symbol.json", "model-0000.params"):
            archive.add(checkpoint.parent / name, name)
    document = run("migrate", "model.tar.gz", "-o", "net", "--json").json
    assert document["proves"] == "writer"
    assert document["capture"][0] == "neutral restore net/store.safetensors -o net-original"
    assert "--symbol net-original/model-symbol.json --params net-original/model-0000.params" in document["capture"][1]


def test_the_capture_of_a_training_graph_gets_the_labels_that_mxnet_cannot_infer(run: Run) -> None:
    archive = ROOT / "examples" / "tutorials" / "sagemaker_detection" / "model.tar.gz"
    document = run("migrate", archive, "-o", "net", "--reference", "--shape", "data=2,3,32,32", "--json").json
    assert "--shape data=2,3,32,32 --shape label=2,1,6 -o net-golden.safetensors" in document["capture"][1]


def test_parameters_alone_become_a_store_and_it_is_said(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint.parent / "model-symbol.json").unlink()
    parameters = f"{checkpoint}-0000.params"
    document = run("migrate", parameters, "-o", "net", "--json").json
    assert (
        sorted(os.listdir("net")) == ["report.html", "store.safetensors"]
        and document["class_name"] is document["verification"] is None
    )
    assert document["not_verified"] == "there is no graph to run" and document["example"] == []
    assert any("no source is written" in note for note in document["notes"])
    write_golden(tmp_path / "golden.safetensors")
    result = run("migrate", parameters, "-o", "no", "--golden", "golden.safetensors")
    assert result.code == 2 and "--golden needs a graph" in result.err and not Path("no").exists()


def test_a_store_is_a_source_too(run: Run, store: Path) -> None:
    document = run("migrate", store, "-o", "net", "--json").json
    assert document["verification"]["ok"] and Path("net/store.safetensors").read_bytes() == store.read_bytes()
    assert document["commands"][0] == f"neutral convert {store} net/store.safetensors"


def test_an_existing_folder_is_not_changed(run: Run, checkpoint: Path) -> None:
    Path("net").mkdir()
    assert run("migrate", checkpoint, "-o", "net").code == 0
    before = {name: Path("net", name).stat().st_mtime_ns for name in os.listdir("net")}
    result = run("migrate", checkpoint, "-o", "net")
    assert result.code == 8 and "exists already and is not an empty folder" in result.err
    assert {name: Path("net", name).stat().st_mtime_ns for name in os.listdir("net")} == before


def test_without_a_writer_of_onnx_files_it_is_said_at_once(
    run: Run, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = {key: value for key, value in registry.BUILTIN[plugins.WRITERS].items() if key != "onnx"}
    monkeypatch.setattr(registry, "BUILTIN", {**registry.BUILTIN, plugins.WRITERS: writers})
    result = run("migrate", checkpoint, "-o", "net", "--onnx")
    assert result.code == 5 and not Path("net").exists()
    assert "--onnx needs a writer named 'onnx' in neutral.writers; those installed are mxnet, torch" in result.err


def test_an_onnx_file_is_written_too(run: Run, checkpoint: Path) -> None:
    onnx = pytest.importorskip("onnx")
    document = run("migrate", checkpoint, "-o", "net", "--onnx", "--json").json
    assert [file["name"] for file in document["files"]] == ["model.onnx", *FILES]
    (item,) = onnx.load("net/model.onnx").graph.input
    assert item.name == "data" and item.type.tensor_type.shape.dim[0].dim_param == "batch"
    if find_spec("onnxruntime"):
        assert any(note.startswith("model.onnx: equal: ") for note in document["notes"])
        assert document["commands"][-1].startswith("neutral verify net/model.onnx --golden ")


def test_shapes_that_do_not_fit_are_an_error_and_unknown_ones_a_statement(
    run: Run, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("migrate", checkpoint, "-o", "net", "--shape", "data=2,4")
    assert result.code == 2 and "no size of the inputs that was tried fits" in result.err
    monkeypatch.setattr("neutral.reference.runnable_input_shapes", lambda *_: None)
    document = run("migrate", checkpoint, "-o", "net", "--json").json
    assert document["verification"] is document["proves"] is None and document["written"] is True
    assert "--shape data=1,3,224,224" in document["not_verified"]
    assert document["example"][-1] == "print(model)" and "--shape data=N,C,H,W" in document["capture"][0]

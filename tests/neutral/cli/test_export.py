from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import neutral
from cli_cases import Run, linear_store, ndarray_list
from neutral.store.nonfinite import NonfiniteCounter
from neutral.tensor import Tensor, from_numpy


def test_export_writes_the_store_and_says_what_is_in_it(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    result = run("export", checkpoint, "-o", target)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == f"wrote {target}: 1 layer, 2 tensors, 32 bytes"
    with neutral.open(target) as store:
        np.testing.assert_array_equal(store["fc1.weight"], [[0, 1, 2], [3, 4, 5]])
        assert set(store.digests) == set(store.tensors)


def test_the_document(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    assert run("export", checkpoint, "-o", target, "--json").json == {
        "source": [str(checkpoint)],
        "output": str(target),
        "written": True,
        "layers": 1,
        "tensors": 2,
        "bytes": 32,
        "notes": [],
    }


def test_a_dry_run_writes_nothing(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "model.safetensors"
    target.parent.mkdir()
    result = run("export", checkpoint, "-o", target, "--dry-run", "--json")
    assert result.code == 0
    assert result.json["written"] is False
    assert list(target.parent.iterdir()) == []


def test_without_digests(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    run("export", checkpoint, "-o", target, "--no-digests")
    with neutral.open(target) as store:
        assert store.digests == {}


def test_an_existing_target_is_replaced_and_a_failed_run_leaves_it(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    linear_store("old").save(target)
    old = target.read_bytes()
    parameters = Path(f"{checkpoint}-0000.params")
    whole = parameters.read_bytes()
    parameters.write_bytes(whole[:-5])
    assert run("export", checkpoint, "-o", target).code == 3
    assert target.read_bytes() == old
    parameters.write_bytes(whole)
    assert run("export", checkpoint, "-o", target).code == 0
    assert run("inspect", target).code == 0


def test_a_suffix_that_no_container_has_is_refused_before_the_source_is_read(run: Run, tmp_path: Path) -> None:
    result = run("export", "missing", "-o", tmp_path / "model.bin")
    assert result.code == 2
    assert "model.bin: unknown suffix '.bin'; expected one of .safetensors" in result.err


def test_the_output_is_never_the_source(run: Run, checkpoint: Path) -> None:
    parameters = Path(f"{checkpoint}-0000.params")
    before = parameters.read_bytes()
    link = parameters.with_name("model.safetensors")
    link.symlink_to(parameters)
    result = run("export", parameters, "-o", link)
    assert result.code == 2
    assert "would replace the source" in result.err
    assert parameters.read_bytes() == before


def test_a_store_is_no_source(run: Run, store: Path, tmp_path: Path) -> None:
    result = run("export", store, "-o", tmp_path / "model.safetensors")
    assert result.code == 2
    assert f"{store}: this is a neutral store; expected a checkpoint" in result.err


def test_missing_folders_are_made(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "model.safetensors"
    assert run("export", checkpoint, "-o", target).code == 0
    assert target.is_file()


def test_an_unwritable_target_leaves_no_folder(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = run("export", checkpoint, "-o", tmp_path / "file" / "model.safetensors")
    assert result.code == 8
    assert "cannot be written: " in result.err
    (tmp_path / "a" / "b" / "model.safetensors").mkdir(parents=True)
    result = run("export", checkpoint, "-o", tmp_path / "a" / "b" / "model.safetensors")
    assert result.code == 8
    assert "cannot be written: Is a directory" in result.err


def test_an_epoch_that_is_not_there(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    result = run("export", checkpoint, "--epoch", 7, "-o", tmp_path / "model.safetensors")
    assert result.code == 3
    assert "there are no parameters of epoch 7" in result.err


def test_the_partner_of_a_file_is_taken_and_said(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    run("export", checkpoint, "-o", tmp_path / "pair.safetensors")
    expected = (tmp_path / "pair.safetensors").read_bytes()
    for given, partner in (("symbol.json", "0000.params"), ("0000.params", "symbol.json")):
        done = run("export", f"{checkpoint}-{given}", "-o", tmp_path / "x.safetensors")
        assert done.code == 0, done.err
        assert f"note: took {checkpoint.name}-{partner} beside {checkpoint}-{given}" in done.out
        assert (tmp_path / "x.safetensors").read_bytes() == expected


def test_several_partners_are_listed(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    shutil.copy(f"{checkpoint}-0000.params", f"{checkpoint}-0003.params")
    done = run("export", f"{checkpoint}-symbol.json", "-o", tmp_path / "x.safetensors")
    assert done.code == 3
    assert f"beside it ({checkpoint.name}-0000.params, {checkpoint.name}-0003.params). Name one" in done.err
    assert not (tmp_path / "x.safetensors").exists()
    done = run("export", f"{checkpoint}-symbol.json", "--epoch", 3, "-o", tmp_path / "x.safetensors")
    assert done.code == 0 and f"took {checkpoint.name}-0003.params" in done.out


@pytest.mark.parametrize("suffix", ["-symbol.json", ""], ids=["symbol", "prefix"])
def test_a_graph_without_weights_has_to_be_asked_for(checkpoint: Path, tmp_path: Path, run: Run, suffix: str) -> None:
    os.unlink(f"{checkpoint}-0000.params")
    done = run("export", f"{checkpoint}{suffix}", "-o", tmp_path / "x.safetensors")
    assert done.code == 3 and "--graph-only" in done.err and not (tmp_path / "x.safetensors").exists()
    done = run("export", f"{checkpoint}{suffix}", "--graph-only", "-o", tmp_path / "x.safetensors")
    assert done.code == 0 and (tmp_path / "x.safetensors").exists()


def test_graph_only_leaves_the_parameters_out(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    done = run("export", f"{checkpoint}-symbol.json", "--graph-only", "-o", tmp_path / "x.safetensors", "--json")
    assert (done.code, done.json["tensors"]) == (0, 0)
    refused = run("export", f"{checkpoint}-0000.params", "--graph-only", "-o", tmp_path / "x.safetensors")
    assert refused.code == 2 and "this is not a symbol" in refused.err


def test_an_array_is_made_an_input(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    arrays = {"arg:fc1_weight": np.ones((2, 3), "<f4"), "arg:fc1_bias": np.ones(2, "<f4")}
    batch = {"arg:data": np.ones((4, 3), "<f4")}
    Path(f"{checkpoint}-0000.params").write_bytes(ndarray_list({**arrays, **batch}))
    done = run("export", checkpoint, "-o", tmp_path / "x.safetensors")
    assert "note: constants that are called like inputs: data." in done.out
    done = run("export", checkpoint, "--input", "data", "-o", tmp_path / "x.safetensors")
    assert done.code == 0 and "called like inputs" not in done.out
    with neutral.open(tmp_path / "x.safetensors") as store:
        assert [item.name for item in store.graph.inputs] == ["data"]


def test_parameters_alone_come_with_advice_for_their_graph(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    os.unlink(f"{checkpoint}-symbol.json")
    done = run("export", f"{checkpoint}-0000.params", "-o", tmp_path / "x.safetensors")
    assert done.code == 0
    assert "note: there is no graph, only layers; where MXNet is, `mxnet_capture.py zoo NAME --params" in done.out


def test_advice_for_a_known_network_says_the_command(tmp_path: Path, run: Run) -> None:
    arrays = {"features.0.weight": np.ones((2, 3, 3, 3), "<f4"), "output.weight": np.ones((4, 2), "<f4")}
    (tmp_path / "alexnet-44335d1f.params").write_bytes(ndarray_list(arrays))
    done = run("export", tmp_path / "alexnet-44335d1f.params", "-o", tmp_path / "x.safetensors")
    command = "`mxnet_capture.py zoo alexnet --params alexnet-44335d1f.params -o PREFIX --option classes=4`"
    assert "note: there is no graph, only layers; the file is called like alexnet of a model zoo" in done.out
    assert command in done.out
    pytest.importorskip("torch.nn")
    for options in ((), ("--dry-run",), ("--hub-layout",)):
        done = run("emit", tmp_path / "x.safetensors", "-o", tmp_path / "net.py", *options)
        assert done.code == 2 and command in done.err and not (tmp_path / "net.py").exists()


def test_emit_takes_the_file_that_lies_beside_one_of_a_pair(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    pytest.importorskip("torch.nn")
    for given, taken in (("-symbol.json", "model-0000.params"), ("-0000.params", "model-symbol.json")):
        done = run("emit", f"{checkpoint}{given}", "-o", tmp_path / "net.py", "--force")
        assert done.code == 0 and f"note: took {taken} beside {checkpoint}{given}" in done.out
    os.unlink(f"{checkpoint}-0000.params")
    done = run("emit", f"{checkpoint}-symbol.json", "-o", tmp_path / "other.py")
    assert done.code == 3 and "none lies beside it: there are no weights to write. Give the prefix of both" in done.err
    assert not (tmp_path / "other.py").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an error message of S3 or a similar"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a Git LFS pointer, not the file it"),
        (b"<!doctype html>", "an HTML page: the download failed"),
    ],
)
def test_what_a_file_of_no_reader_is_is_said(content: bytes, said: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "weights-20").write_bytes(content)
    done = run("export", tmp_path / "weights-20", "-o", tmp_path / "x.safetensors")
    assert done.code == 3 and f"weights-20: {said}" in done.err and "; expected a checkpoint." in done.err


def test_nan_and_infinity_are_noted(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    arrays = {
        "arg:fc1_weight": np.array([[0, np.nan, 1], [np.inf, -np.inf, 2]], "<f4"),
        "arg:fc1_bias": np.ones(2, "<f4"),
    }
    Path(f"{checkpoint}-0000.params").write_bytes(ndarray_list(arrays))
    done = run("export", checkpoint, "-o", tmp_path / "x.safetensors", "--json")
    assert done.json["notes"] == ["1 tensor with NaN or infinite elements: fc1.weight (3)"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_chunks_that_divide_elements_are_counted_rightly(dtype: str) -> None:
    values = np.full(100, np.finfo(dtype).max, dtype)
    values[[3, 50, 99]] = np.nan, np.inf, -np.inf
    content, name = values.tobytes(), from_numpy(values).dtype
    for size in (1, 3, 7, 64):
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        counter = NonfiniteCounter({"a": Tensor(name, (100,), ())})
        for piece in pieces:
            counter("a", piece)
        assert counter.counts == {"a": 3}

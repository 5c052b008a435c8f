"""Find checkpoints in the files that people have: packed by services, under other names, among other JSON."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mxnet_to_neutral
from mxnet_to_neutral.files.detection import kind_of
from mxnet_to_neutral.files.folder import find_by_prefix, find_in_folder
from mxnet_to_neutral.plugin import reader
from neutral.errors import SourceError, UsageError
from reader.checkpoints import SymbolBuilder, params_bytes, ramp

OTHERS = {
    "hyperparams.json": json.dumps({"num_classes": "20"}).encode(),
    "labels.json": json.dumps({"nodes": ["cat", "dog"]}).encode(),
    "MAR-INF/MANIFEST.json": b'{"model": {"handler": "service.py"}}',
    "signature.json": b"{",
    "synset.txt": b"cat",
}
"""Files that services pack beside a checkpoint; many begin as a symbol does."""


def symbol_bytes() -> bytes:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    return symbol.json().encode()


def weights(value: float = 1, extra: tuple[str, ...] = ()) -> bytes:
    arrays = {"arg:fc_weight": ramp(2, 3) * value, "arg:fc_bias": ramp(2)}
    return params_bytes({**arrays, **{f"arg:{name}": ramp(4, 3) for name in extra}})


def pair(prefix: str, value: float = 1) -> dict[str, bytes]:
    return {f"{prefix}-symbol.json": symbol_bytes(), f"{prefix}-0000.params": weights(value)}


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def first_weight(path: object) -> float:
    with mxnet_to_neutral.read(path) as store:
        assert store.layers["fc"].typed_by == "graph"
        return float(store["fc.weight"][0, 0])


VALUE = float(ramp(2, 3)[0, 0])


ARCHIVES = {
    "model.tar.gz": tarred({**OTHERS, **pair("model_algo_1")}),
    "model.mar": zipped({**OTHERS, **pair("squeezenet")}),
    "model.model": zipped({**OTHERS, **pair("squeezenet")}),
    "download": zipped({**OTHERS, **pair("squeezenet")}),
    "artifact": tarred({**OTHERS, **pair("export/model")}),
    "nested.tar.gz": tarred({"output/labels.json": b"{}", "output/model.tar.gz": tarred(pair("model"))}),
    "nested.zip": zipped({"a.tgz": tarred({"b.zip": zipped(pair("deep/model"))})}),
    "best.zip": zipped({"net-symbol.json": symbol_bytes(), "net-best.params": weights(), "mean.npy": b"\x93NUMPY"}),
    "several.zip": zipped({**pair("model"), "backup/model-symbol.json": symbol_bytes(), "x.bin": b"noise"}),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_checkpoint_in_an_archive_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ARCHIVES[name])
    assert reader.can_read(str(tmp_path / name))
    assert first_weight(tmp_path / name) == VALUE
    assert list(reader.find(str(tmp_path), [name])) == [(name, (name,))]


def test_several_checkpoints_in_an_archive_are_listed_and_one_is_named(tmp_path: Path) -> None:
    inner = tarred(pair("inner", 4))
    path = tmp_path / "model.tar.gz"
    path.write_bytes(tarred({**OTHERS, **pair("a/model", 2), **pair("b/net", 3), "c/inner.tar.gz": inner}))
    with pytest.raises(SourceError) as caught:
        mxnet_to_neutral.read(path)
    assert str(caught.value).splitlines() == [
        f"{path}: the archive holds more than one checkpoint (2). Name one of:",
        f"  - {path}#a/model-0000.params",
        f"  - {path}#b/net-0000.params",
    ]
    for member, value in (
        ("a/model-0000.params", 2),
        ("a/model", 2),
        ("a", 2),
        ("b/net-symbol.json", 3),
        ("./b/net-0000.params", 3),
        ("c/inner.tar.gz", 4),
        ("c/inner.tar.gz#inner-0000.params", 4),
        ("c", 4),
    ):
        assert reader.can_read(f"{path}#{member}")
        assert first_weight(f"{path}#{member}") == value * VALUE, member
    with pytest.raises(SourceError, match="there is no member 'd/model' that is a checkpoint; it holds a/model-symbol"):
        mxnet_to_neutral.read(f"{path}#d/model")
    with pytest.raises(SourceError, match=r"no member 'd' that is a checkpoint; it holds no checkpoint\."):
        (tmp_path / "empty.zip").write_bytes(zipped({"readme.txt": b""}))
        mxnet_to_neutral.read(tmp_path / "empty.zip#d")
    assert list(reader.find(str(tmp_path), ["model.tar.gz"])) == [
        ("model.tar.gz/a/model-0000", ("model.tar.gz#a/model-0000.params",)),
        ("model.tar.gz/b/net-0000", ("model.tar.gz#b/net-0000.params",)),
        ("model.tar.gz/c/inner.tar.gz", ("model.tar.gz#c/inner.tar.gz",)),
    ]


def members_found(path: Path) -> list[str]:
    """The members that are checkpoints of their own, as they are written after ``#``."""
    return [name.partition("#")[2] for _, (name,) in reader.find(str(path.parent), [path.name])]


def test_all_checkpoints_of_an_archive_are_found_and_those_that_are_passed_over_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    inner = zipped({**pair("m", 2), "m-0004.params": weights(4), "other.param": weights(5)})
    damaged = tarred(pair("m"))[:80]
    files = {**pair("n"), "deep/er/lone.params": weights(3), "in.zip": inner, "code/source.tar.gz": tarred(OTHERS)}
    path.write_bytes(zipped({**files, "words.txt.gz": damaged, "cut.tar.gz": damaged}))
    expected = [
        "n-0000.params",
        "deep/er/lone.params",
        *(f"in.zip#{name}" for name in ("m-0000.params", "m-0004.params")),
    ]
    assert members_found(path) == [*expected, "in.zip#other.param", "cut.tar.gz"]
    with mxnet_to_neutral.read(path) as store:
        assert store["fc.weight"][0, 0] == VALUE
        assert "passed over deep/er/lone.params in the archive of the checkpoint" in store.notes
    with mxnet_to_neutral.read(f"{path}#in.zip#m-0000.params") as store:
        assert store["fc.weight"][0, 0] == 2 * VALUE and not any("passed over" in note for note in store.notes)
    with pytest.raises(SourceError, match=r"x\.zip#cut\.tar\.gz: the archive cannot be unpacked"):
        mxnet_to_neutral.read(f"{path}#cut.tar.gz")
    path.write_bytes(zipped({**pair("n"), **{f"{index:02}/w.params": weights() for index in range(21)}}))
    with mxnet_to_neutral.read(path) as store:
        assert any("18/w.params, 19/w.params and 1 more in the archive" in note for note in store.notes)


def test_every_epoch_of_the_only_checkpoint_in_an_archive_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.tgz"
    path.write_bytes(tarred({**pair("a/m"), "a/m-0003.params": weights(3)}))
    assert members_found(path) == ["a/m-0000.params", "a/m-0003.params"]
    assert [first_weight(f"{path}#{name}") / VALUE for name in members_found(path)] == [1, 3]


def test_checkpoints_at_any_depth_are_to_be_chosen_from(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    path.write_bytes(zipped({**pair("det/mtcnn/det1", 2), **pair("rec/model", 3)}))
    with pytest.raises(
        SourceError, match=r"\(2\). Name one of:\n.*#rec/model-0000.params\n.*#det/mtcnn/det1-0000.params$"
    ):
        mxnet_to_neutral.read(path)
    assert first_weight(f"{path}#det") == 2 * VALUE
    path.write_bytes(zipped(pair("rec/model", 3)))
    assert first_weight(f"{path}#.") == 3 * VALUE


def test_too_many_archives_within_archives_are_said_by_reading(tmp_path: Path) -> None:
    content = zipped(pair("m"))
    for _ in range(5):
        content = zipped({"a.zip": content})
    (tmp_path / "x.zip").write_bytes(content)
    assert members_found(tmp_path / "x.zip") == [""]
    with pytest.raises(SourceError, match=r"x\.zip#a\.zip#a\.zip.*: archives are nested in more than 4 archives"):
        mxnet_to_neutral.read(tmp_path / "x.zip")


def test_a_tar_that_ends_with_a_zip_archive_is_a_tar(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {**pair("m", 2), "code.zip": zipped({"train.py": b""})}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (tmp_path / "x.tar").write_bytes(buffer.getvalue())
    assert zipfile.is_zipfile(tmp_path / "x.tar")
    assert first_weight(tmp_path / "x.tar") == 2 * VALUE


def test_errors_name_the_member_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for content, said in ((b"", ": is empty"), (weights()[:60], ", byte 36: array 0 of 2")):
        path.write_bytes(zipped({"in.tgz": tarred({"a/m-symbol.json": symbol_bytes(), "a/m-0000.params": content})}))
        with pytest.raises(SourceError) as caught:
            mxnet_to_neutral.read(path)
        assert str(caught.value).startswith(f"{path}#in.tgz#a/m-0000.params")
        assert said in str(caught.value) and "neutral-" not in str(caught.value)


def test_a_truncated_archive_is_no_parameter_file(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(tarred(pair("model"))[:80])
    with pytest.raises(SourceError, match=r"model\.tar\.gz: the archive cannot be unpacked .*It may be truncated"):
        mxnet_to_neutral.read(tmp_path / "model.tar.gz")


def test_the_name_of_parameters_without_suffix_takes_the_symbol_beside_them(tmp_path: Path) -> None:
    write(tmp_path, {"m-symbol.json": symbol_bytes(), "m-0003.params": weights(2), "m-best.params": weights(3)})
    for name, value in (("m-0003", 2), ("m-best", 3)):
        assert first_weight(tmp_path / name) == value * VALUE
        with mxnet_to_neutral.read(tmp_path / name) as store:
            assert f"took m-symbol.json beside {name}.params" in store.notes
    write(tmp_path / "alone", {"n.params": weights()})
    with mxnet_to_neutral.read(tmp_path / "alone" / "n") as store:
        assert store.graph is None


def test_several_checkpoints_in_a_folder_of_an_archive_are_listed_as_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(tarred({**pair("a/x/model", 2), **pair("a/y/model", 3), **pair("b/model", 4)}))
    with pytest.raises(SourceError) as caught:
        mxnet_to_neutral.read(f"{path}#a")
    first, *names = str(caught.value).splitlines()
    assert first == f"{path}#a: the archive holds more than one checkpoint (2). Name one of:"
    assert names == [f"  - {path}#a/{folder}/model-0000.params" for folder in "xy"]
    assert [first_weight(name[4:]) for name in names] == [2 * VALUE, 3 * VALUE]


@pytest.mark.parametrize("count", [20, 21])
def test_twenty_members_of_an_archive_are_listed(tmp_path: Path, count: int) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(tarred({f"{index:02}/m.params": weights() for index in range(count)}))
    with pytest.raises(SourceError) as caught:
        mxnet_to_neutral.read(path)
    more = ["  - and 1 more"] * (count - 20)
    assert str(caught.value).splitlines()[1:] == [f"  - {path}#{index:02}/m.params" for index in range(20)] + more
    with pytest.raises(SourceError, match=r"18/m\.params, 19/m\.params\.$"):
        mxnet_to_neutral.read(f"{path}#none")


def test_symbols_alone_in_an_archive_are_no_checkpoints_to_choose_from(tmp_path: Path) -> None:
    for symbols in (["a"], ["a", "b"]):
        (tmp_path / "x.zip").write_bytes(zipped({f"{name}-symbol.json": symbol_bytes() for name in symbols}))
        assert list(reader.find(str(tmp_path), ["x.zip"])) == []


def test_epochs_in_an_archive_are_of_one_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped({**pair("a/m"), "a/m-0003.params": weights(3)}))
    assert first_weight(path) == 3 * VALUE
    path.write_bytes(zipped({**pair("a/m"), **pair("b/n"), "b/n-0003.params": weights(3)}))
    names = ["a/m-0000", "b/n-0000", "b/n-0003"]
    assert list(reader.find(str(tmp_path), ["x.zip"])) == [(f"x.zip/{n}", (f"x.zip#{n}.params",)) for n in names]
    with pytest.raises(SourceError, match=r"#a/m-0000\.params\n  - .*#b/n$"):
        mxnet_to_neutral.read(path)
    assert first_weight(f"{path}#b/n") == first_weight(f"{path}#b") == 3 * VALUE


def test_of_two_archives_of_one_path_in_an_archive_the_first_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(tarred({"./a.tgz": tarred(pair("m", 2)), "a.tgz": tarred(pair("m", 3))}))
    assert first_weight(f"{path}#a.tgz") == 2 * VALUE


def test_archives_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    content = tarred(pair("model"))
    for level in range(6):
        (tmp_path / f"{level}.tar.gz").write_bytes(content)
        content = tarred({f"{level}.tar.gz": content})
    assert first_weight(tmp_path / "4.tar.gz") == VALUE
    (tmp_path / "deep.tar.gz").write_bytes(content)
    with pytest.raises(SourceError, match="nested in more than 4 archives"):
        mxnet_to_neutral.read(tmp_path / "deep.tar.gz")


def test_a_file_with_a_number_sign_in_its_name_is_that_file(tmp_path: Path) -> None:
    write(tmp_path, {"a#1-0000.params": weights()})
    assert mxnet_to_neutral.read(tmp_path / "a#1-0000.params")["fc.weight"][0, 0] == VALUE
    assert list(reader.find(str(tmp_path), ["a#1-0000.params"])) == [("a#1-0000", ("a#1-0000.params",))]


@pytest.mark.parametrize(
    ("names", "symbol", "params"),
    [
        (("m-symbol.json", "m-best.params"), "m-symbol.json", "m-best.params"),
        (("m-symbol.json", "m.params.best"), "m-symbol.json", "m.params.best"),
        (("symbol", "params"), "symbol", "params"),
        (("x-symbol.json.ref", "x-0001.params"), "x-symbol.json.ref", "x-0001.params"),
        (("net.json", "net.param"), "net.json", "net.param"),
    ],
)
def test_a_pair_is_found_by_prefix_or_alone_in_its_folder(
    tmp_path: Path, names: tuple[str, str], symbol: str, params: str
) -> None:
    write(tmp_path, {**OTHERS, names[0]: symbol_bytes(), names[1]: weights()})
    checkpoint = find_in_folder(str(tmp_path), None)
    assert (checkpoint.symbol, checkpoint.params) == (str(tmp_path / symbol), str(tmp_path / params))
    ((_, files),) = reader.find(str(tmp_path), sorted(os.listdir(tmp_path)))
    assert files == (symbol, params)


def test_a_prefix_takes_parameters_of_any_suffix(tmp_path: Path) -> None:
    others = ("model-0000.params", "m-large-0000.params", "other.params")
    write(tmp_path, {"m-symbol.json": symbol_bytes(), "m-best.params": weights(), **dict.fromkeys(others, weights())})
    assert find_by_prefix(str(tmp_path / "m"), None).params == str(tmp_path / "m-best.params")
    write(tmp_path, {"m-last.params": weights()})
    with pytest.raises(SourceError, match=r"more than one checkpoint \(m-best\.params, m-last\.params\)"):
        find_by_prefix(str(tmp_path / "m"), None)


def test_a_pair_beside_other_parameters_is_taken_and_said(tmp_path: Path) -> None:
    write(tmp_path, {**pair("net"), "mean.bin": params_bytes({"mean_img": ramp(3)})})
    with mxnet_to_neutral.read(tmp_path) as store:
        assert "passed over mean.bin in the folder of the checkpoint" in store.notes


def test_parameters_of_another_model_are_not_paired_by_a_shared_beginning(tmp_path: Path) -> None:
    write(tmp_path, {"net-symbol.json": symbol_bytes(), "net-large-0000.params": params_bytes({"arg:conv": ramp(3)})})
    assert dict(reader.find(str(tmp_path), sorted(os.listdir(tmp_path)))) == {
        "net-large-0000": ("net-large-0000.params",)
    }


NAMES = ("params.best", "net.param", "model_algo-1", "weights-20", "net.ndarray", "net.dat", "net")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_known_by_content(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: weights(), "noise.dat": bytes(100), "readme": b"hello"})
    assert [files for _, files in reader.find(str(tmp_path), sorted(os.listdir(tmp_path)))] == [(name,)]


def test_symbols_are_known_by_content(tmp_path: Path) -> None:
    write(tmp_path, {"x-symbol.json.ref": symbol_bytes(), "net": symbol_bytes(), **OTHERS, "cut-symbol.json": b'{"nod'})
    kinds = {name: kind_of(str(tmp_path / name)) for name in os.listdir(tmp_path) if "." in name or name == "net"}
    assert {name for name, kind in kinds.items() if kind == "symbol"} == {"x-symbol.json.ref", "net", "cut-symbol.json"}
    assert reader.can_read(str(tmp_path / "net")) and not reader.can_read(str(tmp_path / "synset.txt"))


def test_what_is_passed_over_is_described(tmp_path: Path) -> None:
    write(tmp_path, {"a-symbol.json": symbol_bytes(), "b.zip": zipped({"x.txt": b""}), "c.states": b"\x80\x04}q\x00."})
    write(
        tmp_path, {".f": weights(), "g": b"<Error><Code>AccessDenied</Code>", "h.dat": b"<html>", "i.html": b"<html>"}
    )
    write(tmp_path, {"d.dat": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "e.txt": b"e"})
    described = {name: reader.describe(str(tmp_path / name)) for name in sorted(os.listdir(tmp_path))}
    assert described == {
        "a-symbol.json": "a symbol without parameters",
        "b.zip": "an archive without a checkpoint",
        "c.states": "a Python pickle, such as the optimizer states (.states) that MXNet saves",
        "d.dat": "a Git LFS pointer, not the file it stands for",
        "e.txt": None,
        ".f": "parameters in a hidden file",
        "g": "an error message of S3 or a similar storage (AccessDenied), not the file",
        "h.dat": "an HTML page: the download failed",
        "i.html": None,
    }
    assert list(reader.find(str(tmp_path), sorted(os.listdir(tmp_path)))) == []


def test_files_of_other_frameworks_in_archives_are_passed_over(tmp_path: Path) -> None:
    """PyTorch's own files are zip archives, and so are those that it exports, with others in them."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("model/data.pkl", b"")
    for name in ("exported.pt2", "bundle.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("data/sample_inputs/model.pt", inner.getvalue())
    assert list(reader.find(str(tmp_path), sorted(os.listdir(tmp_path)))) == []


def test_a_damaged_archive_is_found_if_its_name_says_so(tmp_path: Path) -> None:
    damaged = tarred(pair("model"))[:80]
    write(tmp_path, {"model.tar.gz": damaged, "log.gz": damaged})
    assert list(reader.find(str(tmp_path), ["log.gz", "model.tar.gz"])) == [("model.tar.gz", ("model.tar.gz",))]


def test_a_graph_without_inputs_is_said_to_have_none(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["images", "fc_weight", "fc_bias"], num_hidden="2")
    write(tmp_path, {"m-symbol.json": symbol.json().encode(), "m-0000.params": weights(extra=("images",))})
    note = (
        "the graph has no input, since every variable has an array: its outputs are constants. Export with --input "
        "NAME to make an array an input"
    )
    with mxnet_to_neutral.read(tmp_path / "m") as store:
        assert f"{note}, such as images" in store.notes
    with mxnet_to_neutral.read(tmp_path / "m", inputs=["images"]) as store:
        assert [item.name for item in store.graph.inputs] == ["images"]
        assert not any("no input" in text for text in store.notes)
    text = symbol.json().replace("images", "image_weight")
    write(tmp_path, {"m-symbol.json": text.encode(), "m-0000.params": weights(extra=("image_weight",))})
    with mxnet_to_neutral.read(tmp_path / "m") as store:
        assert note in store.notes


def test_an_array_that_is_an_input_is_said_to_be_one(tmp_path: Path) -> None:
    write(tmp_path, {"m-symbol.json": symbol_bytes(), "m-0000.params": weights(extra=("data",))})
    with mxnet_to_neutral.read(tmp_path / "m") as store:
        assert [item.name for item in store.graph.inputs] == []
    with mxnet_to_neutral.read(tmp_path / "m", inputs=["data"]) as store:
        assert [item.name for item in store.graph.inputs] == ["data"]
        np.testing.assert_array_equal(store["data.value"], ramp(4, 3))
        store.save(tmp_path / "store.safetensors")
    with pytest.raises(UsageError, match=r"no array is named 'datum'. Did you mean 'data'\?"):
        mxnet_to_neutral.read(tmp_path / "m", inputs=["datum"])


def test_a_label_that_the_graph_leaves_out_is_not_called_a_constant(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    scores = symbol.add("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    symbol.add("SoftmaxOutput", "softmax", [scores, "softmax_label"])
    arrays = weights(extra=("data", "softmax_label"))
    write(tmp_path, {"m-symbol.json": symbol.json().encode(), "m-0000.params": arrays})
    with mxnet_to_neutral.read(tmp_path / "m") as store:
        (note,) = [note for note in store.notes if note.startswith("constants that are called like inputs")]
        assert note.startswith("constants that are called like inputs: data. ")
    with mxnet_to_neutral.read(tmp_path / "m", inputs=["data"]) as store:
        assert not [note for note in store.notes if note.startswith("constants that are called like inputs")]

"""The kinds of files by content and by name, beside a partner and behind a URL; messages for those that do not fit."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

import mxnet_to_neutral
from mxnet_to_neutral.files.belonging import names_agree
from mxnet_to_neutral.files.checkpoint import Checkpoint
from mxnet_to_neutral.files.detection import describe_file, kind_of
from mxnet_to_neutral.files.discovery import find
from mxnet_to_neutral.files.folder import find_in_folder, with_partner
from mxnet_to_neutral.files.grouping import group_files
from mxnet_to_neutral.files.kinds import is_symbol
from mxnet_to_neutral.files.members import Member, choices
from mxnet_to_neutral.files.nested import checkpoints_in
from neutral.errors import SourceError
from reader.checkpoints import SymbolBuilder, params_bytes, ramp

PARAMS = params_bytes({"arg:fc_weight": ramp(2, 3), "arg:fc_bias": ramp(2)})


def symbol_text() -> str:
    symbol = SymbolBuilder()
    symbol.add("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    return symbol.json()


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(symbol_text().encode() if name.endswith(".json") else PARAMS)
    return folder


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'["nodes", "heads"]', False),
        (b'{"nodes": [', False),
        (b'{"nodes": "\xff"}', False),
        (b'{"a": ' * 5000 + b'"nodes"' + b"}" * 5000, False),
        (b'{"a": ' * 17 + b'{"nodes": [], "heads": []}' + b"}" * 17, False),
        (b'{"a": ' * 16 + b'{"nodes": [], "heads": []}' + b"}" * 16, True),
        (b'{"nodes": []}', False),
        (b'{"names": "nodes"}', False),
        (json.dumps({"symbol": '{"nodes": []}'}).encode(), True),
        (b'\xef\xbb\xbf {"block": {"nodes": [], "heads": []}}', True),
    ],
)
def test_which_json_is_a_symbol(content: bytes, expected: bool) -> None:
    assert is_symbol("net.json", content) is expected


def test_kinds_and_descriptions_of_single_files(tmp_path: Path) -> None:
    write(tmp_path, "a.params", "weights.pth", "net-symbol.json")
    (tmp_path / "labels.json").write_text('["cat"]')
    (tmp_path / "pointer").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    kinds = {path.name: kind_of(str(path)) for path in tmp_path.iterdir()}
    assert kinds == {
        "a.params": "parameters",
        "weights.pth": None,
        "net-symbol.json": "symbol",
        "labels.json": None,
        "pointer": None,
    }
    assert describe_file(str(tmp_path / "labels.json")) is None
    assert "Git" in str(describe_file(str(tmp_path / "pointer")))
    assert describe_file(str(tmp_path / "missing")) == "cannot be read: No such file or directory"


def test_a_tar_archive_is_known_without_compression_and_suffix(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "download", "w") as archive:
        archive.add(write(tmp_path, "a.params") / "a.params", "a.params")
    (tmp_path / "cut").write_bytes((tmp_path / "download").read_bytes()[:300])
    assert kind_of(str(tmp_path / "download")) == "archive"
    assert kind_of(str(tmp_path / "cut")) is None


def test_a_file_larger_than_a_symbol_may_be_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net").write_text(symbol_text().rjust(600))
    for limit, kind in ((600, "symbol"), (599, None)):
        monkeypatch.setenv("NEUTRAL_LIMIT_GRAPH_BYTES", str(limit))
        assert kind_of(str(tmp_path / "net")) == kind


def test_files_that_are_not_here_are_known_by_name(tmp_path: Path) -> None:
    names = ["net-symbol.json", "net-0000.params", "a.zip", "b.mar", "c.param", "d.txt"]
    assert dict(find(str(tmp_path), names)) == {
        "net-0000": ("net-symbol.json", "net-0000.params"),
        "c.param": ("c.param",),
        "a.zip": ("a.zip",),
    }


@pytest.mark.parametrize(
    ("symbols", "params", "groups"),
    [
        ("a-symbol.json", "b.params", "a-symbol.json b.params"),
        ("a-symbol.json", "a-0000.params b.params", "a-symbol.json a-0000.params | b.params"),
        ("a-symbol.json", "b.params c.params", "b.params | c.params | a-symbol.json"),
        ("a-symbol.json b-symbol.json", "c.params", "c.params | a-symbol.json | b-symbol.json"),
        ("a-symbol.json a.json", "a-best.params", "a-symbol.json a-best.params | a.json"),
        ("a.json a.x", "a-best.params", "a.json a-best.params | a.x"),
        ("a-symbol.json a-b-symbol.json", "a-b-c.params", "a-b-symbol.json a-b-c.params | a-symbol.json"),
    ],
)
def test_files_are_grouped_by_their_names(symbols: str, params: str, groups: str) -> None:
    kinds = {**dict.fromkeys(symbols.split(), "symbol"), **dict.fromkeys(params.split(), "parameters")}
    assert " | ".join(" ".join(group.names) for group in group_files(kinds)) == groups


def test_all_checkpoints_of_one_kind_are_offered_those_in_the_fewest_folders_first() -> None:
    def offered(*names: str) -> list[str]:
        kinds = {".params": "parameters", ".json": "symbol"}
        return [choice.path for choice in choices([Member(name, kinds[Path(name).suffix]) for name in names])]

    assert offered("x/y/o.params", "x/n.params", "m.params") == ["m.params", "x/n.params", "x/y/o.params"]
    assert offered("x/n.params", "z/n.params", "x/y/o.params") == ["x/n.params", "z/n.params", "x/y/o.params"]
    assert offered("x/m.params", "x/m-symbol.json", "n.params") == ["x/m.params"]
    assert offered("m-0000.params", "m-0001.params") == ["m"]
    assert offered("m-0000.params", "n-0001.params") == ["m-0000.params", "n-0001.params"]
    assert offered("x/m-symbol.json", "x/y/n.params") == offered("x/y/n.params", "z/m-symbol.json") == ["x/y/n.params"]
    assert offered("x/m-symbol.json", "y/n.params") == ["y/n.params"]
    assert offered() == []


def test_files_that_cannot_be_read_do_not_contradict_each_other(tmp_path: Path) -> None:
    write(tmp_path, "net-symbol.json")
    (tmp_path / "a.params").write_bytes(b"damaged")
    assert names_agree(str(tmp_path / "net-symbol.json"), str(tmp_path / "a.params"))


def test_a_file_without_a_partner_stays_alone(tmp_path: Path) -> None:
    write(tmp_path, "net-symbol.json")
    alone = Checkpoint(str(tmp_path / "net-symbol.json"), None)
    assert with_partner(alone) == alone


def test_a_symbol_beside_parameters_of_several_epochs_needs_one(tmp_path: Path) -> None:
    write(tmp_path, "net-symbol.json", "net-0001.params", "net-0002.params")
    symbol = Checkpoint(str(tmp_path / "net-symbol.json"), None)
    with pytest.raises(SourceError, match=r"several parameter files beside it \(net-0001.params, net-0002.params\)"):
        with_partner(symbol)
    assert with_partner(symbol, 2).params == str(tmp_path / "net-0002.params")
    with pytest.raises(SourceError, match=r"no parameters of epoch 7; there are net-0001.params, net-0002.params"):
        with_partner(symbol, 7)
    with pytest.raises(SourceError, match="there are no parameters of epoch 7; there are 1, 2"):
        find_in_folder(str(tmp_path), 7)


def test_archives_in_an_archive_are_checkpoints_of_their_own(tmp_path: Path) -> None:
    inner = tarred(tmp_path / "inner.tar.gz", {"net-0000.params": PARAMS}).read_bytes()
    outer = tarred(tmp_path / "outer.tar.gz", {"a.tar.gz": inner, "b.tar.gz": inner})
    assert checkpoints_in(str(outer)) == ["a.tar.gz", "b.tar.gz"]


def test_many_checkpoints_in_an_archive_are_counted(tmp_path: Path) -> None:
    files = {f"model{index:03d}/net-0000.params": PARAMS for index in range(60)}
    archive = tarred(tmp_path / "many.tar.gz", files)
    with pytest.raises(SourceError, match=r"more than one checkpoint \(60\)") as caught:
        mxnet_to_neutral.read(archive)
    *_, last = str(caught.value).split("\n")
    assert last.startswith("  - and ") and last.endswith(" more")


def test_files_behind_a_url_are_known_by_name_or_first_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    memory = fsspec.filesystem("memory")
    contents = {
        "net-symbol.json": symbol_text().encode(),
        "net-0000.params": PARAMS,
        "weights": PARAMS,
        "packed": b"\x1f\x8b" + bytes(600),
        "model.tar.gz": b"",
        "notes.txt": b"",
        "other.pth": b"",
    }
    for name, content in contents.items():
        memory.pipe(f"/detection/{name}", content)
    try:
        checkpoints = dict(find("memory://detection", [*contents, "gone"]))
    finally:
        memory.rm("/detection", recursive=True)
    assert checkpoints == {
        "net-0000": ("net-symbol.json", "net-0000.params"),
        "weights": ("weights",),
        "packed": ("packed",),
        "model.tar.gz": ("model.tar.gz",),
    }

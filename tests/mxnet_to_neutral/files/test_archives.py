"""Test that archives are recognized, unpacked by base names only, and refused when damaged or too large."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from mxnet_to_neutral.files.archives import is_archive, list_members, unpack
from mxnet_to_neutral.files.kinds import is_symbol
from neutral.errors import SourceError
from reader.ndarray_bytes import array_list, dense, floats, npy, npz

PARAMS = array_list([dense((2,), floats(1, 2))])


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return path


def test_only_the_shallowest_level_is_unpacked(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"code/train.py": b"", "a.params": PARAMS, "deep/er/b.params": PARAMS})
    (tmp_path / "out").mkdir()
    unpack(str(path), str(tmp_path / "out"))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.params"]


def test_only_the_first_of_several_checkpoints_is_unpacked(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"x/a.params": PARAMS, "y/b.params": PARAMS})
    (tmp_path / "out").mkdir()
    unpack(str(path), str(tmp_path / "out"))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.params"]


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"._a.params": b"", "export/a.params": PARAMS})
    (tmp_path / "out").mkdir()
    unpack(str(path), str(tmp_path / "out"))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.params"]


def test_an_archive_larger_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.params": PARAMS, "b.params": PARAMS})
    monkeypatch.setenv("NEUTRAL_LIMIT_UNPACKED_BYTES", str(len(PARAMS)))
    with pytest.raises(SourceError, match=f"more than {len(PARAMS)} bytes"):
        unpack(str(path), str(tmp_path))
    monkeypatch.setenv("NEUTRAL_LIMIT_UNPACKED_BYTES", str(2 * len(PARAMS)))
    unpack(str(path), str(tmp_path))
    assert (tmp_path / "b.params").read_bytes() == PARAMS


def test_arrays_in_a_zip_archive_of_their_own_are_parameters(tmp_path: Path) -> None:
    arrays = npz({"w.npy": npy((2,), floats(1, 2))})
    path = write_tar(tmp_path / "a.tar.gz", {"net.npz": arrays, "net.params": arrays, "net.bin": arrays})
    assert {member.name: member.kind for member in list_members(str(path))} == {
        "net.npz": "parameters",
        "net.params": "parameters",
        "net.bin": "archive",
    }


def test_a_symbol_larger_than_the_limit_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbol = b'{"nodes": [], "heads": []}'
    path = write_tar(tmp_path / "a.tar.gz", {"net": symbol, "labels": b'{"cat": 1}'})
    for limit, names in ((len(symbol), ["net"]), (len(symbol) - 1, [])):
        monkeypatch.setenv("NEUTRAL_LIMIT_GRAPH_BYTES", str(limit))
        assert [member.name for member in list_members(str(path))] == names
        assert is_symbol("net", symbol) == bool(names)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.params": PARAMS})
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SourceError, match="cannot be unpacked"):
        unpack(str(path), str(tmp_path))


def test_which_zip_archives_are_archives_of_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.params", PARAMS)
    assert is_archive(str(path))
    path.write_bytes(npz({"w.npy": npy((2,), floats(1, 2))}))
    assert not is_archive(str(path))


def test_a_zip_archive_that_python_cannot_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    content = bytearray(npz({"w.npy": npy((2,), floats(1, 2))}))
    content[content.index(b"PK\x01\x02")] = 0
    path.write_bytes(content)
    assert not is_archive(str(path))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("name", ["a.params", "a-symbol.json"])
def test_a_member_that_is_no_plain_file_is_refused_by_name(tmp_path: Path, kind: bytes, name: str) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo(f"export/{name}")
        member.type, member.linkname = kind, "b.params"
        archive.addfile(member)
    with pytest.raises(SourceError, match=rf"member 'export/{name}' is a .*expected a plain file"):
        unpack(str(path), str(tmp_path))


def test_a_link_above_the_level_of_the_checkpoint_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUTRAL_LIMIT_UNPACKED_BYTES", str(len(PARAMS)))  # a link takes nothing
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("latest")
        link.type, link.linkname = tarfile.SYMTYPE, "export"
        archive.addfile(link)
        member = tarfile.TarInfo("export/a.params")
        member.size = len(PARAMS)
        archive.addfile(member, io.BytesIO(PARAMS))
    (tmp_path / "out").mkdir()
    unpack(str(path), str(tmp_path / "out"))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.params"]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device or another special file"),
        (tarfile.FIFOTYPE, "a device or another special file"),
    ],
)
def test_a_member_of_a_tarball_that_is_no_plain_file_is_refused(kind: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo("a.params")
        member.type, member.linkname = kind, "b.params"
        archive.addfile(member)
    with pytest.raises(SourceError, match=rf"'a\.params' is {says}; expected a plain file"):
        unpack(str(path), str(tmp_path))


def test_a_symbolic_link_in_a_zip_archive_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("a.params")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(SourceError, match=r"'a\.params' is a symbolic link"):
        unpack(str(path), str(tmp_path))


def test_a_device_in_a_zip_archive_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        device = zipfile.ZipInfo("a.params")
        device.external_attr = 0o020666 << 16
        archive.writestr(device, PARAMS)
    with pytest.raises(SourceError, match=r"'a\.params' is a special file; expected a plain file"):
        unpack(str(path), str(tmp_path))


def test_a_zip_member_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.params", PARAMS)
        archive.writestr("x", PARAMS)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 28] = 0  # the length of the name
    content[entry + 32] = 1  # the length of the comment, which takes its byte
    path.write_bytes(content)
    with pytest.raises(SourceError, match="has the name ''"):
        unpack(str(path), str(tmp_path))


def test_an_archive_that_grows_beyond_all_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.params": bytes(1 << 20)})
    monkeypatch.setenv("NEUTRAL_LIMIT_UNPACKED_BASE", "1")
    with pytest.raises(SourceError, match="would take more than"):
        unpack(str(path), str(tmp_path))


def test_an_lzma_header_that_announces_a_dictionary_of_gigabytes_is_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> bool:
        raise MemoryError

    monkeypatch.setattr(tarfile, "is_tarfile", fail)
    (tmp_path / "a.tar").write_bytes(b"")
    assert not is_archive(str(tmp_path / "a.tar"))

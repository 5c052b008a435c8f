"""Paths that are no parameter files: each is told for what it is, with what to do."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import pickle
import struct
import tarfile
from pathlib import Path

import pytest

from mxnet_to_neutral.arrays import format_of, read_arrays
from neutral.errors import FormatError, SourceError
from reader.ndarray_bytes import array_list, dense, floats, npy, npz


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model-0000.params"))
    return buffer.getvalue()


def safetensors(header_size: int) -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(header_size)
    return struct.pack("<Q", len(header)) + header + bytes(4)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
FOREIGN = {
    "empty": (b"", "empty"),
    "Git LFS": (LFS, "git lfs pull"),
    "HTML": (b"\n <!DOCTYPE html><html><body>Not Found", "HTML page"),
    "XML": (b"<?xml version='1.0'?><page>", "HTML page"),
    "S3's error": (
        b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code><Message>no",
        "is an error message of S3 or a similar storage (AccessDenied), not the file",
    ),
    "S3's error, cut": (b"<?xml version='1.0'?><Error><Code>AccessDenied", "S3 or a similar storage (AccessDenied)"),
    "gzip": (gzip.compress(b"x"), "gzip archive"),
    "tar": (tar(), "tar archive"),
    "JSON": (json.dumps({"nodes": []}).encode(), "perhaps the symbol"),
    "JSON with a byte order mark": (b'\xef\xbb\xbf{"nodes": []}', "perhaps the symbol"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "safetensors": (safetensors(56), "safetensors"),
    "safetensors of nothing": (struct.pack("<Q", 2) + b"{}", "safetensors"),
    "safetensors whose first bytes are an NDArray list's": (safetensors(0x112), "safetensors"),
    **{f"pickle {n}": (pickle.dumps({0: None, 1: (1, 2)}, n), "never loaded") for n in range(5)},
    "pickle of a tuple": (pickle.dumps(({0: 1}, "optimizer"), 0), "never loaded"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_of_another_kind_is_named(tmp_path: Path, case: str) -> None:
    content, message = FOREIGN[case]
    path = tmp_path / "a.params"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_arrays(path)
    assert message in str(caught.value)
    assert not isinstance(caught.value, FormatError)
    assert format_of(path) is None


@pytest.mark.parametrize("content", [b"P", b"\x12\x01\x00", b"\x93NUM", b"PK\x03"])
def test_the_first_bytes_alone_are_a_file_cut_short(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        read_arrays(path)


def test_unknown_bytes_are_quoted(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(b"\x13\x01" + bytes(80))
    with pytest.raises(FormatError, match=r"byte 0: .*x13.*NDArray list"):
        read_arrays(path)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_arrays(tmp_path / "missing.params")
    with pytest.raises(SourceError, match="is a directory"):
        read_arrays(tmp_path)
    with pytest.raises(SourceError, match="cannot be read: Not a directory"):
        (tmp_path / "file").write_bytes(b"")
        read_arrays(tmp_path / "file" / "a.params")
    for impossible in ("a\0b", "\ud800"):
        with pytest.raises(SourceError, match="is not a valid path"):
            read_arrays(impossible)
    assert format_of(tmp_path) is None
    assert format_of(tmp_path / "missing.params") is None


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="not a regular file"):
        read_arrays(tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(array_list([]))
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        read_arrays(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (array_list([]), "ndarray-list"),
        (npy((), floats(1)), "npy"),
        (npz({}), "npz"),
        (npz({"w.npy": npy((), floats(1))}), "npz"),
    ],
)
def test_our_own_kinds_are_recognised(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(content)
    assert format_of(path) == format_of(str(path)) == kind
    read_arrays(os.fsencode(path))


def test_a_list_with_an_odd_reserved_word_is_no_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    content = array_list([dense((2,), floats(1, 2))], reserved=ord("{"))
    path.write_bytes(content.ljust(0x112 + 7, b"\0"))
    assert len(read_arrays(path).arrays) == 1


def test_long_names_are_cut_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    for length, shown in ((98, "n" * 98 + "',"), (99, "n" * 99 + "...,")):
        path.write_bytes(array_list([dense((2,), floats(1, 2))] * 2, ["n" * length] * 2))
        with pytest.raises(FormatError, match=f"the name '{shown}"):
            read_arrays(path)


def test_a_device_error_while_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(array_list([]))

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(SourceError, match="cannot be read: Input/output error"):
        read_arrays(path)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(array_list([dense((2,), floats(1, 2))] * 5000))
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, count, offset: pread(file, count, offset) if not offset else b"")
    with pytest.raises(SourceError, match="became shorter"):
        read_arrays(path)

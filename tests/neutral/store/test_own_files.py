"""Files of Neutral have marks that tell them from files of others."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from neutral.store.own_files import ZIP_COMMENT, add_zip_comment, is_own, is_replaceable


@pytest.mark.parametrize("content", [b"", b"short", bytes(40), b"PK\x05\x06" + bytes(17) + b"\x01x"])
def test_what_does_not_end_as_zip_files_do_gets_no_comment(content: bytes) -> None:
    file = io.BytesIO(content)
    add_zip_comment(file)
    assert file.getvalue() == content


def test_a_zip_file_with_a_comment_keeps_it() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = b"mine"
    add_zip_comment(file)
    assert zipfile.ZipFile(file).comment == b"mine"


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".npz"])
def test_the_comment_tells_zip_files_apart(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    for comment, expected in ((ZIP_COMMENT, True), (b"", False), (b"neutral to others", False)):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data", b"1")
            archive.comment = comment
        assert is_replaceable(str(path)) is expected


def test_kinds_that_neutral_does_not_write_are_left_to_those_who_do(tmp_path: Path) -> None:
    path = tmp_path / "net.listing"
    path.write_text("layers")
    assert is_replaceable(str(path)) and not is_own(str(path))

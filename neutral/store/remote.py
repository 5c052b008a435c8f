"""Files behind a URL (``s3://``, ``gs://``, ``hf://``, ``http://``, ``memory://``), by fsspec.

A store is read by ranges: its header first, and a tensor when it is asked for. What has to be seen whole is fetched.
"""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator, Sequence

from neutral.errors import NeutralError, SourceError, TargetError, UnsupportedError
from neutral.tensor import CHUNK, FileRange, Tensor

FIRST = 1 << 16
"""Bytes that the first request asks for: the whole header of all but large models."""

REQUEST = 16 * CHUNK
"""Bytes of a tensor that one request asks for."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


def is_url(path: str) -> bool:
    return _URL.match(path) is not None


class RemoteFile:
    """A file behind a URL, of which ranges can be read."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._system, self._path = _locate(url)
        with _failures(url):
            self.size = int(self._system.info(self._path)["size"])

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``, or to the end of the file."""
        with _failures(self.url):
            data: bytes = self._system.cat_file(self._path, start=start, end=min(end, self.size))
        return data

    def chunks(self) -> Iterator[bytes]:
        """The whole file."""
        return self._chunks(FileRange(self.url, 0, self.size))

    def lazy(self, tensor: Tensor) -> Tensor:
        """A tensor of ranges of this file, as one whose content is fetched when it is asked for."""
        parts = tensor.content
        assert isinstance(parts, tuple)
        return Tensor(tensor.dtype, tensor.shape, lambda: (chunk for part in parts for chunk in self._chunks(part)))

    def _chunks(self, part: FileRange) -> Iterator[bytes]:
        position, end = part.offset, part.offset + part.nbytes
        while position < end:
            data = self.read(position, min(position + REQUEST, end))
            if not data:
                raise SourceError(f"{self.url}, byte {position}: the file ends here, {end - position} bytes early.")
            position += len(data)
            yield data


def fetch(url: str, folder: str) -> str:
    """Copy what a URL means into a folder: a file, the files of a folder, or all that begin with a prefix.

    Gives the local path that means the same. Raises SourceError where there is nothing.
    """
    system, path = _locate(url)
    base = os.path.basename(path.rstrip("/")) or "files"
    with _failures(url):
        if system.isfile(path):
            system.get_file(path, os.path.join(folder, base))
            return os.path.join(folder, base)
        is_folder = system.isdir(path)
        parent = path if is_folder else path.rpartition("/")[0]
        found = [item["name"] for item in system.ls(parent, detail=True) if item["type"] == "file"]
        wanted = [name for name in found if is_folder or os.path.basename(name).startswith(base)]
        if not wanted:
            raise SourceError(f"{url}: there is no such file or folder, and nothing begins with this prefix.")
        for name in wanted:
            system.get_file(name, os.path.join(folder, os.path.basename(name)))
    return folder if is_folder else os.path.join(folder, base)


@contextmanager
def fetched(paths: Sequence[str]) -> Iterator[list[str]]:
    """Local files in the place of those that are URLs, for as long as the block runs; errors name the URLs."""
    if not any(map(is_url, paths)):
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="neutral-") as folder:
        local = {fetch(path, folder) if is_url(path) else path: path for path in paths}
        try:
            yield list(local)
        except NeutralError as error:
            text = str(error)
            for path, url in local.items():
                text = text.replace(path, url)
            raise SourceError(text) from error


def folders(url: str) -> Iterator[tuple[str, str, list[str]]]:
    """The folders below a URL: each by its URL, its path from there on, and its files' names, all sorted.

    Of a file, the folder that it is in, with this file alone. Raises SourceError where there is nothing.
    """
    system, top = _locate(url)
    with _failures(url):
        if system.isfile(top):
            yield url.rpartition("/")[0], "", [top.rpartition("/")[2]]
            return
        found: dict[str, list[str]] = {}
        for path in system.find(top):
            folder, _, name = path.rpartition("/")
            found.setdefault(folder, []).append(name)
        if not found:
            raise SourceError(f"{url}: there is no such file or folder, or nothing in it.")
        for folder in sorted(found):
            inside = posixpath.relpath(folder, top)
            yield url.rstrip("/") + ("" if inside == "." else f"/{inside}"), inside, sorted(found[folder])


def put(path: str, url: str) -> None:
    """Copy a file to a URL. Raises TargetError where it cannot be written."""
    system, target = _locate(url)
    try:
        system.put_file(path, target)
    except Exception as error:
        raise TargetError(f"{url}: cannot be written: {type(error).__name__}: {error}.") from error


def _locate(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise UnsupportedError(f"{url}: URLs need fsspec: pip install 'neutral-weights[cloud]'.") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UnsupportedError(f"{url}: a package for this kind of URL is missing: {error}.") from None
    except Exception as error:
        raise SourceError(f"{url}: {type(error).__name__}: {error}.") from error
    return system, path


@contextmanager
def _failures(url: str) -> Iterator[None]:
    """What a file system raises (each its own) as SourceError."""
    try:
        yield
    except NeutralError:
        raise
    except FileNotFoundError:
        raise SourceError(f"{url}: there is no such file.") from None
    except Exception as error:
        raise SourceError(f"{url}: cannot be read: {type(error).__name__}: {error}.") from error

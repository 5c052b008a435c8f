"""Files behind a URL (``s3://``, ``gs://``, ``hf://``, ``http://``, ``memory://``), through fsspec.

A store is read by ranges: its header first, and each tensor on demand. Sources of other formats are downloaded.
"""

from __future__ import annotations

import os
import posixpath
import re
from contextlib import contextmanager
from typing import Any, Iterator, Sequence

from neutral.errors import NeutralError, SourceError, TargetError, UnsupportedError
from neutral.tensor import CHUNK, FileRange, Tensor

FIRST_REQUEST = 1 << 16
"""Bytes of the first request: the whole header of all but large models."""

REQUEST = 16 * CHUNK
"""Bytes of a tensor that one request asks for."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


def is_url(path: str) -> bool:
    """Return whether a path is a URL.

    Args:
        path: A path or URL.

    Returns:
        True if it begins with a scheme, such as ``s3://``.

    Example:
        >>> is_url("s3://bucket/model.safetensors"), is_url("C:/model.safetensors")
        (True, False)
    """
    return _URL.match(path) is not None


class RemoteFile:
    """A file behind a URL that is read by ranges.

    Args:
        url: The URL of a file.

    Attributes:
        url: The URL.
        size: Bytes of the file.

    Raises:
        SourceError: If there is no such file.
        UnsupportedError: If a package for this kind of URL is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._system, self._path = _locate(url)
        with _source_errors(url):
            self.size = int(self._system.info(self._path)["size"])

    def read(self, start: int, end: int) -> bytes:
        """Read the bytes from ``start`` to ``end``, or to the end of the file if that comes first.

        Args:
            start: The first byte.
            end: The byte after the last.

        Returns:
            The bytes, in one request.

        Raises:
            SourceError: If they cannot be read.
        """
        with _source_errors(self.url):
            data: bytes = self._system.cat_file(self._path, start=start, end=min(end, self.size))
        return data

    def chunks(self) -> Iterator[bytes]:
        """Read the whole file.

        Yields:
            Its bytes, in requests of limited size.
        """
        return self._chunks(FileRange(self.url, 0, self.size))

    def lazy(self, tensor: Tensor) -> Tensor:
        """Return a tensor whose content is requested on demand.

        Args:
            tensor: A tensor of ranges of this file.

        Returns:
            A tensor of equal dtype and shape; nothing is downloaded before it is read.
        """
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
    """Download a file, the files of a folder, or all files that begin with a prefix.

    Args:
        url: The URL of the file or folder, or the beginning of URLs.
        folder: The local folder to write to.

    Returns:
        The local path that corresponds to the URL: a file, a folder or a prefix.

    Raises:
        SourceError: If there is no such file.
    """
    system, path = _locate(url)
    base = os.path.basename(path.rstrip("/")) or "files"
    with _source_errors(url):
        if system.isfile(path):
            system.get_file(path, os.path.join(folder, base))
            return os.path.join(folder, base)
        is_folder = system.isdir(path)
        parent = path if is_folder else path.rpartition("/")[0]
        files = [item["name"] for item in system.ls(parent, detail=True) if item["type"] == "file"]
        matches = [name for name in files if is_folder or os.path.basename(name).startswith(base)]
        if not matches:
            raise SourceError(f"{url}: there is no such file or folder, and nothing begins with this prefix.")
        for name in matches:
            system.get_file(name, os.path.join(folder, os.path.basename(name)))
    return folder if is_folder else os.path.join(folder, base)


@contextmanager
def fetched(paths: Sequence[str]) -> Iterator[list[str]]:
    """Download those of some paths that are URLs, for as long as the block runs.

    Args:
        paths: Local paths and URLs.

    Yields:
        The local paths in the same order. An error of Neutral that leaves the block names the URLs instead.

    Raises:
        SourceError: If a file cannot be downloaded.

    Example:
        >>> with fetched(["net.params"]) as paths:
        ...     paths
        ['net.params']
    """
    if not any(map(is_url, paths)):
        yield list(paths)
        return
    from neutral.scratch import ScratchFolder

    with ScratchFolder() as folder:
        local_paths = {fetch(path, folder) if is_url(path) else path: path for path in paths}
        try:
            yield list(local_paths)
        except NeutralError as error:
            text = str(error)
            for path, url in local_paths.items():
                text = text.replace(path, url)
            raise SourceError(text) from error


def folders(url: str) -> Iterator[tuple[str, str, list[str]]]:
    """List the folders below a URL that have files, sorted.

    Args:
        url: The URL of a folder; of a file, its folder with this file alone is listed.

    Yields:
        For each folder its URL, its path relative to ``url``, and the sorted names of its files.

    Raises:
        SourceError: If there is no file.
    """
    system, top = _locate(url)
    with _source_errors(url):
        if system.isfile(top):
            yield url.rpartition("/")[0], "", [top.rpartition("/")[2]]
            return
        names: dict[str, list[str]] = {}
        for path in system.find(top):
            folder, _, name = path.rpartition("/")
            names.setdefault(folder, []).append(name)
        if not names:
            raise SourceError(f"{url}: there is no such file or folder, or nothing in it.")
        for folder in sorted(names):
            relative = posixpath.relpath(folder, top)
            yield url.rstrip("/") + ("" if relative == "." else f"/{relative}"), relative, sorted(names[folder])


def put(path: str, url: str) -> None:
    """Upload a file.

    Args:
        path: The local file.
        url: The target, replaced if it exists.

    Raises:
        TargetError: If it cannot be written.
    """
    system, target = _locate(url)
    try:
        system.put_file(path, target)
    except Exception as error:
        raise TargetError(f"{url}: cannot be written: {type(error).__name__}: {error}.") from error


def _locate(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it."""
    try:
        import fsspec
    except ImportError:
        raise UnsupportedError(f"{url}: URLs need fsspec: pip install fsspec.") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UnsupportedError(f"{url}: a package for this kind of URL is missing: {error}.") from None
    except Exception as error:
        raise SourceError(f"{url}: {type(error).__name__}: {error}.") from error
    return system, path


@contextmanager
def _source_errors(url: str) -> Iterator[None]:
    """Turn the errors of a file system, which has its own types, into SourceError."""
    try:
        yield
    except NeutralError:
        raise
    except FileNotFoundError:
        raise SourceError(f"{url}: there is no such file.") from None
    except Exception as error:
        raise SourceError(f"{url}: cannot be read: {type(error).__name__}: {error}.") from error

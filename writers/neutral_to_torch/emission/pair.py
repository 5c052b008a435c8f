"""Bind an emitted source to its weights: its docstring names the SHA-256 of the files with the state dict."""

from __future__ import annotations

import ast
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from neutral.errors import MismatchError, SourceError, StoreError
from neutral.store.shard_index import INDEX_SUFFIX, read_index
from neutral.store.source_files import is_file_name
from neutral.tensor import CHUNK

if TYPE_CHECKING:
    from torch import nn

_EXAMPLE = re.compile(r"(    model\.(?:load_state_dict\(.*\)|eval\(\))\n)\n")
_WEIGHTS = re.compile(r"^Weights: SHA-256 ([0-9a-f]{64})$", re.MULTILINE)
_SHARDS = re.compile(r"^of the SHA-256 sums of (.+\.safetensors\.index\.json) and its shards$", re.MULTILINE)
_LOADED = re.compile(r'^    model\.load_state_dict\((?:load_file|torch\.load)\("(.+)"\)\)$', re.MULTILINE)


def name_weights(source: str, digest: str) -> str:
    """Return an emitted source whose docstring names the digest of its weights, in the place of the empty line.

    Args:
        source: The source.
        digest: The SHA-256 of the file with the state dict.

    Returns:
        The source with the line ``Weights: SHA-256 ...``.
    """
    return _EXAMPLE.sub(lambda match: f"{match.group(1)}Weights: SHA-256 {digest}\n", source, count=1)


def name_shards(source: str, index: str, digest: str) -> str:
    """Return an emitted source whose docstring names the README and shards in the place of one file of weights.

    Args:
        source: The source.
        index: The name of the index of the shards.
        digest: Their digest; see :func:`digest_of_shards`.

    Returns:
        The source; its weights are in shards.

    Example:
        >>> load = 'model.load_state_dict(load_file("net.safetensors"))'
        >>> lines = ("from safetensors.torch import load_file", "model = Net().eval()", load)
        >>> source = "".join(f"    {line}\\n" for line in lines) + "Weights: SHA-256 0\\n"
        >>> print(name_shards(source, "net.safetensors.index.json", "1"), end="")
            README.md shows how to load the shards of the weights.
        Weights: SHA-256 1
        of the SHA-256 sums of net.safetensors.index.json and its shards
    """
    lines = (
        "    README.md shows how to load the shards of the weights.",
        f"Weights: SHA-256 {digest}",
        f"of the SHA-256 sums of {index} and its shards",
    )
    return _SINGLE_FILE.sub("".join(f"{line}\n" for line in lines), source, count=1)


_SINGLE_FILE = re.compile(
    r"    from safetensors\.torch import load_file\n    model = .*\n    model\.load_state_dict\(.*\n"
    r"(Weights: SHA-256 .*\n)?"
)


def digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 of the whole content of an open file.

    Args:
        file: A seekable file opened in binary mode; it is left at its end.

    Returns:
        64 hexadecimal digits.
    """
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(CHUNK), b""):
        digest.update(chunk)
    return digest.hexdigest()


def digest_of_shards(index: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of what ``sha256sum`` prints for an index and its shards, sorted by name.

    Args:
        index: The path of the index.

    Returns:
        64 hexadecimal digits.

    Raises:
        SourceError: A file cannot be read.
        StoreError: The file is not an index of shards beside it.
    """
    sums = "".join(f"{_digest_of_file(path)}  {path.name}\n" for path in _files_of(Path(index)))
    return hashlib.sha256(sums.encode()).hexdigest()


def _files_of(weights: Path) -> list[Path]:
    """Return the paths of an index and its shards, or of a single file of weights, sorted by name."""
    if not weights.name.endswith(INDEX_SUFFIX):
        return [weights]
    names = {weights.name, *read_index(str(weights))["weight_map"].values()}
    foreign = [name for name in names if not (isinstance(name, str) and is_file_name(name))]
    if foreign:
        raise StoreError(f"{weights}: it names the shard {foreign[0]!r}; a shard must be in the folder of its index.")
    return [weights.parent / name for name in sorted(names)]


def _digest_of_file(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return digest_of(file)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error


def load_emitted(path: str | os.PathLike[str]) -> nn.Module:
    """Load the model of an emitted source with the weights beside it, in one file or in shards, in eval mode.

    Args:
        path: The source that :func:`neutral_to_torch.emit` or :func:`neutral_to_torch.write_hub` wrote. It is checked
            to hold a network alone.

    Returns:
        An instance of the source's model class.

    Raises:
        SourceError: A file cannot be read, or the source names no weights.
        StoreError: The weights are in shards, and their index is damaged.
        MismatchError: The weights are not those that the source was written with.
        UnsupportedError: The source holds more than a network; nothing of it is run.

    Example:
        >>> import os, tempfile
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> from neutral.store import Store
        >>> from neutral_to_torch import emit
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.py")
        ...     _ = emit(Store({}, {}, graph), path, class_name="Net")
        ...     load_emitted(path)
        Net()
    """
    import torch

    from neutral.store.source_versions import SourceVersions
    from neutral_to_torch.emission.build import import_source

    path = Path(path)
    source, name, digest = _read_source(path)
    weights = path.parent / name
    files = _files_of(weights)
    versions = SourceVersions([str(file) for file in files])
    actual = digest_of_shards(weights) if name.endswith(INDEX_SUFFIX) else _digest_of_file(weights)
    if actual != digest:
        raise MismatchError(
            f"{weights}: not the weights that {path} was written with: their SHA-256 is {actual}, expected {digest}. "
            "Emit the model again, or copy all of its files."
        )
    if weights.suffix == ".pth":
        state = torch.load(weights, weights_only=True)
    else:
        from neutral.store.safetensors import read_tensors
        from neutral_to_torch.loading.tensors import read

        parts = (read_tensors(file) for file in files if file.suffix == ".safetensors")
        state = {key: read(tensor) for part in parts for key, tensor in part.items()}
    versions.check()
    module = import_source(source)
    model: nn.Module = getattr(module, (module.__doc__ or "").partition(":")[0])()
    model.load_state_dict(state)
    return model.eval()


def _read_source(path: Path) -> tuple[str, str, str]:
    """Return an emitted source, and the name and the digest of its weights."""
    try:
        source = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(source), clean=False) or ""
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, SyntaxError) as error:
        raise SourceError(f"{path}: not Python source ({error}).") from None
    loaded, digest = _LOADED.search(docstring) or _SHARDS.search(docstring), _WEIGHTS.search(docstring)
    if loaded is None or digest is None or not is_file_name(loaded.group(1)):
        raise SourceError(f"{path}: its docstring names no weights with their SHA-256; expected a file of `emit`.")
    return source, loaded.group(1), digest.group(1)

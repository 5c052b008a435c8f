"""Bind an emitted source to its weights: its docstring names the SHA-256 of the file with the state dict."""

from __future__ import annotations

import ast
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from neutral.errors import MismatchError, SourceError
from neutral.tensor import CHUNK

if TYPE_CHECKING:
    from torch import nn

_EXAMPLE = re.compile(r"(    model\.(?:load_state_dict\(.*\)|eval\(\))\n)\n")
_WEIGHTS = re.compile(r"^Weights: SHA-256 ([0-9a-f]{64})$", re.MULTILINE)
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


def without_example(source: str) -> str:
    """Return an emitted source whose docstring names the README in the place of a single file of weights.

    Args:
        source: The source.

    Returns:
        The source; its weights are in shards.

    Example:
        >>> load = 'model.load_state_dict(load_file("net.safetensors"))'
        >>> lines = ("from safetensors.torch import load_file", "model = Net().eval()", load)
        >>> without_example("".join(f"    {line}\\n" for line in lines) + "Weights: SHA-256 0\\n")
        '    README.md shows how to load the shards of the weights.\\n'
    """
    return _SINGLE_FILE.sub("    README.md shows how to load the shards of the weights.\n", source, count=1)


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


def load_emitted(path: str | os.PathLike[str]) -> nn.Module:
    """Load the model of an emitted source with the weights beside it, in eval mode.

    Args:
        path: The source that :func:`neutral_to_torch.emit` wrote. It is checked to hold a network alone.

    Returns:
        An instance of the source's model class.

    Raises:
        SourceError: A file cannot be read, or the source names no weights.
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
    source, names, digest = _read_source(path)
    weights = path.parent / names
    versions = SourceVersions([str(weights)])
    try:
        with open(weights, "rb") as file:
            actual = digest_of(file)
    except OSError as error:
        raise SourceError(f"{weights}: cannot be read: {error.strerror}.") from error
    if actual != digest:
        raise MismatchError(
            f"{weights}: not the weights that {path} was written with: their SHA-256 is {actual}, expected {digest}. "
            "Emit the model again, or copy both files."
        )
    if weights.suffix == ".safetensors":
        from neutral.store.safetensors import read_tensors
        from neutral_to_torch.loading.tensors import read

        state = {key: read(tensor) for key, tensor in read_tensors(weights).items()}
    else:
        state = torch.load(weights, weights_only=True)
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
    loaded, digest = _LOADED.search(docstring), _WEIGHTS.search(docstring)
    if loaded is None or digest is None or os.path.basename(loaded.group(1)) != loaded.group(1):
        raise SourceError(f"{path}: its docstring names no weights with their SHA-256; expected a file of `emit`.")
    return source, loaded.group(1), digest.group(1)

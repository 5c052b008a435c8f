"""The plug-in of the command line; see :mod:`neutral.plugins`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral.errors import NeutralError
from neutral.store.remote import is_url
from neutral.torch_zip import is_saved_by_torch

if TYPE_CHECKING:
    from neutral.store import Store

PICKLES = (".pth", ".pt")
"""Suffixes of the files that torch reads; local files of other names are known by their first bytes."""

_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files begin that torch wrote before 1.6."""


class TorchReader:
    """The reader of PyTorch state dicts."""

    name = "torch"

    def can_read(self, path: str) -> bool:
        """Return whether a path is a state dict: a file of ``torch.save``, or safetensors without a manifest.

        Args:
            path: A file, or a URL of one.

        Returns:
            True if :meth:`read` should be tried.
        """
        if not (os.path.isfile(path) or is_url(path)):
            return False
        if path.lower().endswith(".safetensors"):
            return _has_only_tensors(path)
        return path.lower().endswith(PICKLES) or (not is_url(path) and _is_torch_file(path))

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the name and the files of each state dict among the files of a folder.

        Args:
            folder: The folder or URL that holds the files.
            names: The names of all files in it.

        Returns:
            For each state dict the name of its file, twice: as the name of the checkpoint and as its only file.
        """
        for name in names:
            if self.can_read(os.path.join(folder, name)):
                yield name, (name,)

    def read(self, *paths: str, **options: Any) -> Store:
        """Read a state dict; see :func:`torch_to_neutral.read`.

        Args:
            paths: One file, or the URL of one.
            options: None are accepted.

        Returns:
            The store, with layers inferred from names and shapes.

        Raises:
            UsageError: If there are several paths, or options.
        """
        from neutral.errors import UsageError
        from torch_to_neutral import read

        if len(paths) != 1 or options:
            raise UsageError(f"{', '.join(paths)}: a state dict is one file, and has no epoch.")
        return read(paths[0])


def _is_torch_file(path: str) -> bool:
    """Return whether a local file begins as those of ``torch.save`` do."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head.startswith(_LEGACY) or is_saved_by_torch(head)


def _has_only_tensors(path: str) -> bool:
    """Return whether a safetensors file is neither a store nor a golden file."""
    from neutral.store.safetensors import read_any_header

    try:
        return not {"neutral", "golden"} & set(read_any_header(path).metadata)
    except NeutralError:
        return False


reader = TorchReader()

"""The reader as the command line sees it: see :mod:`neutral.plugins`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from neutral.errors import NeutralError
from neutral.store.remote import is_url

if TYPE_CHECKING:
    from neutral.store import Store

PICKLES = (".pth", ".pt")


class TorchReader:
    name = "torch"

    def can_read(self, path: str) -> bool:
        if not (os.path.isfile(path) or is_url(path)):
            return False
        return path.lower().endswith(PICKLES) or (path.lower().endswith(".safetensors") and _is_plain(path))

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The state dicts among the files of a folder."""
        for name in names:
            if self.can_read(os.path.join(folder, name)):
                yield name, (name,)

    def read(self, *paths: str, **options: Any) -> Store:
        from neutral.errors import UsageError
        from torch_to_neutral import read

        if len(paths) != 1 or options:
            raise UsageError(f"{', '.join(paths)}: a state dict is one file, and has no epoch.")
        return read(paths[0])


def _is_plain(path: str) -> bool:
    """Whether a safetensors file holds tensors and no manifest of Neutral's."""
    from neutral.store.safetensors import read_any_header

    try:
        return not {"neutral", "golden"} & set(read_any_header(path).metadata)
    except NeutralError:
        return False


reader = TorchReader()

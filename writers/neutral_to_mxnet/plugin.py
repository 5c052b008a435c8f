"""The writer as the command line sees it, by the entry-point group ``neutral.writers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from neutral.store import Store


class MXNetWriter:
    name = "mxnet"

    def restore(self, store: Store, folder: str, **options: Any) -> list[Path]:
        from neutral_to_mxnet.restore import restore

        return restore(store, folder, **options)


writer = MXNetWriter()

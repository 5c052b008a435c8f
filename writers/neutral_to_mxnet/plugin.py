"""The writer as the command line sees it: see :mod:`neutral.plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from neutral.store import Store
    from neutral_to_mxnet.write import Written


class MXNetWriter:
    name = "mxnet"

    def restore(self, store: Store, folder: str, **options: Any) -> list[Path]:
        from neutral_to_mxnet import restore

        return restore(store, folder, **options)

    def write(self, store: Store, prefix: str, **options: Any) -> Written:
        from neutral_to_mxnet import write

        return write(store, prefix, **options)


writer = MXNetWriter()

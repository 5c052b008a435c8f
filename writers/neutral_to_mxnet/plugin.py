"""The plug-in of the command line; see :mod:`neutral.plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from neutral.store import Store
    from neutral_to_mxnet.checkpoint import Written


class MXNetWriter:
    """The writer of MXNet checkpoints."""

    name = "mxnet"

    def restore(self, store: Store, folder: str, **options: Any) -> list[Path]:
        """Restore the original files; see :func:`neutral_to_mxnet.restore`.

        Args:
            store: A store that was made from files.
            folder: The target folder; it is created if it is missing.
            options: The options of the function.

        Returns:
            The paths of the files.
        """
        from neutral_to_mxnet import restore

        return restore(store, folder, **options)

    def write(self, store: Store, prefix: str, **options: Any) -> Written:
        """Write a checkpoint with other weights; see :func:`neutral_to_mxnet.write`.

        Args:
            store: The store of the new values.
            prefix: The path of the files without ``-0000.params`` and ``-symbol.json``.
            options: The options of the function.

        Returns:
            The files, the names of the tensors that fill them, and notes.
        """
        from neutral_to_mxnet import write

        return write(store, prefix, **options)


writer = MXNetWriter()

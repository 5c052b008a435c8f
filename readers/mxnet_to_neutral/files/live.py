"""Export models that are in MXNet's memory."""

from __future__ import annotations

import os
from typing import Any

from mxnet_to_neutral.files.checkpoint import Checkpoint, in_temporary_folder
from mxnet_to_neutral.files.folder import find_in_folder
from neutral.errors import UsageError


def export_live(model: Any) -> Checkpoint:
    """Write a live model to files in a temporary folder.

    Args:
        model: A ``Module``, a hybrid block, or ``(symbol, arg_params, aux_params)``; see ``mxnet_capture.export``.

    Returns:
        The paths of the files, which its ``close`` removes.

    Raises:
        UsageError: The object is not a model that can be exported, or MXNet cannot be imported.
    """
    try:
        import mxnet_capture
    except ImportError:
        raise UsageError(
            f"unsupported source of type {type(model).__name__}; expected paths, or a live model where MXNet and "
            "mxnet_capture can be imported."
        ) from None

    def export(folder: str) -> Checkpoint:
        try:
            mxnet_capture.export(model, os.path.join(folder, "model"))
        except mxnet_capture.CaptureError as error:
            raise UsageError(str(error)) from None
        return find_in_folder(folder, None)

    return in_temporary_folder(export)

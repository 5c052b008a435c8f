"""The writer as the command line sees it: see :mod:`neutral.plugins`."""

from __future__ import annotations

from typing import Any

from neutral.errors import UnsupportedError


class TorchWriter:
    """The functions of :mod:`neutral_to_torch`; torch is imported when one is asked for."""

    name = "torch"

    def __getattr__(self, function: str) -> Any:
        import neutral_to_torch

        if function not in neutral_to_torch.__all__:
            raise AttributeError(f"the writer 'torch' has no {function!r}")
        try:
            import torch  # noqa: F401
        except ModuleNotFoundError as error:
            raise UnsupportedError(
                "PyTorch is not installed here. Install it with: pip install 'neutral-weights[torch]'"
            ) from error
        return getattr(neutral_to_torch, function)


writer = TorchWriter()

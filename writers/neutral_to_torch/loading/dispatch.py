"""Dispatch modes that do not import the compiler."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):
    """Base of dispatch modes that are never compiled.

    torch wraps ``__torch_dispatch__`` of other modes so that their first call imports ``torch._dynamo``, for seconds.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        object.__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]

"""Write a module's state dict to a file."""

from __future__ import annotations

import os
from typing import IO, BinaryIO, Iterator, Mapping, cast

import torch
from torch import nn

from neutral.errors import UnsupportedError, UsageError
from neutral.store.atomic import atomic_file
from neutral.store.error_keeping_file import ErrorKeepingFile
from neutral.store.own_files import WEIGHTS_METADATA, add_zip_comment
from neutral.store.progress import Progress
from neutral.store.safetensors import write_tensors
from neutral.tensor import CHUNK, Tensor
from neutral_to_torch.loading.sharded import is_sharded
from neutral_to_torch.loading.tensors import code_of
from neutral_to_torch.loading.unsaved import warn_of_unsaved

PICKLES = (".pth", ".pt")


def save_weights(
    module: nn.Module, path: str | os.PathLike[str], *, progress: Progress | None = None, allow_set: bool = False
) -> None:
    """Write a module's state dict. The file appears whole or not at all.

    safetensors has no shared storage: a shared tensor is written under each of its names, so that
    ``load_state_dict(strict=True)`` finds them all.

    Args:
        module: The module.
        path: The file: ``.safetensors``, or ``.pth`` and ``.pt`` for ``torch.save``.
        progress: Called with the bytes written and the bytes in all.
        allow_set: Do not warn of attributes that ``load_into(..., set_attributes=True)`` set on the module, which the
            file does not hold. Otherwise an :class:`~neutral.matching.unsaved.UnsavedAttributesWarning` names the
            lines of the module's source to change.

    Raises:
        UsageError: The suffix is another one.
        UnsupportedError: safetensors cannot hold a tensor.
        TargetError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from neutral.store.safetensors import read_tensors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.safetensors")
        ...     save_weights(nn.Linear(3, 2), path)
        ...     {key: tensor.shape for key, tensor in read_tensors(path).items()}
        {'bias': (2,), 'weight': (2, 3)}
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in (".safetensors", *PICKLES):
        raise UsageError(f"{os.fspath(path)}: unsupported suffix; expected .safetensors, .pth or .pt.")
    state = module.state_dict()
    if suffix in PICKLES:
        with atomic_file(path) as file:
            write_pickle(state, file)
    else:
        tensors = {name: _stored(name, value) for name, value in state.items()}
        write_tensors(tensors, path, metadata=WEIGHTS_METADATA, progress=progress)
    if not allow_set:
        warn_of_unsaved(module)


def write_pickle(state: Mapping[str, torch.Tensor], file: BinaryIO) -> None:
    """Write a state dict as ``torch.save`` does, with the errors of the file and not torch's.

    The comment of the zip file says who wrote it.

    Args:
        state: The state dict.
        file: The file, open for reading and writing.

    Raises:
        OSError: If the file cannot be written.
    """
    output = ErrorKeepingFile(file)
    torch.save(state, cast("IO[bytes]", output))
    add_zip_comment(cast(BinaryIO, output))
    output.check()


def _stored(name: str, value: object) -> Tensor:
    if not isinstance(value, torch.Tensor) or value.is_meta or value.layout != torch.strided or is_sharded(value):
        raise UnsupportedError(f"{name}: safetensors holds plain tensors, and this is {_describe(value)}. Use .pth.")
    tensor = value.detach()

    def chunks() -> Iterator[memoryview]:
        if tensor.numel():
            data = tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
            yield from (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))

    return Tensor(code_of(tensor.dtype), tuple(tensor.shape), chunks)


def _describe(value: object) -> str:
    if isinstance(value, torch.Tensor) and is_sharded(value):
        return "spread over processes (full_tensor() gathers it)"
    if isinstance(value, torch.Tensor):
        return "on the meta device, without values" if value.is_meta else f"of layout {value.layout}"
    return type(value).__name__

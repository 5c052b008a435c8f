"""``read``: a state dict as a store, with types from names and shapes."""

from __future__ import annotations

import os
from typing import Any, Iterator, Mapping

from neutral.dtypes import DTYPE_CODE
from neutral.errors import SourceError, UnsupportedError
from neutral.source import StoreSource
from neutral.store.remote import fetched
from neutral.store.safetensors import read_tensors
from neutral.store.store import Store
from neutral.tensor import Tensor, from_numpy
from torch_to_neutral.infer import infer

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""What training scripts call the state dict among the other things that they save."""


def read(path: str | os.PathLike[str]) -> Store:
    """Read a state dict: ``.safetensors``, or a ``.pth`` or ``.pt`` of tensors alone; a file, or a URL of one.

    A pickle is loaded by torch with ``weights_only=True``, so that no code in it runs. Kinds come from names and
    shapes and are marked so (``typed_by`` is ``names``); what they do not give away stays a ``parameter``. Raises
    SourceError where the file is no state dict, and UnsupportedError where torch is needed and not installed.
    """
    file = os.fspath(path)
    left_out: list[str] = []
    if file.lower().endswith(".safetensors"):
        tensors: Mapping[str, Tensor] = read_tensors(file)
    else:
        with fetched([file]) as local:
            tensors, left_out = _unpickled(local[0])
    if not tensors:
        raise SourceError(f"{file}: there is no tensor in it. Expected a state dict: names and tensors.")
    layers, stored = infer(tensors)
    untyped = [layer.name for layer in layers.values() if layer.kind == "parameter"]
    notes = ["types inferred from names and shapes"]
    if untyped:
        notes.append(f"type unknown, kept as parameters: {', '.join(untyped)}")
    if left_out:
        notes.append(f"of {os.path.basename(file)} what is no tensor is left out: {', '.join(left_out)}")
    return Store(layers, stored, None, StoreSource("torch", None), tuple(notes))


def _unpickled(path: str) -> tuple[dict[str, Tensor], list[str]]:
    try:
        import torch
    except ImportError:
        raise UnsupportedError(
            f"{path}: PyTorch is needed to read its own files, and is not installed. Save the state dict as "
            ".safetensors where it is."
        ) from None
    if not os.path.isfile(path):
        raise SourceError(f"{path}: there is no such file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        raise SourceError(
            f"{path}: torch cannot load this as weights only ({type(error).__name__}: {first}). "
            "Save module.state_dict() alone; pickled modules hold code and are never run."
        ) from None
    wrapper = next((key for key in WRAPPERS if isinstance(content, Mapping) and _has_tensors(content.get(key))), None)
    others = [] if wrapper is None else [str(key) for key in content if key != wrapper]
    found = content if wrapper is None else content[wrapper]
    if not isinstance(found, Mapping):
        raise SourceError(f"{path}: this holds a {type(content).__name__}. Expected a state dict: names and tensors.")
    tensors = {}
    for name, value in found.items():
        if isinstance(value, torch.Tensor):
            tensors[str(name)] = _tensor(path, str(name), value)
        else:
            others.append(str(name))
    return tensors, others


def _has_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(hasattr(item, "element_size") for item in value.values())


def _tensor(path: str, name: str, value: Any) -> Tensor:
    import torch

    code = DTYPE_CODE.get(str(value.dtype).replace("torch.", ""))
    if code is None or value.layout != torch.strided or value.is_quantized:
        raise UnsupportedError(f"{path}: {name} is {value.dtype} in the layout {value.layout}, which no store holds.")

    def content() -> Iterator[bytes | memoryview]:
        plain = value.detach().contiguous()
        bits = plain.view(torch.int16) if code == "BF16" else plain
        yield from from_numpy(bits.numpy().view("<u2") if code == "BF16" else bits.numpy(), code).chunks()

    return Tensor(code, tuple(value.shape), content)

"""Read a state dict as a store, with layers inferred from names and shapes."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Mapping

from neutral.dtypes import DTYPE_CODE
from neutral.errors import SourceError, UnsupportedError
from neutral.source import StoreSource
from neutral.store import Store
from neutral.store.remote import fetched
from neutral.store.safetensors import read_tensors
from neutral.tensor import Tensor, from_numpy
from torch_to_neutral.inference import infer_layers

STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts save the state dict beside other objects."""

WRAPPERS = ("module.", "_orig_mod.")
"""What ``nn.DataParallel`` and ``torch.compile`` put before the names of the module that they wrap."""

_LIGHTNING = "pytorch-lightning_version"
"""The key by which checkpoints of Lightning are known; their names begin with the attribute that holds the network."""


def read(path: str | os.PathLike[str]) -> Store:
    """Read a state dict.

    A pickle is loaded by torch with ``weights_only=True``, so no code in it runs. Where all names begin with that of a
    wrapper (``module.`` of ``nn.DataParallel``, ``_orig_mod.`` of ``torch.compile``, the attribute of a Lightning
    module), it is left out, and a note says so.

    Args:
        path: A ``.safetensors`` file, a file of ``torch.save``, or a URL of one.

    Returns:
        A store whose layers are inferred from names and shapes (``typed_by`` is ``names``); tensors whose kind these
        do not determine are layers of kind ``parameter``.

    Raises:
        SourceError: If the file is not a state dict.
        UnsupportedError: If torch is needed and not installed, or a tensor has a dtype that no store has.

    Example:
        >>> import tempfile, numpy as np
        >>> from neutral.store.safetensors import write_tensors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     write_tensors({"fc.weight": from_numpy(np.zeros((2, 3), np.float32))}, path)
        ...     read(path).layers["fc"].kind
        'linear'
    """
    file = os.fspath(path)
    skipped: list[str] = []
    is_lightning = False
    if file.lower().endswith(".safetensors"):
        tensors: Mapping[str, Tensor] = read_tensors(file)
    else:
        with fetched([file]) as local:
            tensors, skipped = _unpickle(local[0])
        is_lightning = _LIGHTNING in skipped
    if not tensors:
        raise SourceError(f"{file}: there is no tensor in it. Expected a state dict: names and tensors.")
    prefix = _wrapper(tensors, is_lightning)
    tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    layers, stored = infer_layers(tensors)
    untyped = [layer.name for layer in layers.values() if layer.kind == "parameter"]
    notes = ["types inferred from names and shapes"]
    if untyped:
        notes.append(f"type unknown, kept as parameters: {', '.join(untyped)}")
    if prefix:
        notes.append(f"the names of all tensors begin with {prefix!r}, which is left out")
    if skipped:
        notes.append(f"{os.path.basename(file)}: entries that are not tensors are left out: {', '.join(skipped)}")
    return Store(layers, stored, None, StoreSource("torch", None), tuple(notes))


def _wrapper(names: Iterable[str], is_lightning: bool) -> str:
    """Return the names of wrappers with which all names begin, joined."""
    names, prefix = list(names), ""
    while True:
        rest = [name[len(prefix) :] for name in names]
        known = [item for item in WRAPPERS if all(name.startswith(item) and name != item for name in rest)]
        if not known:
            break
        prefix += known[0]
    attributes = {name.partition(".")[0] for name in rest if "." in name}
    if is_lightning and len(attributes) == 1 and all(name.count(".") > 1 for name in rest):
        prefix += attributes.pop() + "."
        return prefix + _wrapper((name[len(prefix) :] for name in names), False)
    return prefix


def _unpickle(path: str) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of a pickle by name, and the names of the other objects in it."""
    content = _load(path)
    import torch

    wrapper = next(
        (key for key in STATE_DICT_KEYS if isinstance(content, Mapping) and _has_tensors(content.get(key))), None
    )
    skipped = [] if wrapper is None else [str(key) for key in content if key != wrapper]
    state_dict = content if wrapper is None else content[wrapper]
    if not isinstance(state_dict, Mapping):
        raise SourceError(f"{path}: this holds a {type(content).__name__}. Expected a state dict: names and tensors.")
    tensors = {}
    for name, value in state_dict.items():
        if isinstance(value, torch.Tensor):
            tensors[str(name)] = _tensor(path, str(name), value)
        else:
            skipped.append(str(name))
    return tensors, skipped


def _load(path: str) -> Any:
    try:
        import torch
    except ImportError:
        raise UnsupportedError(
            f"{path}: PyTorch is needed to read its own files, and is not installed: pip install torch. Or save the "
            "state dict as .safetensors where it is."
        ) from None
    if not os.path.isfile(path):
        raise SourceError(f"{path}: there is no such file.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first_line = str(error).strip().split("\n")[0]
        raise SourceError(
            f"{path}: torch cannot load this as weights only ({type(error).__name__}: {first_line}). "
            "Save module.state_dict() alone; pickled modules hold code and are never run."
        ) from None


def _has_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(hasattr(item, "element_size") for item in value.values())


def _tensor(path: str, name: str, value: Any) -> Tensor:
    """Return a torch tensor as a tensor of a store."""
    import torch

    code = DTYPE_CODE.get(str(value.dtype).replace("torch.", ""))
    if code is None or value.layout != torch.strided or value.is_quantized:
        raise UnsupportedError(f"{path}: {name} is {value.dtype} in the layout {value.layout}, which no store holds.")

    def content() -> Iterator[bytes | memoryview]:
        plain = value.detach().contiguous()
        array = plain.view(torch.int16).numpy().view("<u2") if code == "BF16" else plain.numpy()
        yield from from_numpy(array, code).chunks()

    return Tensor(code, tuple(value.shape), content)

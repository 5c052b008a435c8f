"""Golden files: inputs, outputs and the output of every operator, recorded where the source framework runs.

``docs/golden.md`` specifies it: a safetensors file whose metadata ``golden`` is a JSON description.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping, TypeVar

from neutral.errors import StoreError
from neutral.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np

VERSION = 1

REFERENCE = "neutral-reference"
"""The framework of golden files that :mod:`neutral.reference` wrote."""

WRITER_ONLY = (
    "these values are the reference's, computed from the store: they prove the writer, not the reader. Only a record "
    "of the original framework (mxnet_capture.py) proves that the store says what the original model computed"
)
"""The note of golden files that the reference wrote."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class GoldenInput:
    """An input of a recorded run.

    Attributes:
        name: The name of the input.
        key: The key of its values.
        label: Whether it is a label, which only training needs.

    Example:
        >>> GoldenInput("data", "input:data")
        GoldenInput(name='data', key='input:data', label=False)
    """

    name: str
    key: str
    label: bool = False


@dataclass(frozen=True)
class Golden:
    """A recorded run.

    Attributes:
        path: The file.
        framework: The framework that recorded it, such as ``mxnet``.
        framework_version: The framework's version.
        inputs: The inputs, in order.
        outputs: The keys of the outputs.
        internals: The key of each node and number of output, in execution order.
        notes: Messages of the recorder.
        tensors: The recorded tensors by key.
        sources: The SHA-256 of each file of the checkpoint by role; empty if the model was in memory.

    Example:
        >>> import numpy
        >>> from neutral.tensor import from_numpy
        >>> recorded = {"y": from_numpy(numpy.ones(2, "float32"))}
        >>> golden = Golden("a/net.golden", "mxnet", "1.9.1", (), ("y",), {("y", 0): "y"}, (), recorded)
        >>> golden.title, golden.array("y").tolist()
        ('net.golden (mxnet 1.9.1)', [1.0, 1.0])
    """

    path: str
    framework: str
    framework_version: str
    inputs: tuple[GoldenInput, ...]
    outputs: tuple[str, ...]
    internals: Mapping[tuple[str, int], str]
    notes: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name of the file and the framework that recorded it, for reports."""
        return f"{os.path.basename(self.path)} ({self.framework} {self.framework_version})"

    @property
    def is_reference(self) -> bool:
        """Whether Neutral's reference computed the values from a store, and not the original framework."""
        return self.framework == REFERENCE

    @property
    def proves(self) -> str:
        """The part of the conversion that agreement with these values proves: ``writer`` or ``reader and writer``."""
        return "writer" if self.is_reference else "reader and writer"

    def array(self, key: str) -> np.ndarray:
        """Return the values under a key; bfloat16 as float32, which holds it exactly.

        Args:
            key: A key of :attr:`tensors`.

        Returns:
            A new array.
        """
        import numpy as np

        tensor = self.tensors[key]
        array = tensor.numpy()
        if tensor.dtype == "BF16":
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array


def _by_unique_name(items: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Return the keys by node and output. The second of several nodes with one name is ``name#2``, as in stores."""
    repeats: Counter[tuple[str, int]] = Counter()
    keys: dict[tuple[str, int], str] = {}
    for item in items:
        place = _typed(item["node"], str), _typed(item["index"], int)
        repeats[place] += 1
        name = place[0] if repeats[place] == 1 else f"{place[0]}#{repeats[place]}"
        keys[name, place[1]] = _typed(item["key"], str)
    return keys


def _typed(value: Any, kind: type[_T]) -> _T:
    """Return a value of the description; raise TypeError if it is of another type, bool for int included."""
    if type(value) is not kind:
        raise TypeError(f"found {value!r}, expected a value of type {kind.__name__}")
    return value


def _read_input(item: dict[str, Any]) -> GoldenInput:
    return GoldenInput(_typed(item["name"], str), _typed(item["key"], str), _typed(item["label"], bool))


def open_golden(path: str | os.PathLike[str]) -> Golden:
    """Open a golden file. No tensor is read.

    Args:
        path: A file that ``mxnet_capture.py`` or another recorder wrote.

    Returns:
        The description, with tensors that are read when they are asked for.

    Raises:
        SourceError: The file cannot be read.
        StoreError: It is not a golden file, or one of an unknown version.

    Example:
        >>> import tempfile
        >>> from neutral.store.safetensors import write_tensors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "plain.safetensors")
        ...     write_tensors({}, path)
        ...     open_golden(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neutral.errors.StoreError: ...expected a golden file. Record one with mxnet_capture.py.
    """
    from neutral.store.header_parser import read_header

    file = os.fspath(path)
    header = read_header(file)
    if "golden" not in header.metadata:
        kind = "a neutral store" if "neutral" in header.metadata else "a safetensors file without a description"
        raise StoreError(f"{file}: {kind}; expected a golden file. Record one with mxnet_capture.py.")
    try:
        document: dict[str, Any] = json.loads(header.metadata["golden"])
        if document["version"] != VERSION:
            raise StoreError(
                f"{file}: unknown golden file version {document['version']!r}; this Neutral reads {VERSION}."
            )
        internals = _by_unique_name(document["internals"])
        golden = Golden(
            path=file,
            framework=_typed(document["framework"], str),
            framework_version=_typed(document["framework_version"], str),
            inputs=tuple(map(_read_input, document["inputs"])),
            outputs=tuple(_typed(key, str) for key in document["outputs"]),
            internals=internals,
            notes=tuple(_typed(note, str) for note in document.get("notes", ())),
            tensors=header.tensors,
            sources={
                _typed(role, str): _typed(item["sha256"], str) for role, item in document.get("sources", {}).items()
            },
        )
        missing = {*(i.key for i in golden.inputs), *golden.outputs, *internals.values()} - set(header.tensors)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{file}: this is not a golden file ({type(error).__name__}: {error}). Record one with mxnet_capture.py."
        ) from None
    if missing:
        raise StoreError(f"{file}: the golden file's description names {sorted(missing)[0]!r}, which it lacks.")
    return golden

"""Record a run of the reference as a golden file, in the format of the recorder that runs in MXNet."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Mapping, Sequence

import numpy as np

from neutral import __version__
from neutral.graph import Value
from neutral.reference.evaluate import Progress, run
from neutral.reference.registry import Array
from neutral.reference.selection import output_name
from neutral.scratch import ScratchFolder
from neutral.store import Store
from neutral.store.safetensors import write_tensors
from neutral.tensor import FileRange, Tensor, from_numpy
from neutral.verification.golden import REFERENCE, VERSION, WRITER_ONLY


def record(
    store: Store,
    inputs: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    precision: str | None = None,
    seed: int = 0,
    drawn: bool = False,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a graph and write the inputs, and the outputs of all nodes, to a golden file.

    The file says that the reference made it: a module that agrees with it computes what the store says, which proves
    the writer and not the reader.

    Args:
        store: A store with a graph.
        inputs: An array for each input of the graph, by name.
        path: The file to write.
        precision: The dtype in which everything floating is computed, ``float32`` or ``float64``; None: the graph's.
        seed: The seed of random kinds.
        drawn: Whether inputs were drawn with this seed, which is then recorded.
        notes: Further notes for the file.
        progress: A callback that gets the number of nodes done and of nodes in all.

    Returns:
        The description that the file holds as JSON.

    Raises:
        UsageError: If the store has no graph, or an input is unknown or missing.
        MismatchError: If an input or operands do not fit.
        UnsupportedError: If a kind has no reference function.
        SourceError: If the store's files were changed meanwhile.
        TargetError: If the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> from neutral.graph import Graph, Input, Node
        >>> from neutral.verification.golden import open_golden
        >>> graph = Graph((Input("x"),), (Node("y", "relu", (Value("x"),), {}),), (Value("y"),))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "golden.safetensors")
        ...     _ = record(Store({}, {}, graph), {"x": np.float32([-1, 2])}, file)
        ...     golden = open_golden(file)
        ...     golden.array("internals.y").tolist(), golden.proves
        ([0.0, 2.0], 'writer')
    """
    with ScratchFolder() as folder, open(os.path.join(folder, "values"), "wb") as file:
        versions = store.source_versions()
        values = _Values(file.name, file)
        known: dict[Value, str] = {}

        def observe(value: Value, array: Array) -> None:
            known[value] = values.add(f"internals.{output_name(value)}", array)

        arrays = {name: np.asarray(array) for name, array in inputs.items()}
        outputs = run(store, arrays, precision=precision, seed=seed, progress=progress, observe=observe)
        assert store.graph is not None
        for name, array in arrays.items():
            values.add(f"inputs.{name}", array)
        keys = [
            known.get(value) or values.add(f"outputs.{position}", outputs[output_name(value)])
            for position, value in enumerate(store.graph.outputs)
        ]
        file.flush()
        description = {
            "version": VERSION,
            "framework": REFERENCE,
            "framework_version": __version__,
            "numpy_version": np.__version__,
            "seed": seed if drawn else None,
            "inputs": [{"name": name, "key": f"inputs.{name}", "label": False} for name in arrays],
            "outputs": keys,
            "internals": [{"node": value.node, "index": value.output, "key": key} for value, key in known.items()],
            "notes": [f"{WRITER_ONLY}.", *notes],
            "sources": _sources(store),
        }
        versions.check()
        metadata = {"format": "pt", "golden": json.dumps(description, sort_keys=True)}
        write_tensors(values.tensors, path, metadata)
    return description


class _Values:
    """Arrays that are written to a file one after another, so that they need not be in memory together."""

    def __init__(self, path: str, file: Any) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._path = path
        self._file = file

    def add(self, key: str, array: Array) -> str:
        """Append an array; return its key, with a mark if another array has it: ``a:1`` may be a node's own name."""
        while key in self.tensors:
            key += "~"
        tensor = from_numpy(array)
        place = FileRange(self._path, self._file.tell(), tensor.nbytes)
        self._file.writelines(tensor.chunks())
        self.tensors[key] = tensor._replace(content=(place,))
        return key


def _sources(store: Store) -> dict[str, Any]:
    """Return the name, size and digest of the store's file and of the files that it was made from."""
    sources: dict[str, Any] = {}
    if store.path and os.path.isfile(store.path):
        file = FileRange(store.path, 0, os.path.getsize(store.path))
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        sources["store"] = {"name": os.path.basename(file.path), "size": file.nbytes, "sha256": digest.hexdigest()}
    for item in store.source.files if store.source is not None else ():
        if item.sha256 is not None:
            sources.setdefault(item.role, {"name": item.name, "size": item.size, "sha256": item.sha256})
    return sources

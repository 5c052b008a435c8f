"""Write a store's graph as a readable PyTorch module, and its tensors as that module's state dict."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Mapping, Sequence

from neutral.errors import UnsupportedError, UsageError
from neutral.store import Store
from neutral_to_torch.emission.pair import digest_of, name_weights

if TYPE_CHECKING:
    from neutral_to_torch.emission.compose import Emission

__all__ = ["EmitReport", "emit", "preflight"]


@dataclass(frozen=True)
class EmitReport:
    """The files that :func:`emit` wrote, and how their content maps to the store.

    Attributes:
        path: The Python source.
        weights: The state dict.
        class_name: The model's class.
        lines: The lines of the source.
        keys: The store's tensor key for each state dict key.
        modules: The path of the submodule that computes each layer or node.
        tied_keys: Pairs of state dict keys that share one tensor.

    Example:
        >>> report = EmitReport(Path("net.py"), Path("net.safetensors"), "Net", 40, {"fc.weight": "fc1.weight"}, {}, [])
        >>> report.keys["fc.weight"]
        'fc1.weight'
    """

    path: Path
    weights: Path
    class_name: str
    lines: int
    keys: Mapping[str, str]
    modules: Mapping[str, str]
    tied_keys: Sequence[tuple[str, str]]


def preflight(
    store: Store,
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    class_name: str | None = None,
) -> UnsupportedError | UsageError | None:
    """Return the error with every problem that :func:`emit` would raise, or None; nothing is written.

    Args:
        store: A store with a graph.
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.
        class_name: The model's class.

    Returns:
        The error, not raised; None if :func:`emit` would succeed.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> nodes = (Node("act", "opaque", (Value("x"),), {"operator": "Odd", "attributes": {}, "reason": "no rule"}),)
        >>> print(preflight(Store({}, {}, Graph((Input("x", (2,)),), nodes, (Value("act"),)))))
        the model cannot be written as PyTorch source exactly:
          - operator Odd: no rule (1 node: act)
    """
    from neutral_to_torch.emission.lowering.pipeline import lower
    from neutral_to_torch.emission.source_gate import check_class_name

    try:
        check_class_name(class_name)
        lower(store, outputs, until)
    except (UnsupportedError, UsageError) as error:
        return error
    return None


def emit(
    store: Store,
    path: str | os.PathLike[str],
    *,
    outputs: Sequence[str] | None = None,
    until: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    pth: bool = False,
    class_name: str | None = None,
) -> EmitReport:
    """Write the model of ``store`` as Python source to ``path``, and its state dict beside it.

    Args:
        store: A store with a graph.
        path: The source's path, which ends with ``.py``.
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.
        weights: The path of the weights; by default beside the source, with the suffix ``.safetensors``.
        pth: Write the weights by ``torch.save``, by default with the suffix ``.pth``.
        class_name: The model's class; by default it is made from the source's name.

    Returns:
        The paths of the files, and how their content maps to the store.

    Raises:
        UsageError: The store has no graph, a name is unknown, or ``class_name`` is not a valid class name.
        SourceError: A file of the store was changed meanwhile; nothing is written.
        UnsupportedError: With every problem, before anything is written: operators that have no exact equal in
            PyTorch, or source that :func:`neutral_to_torch.emission.source_gate.check_source` refuses.

    Example:
        >>> import tempfile
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = emit(Store({}, {}, graph), os.path.join(folder, "net.py"), class_name="Net")
        ...     report.class_name, sorted(os.listdir(folder))
        ('Net', ['net.py', 'net.safetensors'])
    """
    from neutral.store.atomic import AtomicFiles
    from neutral_to_torch.emission.compose import compose
    from neutral_to_torch.emission.source_gate import check_class_name, check_source

    target = Path(path)
    if target.suffix != ".py":
        raise UsageError(f"{target}: unknown suffix of the source; expected a name that ends with .py.")
    check_class_name(class_name)
    weights = Path(weights) if weights is not None else target.with_suffix(".pth" if pth else ".safetensors")
    if store.path is not None and weights.exists() and weights.samefile(store.path):
        raise UsageError(f"{weights}: the weights would take the place of the store. Give the weights another name.")
    versions = store.source_versions()
    emission = compose(store, outputs=outputs, until=until, class_name=class_name, weights=weights.name)
    check_source(emission.source)
    with AtomicFiles() as files:  # in this order: old source loads new weights of the same keys, if at all
        digest = _write_weights(emission, store, pth, files.open(weights))
        files.open(target).write(name_weights(emission.source, digest).encode("utf-8"))
        versions.check()
    return EmitReport(
        target,
        weights,
        emission.class_name,
        emission.source.count("\n"),
        emission.state.keys,
        emission.state.modules,
        emission.state.tied_keys(),
    )


def _write_weights(emission: Emission, store: Store, pth: bool, file: BinaryIO) -> str:
    """Write the state dict of an emission, and return the SHA-256 of the file."""
    tensors = emission.state.tensors(store)
    if pth:
        from neutral_to_torch.loading.save import write_pickle
        from neutral_to_torch.loading.tensors import read

        write_pickle({key: read(tensor) for key, tensor in tensors.items()}, file)
    else:
        from neutral.store.own_files import WEIGHTS_METADATA
        from neutral.store.safetensors import write_tensors_to

        write_tensors_to(file, tensors, WEIGHTS_METADATA)
    return digest_of(file)

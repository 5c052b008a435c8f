"""``read``: a checkpoint in any of its forms as a store of which nothing has been read but the headers."""

from __future__ import annotations

import os
from typing import Any, Sequence

from mxnet_to_neutral.arrays import Array, read_arrays
from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.files.sources import Checkpoint, export_live, find
from mxnet_to_neutral.layers.assemble import Assembly
from mxnet_to_neutral.layers.gates import names_of_whole
from mxnet_to_neutral.layers.infer import infer_layers
from mxnet_to_neutral.layers.names import strip_prefix
from mxnet_to_neutral.layers.source_files import parameter_file, text_file
from mxnet_to_neutral.symbol import Symbol
from mxnet_to_neutral.symbol import read as read_symbol
from neutral.errors import MismatchError, UsageError
from neutral.gc_pause import gc_paused
from neutral.graph import Layer
from neutral.source import SourceFile, StoreSource
from neutral.store.store import Store

SHOWN = 20
"""Problems that an error lists before it only counts them."""


def read(*source: Any, epoch: int | None = None) -> Store:
    """Read an MXNet checkpoint.

    ``source`` is a prefix (``"model"`` with ``epoch``, or ``"model", 3``), a symbol and a parameter file in either
    order, one of the two alone, a folder, or a SageMaker ``model.tar.gz``; where MXNet runs also a live model: a
    ``Module``, a hybrid block, or ``(symbol, arg_params, aux_params)``. Tensors are read when the store is saved or
    asked for them. Close the store, or use it as a context manager, where the source is an archive or a live model.

    Raises :class:`neutral.errors.SourceError` (and its kinds) where the files are missing, damaged or do not belong
    together.
    """
    parts = list(source)
    if len(parts) == 2 and isinstance(parts[1], int):
        epoch = parts.pop()
    if all(isinstance(part, (str, os.PathLike)) for part in parts):
        checkpoint = find([os.fspath(part) for part in parts], epoch)
    elif len(parts) == 1:
        checkpoint = export_live(parts[0])
    else:
        raise UsageError("a checkpoint is named by paths, or is one live MXNet model.")
    try:
        return _convert(checkpoint)
    except BaseException:
        if checkpoint.close is not None:
            checkpoint.close()
        raise


@gc_paused()
def _convert(checkpoint: Checkpoint) -> Store:
    assembly = Assembly()
    notes = list(checkpoint.notes)
    arrays: list[Array] = []
    files: list[SourceFile] = []
    file = None
    if checkpoint.params is not None:
        file = read_arrays(checkpoint.params)
        arrays += file.arrays
        notes += file.notes
        notes += [f"array {a.name!r} was saved as 'no array'" for a in arrays if a.storage == "none"]
    else:
        notes.append("there is no parameter file: the layers have no tensors")
    graph = symbol = None
    if checkpoint.symbol is not None:
        symbol = read_symbol(checkpoint.symbol)
        notes += symbol.notes
        conversion = _run(symbol, arrays, checkpoint)
        graph = assembly.freeze(conversion)
        notes += conversion.notes
        notes += _opaque_notes(conversion)
    used = assembly.used_arrays()
    leftover = [
        assembly.add_inferred(layer) for layer in infer_layers(array for array in arrays if array.name not in used)
    ]
    notes += _leftover_notes(leftover, graph is not None)
    if file is not None and checkpoint.params is not None:
        files.append(parameter_file(assembly, file, arrays, os.path.basename(checkpoint.params)))
    if symbol is not None and checkpoint.symbol is not None:
        with open(checkpoint.symbol, encoding="utf-8", newline="") as text:
            files.append(text_file(checkpoint.symbol, text.read(), "graph", "symbol-json"))
    version = None if symbol is None or symbol.version is None else ".".join(map(str, symbol.version))
    return Store(
        layers=assembly.layers,
        tensors=assembly.tensors,
        graph=graph,
        source=StoreSource("mxnet", version, tuple(files)),
        notes=tuple(notes),
        close=checkpoint.close,
    )


def _run(symbol: Symbol, arrays: list[Array], checkpoint: Checkpoint) -> Conversion:
    by_name = {strip_prefix(array.name): array for array in arrays}
    variables = {node.name for node in symbol.nodes if node.is_variable}
    if arrays and not variables & set(by_name).union(*map(names_of_whole, by_name)):
        raise MismatchError(
            f"{checkpoint.params}: none of its {len(arrays)} arrays ({arrays[0].name!r}, ...) is named by the symbol "
            f"{checkpoint.symbol}. Parameters that Gluon saved by structure (save_parameters) need the symbol's "
            "names: export the network with HybridBlock.export, or read the parameter file alone."
        )
    from mxnet_to_neutral.convert import (
        convert_symbol,  # the rules of all operators, which parameters alone do not need
    )

    conversion = convert_symbol(symbol, by_name, str(checkpoint.symbol), has_arrays=bool(arrays))
    if conversion.problems:
        shown = conversion.problems[:SHOWN]
        more = len(conversion.problems) - len(shown)
        lines = "\n".join(f"  - {problem}" for problem in shown) + (f"\n  - and {more} more" if more else "")
        raise MismatchError(
            f"{checkpoint.params} does not belong to {checkpoint.symbol}; check that both are of one model:\n{lines}"
        )
    return conversion


def _opaque_notes(conversion: Conversion) -> list[str]:
    notes = []
    for draft in conversion.drafts:
        if draft.kind == "opaque":
            operator, reason = draft.attributes["operator"], draft.attributes["reason"]
            notes.append(f"node {draft.name!r}: operator {operator!r} is opaque: {reason}")
        for body in draft.bodies.values():
            notes += _opaque_notes(body)
    return notes


def _leftover_notes(layers: Sequence[Layer], has_graph: bool) -> list[str]:
    """What to say of arrays that no node uses, or that no graph explains."""
    notes = []
    typed = [layer.name for layer in layers if layer.kind != "parameter"]
    untyped = [layer.name for layer in layers if layer.kind == "parameter"]
    if typed:
        notes.append(f"types inferred from names and shapes: {', '.join(typed)}")
    if untyped:
        notes.append(f"type unknown, kept as parameters: {', '.join(untyped)}")
    if has_graph and layers:
        notes.append(f"the graph does not use {', '.join(layer.name for layer in layers)}")
    return notes

"""Read an MXNet checkpoint as a store."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Mapping, Sequence

from mxnet_to_neutral.arrays import Array, ArrayFile, read_arrays
from mxnet_to_neutral.drafts import Conversion
from mxnet_to_neutral.files.checkpoint import Checkpoint, name_origins
from mxnet_to_neutral.files.folder import with_partner
from mxnet_to_neutral.files.sources import find_checkpoint
from mxnet_to_neutral.inference.input_dtypes import mark_floating_inputs, with_dtypes
from mxnet_to_neutral.layers.assemble import Assembly
from mxnet_to_neutral.layers.gates import names_of_whole
from mxnet_to_neutral.layers.infer import infer_layers
from mxnet_to_neutral.layers.names import strip_prefix
from mxnet_to_neutral.layers.source_files import parameter_file, text_file
from mxnet_to_neutral.notes import notes_on_arrays, notes_on_opaque_nodes, notes_on_unused_layers
from mxnet_to_neutral.soundness import unsound_error, unsound_nodes
from mxnet_to_neutral.stored_inputs import notes_on_stored_inputs
from mxnet_to_neutral.symbol import Symbol, join_variables, read_symbol
from mxnet_to_neutral.symbol.model import Entry
from neutral.errors import MismatchError, NeutralError, UsageError
from neutral.gc_pause import gc_paused
from neutral.graph import Layer
from neutral.source import SourceFile, StoreSource
from neutral.store.store import Store
from neutral.text import suggestion

MAX_ATTEMPTS = 3
"""Conversions of one symbol: each makes the nodes opaque that the one before could not express soundly."""

MAX_PROBLEMS_SHOWN = 20
"""Problems that an error lists; more are only counted."""


def read(
    *source: Any,
    epoch: int | None = None,
    inputs: Sequence[str] = (),
    dtypes: Mapping[str, str] | None = None,
    graph_only: bool = False,
) -> Store:
    """Read an MXNet checkpoint as a store. Tensor data is read only when it is asked for or saved.

    Args:
        source: One of the following:

            - a prefix, such as ``"model"`` for ``model-symbol.json`` and ``model-0003.params``, or a prefix and an
              epoch, as ``mx.model.load_checkpoint`` takes them;
            - a symbol and a parameter file, in either order;
            - a parameter file (NDArray list, ``.npz``, ``.npy``) or a symbol alone;
            - a folder with one checkpoint;
            - an archive with one checkpoint: ``.tar``, ``.tar.gz`` (SageMaker's ``model.tar.gz``), ``.zip``, ``.mar``;
              of several, ``"model.tar.gz#export/model-0003.params"`` names one, in archives within the archive too;
            - URLs in place of any of these paths;
            - where MXNet can be imported, a live model: a ``Module``, a hybrid block, or
              ``(symbol, arg_params, aux_params)``.

        epoch: The epoch of the parameters after a prefix or in a folder. Default: the latest.
        inputs: The names of variables that are inputs of the graph: of arrays, such as ``data`` where an executor's
            ``arg_dict`` was saved, which are kept as layers that the graph does not use; and of weights without an
            array that the caller of the model computes.
        dtypes: Dtypes of inputs that the symbol does not declare, such as ``{"data": "int32"}``.
        graph_only: Read a symbol without its parameters.

    Returns:
        The store. Close it, or use it in a ``with`` statement, if the source is an archive, a URL or a live model:
        temporary files are removed then.

    Raises:
        SourceError: A file is missing, unreadable or of another kind.
        FormatError: A file breaks its format; the message names the byte offset or the node.
        MismatchError: The symbol and the parameters are not of the same model.
        UnsupportedError: A tensor cannot be represented exactly.
        UsageError: The arguments name no checkpoint.

    Example:
        >>> import tempfile, numpy
        >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
        >>> numpy.savez(path, fc_weight=numpy.ones((2, 3), "float32"))
        >>> store = read(path)
        >>> store.layers["fc"].kind
        'linear'
        >>> store["fc.weight"].shape
        (2, 3)
    """
    checkpoint = _open_checkpoint(source, epoch)
    try:
        return _build_store(_graph_only(checkpoint) if graph_only else checkpoint, inputs, dtypes or {})
    except BaseException as error:
        if isinstance(error, NeutralError):
            name_origins(error, checkpoint.origins)
        if checkpoint.close is not None:
            checkpoint.close()
        raise


def partner_of(path: str, epoch: int | None = None) -> str | None:
    """Return the symbol that lies beside a parameter file, or the parameters beside a symbol; None without one.

    Args:
        path: The file.
        epoch: The epoch of the parameters beside a symbol, if there are several.

    Returns:
        The path of the other file, or None.

    Raises:
        SourceError: Several parameter files lie beside a symbol, which the message lists, or the symbol is damaged.
    """
    if not os.path.isfile(path):
        return None
    checkpoint = find_checkpoint([path], epoch)
    if checkpoint.close is not None:  # an archive
        checkpoint.close()
        return None
    if checkpoint.params is not None:
        return with_partner(checkpoint, epoch).symbol
    read_symbol(str(checkpoint.symbol))  # its damage is worth more than a choice of parameters
    return with_partner(checkpoint, epoch).params


def _graph_only(checkpoint: Checkpoint) -> Checkpoint:
    if checkpoint.symbol is None:
        raise UsageError(f"{checkpoint.params}: this is not a symbol; only a symbol can be read without parameters.")
    return replace(checkpoint, params=None)


def _open_checkpoint(source: Sequence[Any], epoch: int | None) -> Checkpoint:
    if len(source) == 2 and isinstance(source[1], int):
        source, epoch = source[:1], source[1]
    if all(isinstance(part, (str, os.PathLike)) for part in source):
        return find_checkpoint([os.fspath(part) for part in source], epoch)
    if len(source) == 1:
        from mxnet_to_neutral.files.live import export_live

        return export_live(source[0])
    kinds = ", ".join(type(part).__name__ for part in source)
    raise UsageError(f"unsupported source ({kinds}); expected paths, or one live MXNet model.")


@gc_paused()
def _build_store(checkpoint: Checkpoint, inputs: Sequence[str], dtypes: Mapping[str, str]) -> Store:
    """Build the store; nodes that it cannot express soundly are made opaque."""
    refused: dict[str, str] = {}
    for _ in range(MAX_ATTEMPTS):
        store = _assemble(checkpoint, inputs, dtypes, refused)
        unsound = unsound_nodes(store)
        if not unsound:
            return store
        refused.update(unsound)
    raise unsound_error([f"node {name!r}: {reason}" for name, reason in unsound.items()])


def _assemble(
    checkpoint: Checkpoint, inputs: Sequence[str], dtypes: Mapping[str, str], refused: Mapping[str, str]
) -> Store:
    assembly = Assembly()
    file = None if checkpoint.params is None else read_arrays(checkpoint.params)
    arrays = [] if file is None else list(file.arrays)
    if file is not None:
        file.check_dense_size()
    notes = [*checkpoint.notes, *notes_on_arrays(file)]
    graph = symbol = None
    if checkpoint.symbol is not None:
        symbol = with_dtypes(join_variables(read_symbol(checkpoint.symbol)), dtypes)
        used = _without(arrays, inputs, symbol, checkpoint)
        conversion = _convert(symbol, used, checkpoint, refused, inputs)
        graph = assembly.freeze(conversion)
        needed = {node.name for node in graph.nodes}
        stored = needed.intersection(strip_prefix(array.name) for array in used)
        notes += notes_on_stored_inputs(symbol, stored, bool(graph.inputs))
        notes += [*symbol.notes, *conversion.notes, *notes_on_opaque_nodes(conversion)]
    unused = _infer_unused(assembly, arrays)
    notes += notes_on_unused_layers(unused, graph is not None)
    files = _source_files(assembly, checkpoint, file, arrays)
    return Store(
        layers=assembly.layers,
        tensors=assembly.tensors,
        graph=graph,
        source=StoreSource("mxnet", _version(symbol), files),
        notes=tuple(notes),
        close=checkpoint.close,
    )


def _convert(
    symbol: Symbol,
    arrays: Sequence[Array],
    checkpoint: Checkpoint,
    refused: Mapping[str, str],
    inputs: Sequence[str],
) -> Conversion:
    """Convert the operators of a symbol; raise MismatchError if the arrays do not belong to it."""
    arrays_by_name = {strip_prefix(array.name): array for array in arrays}
    _check_names(symbol, arrays_by_name, checkpoint)
    from mxnet_to_neutral.convert import Circumstances, convert_symbol  # imports the rules of all operators

    circumstances = Circumstances(bool(arrays), refused=refused, inputs=inputs)

    def convert(symbol: Symbol) -> Conversion:
        return convert_symbol(symbol, arrays_by_name, str(checkpoint.symbol), circumstances)

    def array(entry: Entry) -> Array | None:
        return arrays_by_name.get(symbol.nodes[entry.node].name)

    conversion = convert(symbol)
    if conversion.problems:
        lines = [f"  - {problem}" for problem in conversion.problems[:MAX_PROBLEMS_SHOWN]]
        if len(conversion.problems) > len(lines):
            lines.append(f"  - and {len(conversion.problems) - len(lines)} more")
        raise MismatchError(
            f"{checkpoint.params} does not belong to {checkpoint.symbol}; check that both are of one model:\n"
            + "\n".join(lines)
        )
    mark_floating_inputs(symbol, conversion, array, convert)
    return conversion


def _without(arrays: Sequence[Array], inputs: Sequence[str], symbol: Symbol, checkpoint: Checkpoint) -> list[Array]:
    """Return the arrays that are not inputs of the graph; raise UsageError for an input that no variable is."""
    names = [strip_prefix(array.name) for array in arrays]
    variables = [node.name for node in symbol.nodes if node.is_variable]
    for name in inputs:
        if name not in names and name not in variables:
            hint = suggestion(name, [*names, *variables])
            raise UsageError(f"{checkpoint.params}: no array is named {name!r}.{hint}")
    return [array for name, array in zip(names, arrays) if name not in inputs]


def _check_names(symbol: Symbol, arrays: Mapping[str, Array], checkpoint: Checkpoint) -> None:
    """Raise MismatchError if no variable of the symbol has the name of an array, or of a whole that it is a part of."""
    variables = {node.name for node in symbol.nodes if node.is_variable}
    if arrays and not variables & set(arrays).union(*map(names_of_whole, arrays)):
        first = next(iter(arrays.values())).name
        raise MismatchError(
            f"{checkpoint.params}: none of its {len(arrays)} arrays ({first!r}, ...) has the name of a variable in the "
            f"symbol {checkpoint.symbol}. Parameters that Gluon saved by structure (save_parameters) need "
            "the names of the symbol: export the network with HybridBlock.export, for one of a model zoo with "
            "`mxnet_capture.py zoo NAME --params FILE -o PREFIX`, or read the parameter file alone, in a folder "
            "without the symbol."
        )


def _infer_unused(assembly: Assembly, arrays: Sequence[Array]) -> list[Layer]:
    """Add layers for the arrays that no node uses, with kinds inferred from names and shapes."""
    used = assembly.used_arrays()
    unused = [array for array in arrays if array.name not in used]
    return [assembly.add_inferred(layer) for layer in infer_layers(unused)]


def _source_files(
    assembly: Assembly, checkpoint: Checkpoint, file: ArrayFile | None, arrays: Sequence[Array]
) -> tuple[SourceFile, ...]:
    files = []
    if file is not None:
        files.append(parameter_file(assembly, file, arrays, os.path.basename(file.path)))
    if checkpoint.symbol is not None:
        with open(checkpoint.symbol, encoding="utf-8", newline="") as text:
            files.append(text_file(checkpoint.symbol, text.read(), "graph", "symbol-json"))
    return tuple(files)


def _version(symbol: Symbol | None) -> str | None:
    return None if symbol is None or symbol.version is None else ".".join(map(str, symbol.version))

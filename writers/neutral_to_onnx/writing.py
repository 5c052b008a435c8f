"""Write a store's graph and tensors as an ONNX file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from neutral.errors import NeutralError, UnsupportedError, UsageError
from neutral.store import Store
from neutral_to_onnx.options import ModelOptions

if TYPE_CHECKING:
    from neutral_to_onnx.composing import ComposedModel


@dataclass(frozen=True)
class WrittenModel:
    """The files that :func:`write` wrote, and how their content maps to the store.

    Attributes:
        path: The model.
        weights: The file of the weights: the model itself, unless they are external.
        opset: The version of the standard operators.
        nodes: The number of nodes.
        inputs: The names of the inputs.
        outputs: The names of the outputs.
        keys: The store's tensor key for each initialiser that is a stored tensor.
        modules: The name of the value for each node of the store.
        inferred: The shape, with names of free dimensions, of each input whose rank nobody states.

    Example:
        >>> path = Path("model.onnx")
        >>> WrittenModel(path, path, 21, 8, ["data"], ["fc1"], {"fc1.weight": "fc1.weight"}, {"fc1": "fc1"}).lines
        8
    """

    path: Path
    weights: Path
    opset: int
    nodes: int
    inputs: Sequence[str]
    outputs: Sequence[str]
    keys: Mapping[str, str]
    modules: Mapping[str, str]
    inferred: Mapping[str, Sequence[int | str | None]] = field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """The name of the graph."""
        return "model"

    @property
    def lines(self) -> int:
        """The number of nodes, in the place of lines of source."""
        return self.nodes

    @property
    def tied_keys(self) -> Sequence[tuple[str, str]]:
        """Pairs of initialisers that hold one tensor of the store, in different forms."""
        first: dict[str, str] = {}
        pairs = [(first.setdefault(key, name), name) for name, key in self.keys.items()]
        return tuple(pair for pair in pairs if pair[0] != pair[1])

    @property
    def summary(self) -> Sequence[str]:
        """A line for each file that was written, and a note for each input whose rank is inferred."""
        lines = [f"wrote {self.path}: opset {self.opset}, {self.nodes} nodes, {len(self.keys)} tensors"]
        external = [f"wrote {self.weights}"] if self.weights != self.path else []
        notes = [
            f"note: the rank of the input {name!r} is inferred, since the graph does not state it: "
            f"({', '.join(map(str, shape))}), on which the network runs; --shape {name}=... states another"
            for name, shape in self.inferred.items()
        ]
        return [*lines, *external, *notes]


def preflight(store: Store, **options: Any) -> NeutralError | None:
    """Return the error with every problem that :func:`write` would raise, or None; nothing is written.

    Args:
        store: A store with a graph.
        options: The fields of :class:`neutral_to_onnx.ModelOptions`.

    Returns:
        The error, not raised; None if :func:`write` would succeed.

    Example:
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> nodes = (Node("act", "opaque", (Value("x"),), {"operator": "Odd", "attributes": {}, "reason": "no rule"}),)
        >>> print(preflight(Store({}, {}, Graph((Input("x", (2,)),), nodes, (Value("act"),)))))
        the model cannot be written as ONNX exactly:
          - operator Odd: no rule (1 node: act)
    """
    from neutral_to_onnx.composing import compose

    try:
        compose(store, ModelOptions(**options))
    except (UnsupportedError, UsageError) as error:
        return error
    return None


def write(
    store: Store,
    path: str | os.PathLike[str],
    *,
    external_data: bool = False,
    **options: Any,
) -> WrittenModel:
    """Write the model of a store as an ONNX file.

    Inputs, outputs, nodes and initialisers carry the names of the store. The weights are copied one tensor at a time.

    Args:
        store: A store with a graph.
        path: The file, which ends with ``.onnx``; replaced atomically.
        external_data: Write the weights to ``<name>.data`` beside the model; always so above 2 GiB.
        options: The fields of :class:`neutral_to_onnx.ModelOptions`, such as ``opset``, ``shapes`` and ``outputs``.

    Returns:
        The paths of the files, and how their content maps to the store.

    Raises:
        UsageError: The store has no graph, a name is unknown, or an option is invalid.
        UnsupportedError: With every node that cannot be expressed exactly, before anything is written.
        TargetError: A file cannot be written.

    Example:
        >>> import tempfile
        >>> from neutral.graph import Graph, Input, Node, Value
        >>> graph = Graph((Input("x", (2,)),), (Node("act", "relu", (Value("x"),), {}),), (Value("act"),))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = write(Store({}, {}, graph), os.path.join(folder, "net.onnx"))
        ...     model.outputs, os.listdir(folder)
        (['act'], ['net.onnx'])
    """
    from neutral.store.atomic import AtomicFiles
    from neutral_to_onnx.composing import compose
    from neutral_to_onnx.files import LARGEST_MESSAGE, model_size, write_external, write_model

    target = Path(path)
    if target.suffix != ".onnx":
        raise UsageError(f"{target}: unknown suffix of the model; expected a name that ends with .onnx.")
    composed = compose(store, ModelOptions(**options))
    _check(composed)
    model, tensors = composed.model, composed.initializers
    external = external_data or model_size(model, tensors) > LARGEST_MESSAGE
    data = target.with_name(f"{target.name}.data") if external else target
    with AtomicFiles() as files:
        if external:
            weights = files.open(data)
            write_external(model, tensors, files.open(target), weights, data.name)
        else:
            write_model(model, tensors, files.open(target))
    graph = model.graph
    names = [item.name for item in graph.input], [item.name for item in graph.output]
    return WrittenModel(
        target,
        data,
        model.opset_import[0].version,
        len(graph.node),
        *names,
        composed.keys,
        composed.nodes(),
        composed.inferred,
    )


def _check(composed: ComposedModel) -> None:
    """Check the model fully, before it is written."""
    from onnx import checker, shape_inference

    from neutral_to_onnx.files import checkable

    try:
        checker.check_model(checkable(composed.model, composed.initializers), full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise NeutralError(
            f"the ONNX model is not valid, which is an error of Neutral: {error}. Nothing was written."
        ) from error

"""Compose the ONNX model of a store: inputs, nodes, outputs and metadata; the weights stay in the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Sequence

from onnx import ModelProto, helper

from neutral.errors import NeutralError, UnsupportedError, UsageError
from neutral.graph import Graph, Input, Value
from neutral.rewriting.cut import cut, eliminate_dead_code
from neutral.rewriting.input_shapes import infer_input_shapes
from neutral.rewriting.state_shapes import with_state_shapes
from neutral.store import Store
from neutral.store.structure import require_valid
from neutral.tensor import Tensor
from neutral_to_onnx.building import GraphBuilder, OnnxValue
from neutral_to_onnx.building.value import Dim
from neutral_to_onnx.input_ranks import demanded_extents, infer_input_ranks, runs_on, shape_advice, with_shapes
from neutral_to_onnx.inputs import declare_inputs, fixed_inputs, infer_input_dtypes, overridden, shape_problem
from neutral_to_onnx.lowering.half_precision import HalfPrecision
from neutral_to_onnx.lowering.lower import Lowering
from neutral_to_onnx.metadata import metadata_of
from neutral_to_onnx.opsets import checked_opset
from neutral_to_onnx.options import ModelOptions

PRODUCER = "neutral"

DEFAULT = ModelOptions()

STATE_RANK = 3
"""The rank of a state of several layers or directions: (layers, batch, size)."""


@dataclass(frozen=True)
class ComposedModel:
    """A model whose initialisers are not in it yet.

    Attributes:
        model: The model: graph, types of all values, and metadata.
        initializers: The tensors of the initialisers by name, in the order of their first use.
        keys: The store's key of each initialiser that is a stored tensor.
        values: The name of the value in the graph for each output of a node of the store, and each input.
        inferred: The shape of each input whose rank neither the graph nor the user states.
    """

    model: ModelProto
    initializers: Mapping[str, Tensor]
    keys: Mapping[str, str]
    values: Mapping[Value, str]
    inferred: Mapping[str, tuple[Dim, ...]] = field(default_factory=dict)

    def nodes(self) -> dict[str, str]:
        """Return the name of the value for the first output of each node of the store.

        Returns:
            Names by node.
        """
        return {value.node: name for value, name in self.values.items() if not value.output}


def compose(store: Store, options: ModelOptions = DEFAULT) -> ComposedModel:
    """Return the model of a store; no tensor is read.

    Args:
        store: A store with a graph.
        options: The outputs, the input shapes and the operators of the model.

    Returns:
        The model and its initialisers.

    Raises:
        UsageError: The store has no graph, or an option is invalid.
        StoreError: The store contradicts the catalogue.
        UnsupportedError: With every problem there is.
    """
    if store.graph is None:
        raise UsageError(f"{store.path or 'the store'} has no graph, only layers: there is no network to write.")
    opset, shapes = checked_opset(options.opset), options.shapes
    require_valid(store)
    whole = cut(store.graph, options.outputs, options.until)
    graph = replace(eliminate_dead_code(whole), inputs=whole.inputs)
    graph = replace(graph, inputs=infer_input_shapes(graph, store.layers, store.tensors))
    stated = {item.name for item in graph.inputs if item.shape is not None}
    graph = with_state_shapes(graph)
    for item in graph.inputs:
        if item.name not in stated and item.shape is not None and len(item.shape) == STATE_RANK:
            shapes = {item.name: (-1,) * STATE_RANK, **shapes}  # its first axis is not the batch
    _require_runnable(store, graph, shapes, options.batch)
    needed = {value.node for node in graph.nodes for value in node.operands} | {value.node for value in graph.outputs}
    graph = replace(graph, inputs=tuple(item for item in graph.inputs if item.name in needed))
    _require_names(store, graph)
    graph = replace(graph, inputs=tuple(infer_input_dtypes(graph, store, options.dtypes)))
    half = HalfPrecision(store, graph) if options.fp16 else None
    lowered = _lower(store, graph, opset, shapes, options.batch, half)
    inferred: dict[str, tuple[int | None, ...]] = {}
    if any(item.rank is None for item in lowered.inputs):
        inferred = infer_input_ranks(store, graph, fixed_inputs(graph.inputs, shapes, options.batch))
    if inferred:
        graph = with_shapes(graph, inferred)
        lowered = _lower(store, graph, opset, shapes, options.batch, half)
    if lowered.lowering.needs_shapes:
        graph = with_shapes(graph, demanded_extents(store, graph, fixed_inputs(graph.inputs, shapes, options.batch)))
        lowered = _lower(store, graph, opset, shapes, options.batch, half)
    if lowered.lowering.problems:
        raise _error(store, graph, lowered, fixed_inputs(graph.inputs, shapes, options.batch))
    builder, values, inputs_of_model = lowered.builder, lowered.values, lowered.inputs
    results = _outputs(graph, builder, values, inputs_of_model)
    return ComposedModel(
        _model(store, builder, inputs_of_model, results),
        builder.initializers,
        builder.tensor_keys(),
        {value: item.name for value, item in values.items()},
        {item.name: item.shape for item in inputs_of_model if item.shape is not None and item.name in inferred},
    )


def _require_runnable(store: Store, graph: Graph, shapes: Mapping[str, Sequence[int]], batch: int | None) -> None:
    """Raise UsageError if the user replaces a stated extent by one with which the network does not run."""
    changed = overridden(graph.inputs, shapes)
    if changed and not runs_on(store, graph, fixed_inputs(graph.inputs, shapes, batch)):
        raise UsageError(shape_problem(changed[0], shapes[changed[0].name]))


@dataclass(frozen=True)
class _Lowered:
    """The nodes of a graph as standard operators, with the problems of those that cannot be expressed."""

    builder: GraphBuilder
    values: dict[Value, OnnxValue]
    inputs: list[OnnxValue]
    lowering: Lowering


def _lower(
    store: Store,
    graph: Graph,
    opset: int,
    shapes: Mapping[str, Sequence[int]],
    batch: int | None,
    half: HalfPrecision | None,
) -> _Lowered:
    builder = GraphBuilder(opset)
    builder.reserve(node.name for node in graph.nodes)
    values = declare_inputs(graph.inputs, builder, shapes, batch)
    names = [item.name for item in values.values()]
    lowering = Lowering(store if half is None else half.store, half)
    lowering.nodes(graph, builder, values)
    inputs = [builder.values[name] for name in names]  # kinds may require a rank that the graph does not state
    if not lowering.problems:
        _require_ranks(lowering, inputs, {_output_name(item): values[item] for item in graph.outputs})
    return _Lowered(builder, values, inputs, lowering)


def _require_ranks(lowering: Lowering, inputs: Sequence[OnnxValue], outputs: Mapping[str, OnnxValue]) -> None:
    """Record the inputs of unknown rank, or else such outputs: ONNX demands their ranks."""
    unknown = [item.name for item in inputs if item.rank is None]
    subject = "input" if unknown else "output"
    for name in unknown or [name for name, value in outputs.items() if value.rank is None]:
        lowering.needs_shapes = True
        lowering.add_problem(f"{subject}s of unknown rank", name)


def _error(store: Store, graph: Graph, lowered: _Lowered, inputs: Sequence[Input]) -> NeutralError:
    """Return the error with all problems; if sizes are missing, with the option that states them."""
    advice = shape_advice(store, graph, inputs) if lowered.lowering.needs_shapes else []
    error = lowered.lowering.error(store.path or "the model", advice)
    assert error is not None
    return error


def _require_names(store: Store, graph: Graph) -> None:
    """Refuse nodes and inputs with an empty name, which in ONNX stands for an absent value."""
    if "" in {*(item.name for item in graph.inputs), *(node.name for node in graph.nodes)}:
        problem = "a node or an input has an empty name, which in ONNX stands for an absent value"
        raise UnsupportedError(f"{store.path or 'the model'} cannot be written as ONNX exactly:", (problem,))


def _output_name(value: Value) -> str:
    return value.node if not value.output else f"{value.node}:{value.output}"


def _outputs(
    graph: Graph, builder: GraphBuilder, values: Mapping[Value, OnnxValue], inputs: Sequence[OnnxValue]
) -> list[OnnxValue]:
    """Return the outputs of the graph; one that is an input, an initialiser or another output gets an Identity."""
    computed = {name for node in builder.nodes for name in node.output}
    results: list[OnnxValue] = []
    for value in graph.outputs:
        result = values[value]
        name = _output_name(value)
        if result.name not in computed or any(result.name == other.name for other in results):
            free = name not in builder.values and name not in {item.name for item in inputs}
            result = builder.identity(result, name if free else builder.unique(f"{name}_output"))
        results.append(result)
    return results


def _model(
    store: Store, builder: GraphBuilder, inputs: Sequence[OnnxValue], outputs: Sequence[OnnxValue]
) -> ModelProto:
    ends = {value.name for value in (*inputs, *outputs)}
    computed = {name for node in builder.nodes for name in node.output}
    between = [value for name, value in builder.values.items() if name in computed and name not in ends]
    graph = helper.make_graph(
        builder.nodes,
        "model",
        [helper.make_value_info(value.name, value.type_proto()) for value in inputs],
        [helper.make_value_info(value.name, value.type_proto()) for value in outputs],
        value_info=[helper.make_value_info(value.name, value.type_proto()) for value in between],
    )
    imports = [helper.make_opsetid("", builder.opset)]
    model: ModelProto = helper.make_model(
        graph,
        opset_imports=imports,
        ir_version=helper.find_min_ir_version_for(imports),
        producer_name=PRODUCER,
    )
    helper.set_model_props(model, metadata_of(store, builder.tensor_keys().values()))
    return model

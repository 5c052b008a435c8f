"""The rule for fused recurrent layers: src/operator/rnn-inl.h and python/mxnet/gluon/rnn/rnn_layer.py."""

from __future__ import annotations

import re
from math import prod
from typing import Any, Mapping, Sequence

from mxnet_to_neutral.arrays import Array
from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.drafts import RoleDraft
from mxnet_to_neutral.layers.canonical import Recipe, identity, slice_vector
from mxnet_to_neutral.layers.names import layer_of, split_role
from mxnet_to_neutral.operators.parameter_vector import split_vector
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.packed_rnn import Matrix, locate_matrices, packed_matrices, packed_size

_RESHAPE_OPERATORS = ("Reshape", "reshape", "Flatten", "_np_reshape", "_npx_reshape", "_npi_reshape")
ZERO_OPERATORS = ("_zeros", "_npi_zeros", "zeros_like", "_np_zeros_like", "_npi_zeros_like")
"""Operators that make tensors of zeros."""

_ROLE = re.compile(r"(weight|bias)_(ih|hh)_l(\d+)(_reverse)?$")
_CONCAT_OPERATORS = ("_rnn_param_concat", "_npi_rnn_param_concat", "Concat", "concat", "_npi_concatenate")


@rule("RNN")
def rnn(context: NodeContext) -> Sequence[Operand]:
    """Convert ``RNN``: stacked LSTM, GRU or RNN layers, with one packed vector of parameters.

    Returns:
        The outputs of all steps; with ``state_outputs`` also the final states.

    Raises:
        Refusal: The parameter vector is computed, the layer is bidirectional, and its input's size is not known.
    """
    mode = context.attributes.str("mode", choices=("rnn_relu", "rnn_tanh", "lstm", "gru"))
    kind = "rnn" if mode.startswith("rnn") else mode
    attributes: dict[str, Any] = {
        "hidden_size": context.attributes.int("state_size"),
        "num_layers": context.attributes.int("num_layers"),
        "bidirectional": context.attributes.bool("bidirectional", False),
        "dropout": context.attributes.float("p", 0.0),
    }
    projection = context.attributes.optional_int("projection_size", None) or 0
    clip = {
        "clip_min": context.attributes.optional_float("lstm_state_clip_min", None),
        "clip_max": context.attributes.optional_float("lstm_state_clip_max", None),
        "clip_nan": context.attributes.bool("lstm_state_clip_nan", False),
    }
    if kind == "lstm":
        attributes.update(projection_size=projection, **clip)
    elif kind == "rnn":
        attributes["nonlinearity"] = mode[4:]
    states = 2 if kind == "lstm" else 1
    inputs = [context.input(0), *(_state(context, 2 + number) for number in range(states))]
    if context.attributes.bool("use_sequence_length", False):
        inputs.append(context.input(2 + states))
        context.note(
            "RNN: MXNet obeys use_sequence_length on GPUs alone, and the store does; on the CPU MXNet runs every "
            "sequence to its end, and what it computes differs"
        )
    matrices = list(packed_matrices(kind, attributes))
    unpacked = _unpacked(context, matrices)
    layer: str | None
    roles: Mapping[str, RoleDraft]
    if unpacked is not None:
        layer, roles = layer_of(context.producer(1).name), unpacked
    elif _is_computed(context):
        layer, roles = None, split_vector(context, matrices)
    else:
        arrays = _parameters(context)
        layer, roles = _layer_name(context, arrays), _roles(context, arrays, matrices)
    value = context.node(kind, *inputs, roles=roles, layer=layer, **attributes)
    outputs = 1 + states if context.attributes.bool("state_outputs", False) else 1
    return [Value(value.node, output) for output in range(outputs)]


def _state(context: NodeContext, index: int) -> Operand:
    """Return an initial state; None for zeros, whose batch size MXNet infers."""
    return None if context.producer(index).operator in ZERO_OPERATORS else context.input(index)


def _unpacked(context: NodeContext, matrices: Sequence[Matrix]) -> dict[str, Recipe] | None:
    """Return the roles if the vector was saved matrix by matrix or gate by gate, as ``lstm_l0_i2h_i_weight``."""
    variable = context.producer(1)
    if not variable.is_variable or context.array(1) is not None or not variable.name.endswith("parameters"):
        return None
    prefix = variable.name[: -len("parameters")]
    roles = {}
    for role, shape in matrices:
        recipe = context.gate_matrix(prefix + _ROLE.sub(_saved_name, role))
        if recipe is None:
            return None
        context.expect_shape(f"{prefix}{role}", recipe.tensor.shape, shape)
        roles[role] = recipe
    return roles


def _saved_name(match: re.Match[str]) -> str:
    """Return the name under which a matrix was saved: ``l0_i2h_weight`` for ``weight_ih_l0``."""
    role, matrix, layer, reverse = match.groups()
    return f"{'r' if reverse else 'l'}{layer}_{'i2h' if matrix == 'ih' else 'h2h'}_{role}"


def _is_computed(context: NodeContext) -> bool:
    """Return whether the parameter vector, or a part of it, is neither a stored array nor missing."""
    node = context.producer(1)
    if node.is_variable:
        return context.array(1) is None and context.is_input(node)
    if node.operator not in _CONCAT_OPERATORS:
        return True
    sources = list(zip(context.producers_of(node), context.arrays_of(node)))
    for source, array in sources:
        if array is None and source.operator in _RESHAPE_OPERATORS and source.inputs:
            source, array = context.producers_of(source)[0], context.arrays_of(source)[0]
        if array is None and (not source.is_variable or context.is_input(source)):
            return True
    return False


def _parameters(context: NodeContext) -> list[Array]:
    """Return the arrays of the parameter vector, in order: one packed array, or one for each matrix and bias."""
    packed = context.array(1)
    if packed is not None:
        return [packed]
    node = context.producer(1)
    if node.is_variable:
        context.role(1)
        return []
    arrays = []
    for source, array in zip(context.producers_of(node), context.arrays_of(node)):
        if array is None and source.operator in _RESHAPE_OPERATORS and source.inputs:
            source, array = context.producers_of(source)[0], context.arrays_of(source)[0]
        if array is not None:
            arrays.append(array)
        else:
            context.report_missing(source.name)
    return arrays


def _layer_name(context: NodeContext, arrays: Sequence[Array]) -> str | None:
    """Return the layer's name from its arrays' names: ``lstm0`` for ``lstm0_l0_i2h_weight``."""
    if len(arrays) == 1:
        return layer_of(arrays[0].name)
    stems = [split_role(array.name)[0] for array in arrays]
    layers = {stem.rpartition("_")[0] or stem.rpartition(".")[0] for stem in stems}
    return layers.pop() or None if len(layers) == 1 else None


def _roles(context: NodeContext, arrays: Sequence[Array], matrices: Sequence[Matrix]) -> dict[str, Recipe]:
    """Return the roles from one packed array or from one array each."""
    if not arrays:
        return {}
    if len(arrays) == len(matrices):
        return {role: _matrix(context, array, shape) for (role, shape), array in zip(matrices, arrays)}
    if len(arrays) > 1:
        context.refuse(f"its parameter vector is made of {len(arrays)} arrays, not of one or {len(matrices)}")
    packed = arrays[0]
    slices = locate_matrices(matrices, packed.shape[0]) if len(packed.shape) == 1 else None
    if slices is None:
        context.expect_shape(packed.name, packed.shape, (packed_size(matrices, 1),))
        return {}
    return {role: slice_vector(packed, start, shape) for role, start, shape in slices}


def _matrix(context: NodeContext, array: Array, shape: tuple[int | None, ...]) -> Recipe:
    """Return the recipe of one matrix in an array of its own, which may be flat."""
    if len(array.shape) == len(shape):
        context.expect_shape(array.name, array.shape, shape)
        return identity(array)
    if None in shape:
        rows = shape[0] or 1
        shape = (rows, array.shape[0] // rows)
    context.expect_shape(array.name, array.shape, (prod(extent or 0 for extent in shape),))
    return identity(array, tuple(extent or 0 for extent in shape))

"""Calls that MXNet accepts without defining a result: it reads beyond its inputs, or divides integers by 0."""

from __future__ import annotations

import ast
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from reader.registry_cases import Case

Arrays = Sequence[np.ndarray]
_Predicate = Callable[[Mapping[str, str], Arrays, Arrays], bool]


def _other_size(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return outputs[0].size != inputs[0].size


def _lengths_beyond(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    if attributes.get("use_sequence_length") != "True":
        return False
    axis, lengths = int(attributes.get("axis", "0")), inputs[1]
    return lengths.ndim != 1 or not ((lengths >= 1) & (lengths <= inputs[0].shape[axis])).all()


def _no_whole_heads(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return inputs[0].shape[-1] % (3 * int(attributes["heads"])) != 0


def _axes_beyond(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    summed = (ast.literal_eval(attributes[f"{name}_axes_summed"]) for name in ("a", "b"))
    return any(not -array.ndim <= axis < array.ndim for array, axes in zip(inputs, summed) for axis in axes)


def _several_shapes(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return len({array.shape for array in inputs}) > 1


def _no_such_axis(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    rank = inputs[0].ndim
    axes = ast.literal_eval(attributes.get("axes", "None")) or ()
    return any(not -rank <= axis < rank for axis in axes)


def _integer_divided_by_zero(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    divisor = np.trunc(float(attributes.get("scalar", "1"))) if len(inputs) == 1 else inputs[1]
    return outputs[0].dtype.kind in "iu" and not np.all(divisor)


def _beyond_the_bits(distances: Any, outputs: Arrays) -> bool:
    return bool(np.any(distances < 0) or np.any(distances >= 8 * outputs[0].itemsize))


def _shifted_far(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    distance = inputs[1] if len(inputs) == 2 else np.trunc(float(attributes.get("scalar", "1")))
    return _beyond_the_bits(distance, outputs)


def _number_shifted_far(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return _beyond_the_bits(inputs[0], outputs)


def _integer_zero(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return inputs[0].dtype.kind in "biu" and not inputs[0].all()


def _positions_of_a_matrix(attributes: Mapping[str, str], inputs: Arrays, outputs: Arrays) -> bool:
    return outputs[0].size != inputs[0].size * len(ast.literal_eval(attributes["shape"]))


def _odd_extent(axis: int) -> _Predicate:
    return lambda attributes, inputs, outputs: inputs[0].shape[axis] % 2 == 1


_FAR = "shifts by negative distances, or by more than the bits, whose result depends on MXNet's code path"

UNDEFINED: dict[str, tuple[str, _Predicate]] = {
    "Reshape": ("a shape of another number of elements, which MXNet does not check", _other_size),
    "SequenceLast": ("lengths that are not a vector from 1 to the number of steps", _lengths_beyond),
    "_contrib_index_array": ("axes that the input does not have", _no_such_axis),
    "_contrib_interleaved_matmul_selfatt_qk": ("channels that heads and three do not divide", _no_whole_heads),
    "_image_flip_left_right": (
        "images of an odd width, whose middle column MXNet 1.9.1 does not write",
        _odd_extent(-2),
    ),
    "_image_flip_top_bottom": ("images of an odd height, whose middle row MXNet 1.9.1 does not write", _odd_extent(-3)),
    **{f"_npi_bitwise_{way}_shift{end}": (_FAR, _shifted_far) for way in ("left", "right") for end in ("", "_scalar")},
    **{f"_npi_rbitwise_{way}_shift_scalar": (_FAR, _number_shifted_far) for way in ("left", "right")},
    "_npi_cross": (
        "a first operand of more axes than the second, whose products MXNet 2 misplaces",
        lambda attributes, inputs, outputs: inputs[0].ndim > inputs[1].ndim,
    ),
    "_npi_floor_divide": ("integers divided by 0", _integer_divided_by_zero),
    "_npi_floor_divide_scalar": ("integers divided by 0", _integer_divided_by_zero),
    "_npi_rfloor_divide_scalar": ("integers divided by 0", _integer_zero),
    **dict.fromkeys(("_npi_stack", "stack"), ("tensors of several shapes", _several_shapes)),
    "_npi_tensordot": ("axes that an operand does not have", _axes_beyond),
    "_rdiv_scalar": ("integers divided by 0", _integer_zero),
    "_unravel_index": (
        "positions that are not a vector, of which MXNet writes only the last rows",
        _positions_of_a_matrix,
    ),
}
"""By operator: the calls, in words, and whether a call with these attributes, inputs and outputs is one."""


def undefined(case: Case, attributes: Mapping[str, str], result: Mapping[str, Any]) -> str | None:
    """Return why MXNet does not define the result of a call that it ran; None if it does.

    Args:
        case: The operator, in one version of MXNet.
        attributes: The attributes of the call.
        result: What ``mxnet_side.differential`` returned for the call.

    Returns:
        The calls of which it is one, in words.
    """
    if case.operator not in UNDEFINED or "error" in result:
        return None
    reason, is_one = UNDEFINED[case.operator]
    inputs = [np.asarray(array) for array in result["inputs"].values()]
    return reason if is_one(attributes, inputs, result["outputs"]) else None

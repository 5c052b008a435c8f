"""The table of torch operators: each parameter of each overload is read, without effect, or checked for its default."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
import torch

from neutral.graph import Value
from neutral_to_torch.trace.operators import LITERALS, MOVES, NO_EFFECT, TABLE, takes_literals, translate

X = Value("x")

# two values of each type of a schema
SAMPLES: dict[str, tuple[Any, Any]] = {
    "int": (1, 2),
    "List[int]": ([3, 3], [2, 2, 2]),
    "float": (0.5, 0.25),
    "bool": (False, True),
    "str": ("none", "tanh"),
    "number": (0.5, 0.25),
    "Scalar": (0.5, 0.25),
    "ScalarType": (torch.float16, torch.float64),
}


def samples(argument: Any) -> tuple[Any, Any]:
    text = str(argument.type).removeprefix("Optional[").removesuffix("]")
    text = {"List[int": "List[int]", "SymInt": "int", "List[SymInt": "List[int]"}.get(text, text)
    if "Tensor" in text:
        return X, Value("y")
    return SAMPLES.get(text, (0, 1))


def overloads(name: str) -> Iterator[Any]:
    for spelling in (name, f"{name}_"):
        packet = getattr(torch.ops.aten, spelling, None)
        for overload in packet.overloads() if packet is not None else ():
            arguments = getattr(packet, overload)._schema.arguments
            if not any(item.is_out for item in arguments) and any("Tensor" in str(item.type) for item in arguments):
                yield getattr(packet, overload)


def plain_call(function: Any) -> dict[str, Any]:
    """Arguments of a call in inference: defaults, where there are any."""
    bound = {}
    for argument in function._schema.arguments:
        bound[argument.name] = argument.default_value if argument.has_default_value() else samples(argument)[0]
        if "Tensor" in str(argument.type) and argument.name in ("self", "input", "other", "weight"):
            bound[argument.name] = X
    if "transposed" in bound:
        bound["transposed"] = True  # whose output padding has an effect
    return bound


CASES = [
    pytest.param(function, argument, id=f"{function}-{argument.name}")
    for name in TABLE
    for function in overloads(name)
    for argument in function._schema.arguments
]


def test_the_table_is_of_operators_that_torch_has() -> None:
    assert [name for name in TABLE if not hasattr(torch.ops.aten, name)] == []


@pytest.mark.parametrize(("function", "argument"), CASES)
def test_each_argument_is_understood_or_makes_the_call_unknown(function: Any, argument: Any) -> None:
    name = function.overloadpacket.__name__
    entry = TABLE.get(name) or TABLE[name.rstrip("_")]
    if "Tensor" in str(argument.type):
        return  # an operand
    if argument.name in LITERALS and takes_literals(entry.kind):
        return  # an operand that may be a number
    if argument.name in entry.understood:
        assert argument.name in NO_EFFECT or entry.kind in MOVES
        return
    bound = plain_call(function)
    calls = [translate(function, {**bound, argument.name: value}) for value in samples(argument)]
    calls.append(translate(function, bound))
    assert any(call != calls[0] for call in calls) or calls[0][0] == "opaque", f"{argument.name} is dropped"


@pytest.mark.parametrize(
    ("function", "changes"),
    [
        (torch.ops.aten.addmm.default, {"beta": 2}),
        (torch.ops.aten.addmm.default, {"alpha": 0.5}),
        (torch.ops.aten.baddbmm.default, {"alpha": 0.5}),
        (torch.ops.aten.native_batch_norm.default, {"training": True}),
        (torch.ops.aten.native_dropout.default, {"train": True}),
        (torch.ops.aten.native_dropout.default, {"train": None}),
        (torch.ops.aten.mean.dim, {"dtype": torch.float64}),
        (torch.ops.aten.round.decimals, {"decimals": 2}),
        (torch.ops.aten.elu.default, {"input_scale": 2}),
        (torch.ops.aten.elu.default, {"scale": 2}),
        (torch.ops.aten.view.dtype, {"dtype": torch.int32}),
        (torch.ops.aten.clamp.Tensor, {"min": X}),
        (torch.ops.aten.max.other, {}),
        (torch.ops.aten.where.default, {}),
    ],
)
def test_calls_that_are_unknown(function: Any, changes: dict[str, Any]) -> None:
    kind, attributes = translate(function, {**plain_call(function), **changes})
    assert kind == "opaque", attributes


@pytest.mark.parametrize(
    ("function", "changes", "kind", "attributes"),
    [
        (torch.ops.aten.addmm.default, {}, "addmm", {}),
        (torch.ops.aten.native_dropout.default, {"train": False}, "identity", {}),
        (torch.ops.aten.native_layer_norm.default, {"normalized_shape": [3, 4]}, "layer_norm", {"axis": (-2, -1)}),
        (torch.ops.aten.native_batch_norm.default, {"eps": 1e-3}, "batch_norm", {"eps": 1e-3, "axis": 1}),
        (torch.ops.aten.mean.dim, {"dim": [2, 3], "keepdim": True}, "mean", {"axes": (2, 3), "keepdim": True}),
        (torch.ops.aten.add_.Tensor, {"alpha": 1}, "add", {}),
        (torch.ops.aten.elu.default, {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}, "selu", {}),
        (torch.ops.aten.clamp.default, {"min": 0, "max": 6}, "clamp", {"min": 0, "max": 6}),
    ],
)
def test_calls_that_are_known(function: Any, changes: dict[str, Any], kind: str, attributes: dict[str, Any]) -> None:
    translated = translate(function, {**plain_call(function), **changes})
    assert translated[0] == kind and attributes.items() <= translated[1].items()

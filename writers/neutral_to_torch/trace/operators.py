"""Translate torch operators into the catalogue's kinds and attributes.

Operators that the table lacks are ``opaque`` and known by their names, and so are calls with an argument that is not
understood: each argument is read, or known to have no effect, or has its default value. An operator that writes in
place is translated as the one that does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping

from neutral.operators import catalogue

Bound = Mapping[str, Any]
"""Arguments of a call by their names in the operator's schema."""

Attributes = Callable[[Bound], "dict[str, Any] | None"]
"""Return the catalogue's attributes of a call, None for a call that is not of the kind."""


class _Reading(Mapping[str, Any]):
    """Arguments that record which of them are read."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self.bound[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.bound)

    def __len__(self) -> int:
        return len(self.bound)


@dataclass(frozen=True)
class Entry:
    """The translation of an operator.

    Attributes:
        kind: The kind.
        attributes: The attributes of a call.
        understood: Arguments that are not read: they have no effect on the values in inference, or they say how
            elements move, which is compared by running the operator.
    """

    kind: str
    attributes: Attributes
    understood: frozenset[str] = frozenset()


def _none(_: Bound) -> dict[str, Any]:
    return {}


def _named(**names: str) -> Attributes:
    """Translate attributes that torch names otherwise, from the catalogue's name to torch's."""
    return lambda bound: {name: _tuple(bound[other]) for name, other in names.items()}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _dropout(bound: Bound) -> dict[str, Any] | None:
    return {} if bound["train"] is False else None


def _cast(bound: Bound) -> dict[str, Any]:
    return {"dtype": str(bound["dtype"]).removeprefix("torch.")} if bound["dtype"] else {}


def _window(bound: Bound) -> dict[str, Any]:
    kernel = tuple(bound["kernel_size"])
    stride = tuple(bound["stride"]) or kernel
    return {
        "kernel_size": kernel,
        "stride": _spread(stride, len(kernel)),
        "padding": _spread(tuple(bound["padding"]), len(kernel)),
        "rounding": "up" if bound["ceil_mode"] else "down",
        "layout": "channels_first",
    }


def _max_window(bound: Bound) -> dict[str, Any]:
    dilated = any(step != 1 for step in bound["dilation"])
    return {**_window(bound), **({"dilation": tuple(bound["dilation"])} if dilated else {})}


def _average_window(bound: Bound) -> dict[str, Any]:
    window, divisor = _window(bound), "padded_input" if bound["count_include_pad"] else "input"
    if bound.get("divisor_override"):
        return {**window, "divisor_override": bound["divisor_override"]}
    return {**window, "divisor": divisor}


def _spread(values: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return values * rank if len(values) == 1 else values


def _convolution(bound: Bound) -> dict[str, Any]:
    attributes: dict[str, Any] = {name: tuple(bound[name]) for name in ("stride", "padding", "dilation")}
    attributes.update(groups=bound["groups"], layout="channels_first")
    output_padding = tuple(bound["output_padding"])
    if bound["transposed"]:
        attributes.update(output_padding=output_padding, output_size=None)
    return attributes


def _scaled(bound: Bound) -> dict[str, Any]:
    return {} if bound["alpha"] == 1 else {"alpha": bound["alpha"]}


def _divide(bound: Bound) -> dict[str, Any]:
    mode = bound.get("rounding_mode")
    return {"rounding": mode} if mode else {}


def _gelu(bound: Bound) -> dict[str, Any]:
    return {} if bound["approximate"] == "none" else {"approximate": bound["approximate"]}


def _reduction(bound: Bound) -> dict[str, Any]:
    return {"axes": _tuple(bound.get("dim")), **({"keepdim": True} if bound.get("keepdim") else {})}


def _elu(bound: Bound) -> dict[str, Any] | None:
    return {"alpha": float(bound["alpha"])} if bound["scale"] == bound["input_scale"] == 1 else None


def _layer_norm(bound: Bound) -> dict[str, Any]:
    rank = len(bound["normalized_shape"])
    return {"eps": bound["eps"], "axis": -1 if rank == 1 else tuple(range(-rank, 0))}


def _batch_norm(bound: Bound) -> dict[str, Any] | None:
    eps = bound["epsilon"] if "epsilon" in bound else bound["eps"]
    return None if bound.get("training") else {"eps": eps, "axis": 1}


def _entries(names: str, kind: str, attributes: Attributes = _none, understood: str = "") -> dict[str, Entry]:
    return dict.fromkeys(names.split(), Entry(kind, attributes, frozenset(understood.split())))


MOVES = frozenset(("reshape", "transpose", "broadcast_to", "slice", "pad"))
"""Kinds of which the table gives no attributes: how their elements move is compared by running them."""

NO_EFFECT = frozenset(
    (
        "memory_format", "layout", "device", "pin_memory", "non_blocking", "p", "momentum",
        "exponential_average_factor", "padding_idx", "scale_grad_by_freq", "sparse", "half_to_float", "N", "C", "HxW",
        "benchmark", "deterministic", "cudnn_enabled", "allow_tf32",
    )
)  # fmt: skip
"""Arguments that do not change the values in inference, or that shapes imply."""

TABLE: dict[str, Entry] = {
    **_entries("alias clone contiguous detach lift_fresh lift", "identity", understood="memory_format"),
    **_entries("native_dropout dropout", "identity", _dropout, "p"),
    **_entries("_to_copy", "cast", _cast, "layout device pin_memory non_blocking memory_format"),
    **_entries(
        "view _unsafe_view reshape _reshape_alias squeeze unsqueeze flatten unflatten",
        "reshape",
        understood="size shape dim sizes start_dim end_dim stride",
    ),
    **_entries(
        "t transpose permute movedim swapaxes", "transpose", understood="dim0 dim1 dims source destination axis0 axis1"
    ),
    **_entries("expand expand_as broadcast_to", "broadcast_to", understood="size implicit"),
    **_entries(
        "slice select narrow split split_with_sizes chunk unbind unsafe_split unfold",
        "slice",
        understood="dim start end step index length split_size split_sizes chunks dimension size",
    ),
    **_entries("constant_pad_nd", "pad", understood="pad value"),
    **{
        name: Entry(name, _none)
        for name in ("relu", "sigmoid", "tanh", "selu", "mish", "abs", "exp", "log", "sqrt", "rsqrt", "square")
    },
    **{name: Entry(name, _none) for name in ("reciprocal", "erf", "sign", "floor", "ceil", "round", "sin", "cos")},
    **_entries("neg", "negative"),
    **_entries("relu6", "clamp", lambda _: {"min": 0.0, "max": 6.0}),
    **_entries("hardtanh", "clamp", lambda bound: {"min": float(bound["min_val"]), "max": float(bound["max_val"])}),
    **_entries("clamp", "clamp", _named(min="min", max="max")),
    **_entries("clamp_min", "clamp", lambda bound: {"min": bound["min"], "max": None}),
    **_entries("clamp_max", "clamp", lambda bound: {"min": None, "max": bound["max"]}),
    **_entries("gelu", "gelu", _gelu),
    **_entries("leaky_relu", "leaky_relu", lambda bound: {"negative_slope": float(bound["negative_slope"])}),
    **_entries("elu", "elu", _elu),
    **_entries("_softmax _safe_softmax", "softmax", _named(axis="dim"), "half_to_float"),
    **_entries("_log_softmax", "log_softmax", _named(axis="dim"), "half_to_float"),
    **_entries("add", "add", _scaled),
    **_entries("sub", "subtract", _scaled),
    **_entries("mul", "multiply"),
    **_entries("div", "divide", _divide),
    **_entries("pow", "power"),
    **_entries("maximum", "maximum"),
    **_entries("minimum", "minimum"),
    **_entries("bmm mm matmul", "matmul"),
    **_entries("addmm baddbmm", "addmm"),
    **_entries("cat", "concatenate", _named(axis="dim")),
    **_entries("stack", "stack", _named(axis="dim")),
    **_entries("where", "where"),
    **_entries("max_pool2d_with_indices max_pool3d_with_indices max_pool2d", "max_pool", _max_window),
    **_entries("avg_pool1d avg_pool2d avg_pool3d", "average_pool", _average_window),
    **_entries("mean", "mean", _reduction),
    **_entries("sum", "sum", _reduction),
    **_entries(
        "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d",
        "adaptive_average_pool",
        _named(output_size="output_size"),
    ),
    **_entries(
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
        "adaptive_max_pool",
        _named(output_size="output_size"),
    ),
    **_entries("amax max", "reduce_max", _reduction),
    **_entries(
        "convolution _convolution", "convolution", _convolution, "benchmark deterministic cudnn_enabled allow_tf32"
    ),
    **_entries("embedding", "embedding", understood="padding_idx scale_grad_by_freq sparse"),
    **_entries("_prelu_kernel", "prelu"),
    **_entries("native_layer_norm", "layer_norm", _layer_norm),
    **_entries(
        "native_group_norm",
        "group_norm",
        lambda bound: {"eps": bound["eps"], "groups": bound["group"]},
        "N C HxW",
    ),
    **_entries(
        "native_batch_norm _native_batch_norm_legit_no_training _native_batch_norm_legit cudnn_batch_norm",
        "batch_norm",
        _batch_norm,
        "momentum exponential_average_factor",
    ),
}
"""The translation of each torch operator."""

ROLES = {
    "convolution": {"weight": "weight", "bias": "bias"},
    "embedding": {"weight": "weight"},
    "prelu": {"weight": "weight"},
    "layer_norm": {"weight": "weight", "bias": "bias"},
    "group_norm": {"weight": "weight", "bias": "bias"},
    "batch_norm": {name: name for name in ("weight", "bias", "running_mean", "running_var")},
}
"""The name of torch's argument for each role of a kind."""


def takes_literals(kind: str) -> bool:
    """Return whether operands of the kind may be numbers: elementwise kinds of two operands.

    Args:
        kind: A kind of the catalogue.

    Returns:
        True if a number may stand in the place of an operand.
    """
    operator = catalogue.get(kind)
    return operator is not None and operator.elementwise and len(operator.inputs) == 2


LITERALS = ("self", "other", "exponent")
"""Arguments of elementwise operators of two operands that may be numbers."""


def translate(function: Any, bound: Bound) -> tuple[str, dict[str, Any]]:
    """Return the kind and attributes of a call of a torch operator.

    Args:
        function: The operator, an overload of ``torch.ops.aten``.
        bound: The arguments by name; a :class:`neutral.graph.Value` stands for a tensor.

    Returns:
        The kind, and its operands and attributes by name.

    Example:
        >>> import torch
        >>> from neutral.graph import Value
        >>> x = Value("x")
        >>> translate(torch.ops.aten.leaky_relu_.default, {"self": x, "negative_slope": 0.1})
        ('leaky_relu', {'negative_slope': 0.1})
        >>> translate(torch.ops.aten.add.Tensor, {"self": x, "other": x, "alpha": 2})
        ('add', {'alpha': 2})
        >>> translate(torch.ops.aten.round.decimals, {"self": x, "decimals": 2})
        ('opaque', {'operator': 'round'})
    """
    operator = function.overloadpacket.__name__
    name = operator if operator in TABLE else operator.rstrip("_")
    opaque = "opaque", {"operator": name}
    if name not in TABLE or function.namespace != "aten":
        return opaque
    entry, reading = TABLE[name], _Reading(bound)
    attributes = entry.attributes(reading)
    if attributes is None or not _is_understood(function._schema, entry, reading):
        return ("selu", {}) if _is_selu(name, bound) else opaque
    is_transposed = entry.kind == "convolution" and bound["transposed"]
    return "transposed_convolution" if is_transposed else entry.kind, attributes


def _is_understood(schema: Any, entry: Entry, reading: _Reading) -> bool:
    """Return whether each argument of a call is an operand, read, without effect, or at its default."""
    operands = 0
    for argument in schema.arguments:
        value = reading.bound.get(argument.name)
        if argument.is_out:
            return False
        if "Tensor" in str(argument.type):
            operands += value is not None
            if argument.name in reading.read:
                return False
        elif argument.name in LITERALS and takes_literals(entry.kind):
            operands += 1
        elif argument.name not in reading.read | entry.understood and not _is_default(argument, value):
            return False
    return _takes_operands(entry.kind, operands)


def _is_default(argument: Any, value: Any) -> bool:
    return bool(argument.has_default_value() and value == argument.default_value)


def _takes_operands(kind: str, count: int) -> bool:
    """Return whether a kind without tensors of its own has so many operands."""
    operator = catalogue.get(kind)
    if operator is None or operator.has_weights or operator.inputs[0].startswith("*"):
        return True
    required = sum(not name.endswith("?") for name in operator.inputs)
    return required <= count <= len(operator.inputs)


def _is_selu(name: str, bound: Bound) -> bool:
    """Return whether a call is SELU, which torch computes by the operator of ELU."""
    if name != "elu" or bound["input_scale"] != 1:
        return False
    return math.isclose(bound["alpha"], 1.6732632423543772) and math.isclose(bound["scale"], 1.0507009873554805)

"""Translate torch operators into the catalogue's kinds and attributes.

Operators that the table lacks are ``opaque`` and known by their names. An operator that writes in place is translated
as the one that does not.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

from neutral.operators import catalogue

Bound = Mapping[str, Any]
"""Arguments of a call by their names in the operator's schema."""

Attributes = Callable[[Bound], dict[str, Any]]
"""Return the catalogue's attributes of a call."""


def _none(_: Bound) -> dict[str, Any]:
    return {}


def _named(**names: str) -> Attributes:
    """Translate attributes that torch names otherwise, from the catalogue's name to torch's."""
    return lambda bound: {name: _tuple(bound[other]) for name, other in names.items()}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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
    if bound.get("divisor_override"):
        return {**_window(bound), "divisor_override": bound["divisor_override"]}
    return {**_window(bound), "divisor": "padded_input" if bound["count_include_pad"] else "input"}


def _spread(values: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return values * rank if len(values) == 1 else values


def _convolution(bound: Bound) -> dict[str, Any]:
    attributes: dict[str, Any] = {name: tuple(bound[name]) for name in ("stride", "padding", "dilation")}
    attributes.update(groups=bound["groups"], layout="channels_first")
    if bound["transposed"]:
        attributes.update(output_padding=tuple(bound["output_padding"]), output_size=None)
    return attributes


TABLE: dict[str, tuple[str, Attributes]] = {
    **dict.fromkeys(
        ("alias", "clone", "contiguous", "detach", "lift_fresh", "lift", "_conj", "native_dropout", "dropout"),
        ("identity", _none),
    ),
    "_to_copy": ("cast", lambda bound: {"dtype": str(bound["dtype"]).removeprefix("torch.")} if bound["dtype"] else {}),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "_reshape_alias", "squeeze", "unsqueeze", "flatten", "unflatten"),
        ("reshape", _none),
    ),
    **dict.fromkeys(("t", "transpose", "permute", "movedim", "swapaxes"), ("transpose", _none)),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), ("broadcast_to", _none)),
    **dict.fromkeys(
        ("slice", "select", "narrow", "split", "split_with_sizes", "chunk", "unbind", "unsafe_split", "unfold"),
        ("slice", _none),
    ),
    "constant_pad_nd": ("pad", _none),
    **{
        name: (name, _none)
        for name in ("relu", "sigmoid", "tanh", "selu", "mish", "abs", "exp", "log", "sqrt", "rsqrt")
    },
    **{name: (name, _none) for name in ("square", "reciprocal", "erf", "sign", "floor", "ceil", "round", "sin", "cos")},
    "neg": ("negative", _none),
    "relu6": ("clamp", lambda _: {"min": 0.0, "max": 6.0}),
    "hardtanh": ("clamp", lambda bound: {"min": float(bound["min_val"]), "max": float(bound["max_val"])}),
    "clamp": ("clamp", _named(min="min", max="max")),
    "clamp_min": ("clamp", lambda bound: {"min": bound["min"], "max": None}),
    "gelu": (
        "gelu",
        lambda bound: {} if bound["approximate"] == "none" else {"approximate": bound["approximate"]},
    ),
    "leaky_relu": ("leaky_relu", lambda bound: {"negative_slope": float(bound["negative_slope"])}),
    "elu": ("elu", lambda bound: {"alpha": float(bound["alpha"])}),
    "_softmax": ("softmax", _named(axis="dim")),
    "_safe_softmax": ("softmax", _named(axis="dim")),
    "_log_softmax": ("log_softmax", _named(axis="dim")),
    "add": ("add", lambda bound: {} if bound.get("alpha", 1) == 1 else {"alpha": bound["alpha"]}),
    "sub": ("subtract", lambda bound: {} if bound.get("alpha", 1) == 1 else {"alpha": bound["alpha"]}),
    "mul": ("multiply", _none),
    "div": ("divide", lambda bound: {"rounding": bound["rounding_mode"]} if bound.get("rounding_mode") else {}),
    "pow": ("power", _none),
    "maximum": ("maximum", _none),
    "minimum": ("minimum", _none),
    "bmm": ("matmul", _none),
    "mm": ("matmul", _none),
    "matmul": ("matmul", _none),
    "addmm": ("addmm", _none),
    "baddbmm": ("addmm", _none),
    "cat": ("concatenate", _named(axis="dim")),
    "stack": ("stack", _named(axis="dim")),
    "where": ("where", _none),
    "max_pool2d_with_indices": ("max_pool", _max_window),
    "max_pool3d_with_indices": ("max_pool", _max_window),
    "max_pool2d": ("max_pool", _max_window),
    "avg_pool1d": ("average_pool", _average_window),
    "avg_pool2d": ("average_pool", _average_window),
    "avg_pool3d": ("average_pool", _average_window),
    "mean": ("mean", lambda bound: {"axes": _tuple(bound.get("dim"))}),
    "sum": ("sum", lambda bound: {"axes": _tuple(bound.get("dim"))}),
    **{
        name: ("adaptive_average_pool", _named(output_size="output_size"))
        for name in ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d")
    },
    **{
        name: ("adaptive_max_pool", _named(output_size="output_size"))
        for name in ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
    },
    **dict.fromkeys(("amax", "max"), ("reduce_max", _none)),
    "convolution": ("convolution", _convolution),
    "embedding": ("embedding", _none),
    "_prelu_kernel": ("prelu", _none),
    "native_layer_norm": ("layer_norm", lambda bound: {"eps": bound["eps"], "axis": -1}),
    "native_group_norm": ("group_norm", lambda bound: {"eps": bound["eps"], "groups": bound["group"]}),
    **{
        name: ("batch_norm", lambda bound: {"eps": bound["eps"], "axis": 1})
        for name in ("native_batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit")
    },
}
"""The catalogue's kind of each torch operator, and a function from the call's arguments by name to attributes."""

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
    """Return whether operands of the kind may be numbers: elementwise kinds of two operands."""
    operator = catalogue.get(kind)
    return operator is not None and operator.elementwise and len(operator.inputs) == 2


def translate(operator: str, bound: Bound) -> tuple[str, dict[str, Any]]:
    """Return the kind and attributes of a call of a torch operator.

    Args:
        operator: The operator's name, such as ``leaky_relu``.
        bound: The arguments by name.

    Example:
        >>> translate("leaky_relu_", {"negative_slope": 0.1})
        ('leaky_relu', {'negative_slope': 0.1})
        >>> translate("fft_fft", {})
        ('opaque', {'operator': 'fft_fft'})
    """
    name = operator if operator in TABLE else operator.rstrip("_")
    if name not in TABLE:
        return "opaque", {"operator": name}
    kind, attributes = TABLE[name]
    if kind == "convolution" and bound["transposed"]:
        kind = "transposed_convolution"
    return kind, attributes(bound)

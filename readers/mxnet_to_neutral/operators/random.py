"""Rules for random numbers.

MXNet's sources: src/operator/random/sample_op.cc, multisample_op.cc, sample_multinomial_op.cc, shuffle_op.cc.
"""

from __future__ import annotations

from typing import Any, Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.elementwise import finite
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand, Value
from neutral.operators.dtypes import INTEGERS

_PARAMETERS: dict[str, tuple[tuple[str, float], ...]] = {
    "normal": (("loc", 0.0), ("scale", 1.0)),
    "uniform": (("low", 0.0), ("high", 1.0)),
    "exponential": (("lam", 1.0),),
    "gamma": (("alpha", 1.0), ("beta", 1.0)),
    "poisson": (("lam", 1.0),),
    "negative_binomial": (("k", 1.0), ("p", 1.0)),
    "generalized_negative_binomial": (("mu", 1.0), ("alpha", 1.0)),
    "binomial": (("n", 1.0), ("p", 1.0)),
}
"""The parameters of each distribution's operators, with their defaults."""

SHAPE_OF_INPUT: dict[str, Any] = {"shape": None, "place": "whole", "dtype": None}


def dtype(context: NodeContext, default: str = "float32") -> str:
    """Return the attribute ``dtype``.

    Args:
        context: The node.
        default: The dtype for None.

    Returns:
        The name of the dtype, such as ``float32``.
    """
    return context.attributes.optional_dtype("dtype", None) or default


def drawn_dtype(context: NodeContext) -> str | None:
    """Return the dtype of numbers whose parameters may be tensors.

    Args:
        context: The node.

    Returns:
        The attribute ``dtype``; None, the parameters' dtype, where both are float32 as far as is known.
    """
    stated = dtype(context)
    return None if context.count and {stated, *context.dtypes} <= {"float32", None} else stated


def floating(context: NodeContext, index: int) -> Operand:
    """Return an input, in float32 if it has integers.

    Args:
        context: The node.
        index: The input's position.

    Returns:
        The operand.
    """
    value = context.input(index)
    return context.node("cast", value, dtype="float32") if context.dtype(index) in INTEGERS else value


@rule(*(f"_random_{name}" for name in _PARAMETERS))
def with_shape(context: NodeContext) -> Operand:
    """Convert ``_random_*``: a tensor of random numbers with a given shape.

    Raises:
        Refusal: An extent is inferred, or a parameter is not finite.
    """
    shape = context.attributes.ints_or_none("shape", None) or ()
    if not (shape or context.numpy_shape) or min(shape, default=1) < 1:
        context.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    name = context.operator[len("_random_") :]
    return _draw(
        context, name, _numbers(context, name), None, {"shape": shape, "place": "whole", "dtype": dtype(context)}
    )


@rule(*(f"_random_{name}_like" for name in _PARAMETERS))
def with_shape_of_input(context: NodeContext) -> Operand:
    """Convert ``_random_*_like``: a tensor of random numbers with another tensor's shape.

    Raises:
        Refusal: A parameter is not finite.
    """
    name = context.operator[len("_random_") : -len("_like")]
    return _draw(context, name, _numbers(context, name), context.input(0), SHAPE_OF_INPUT)


@rule(*(f"_sample_{name}" for name in _PARAMETERS))
def per_parameter(context: NodeContext) -> Operand:
    """Convert ``_sample_*``: random numbers for each element of the parameters, of whatever dtype."""
    shape = context.attributes.ints("shape", ())
    options = {"shape": shape or None, "place": "back", "dtype": drawn_dtype(context)}
    name = context.operator[len("_sample_") :]
    parameters = [floating(context, index) for index in range(len(_PARAMETERS[name]))]
    return _draw(context, name, parameters, None, options)


def _numbers(context: NodeContext, name: str) -> list[Operand]:
    """Return the parameters of a distribution from the attributes."""
    return [finite(context, parameter, default) for parameter, default in _PARAMETERS[name]]


def _draw(
    context: NodeContext, name: str, parameters: Sequence[Operand], like: Operand, options: dict[str, Any]
) -> Value:
    """Add a random operator."""
    if name == "generalized_negative_binomial":
        mean, alpha = parameters
        name, parameters = "negative_binomial", _negative_binomial(context, mean, alpha)
    if name == "negative_binomial" and isinstance(parameters[1], float) and not 0 < parameters[1] <= 1:
        context.refuse(f"p {parameters[1]} is no probability")
    if name == "binomial" and not _has_few_successes(parameters):
        context.note(
            "MXNet's binomial numbers are up to 1 too large on average where n * min(p, 1 - p) is at least 10; here "
            "their mean is n * p"
        )
    return context.node(f"random_{name}", *parameters, like, **options)


def _has_few_successes(parameters: Sequence[Operand]) -> bool:
    """Return whether MXNet draws by inversion, which is exact, and not by its faulty rejection."""
    trials, p = parameters
    return isinstance(trials, float) and isinstance(p, float) and (p >= 1 or trials * min(p, 1 - p) < 10)


def _negative_binomial(context: NodeContext, mean: Operand, alpha: Operand) -> tuple[Operand, Operand]:
    """Return failures ``1 / a`` and probability ``1 / (1 + m * a)`` for mean m and dispersion a."""
    if isinstance(mean, float) and isinstance(alpha, float):
        if alpha <= 0 or mean < 0:
            context.refuse(f"mu {mean} and alpha {alpha}, expected mu of at least 0 and alpha above 0")
        return 1 / alpha, 1 / (1 + mean * alpha)
    p = context.node("divide", 1.0, context.node("add", context.node("multiply", mean, alpha), 1.0))
    return context.node("divide", 1.0, alpha), p


@rule("_random_randint")
def integers(context: NodeContext) -> Operand:
    """Convert ``_random_randint``: random integers of a range.

    Raises:
        Refusal: An extent is inferred.
    """
    shape = context.attributes.ints_or_none("shape", None) or ()
    if not (shape or context.numpy_shape) or min(shape, default=1) < 1:
        context.refuse(f"shape {shape} leaves an extent to be inferred from what it is used for")
    bounds = [float(context.attributes.int(name)) for name in ("low", "high")]
    return context.node("random_integer", *bounds, None, shape=shape, place="whole", dtype=dtype(context, "int32"))


@rule("_sample_multinomial", "_sample_categorical")
def category(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_sample_multinomial``, in MXNet 2 ``_sample_categorical``: draw classes by their probabilities.

    Returns:
        The classes; with ``get_prob`` also the logarithms of their probabilities.

    Raises:
        Refusal: It is MXNet 2's ``_sample_multinomial``, or no number is drawn.
    """
    if context.operator == "_sample_multinomial" and context.version >= (2,):
        context.refuse("numbers of draws that are tensors, for each of which MXNet 2 counts the classes")
    shape, probabilities = context.attributes.ints("shape", ()), context.attributes.bool("get_prob", False)
    if min(shape, default=1) < 1:
        context.refuse(f"shape {shape}, in which no number is drawn")
    declared = context.shape(0)
    is_vector = not shape and (declared is None or len(declared) == 1)
    options: dict[str, Any] = {"shape": (1,) if is_vector else shape, "dtype": dtype(context, "int32")}
    value = context.node("random_category", floating(context, 0), **options)
    outputs: list[Operand] = [value, Value(value.node, 1)] if probabilities else [value]
    if is_vector:  # of which MXNet draws one element
        outputs = [context.node("squeeze", output, axes=(-1,), at_least_1d=True) for output in outputs]
    return outputs


@rule("_shuffle")
def shuffle(context: NodeContext) -> Operand:
    """Convert ``_shuffle``: a random permutation along the first axis."""
    return context.node("random_permutation", context.input(0))

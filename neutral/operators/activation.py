"""Activation functions, with and without weights."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator, Role

AXIS = Attribute("axis", "int", "The axis along which the probabilities sum to 1; a negative axis counts from the end.")

_FIXED = {
    "relu": "output = max(input, 0).",
    "sigmoid": "output = 1 / (1 + e^-input).",
    "log_sigmoid": "output = -log(1 + e^-input).",
    "tanh": "output = hyperbolic tangent of input.",
    "softplus": "output = log(1 + e^input).",
    "softsign": "output = input / (1 + |input|).",
    "selu": "output = 1.0507009873554805 * input for input > 0, else 1.0507009873554805 * 1.6732632423543772 * "
    "(e^input - 1).",
    "gelu": "output = 0.5 * input * (1 + erf(input / sqrt(2))).",
    "gelu_tanh": "output = 0.5 * input * (1 + tanh(sqrt(2/pi) * (input + 0.044715*input^3))).",
    "mish": "output = input * tanh(log(1 + e^input)).",
}

OPERATORS = (
    *(
        Operator(
            kind, meaning, family="activation", elementwise=True, keeps_shape=True, rank_rule="same", dtype_rule="same"
        )
        for kind, meaning in _FIXED.items()
    ),
    Operator(
        "hard_sigmoid",
        "output = alpha*input + beta, clamped to [0, 1].",
        attributes=(
            Attribute("alpha", "float", "The slope between the two bounds."),
            Attribute("beta", "float", "The output for input 0."),
        ),
        family="activation",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "leaky_relu",
        "output = input for input > 0, else negative_slope*input.",
        attributes=(Attribute("negative_slope", "float", "The slope for negative inputs."),),
        family="activation",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "elu",
        "output = input for input > 0, else alpha*(e^input - 1).",
        attributes=(Attribute("alpha", "float", "The output tends to -alpha as the input tends to -infinity."),),
        family="activation",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "prelu",
        "output = input for input > 0, else weight*input. The weight has one slope for all channels or one slope "
        "for each; channels are axis 1 (axis 0 of a 1-D input).",
        roles=(Role("weight", "(channels,) or (1,)", "The slope for negative inputs."),),
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "softmax",
        "output = e^input / sum(e^input) along one axis. If the integer operand length is given, whose shape is "
        "the input's without that axis, the sum is over the first `length` positions of the axis only, and the "
        "output at the other positions is 0.",
        inputs=("input", "length?"),
        attributes=(AXIS,),
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "softmax_of_sample",
        "output = e^input / sum(e^input), where the sum is over all axes except the first; of a "
        "vector over its only axis.",
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "log_softmax",
        "output = input - log(sum(e^input)) along one axis.",
        attributes=(AXIS,),
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "masked_softmax",
        "output = softmax along one axis over the positions where mask is not 0, and 0 at the other positions. "
        "mask broadcasts to the input's shape.",
        inputs=("input", "mask"),
        attributes=(AXIS,),
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "masked_log_softmax",
        "output = log_softmax along one axis over the positions where mask is not 0, and -infinity at the other "
        "positions. mask broadcasts to the input's shape.",
        inputs=("input", "mask"),
        attributes=(AXIS,),
        family="activation",
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
)

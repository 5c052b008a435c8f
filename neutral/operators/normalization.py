"""Normalizations. All use the biased variance; eps is added before the square root."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator, Role

EPS = Attribute(
    "eps", "float", "The number added to the variance (the sum of squares, for l2_normalize) before the square root."
)


def _affine(shape: str) -> tuple[Role, Role]:
    return Role("weight", shape, "The factor of the normalized value."), Role("bias", shape, "The number added last.")


OPERATORS = (
    Operator(
        "batch_norm",
        "output = (input - running_mean) / sqrt(running_var + eps) * weight + bias, for each channel. In "
        "training, unless use_global_stats, the mean and variance of the batch are used instead, and the running "
        "statistics become momentum*running + (1 - momentum)*batch. The second and third output are the mean and "
        "1/sqrt(variance + eps) that are used.",
        attributes=(
            EPS,
            Attribute("momentum", "float", "The fraction of a running statistic that a training step keeps."),
            Attribute("axis", "int", "The channel axis; a negative axis counts from the end."),
            Attribute("scale", "bool", "True if the weight is trained; otherwise it is ones."),
            Attribute("use_global_stats", "bool", "True if the running statistics are used in training too."),
        ),
        roles=(
            *_affine("(channels,)"),
            Role("running_mean", "(channels,)", "The mean of the training data.", buffer=True),
            Role("running_var", "(channels,)", "The variance of the training data.", buffer=True),
        ),
        outputs=("output", "mean", "inverse_deviation"),
        family="normalization",
        rank_rule=lambda node: (node.rank(), 1, 1),
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "layer_norm",
        "output = (input - mean) / sqrt(variance + eps) * weight + bias, with the mean and variance over one axis. "
        "The second and third output are the mean and sqrt(variance + eps).",
        attributes=(EPS, Attribute("axis", "int", "The axis; a negative axis counts from the end.")),
        roles=_affine("(input.shape[axis],)"),
        outputs=("output", "mean", "deviation"),
        family="normalization",
        rank_rule=lambda node: (node.rank(), node.rank(), node.rank()),
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "instance_norm",
        "output = (input - mean) / sqrt(variance + eps) * weight + bias, with the mean and variance over the "
        "spatial axes of each sample and channel; channels are axis 1.",
        attributes=(EPS,),
        roles=_affine("(channels,)"),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "group_norm",
        "output = (input - mean) / sqrt(variance + eps) * weight + bias, with the mean and variance over the "
        "channels of a group and the spatial axes of each sample; channels are axis 1, and weight and bias have "
        "one number for each channel. The second and third output are the mean and sqrt(variance + eps).",
        attributes=(EPS, Attribute("groups", "int", "The number of groups.", minimum=1)),
        roles=_affine("(channels,)"),
        outputs=("output", "mean", "deviation"),
        family="normalization",
        rank_rule=lambda node: (node.rank(), 2, 2),
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "l2_normalize",
        "output = input / sqrt(sum(input^2) + eps). The sum is over all axes except the first (sample), over axis "
        "1 (channel), or over the axes after axis 1 (spatial).",
        attributes=(
            EPS,
            Attribute("over", "str", "The axes of the sum.", choices=("sample", "channel", "spatial")),
        ),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "local_response_norm",
        "output = input * (k + alpha/size * sum(input^2))^-beta, with the sum over the channels (axis 1) at a "
        "distance of at most size // 2.",
        attributes=(
            Attribute("size", "int", "The number of channels in the sum, odd.", minimum=1),
            Attribute("alpha", "float", "The factor of the sum."),
            Attribute("beta", "float", "The exponent."),
            Attribute("k", "float", "The number added to the sum."),
        ),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
)

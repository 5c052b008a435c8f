"""Normalisations. All use the biased variance; eps is inside the square root."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator, Role

EPS = Attribute("eps", "float", "Added to the variance before the square root.")


def _affine(shape: str) -> tuple[Role, Role]:
    return Role("weight", shape, "Multiplies the normalised value."), Role("bias", shape, "Added last.")


OPERATORS = (
    Operator(
        "batch_norm",
        "output = (input - running_mean) / sqrt(running_var + eps) * weight + bias along the channel axis. In training the "
        "statistics are the batch's, unless use_global_stats, and running = momentum*running + (1 - momentum)*batch. "
        "The second and third output are the mean and 1/sqrt(variance + eps) that were used.",
        attributes=(
            EPS,
            Attribute("momentum", "float", "The fraction of a running statistic that a training step keeps."),
            Attribute("axis", "int", "The channel axis; negative counts from the end."),
            Attribute("scale", "bool", "Whether the weight is trained; if not it is ones."),
            Attribute("use_global_stats", "bool", "Whether training uses the running statistics too."),
        ),
        roles=(
            *_affine("(channels,)"),
            Role("running_mean", "(channels,)", "Mean of the training data.", buffer=True),
            Role("running_var", "(channels,)", "Variance of the training data.", buffer=True),
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
        attributes=(EPS, Attribute("axis", "int", "The axis; negative counts from the end.")),
        roles=_affine("(input.shape[axis],)"),
        outputs=("output", "mean", "deviation"),
        family="normalization",
        rank_rule=lambda node: (node.rank(), node.rank(), node.rank()),
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "instance_norm",
        "output = (input - mean) / sqrt(variance + eps) * weight + bias, mean and variance over the spatial axes of "
        "each sample and channel; channels are axis 1.",
        attributes=(EPS,),
        roles=_affine("(channels,)"),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "group_norm",
        "output = (input - mean) / sqrt(variance + eps) * weight + bias, mean and variance over the channels of a "
        "group and the spatial axes; channels are axis 1, weight and bias are per channel. "
        "The second and third output are the mean and sqrt(variance + eps).",
        attributes=(EPS, Attribute("groups", "int", "The number of groups.")),
        roles=_affine("(channels,)"),
        outputs=("output", "mean", "deviation"),
        family="normalization",
        rank_rule=lambda node: (node.rank(), 2, 2),
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "l2_normalize",
        "output = input / sqrt(sum(input^2) + eps). The sum is over all axes but the first (sample), over axis 1 (channel), "
        "or over the axes after it (spatial).",
        attributes=(
            EPS,
            Attribute("over", "str", "What is summed.", choices=("sample", "channel", "spatial")),
        ),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
    Operator(
        "local_response_norm",
        "output = input * (k + alpha/size * sum(input^2))^-beta, the sum over the channels (axis 1) at most size // 2 away.",
        attributes=(
            Attribute("size", "int", "The number of channels that take part, odd."),
            Attribute("alpha", "float", "The weight of the sum."),
            Attribute("beta", "float", "The exponent."),
            Attribute("k", "float", "What is added to the sum."),
        ),
        family="normalization",
        rank_rule="same",
        keeps_shape=True,
        dtype_rule="same",
    ),
)

"""Split MXNet's array names into a layer's name and a role suffix."""

from __future__ import annotations

import re

PREFIXES = ("arg:", "aux:")

ROLE_SUFFIXES = (
    "weight", "bias", "gamma", "beta", "alpha",
    "moving_mean", "moving_var", "running_mean", "running_var",
    "i2h_weight", "h2h_weight", "h2r_weight", "i2h_bias", "h2h_bias",
    "parameters", "rnn_param",
)  # fmt: skip

_NAME = re.compile(rf"(?:arg:|aux:)?(?:(.*?)[_.])??({'|'.join(ROLE_SUFFIXES)})\Z", re.DOTALL)
"""Lazy, so that the layer's name is as short, and the role suffix as long, as possible."""
_QUANTIZED = re.compile(r"_quantize(_min|_max)?$")


def strip_prefix(name: str) -> str:
    """Return an array's name without ``arg:`` or ``aux:``.

    Args:
        name: The name as stored.

    Returns:
        The name as in the symbol.

    Example:
        >>> strip_prefix("aux:bn0_moving_mean")
        'bn0_moving_mean'
    """
    return name[4:] if name.startswith(PREFIXES) else name


def split_role(name: str) -> tuple[str, str | None]:
    """Split an array's name into layer and role suffix.

    Args:
        name: The array's name, with or without prefix.

    Returns:
        The layer's name, and the suffix or None if the name ends in no known role.

    Example:
        >>> split_role("arg:conv0_weight"), split_role("anchors")
        (('conv0', 'weight'), ('anchors', None))
    """
    match = _NAME.match(name)
    return (match[1] or "", match[2]) if match else (strip_prefix(name), None)


def layer_of(name: str) -> str | None:
    """Return the layer's name of an array, None if its name is not a layer's name and a role suffix.

    Suffixes of MXNet's quantiser are ignored.

    Args:
        name: The array's name, without ``arg:`` or ``aux:``.

    Returns:
        The part of the name before the suffix.

    Example:
        >>> layer_of("conv0_weight_quantize"), layer_of("weight")
        ('conv0', None)
    """
    layer, role = split_role(_QUANTIZED.sub("", name))
    return layer if layer and role else None

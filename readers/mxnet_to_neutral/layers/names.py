"""What MXNet's array names say: the layer's name and, at the end, the role."""

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
"""The shortest stem, and so the longest role."""
_QUANTISED = re.compile(r"_quantize(_min|_max)?$")


def bare(name: str) -> str:
    """The name without ``arg:`` or ``aux:``."""
    return name[4:] if name.startswith(PREFIXES) else name


def split(name: str) -> tuple[str, str | None]:
    """An array's layer name and role suffix: ``arg:conv0_weight`` is ``("conv0", "weight")``."""
    match = _NAME.match(name)
    return (match[1] or "", match[2]) if match else (bare(name), None)


def stem_of(name: str) -> str | None:
    """The layer's name if the array's name ends in a role, else None. What the quantiser appends does not count."""
    stem, role = split(_QUANTISED.sub("", name))
    return stem if stem and role else None

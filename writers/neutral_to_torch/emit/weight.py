"""Which submodules are light: norms, activations, pooling and the like, which come with the layer they follow."""

from __future__ import annotations

from neutral_to_torch.emit.scope import Instance, Owned
from neutral_to_torch.emit.terms import Call, Name, Term

_LIGHT = (
    "BatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm", "fixed_scale", "PReLU", "ReLU", "ELU", "Sigmoid", "Tanh",
    "Softmax", "Softplus", "Softsign", "GELU", "SiLU", "Hardtanh", "Hardsigmoid", "Hardswish", "Clamp", "Pool",
    "Dropout", "Flatten", "Identity", "Upsample", "LocalResponseNorm", "Parameter", "torch.empty",
)  # fmt: skip


def is_heavy(item: Owned) -> bool:
    """Whether applying it deserves a line of its own: what bears large weights, and blocks."""
    return isinstance(item, Instance) or not any(word in callee(item.constructor) for word in _LIGHT)


def callee(constructor: Term) -> str:
    """What a constructor calls: ``nn.Conv2d``."""
    if isinstance(constructor, Call) and isinstance(constructor.callee, Name):
        return constructor.callee.text
    return ""

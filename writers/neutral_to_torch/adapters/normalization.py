"""Adapters of normalizations."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping

from torch import nn

from neutral_to_torch.adapters.registry import Adapter, adapts


@adapts(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
class BatchNorm(Adapter):
    """Adapter of batch norms. Torch's momentum is the fraction of the new value, the catalogue's of the old one."""

    kind = "batch_norm"
    tensors = ("weight", "bias", "running_mean", "running_var")
    settable: ClassVar[Mapping[str, str]] = {"eps": "eps"}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {
            "eps": module.eps,
            "momentum": None if module.momentum is None else round(1 - module.momentum, 15),
            "axis": 1,
            "scale": module.weight is not None and module.weight.requires_grad,
            "use_global_stats": False,
        }

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "momentum":
            module.momentum = round(1 - value, 15)
            return True
        if attribute == "scale" and not value and module.weight is not None:
            module.weight.requires_grad_(False)
            return True
        return super().set(module, attribute, value)

    def argument(self, attribute: str, value: Any) -> str:
        if attribute == "scale":
            return "weight.requires_grad=False"
        return f"momentum={round(1 - value, 15)!r}" if attribute == "momentum" else super().argument(attribute, value)


@adapts(nn.LayerNorm)
class LayerNorm(Adapter):
    """Adapter of layer norms."""

    kind = "layer_norm"
    settable: ClassVar[Mapping[str, str]] = {"eps": "eps"}

    def attributes(self, module: Any) -> dict[str, Any]:
        one_axis = len(module.normalized_shape) == 1
        return {"eps": module.eps, "axis": -1 if one_axis else tuple(range(-len(module.normalized_shape), 0))}


@adapts(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
class InstanceNorm(Adapter):
    """Adapter of instance norms.

    With ``track_running_stats`` torch infers with running statistics, which the catalogue's kind does not have.
    """

    kind = "instance_norm"
    settable: ClassVar[Mapping[str, str]] = {"eps": "eps"}
    implied: ClassVar[Mapping[str, Any]] = {"track_running_stats": False}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {"eps": module.eps, "track_running_stats": module.track_running_stats}


@adapts(nn.GroupNorm)
class GroupNorm(Adapter):
    """Adapter of group norms."""

    kind = "group_norm"
    settable: ClassVar[Mapping[str, str]] = {"eps": "eps"}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {"eps": module.eps, "groups": module.num_groups}

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "groups":
            if module.num_channels % value:
                return False
            module.num_groups = value
            return True
        return super().set(module, attribute, value)

    def argument(self, attribute: str, value: Any) -> str:
        return super().argument("num_groups" if attribute == "groups" else attribute, value)

"""Adapters of convolutions, whose weight layouts in torch are the catalogue's."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping

from torch import nn

from neutral_to_torch.adapters.registry import Adapter, adapts


class _Window(Adapter):
    """Attributes that all convolutions have."""

    settable: ClassVar[Mapping[str, str]] = {"stride": "stride", "dilation": "dilation", "padding_mode": "padding_mode"}
    implied: ClassVar[Mapping[str, Any]] = {"padding_mode": "zeros"}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {
            "out_channels": module.out_channels,
            "kernel_size": module.kernel_size,
            "stride": module.stride,
            "padding": _padding(module),
            "dilation": module.dilation,
            "groups": module.groups,
            "layout": "channels_first",
            "padding_mode": module.padding_mode if any(module._reversed_padding_repeated_twice) else "zeros",
        }

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "padding":
            module.padding = value
            module._reversed_padding_repeated_twice = [pad for pad in reversed(value) for _ in range(2)]
            return True
        return super().set(module, attribute, value)


@adapts(nn.Conv1d, nn.Conv2d, nn.Conv3d)
class Convolution(_Window):
    """Adapter of convolutions."""

    kind = "convolution"

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "groups":  # the weight (out, in/groups, ...) stays, so the input's channels follow
            if module.out_channels % value:
                return False
            module.in_channels = module.in_channels // module.groups * value
            module.groups = value
            return True
        return super().set(module, attribute, value)


@adapts(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
class TransposedConvolution(_Window):
    """Adapter of transposed convolutions."""

    kind = "transposed_convolution"
    settable: ClassVar[Mapping[str, str]] = {**_Window.settable, "output_padding": "output_padding"}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {**super().attributes(module), "output_padding": module.output_padding, "output_size": None}

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "groups":  # the weight (in, out/groups, ...) stays, so the output's channels would follow
            if module.in_channels % value or module.bias is not None:
                return False
            module.out_channels = module.out_channels // module.groups * value
            module.groups = value
            return True
        return super().set(module, attribute, value)


def _padding(module: Any) -> Any:
    """Return the padding at both ends of each dimension; 'same' if the two ends differ (even kernel)."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding == "same":
        totals = [dilation * (size - 1) for dilation, size in zip(module.dilation, module.kernel_size)]
        return "same" if any(total % 2 for total in totals) else tuple(total // 2 for total in totals)
    return tuple(module.padding)

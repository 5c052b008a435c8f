"""Adapters of recurrent layers and cells, whose gate order, formulas and names in torch are the catalogue's."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping

from torch import nn

from neutral_to_torch.adapters.registry import Adapter, adapts


class _Sequence(Adapter):
    """Attributes that all recurrent layers have."""

    settable: ClassVar[Mapping[str, str]] = {"dropout": "dropout"}
    implied: ClassVar[Mapping[str, Any]] = {"batch_first": False}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {
            "hidden_size": module.hidden_size,
            "num_layers": module.num_layers,
            "bidirectional": module.bidirectional,
            "dropout": float(module.dropout),
            "batch_first": module.batch_first,
        }

    def roles(self, module: Any) -> tuple[str, ...]:
        return tuple(name for name in module._flat_weights_names if name in module._parameters)


@adapts(nn.LSTM)
class LSTM(_Sequence):
    """Adapter of LSTM layers."""

    kind = "lstm"

    def attributes(self, module: Any) -> dict[str, Any]:
        return {
            **super().attributes(module),
            "projection_size": module.proj_size,
            "clip_min": None,
            "clip_max": None,
        }


@adapts(nn.GRU)
class GRU(_Sequence):
    """Adapter of GRU layers."""

    kind = "gru"


@adapts(nn.RNN)
class RNN(_Sequence):
    """Adapter of Elman layers."""

    kind = "rnn"

    def attributes(self, module: Any) -> dict[str, Any]:
        return {**super().attributes(module), "nonlinearity": module.mode.split("_")[1].lower()}

    def set(self, module: Any, attribute: str, value: Any) -> bool:
        if attribute == "nonlinearity":
            module.nonlinearity = value
            module.mode = f"RNN_{value.upper()}"
            return True
        return super().set(module, attribute, value)


class _Cell(Adapter):
    """Attributes that all recurrent cells have."""

    tensors = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

    def attributes(self, module: Any) -> dict[str, Any]:
        return {"hidden_size": module.hidden_size}


@adapts(nn.LSTMCell)
class LSTMCell(_Cell):
    """Adapter of LSTM cells."""

    kind = "lstm_cell"


@adapts(nn.GRUCell)
class GRUCell(_Cell):
    """Adapter of GRU cells."""

    kind = "gru_cell"


@adapts(nn.RNNCell)
class RNNCell(_Cell):
    """Adapter of Elman cells."""

    kind = "rnn_cell"
    settable: ClassVar[Mapping[str, str]] = {"nonlinearity": "nonlinearity"}

    def attributes(self, module: Any) -> dict[str, Any]:
        return {**super().attributes(module), "nonlinearity": module.nonlinearity}

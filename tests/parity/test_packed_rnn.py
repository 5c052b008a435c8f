"""Parameter files without a symbol whose recurrent layers are one array each, loaded into PyTorch's layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mxnet_to_neutral
import neutral_to_mxnet
import torch_to_neutral
from neutral.errors import MatchError
from neutral_to_torch import load_into

pytestmark = [
    pytest.mark.filterwarnings("ignore::neutral.matching.grade.UnprovenWarning"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),  # torch's note
]

TIME, BATCH, FEATURES, HIDDEN = 4, 2, 5, 6
DATA = np.random.RandomState(0).randn(TIME, BATCH, FEATURES).astype("float32")
MODES = ("lstm", "gru", "rnn_tanh", "rnn_relu")


class Tagger(nn.Module):
    """A recurrent layer below a name that the file does not have."""

    def __init__(self, mode: str, **options: Any) -> None:
        super().__init__()
        if mode.startswith("rnn"):
            self.encoder: nn.RNNBase = nn.RNN(FEATURES, HIDDEN, nonlinearity=mode[4:], **options)
        else:
            self.encoder = getattr(nn, mode.upper())(FEATURES, HIDDEN, **options)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.encoder(data)[0]
        return output


def assert_computes(module: nn.Module, expected: np.ndarray) -> None:
    np.testing.assert_allclose(module(torch.from_numpy(DATA)).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def save(mxnet2: Any, mode: str, path: Path, **options: Any) -> np.ndarray:
    kind = "RNN" if mode.startswith("rnn") else mode.upper()
    given = {"hidden_size": HIDDEN, **({"activation": mode[4:]} if kind == "RNN" else {}), **options}
    output: np.ndarray = mxnet2.call("packed_rnn:save_gluon", kind=kind, options=given, data=DATA, path=str(path))
    return output


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_layers_of_mxnet_2(mxnet2: Any, tmp_path: Path, mode: str, num_layers: int, bidirectional: bool) -> None:
    """By a mapping, by the plan of that load, and where nothing is mapped, as the vector fits one layer alone."""
    options: dict[str, Any] = {"num_layers": num_layers, "bidirectional": bidirectional}
    expected = save(mxnet2, mode, tmp_path / "net.params", **options)
    store = mxnet_to_neutral.read(str(tmp_path / "net.params"))
    assert store.tensors[store.layers["rnn_param"].tensors["value"]].numpy().all(), "a bias of 0 would prove nothing"
    plan = load_into(mapped := Tagger(mode, **options), store, {"rnn_param": "encoder"})
    plan.save(tmp_path / "plan.toml")
    repeated = load_into(by_plan := Tagger(mode, **options), store, tmp_path / "plan.toml")
    inferred = load_into(unmapped := Tagger(mode, **options), store)
    for module in (mapped, by_plan, unmapped):
        assert_computes(module, expected)
    kind = mode.partition("_")[0]
    sizes = f"hidden_size=6, num_layers={num_layers}{', bidirectional=True' if bidirectional else ''}"
    assert {pair.layer for made in (plan, repeated, inferred) for pair in made.pairs} == {f"rnn_param[{kind}({sizes})]"}
    assert plan.pairs[0].reason == "mapping" and not plan.notes
    assert [note for note in inferred.notes if "inferred from the number of its elements alone" in note]


def test_a_projection(mxnet2: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"num_layers": 2, "bidirectional": True}
    expected = save(mxnet2, "lstm", tmp_path / "net.params", projection_size=3, **options)
    store = mxnet_to_neutral.read(str(tmp_path / "net.params"))
    load_into(module := Tagger("lstm", proj_size=3, **options), store, {"rnn_param": "encoder"})
    assert_computes(module, expected)


@pytest.mark.parametrize("mode", MODES)
def test_fused_cells_of_mxnet_1(mxnet: Any, tmp_path: Path, mode: str) -> None:
    given = {"num_hidden": HIDDEN, "num_layers": 2, "bidirectional": True}
    path = str(tmp_path / "net.params")
    expected = mxnet.call("packed_rnn:save_fused_cell", mode=mode, options=given, data=DATA, path=path)
    module = Tagger(mode, num_layers=2, bidirectional=True)
    load_into(module, mxnet_to_neutral.read(path), {"parameters": "encoder"})
    assert_computes(module, expected)


@pytest.mark.parametrize("by", ["mapping", "plan"])
@pytest.mark.parametrize(
    ("mode", "options", "theirs"),
    [
        ("lstm", {"num_layers": 2, "bidirectional": True}, {}),
        ("lstm", {"num_layers": 2, "bidirectional": True, "proj_size": 3}, {"projection_size": 3}),
        ("gru", {"num_layers": 12}, {}),
        ("rnn_tanh", {"bidirectional": True}, {}),
    ],
)
def test_tuned_layers_are_packed_again(
    mxnet2: Any, tmp_path: Path, mode: str, options: dict[str, Any], theirs: dict[str, Any], by: str
) -> None:
    given = {name: value for name, value in options.items() if name != "proj_size"} | theirs
    save(mxnet2, mode, tmp_path / "net.params", **given)
    like = mxnet_to_neutral.read(str(tmp_path / "net.params"))
    plan = load_into(module := Tagger(mode, **options), like, {"rnn_param": "encoder"})
    plan.save(tmp_path / "plan.toml")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.25 * torch.randn_like(parameter))
    torch.save(module.state_dict(), tmp_path / "tuned.pth")
    mapping = {"rnn_param": "encoder"} if by == "mapping" else tmp_path / "plan.toml"
    with torch_to_neutral.read(tmp_path / "tuned.pth") as tuned:
        written = neutral_to_mxnet.write(tuned, tmp_path / "tuned", like=like, mapping=mapping)
    kind = "RNN" if mode.startswith("rnn") else mode.upper()
    settings = {"hidden_size": HIDDEN, **({"activation": mode[4:]} if kind == "RNN" else {}), **given}
    expected = mxnet2.call("packed_rnn:load_gluon", kind=kind, options=settings, data=DATA, path=str(written.paths[0]))
    assert_computes(module, expected)


def test_a_layer_of_another_size_is_refused_and_untouched(mxnet2: Any, tmp_path: Path) -> None:
    save(mxnet2, "lstm", tmp_path / "net.params")
    module = Tagger("lstm", num_layers=2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(MatchError, match="rnn_param has 312 elements, and the weights and biases of the module's"):
        load_into(module, mxnet_to_neutral.read(str(tmp_path / "net.params")), {"rnn_param": "encoder"})
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())

"""What other people write in another way and means the same is seen through; what is not the same is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import mxnet_to_neutral
import neutral_to_torch
from neutral.errors import MatchError
from neutral.store import Store
from neutral.verification.golden import open_golden
from parity.against import compare

Recorded = Callable[[str], "tuple[Store, str]"]


@pytest.fixture
def recorded(mxnet: Any, tmp_path: Path) -> Recorded:
    """The store and the golden file of a network of ``mxnet_side.meanings``."""

    def record(network: str) -> tuple[Store, str]:
        prefix, golden = str(tmp_path / network), str(tmp_path / f"{network}.safetensors")
        mxnet.call("served:record", network=f"meanings:{network}", prefix=prefix, golden=golden)
        return mxnet_to_neutral.read(prefix, 0), golden

    return record


def loaded(recorded: tuple[Store, str], module: nn.Module, **options: Any) -> Any:
    """Load with an example alone, and compare the first output with MXNet's."""
    store, path = recorded
    golden = open_golden(path)
    given = [torch.from_numpy(golden.array(item.key)) for item in golden.inputs if not item.label]
    plan = neutral_to_torch.load_into(module.eval(), store, example=tuple(given), **options)
    with torch.no_grad():
        outputs = module(*given)
    compare(outputs[0] if isinstance(outputs, tuple) else outputs, golden.array(golden.outputs[0]))
    return plan


def stem(channels: int = 6, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(3, channels, 3, padding=1, **options)


class Pooled(nn.Module):
    """Features, their mean, and a head: a linear map, or a convolution of what is pooled."""

    def __init__(self, head: nn.Module, flatten: str) -> None:
        super().__init__()
        self.features = nn.Sequential(stem(), nn.ReLU())
        self.head = head
        self.flatten = flatten

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x)
        if self.flatten == "mean":
            return self.head(x.mean((2, 3)))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.head(x.flatten(1)) if self.flatten == "before" else self.head(x).flatten(1)


HEADS = {
    "mean": lambda: Pooled(nn.Linear(6, 5), "mean"),
    "linear": lambda: Pooled(nn.Linear(6, 5), "before"),
    "convolution": lambda: Pooled(nn.Conv2d(6, 5, 1), "after"),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("network", ["linear_head", "convolution_head"])
def test_heads(recorded: Recorded, network: str, head: str) -> None:
    loaded(recorded(network), HEADS[head]())


@pytest.mark.parametrize("affine", [True, False])
def test_a_fixed_scale_and_a_shift(recorded: Recorded, affine: bool) -> None:
    """A norm that cannot have the shift is refused: MXNet fixes the scale alone."""
    module = nn.Sequential(
        stem(bias=False), nn.BatchNorm2d(6, affine=affine), nn.ReLU(), nn.Flatten(), nn.Linear(384, 5)
    )
    if affine:
        loaded(recorded("fixed_scale"), module)
    else:
        with pytest.raises(MatchError, match="bias that is not all zeros"):
            loaded(recorded("fixed_scale"), module)


def test_a_bias_beside_a_norm_is_zero_where_the_store_has_none(recorded: Recorded) -> None:
    body = (stem(), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4, eps=1e-3), nn.ReLU())
    module = nn.Sequential(*body, nn.Flatten(), nn.Linear(256, 5))
    plan = loaded(recorded("batch_norms"), module)
    assert [pair.constants for pair in plan.pairs if pair.constants] == [{"bias": "zeros"}]


class Grouped(nn.Module):
    """A grouped convolution as convolutions of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = stem(8)
        self.ways = nn.ModuleList(nn.Conv2d(4, 6, 3, padding=1, bias=False) for _ in range(2))
        self.head = nn.Linear(12 * 64, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.stem(x).relu().chunk(2, 1)
        x = torch.cat([way(part) for way, part in zip(self.ways, parts)], 1)
        return self.head(x.relu().flatten(1))


def test_folded_norms_are_offered_and_never_silent(recorded: Recorded) -> None:
    body = (stem(), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5))
    store = recorded("batch_norms")
    with pytest.raises(MatchError, match="can be folded into the layer before it: fold_batch_norms=True"):
        loaded(store, nn.Sequential(*body))
    plan = loaded(store, nn.Sequential(*body), fold_batch_norms=True)
    assert sum(" * " in pair.layer for pair in plan.pairs) == 2


def test_grouped_branches(recorded: Recorded) -> None:
    loaded(recorded("grouped"), Grouped())


class Attention(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        if fused:
            self.projection = nn.Linear(12, 36)
        else:
            self.query, self.key, self.value = (nn.Linear(12, 12) for _ in range(3))
        self.out = nn.Linear(12, 12)
        self.norm = nn.LayerNorm(12)
        self.fused = fused

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fused:
            query, key, value = self.projection(x).chunk(3, -1)
        else:
            query, key, value = self.query(x), self.key(x), self.value(x)
        return self.norm(self.out(F.scaled_dot_product_attention(query, key, value)))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("network", ["attention", "fused_attention"])
def test_projections_of_attention(recorded: Recorded, tmp_path: Path, network: str, fused: bool) -> None:
    store = recorded(network)
    plan = loaded(store, Attention(fused))
    names = [pair.layer for pair in plan.pairs][: -2 if fused else 3]
    expected = {
        ("attention", True): ["q + k + v"],
        ("fused_attention", False): ["qkv[0:12]", "qkv[12:24]", "qkv[24:36]"],
    }
    assert names == expected.get((network, fused), ["qkv"] if fused else ["q", "k", "v"])
    plan.save(tmp_path / "plan.toml")
    neutral_to_torch.load_into(again := Attention(fused), store[0], tmp_path / "plan.toml")
    loaded(store, again, mapping=tmp_path / "plan.toml")


def test_projections_in_another_order(recorded: Recorded) -> None:
    class Reversed(Attention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            value, key, query = self.projection(x).chunk(3, -1)
            return self.norm(self.out(F.scaled_dot_product_attention(query, key, value)))

    plan = loaded(recorded("attention"), Reversed(fused=True))
    assert plan.pairs[0].layer == "v + k + q"


class Tied(nn.Module):
    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6)
        self.middle = nn.Linear(6, 6)
        self.scores = nn.Linear(6, 11, bias=False)
        if tied:
            self.scores.weight = self.words.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores(self.middle(self.words(x.long())).tanh())


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights(recorded: Recorded, tied: bool) -> None:
    module = Tied(tied)
    loaded(recorded("tied"), module)
    assert (module.scores.weight is module.words.weight) == tied


class Heads(nn.Module):
    def __init__(self, auxiliary: bool) -> None:
        super().__init__()
        self.first, self.second = stem(), nn.Conv2d(6, 8, 3, padding=1)
        self.out = nn.Linear(8, 5)
        self.extra = nn.Linear(6, 5) if auxiliary else None

    def forward(self, x: torch.Tensor) -> Any:
        x = self.first(x).relu()
        out = self.out(self.second(x).relu().mean((2, 3)))
        return out if self.extra is None else (out, self.extra(x.mean((2, 3))))


def test_an_auxiliary_head_that_the_module_lacks(recorded: Recorded) -> None:
    store = recorded("two_heads")
    loaded(store, Heads(auxiliary=True))
    with pytest.raises(MatchError, match="stored auxiliary not used"):
        loaded(store, Heads(auxiliary=False))
    loaded(store, Heads(auxiliary=False), allow_unused=["auxiliary"])


def test_an_auxiliary_head_that_the_store_lacks(recorded: Recorded) -> None:
    class More(Pooled):
        def __init__(self) -> None:
            super().__init__(nn.Linear(6, 5), "mean")
            self.extra = nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> Any:
            x = self.features(x).mean((2, 3))
            return self.head(x), self.extra(x)

    with pytest.raises(MatchError, match=r"extra\.weight, extra\.bias not filled"):
        loaded(recorded("linear_head"), More())
    loaded(recorded("linear_head"), More(), allow_missing=["extra.*"])


class Plain(nn.Sequential):
    def __init__(self, *first: nn.Module) -> None:
        super().__init__(*first, stem(), nn.ReLU(), nn.Flatten(), nn.Linear(384, 5))


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - 127.5) / 128


def test_preprocessing_in_the_graph(recorded: Recorded) -> None:
    """A module that leaves it to its caller is refused, and what it leaves out is named."""
    numbers, norm = recorded("preprocessed_by_numbers"), recorded("preprocessed_by_a_norm")
    loaded(numbers, Plain(Scaled()))
    loaded(norm, Plain(nn.BatchNorm2d(3, eps=2e-5)))
    with pytest.raises(MatchError, match=r"subtract\(the input data, 127\.5\)"):
        loaded(numbers, Plain())
    plan = neutral_to_torch.load_into(Plain(), numbers[0], {"convolution0": "0"}, torch.zeros(2, 3, 8, 8))
    assert "the input is multiply(subtract(the input data, 127.5), 0.0078125)" in plan.notes[0]
    with pytest.raises(MatchError, match="stored bn_data not used"):
        loaded(norm, Plain())


@pytest.mark.parametrize("channels", [1, 6])
def test_slopes(recorded: Recorded, channels: int) -> None:
    module = nn.Sequential(stem(), nn.PReLU(channels), nn.Flatten(), nn.Linear(384, 5))
    if channels == 6:
        loaded(recorded("slopes"), module)
    else:
        with pytest.raises(MatchError, match="6 different slopes"):
            loaded(recorded("slopes"), module)


class Recurrent(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.rnn = nn.LSTM(3, 4, batch_first=batch_first)
        self.out = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.rnn.batch_first:
            return self.out(self.rnn(x.transpose(0, 1))[0]).transpose(0, 1)
        return self.out(self.rnn(x)[0])


@pytest.mark.parametrize("batch_first", [True, False])
def test_packed_recurrent_parameters(recorded: Recorded, batch_first: bool) -> None:
    """A module that turns the axes itself keeps its own layout, also where the stored attributes are set."""
    module = Recurrent(batch_first)
    plan = loaded(recorded("packed_lstm"), module, set_attributes=True)
    assert not plan.differences and module.rnn.batch_first == batch_first


class ChannelsLast(nn.Module):
    """Takes and keeps images with their channels last, but for its convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = stem(), nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x).permute(0, 2, 3, 1).relu()
        return self.head(x.mean((1, 2)))


def test_transposed_layouts(recorded: Recorded) -> None:
    loaded(recorded("linear_head"), ChannelsLast())

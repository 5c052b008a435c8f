"""``nn.MultiheadAttention`` and ``nn.TransformerEncoderLayer``, whose matrices the store has apart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.graph import Value
from neutral.store import Store
from neutral_to_torch import build, load_into

LENGTH, WIDTH, INNER = 5, 8, 12


def attend(g: GraphBuilder, x: Value, heads: int, prefix: str) -> Value:
    size = WIDTH // heads

    def split(name: str) -> Value:
        y = g.linear(x, WIDTH, features=WIDTH, flatten=False, name=prefix + name)
        return g.node("transpose", g.node("reshape", y, shape=(0, 0, heads, size), from_end=False), axes=(0, 2, 1, 3))

    query, key, value = (split(name) for name in ("query", "key", "value"))
    scores = g.node("matmul", query, g.node("transpose", key, axes=(0, 1, 3, 2)))
    weights = g.node("softmax", g.node("multiply", scores, float(size**-0.5)), axis=-1)
    joined = g.node("transpose", g.node("matmul", weights, value), axes=(0, 2, 1, 3))
    joined = g.node("reshape", joined, shape=(0, 0, -1), from_end=False)
    return g.linear(joined, WIDTH, features=WIDTH, flatten=False, name=f"{prefix}proj")


def attention(heads: int = 4) -> Store:
    g = GraphBuilder()
    return g.store(attend(g, g.input(shape=(None, LENGTH, WIDTH)), heads, ""))


def norm(g: GraphBuilder, x: Value, name: str) -> Value:
    arrays = {"weight": g.values(WIDTH) + 1, "bias": g.values(WIDTH)}
    return g.node("layer_norm", x, name=name, arrays=arrays, eps=1e-5, axis=-1)


def encoder(heads: int = 4, count: int = 2) -> Store:
    g = GraphBuilder()
    x = g.input(shape=(None, LENGTH, WIDTH))
    for k in range(count):
        x = norm(g, g.add(x, attend(g, x, heads, f"cell{k}_")), f"cell{k}_ln1")
        y = g.relu(g.linear(x, INNER, features=WIDTH, flatten=False, name=f"cell{k}_ffn1"))
        y = g.linear(y, WIDTH, features=INNER, flatten=False, name=f"cell{k}_ffn2")
        x = norm(g, g.add(x, y), f"cell{k}_ln2")
    return g.store(x)


class Attention(nn.Module):
    def __init__(self, heads: int, weights: bool = False, **options: Any) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, heads, **{"batch_first": True, **options})
        self.weights = weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attn(x, x, x, need_weights=self.weights)[0]


class Encoder(nn.Module):
    def __init__(self, heads: int, stack: bool = False, count: int = 2, **options: Any) -> None:
        super().__init__()
        layers = [
            nn.TransformerEncoderLayer(WIDTH, heads, INNER, **{"batch_first": True, **options}) for _ in range(count)
        ]
        self.enc = (
            nn.TransformerEncoder(layers[0], count, enable_nested_tensor=False) if stack else nn.Sequential(*layers)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.enc(x)


EXAMPLES = [torch.randn(2, LENGTH, WIDTH), torch.randn(1, LENGTH, WIDTH), None]


@pytest.mark.parametrize("example", EXAMPLES, ids=["batch 2", "batch 1", "no example"])
@pytest.mark.parametrize(
    ("stored", "make"),
    [
        (attention, lambda: Attention(4)),
        (attention, lambda: Attention(4, weights=True)),
        (encoder, lambda: Encoder(4)),
        (encoder, lambda: Encoder(4, stack=True)),
    ],
)
def test_the_same_attention_is_loaded(stored: Any, make: Any, example: Any) -> None:
    module, store = make(), stored()
    plan = load_into(module, store, example=example)
    assert not plan.notes
    x = torch.randn(3, LENGTH, WIDTH)
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(x), build(store)(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("example", EXAMPLES, ids=["batch 2", "batch 1", "no example"])
@pytest.mark.parametrize(
    ("stored", "make"),
    [
        (attention, lambda: Attention(2)),
        (attention, lambda: Attention(8)),
        (attention, lambda: Attention(4, batch_first=False)),
        (attention, lambda: Attention(4, add_zero_attn=True)),
        (encoder, lambda: Encoder(2)),
        (encoder, lambda: Encoder(4, batch_first=False)),
        (encoder, lambda: Encoder(4, stack=True, batch_first=False)),
        (encoder, lambda: Encoder(4, norm_first=True)),
        (encoder, lambda: Encoder(4, activation="gelu")),
        (encoder, lambda: Encoder(4, count=3)),
    ],
)
def test_another_attention_is_refused(stored: Any, make: Any, example: Any) -> None:
    module = make()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(MatchError):
        load_into(module, stored(), example=example)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

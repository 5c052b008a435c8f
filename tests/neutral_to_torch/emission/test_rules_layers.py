"""The rules of layers, each against PyTorch's own functions or NumPy, and the text they make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from checks import run, source_of, torch
from graphs import GraphBuilder

F = torch.nn.functional


def data(*shape: int, seed: int = 1) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution(rank: int) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4, *[9] * rank))
    store = g.store(g.conv(x, 6, 3, 2, groups=2, bias=True, rank=rank, name="conv"))
    weight, bias = (torch.from_numpy(store[f"conv.{role}"]) for role in ("weight", "bias"))
    expected = getattr(F, f"conv{rank}d")(data(2, 4, *[9] * rank), weight, bias, 2, 1, 1, 2)
    torch.testing.assert_close(run(store, data(2, 4, *[9] * rank)), expected)
    assert f"nn.Conv{rank}d(4, 6, kernel_size=3, stride=2, padding=1, groups=2)" in source_of(store)


def test_convolution_of_channels_last() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 9, 7, 4))
    g.channels[x] = 4
    store = g.store(g.conv(x, 6, (3, 1), name="conv", layout="channels_last"))
    expected = F.conv2d(data(2, 9, 7, 4).permute(0, 3, 1, 2), torch.from_numpy(store["conv.weight"]), padding=(1, 0))
    torch.testing.assert_close(run(store, data(2, 9, 7, 4)), expected.permute(0, 2, 3, 1))
    source_of(store)


def transposed(g: GraphBuilder, x: Any, **changes: Any) -> Any:
    weight = g.values(4, 3, 4, 4)
    attributes = {
        "out_channels": 6, "kernel_size": (4, 4), "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1),
        "groups": 2, "output_padding": (0, 0), "output_size": None, "layout": "channels_first",
    }  # fmt: skip
    return g.node("transposed_convolution", x, name="up", arrays={"weight": weight}, **{**attributes, **changes})


def test_transposed_convolution() -> None:
    g = GraphBuilder()
    store = g.store(transposed(g, g.input("data", (None, 4, 5, 5)), output_padding=(1, 1)))
    weight = torch.from_numpy(store["up.weight"])
    expected = F.conv_transpose2d(data(2, 4, 5, 5), weight, None, 2, 1, 1, 2)
    torch.testing.assert_close(run(store, data(2, 4, 5, 5)), expected)
    source_of(store)


def test_transposed_convolution_to_a_size() -> None:
    g = GraphBuilder()
    store = g.store(transposed(g, g.input("data", (None, 4, 5, 5)), output_size=(9, 10)))
    weight = torch.from_numpy(store["up.weight"])
    # t = (in - 1)*stride + (kernel - 1) + 1 - output_size = 3 and 2
    expected = F.conv_transpose2d(data(2, 4, 5, 5), weight, None, 2, (2, 1), (1, 0), 2)
    torch.testing.assert_close(run(store, data(2, 4, 5, 5)), expected)
    source_of(store)


def test_a_computed_weight_takes_the_functional_form() -> None:
    g = GraphBuilder()
    x, w = g.input("data", (None, 3, 8, 8)), g.input("w", (5, 3, 3, 3))
    attributes = {
        "out_channels": 5, "kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1),
        "groups": 1, "layout": "channels_first",
    }  # fmt: skip
    store = g.store(g.node("convolution", x, computed={"weight": w}, **attributes))
    image, weight = data(2, 3, 8, 8), data(5, 3, 3, 3, seed=2)
    torch.testing.assert_close(run(store, image, weight), F.conv2d(image, weight, None, 2, 1))
    assert "return F.conv2d(data, w, None, stride=2, padding=1)" in source_of(store)


@pytest.mark.parametrize("features", [1, 12])
def test_only_a_layer_of_one_feature_may_get_a_vector(features: int) -> None:
    """The weights of several features tell that an input of unknown rank has more than one axis."""
    g = GraphBuilder()
    x = g.node("flatten", g.node("relu", g.input("data", None)))
    source = source_of(g.store(g.linear(x, 3, features=features)))
    assert ("unsqueeze" in source) == (features == 1)


def test_linear_flattens_only_where_it_must() -> None:
    g = GraphBuilder()
    x = g.linear(g.input("data", (None, 3, 2, 2)), 5, features=12, name="fc1")
    store = g.store(g.linear(x, 4, name="fc2"))
    source = source_of(store)
    assert source.count("flatten(1)") == 1
    w1, b1, w2, b2 = (torch.from_numpy(store[f"fc{k}.{role}"]) for k in (1, 2) for role in ("weight", "bias"))
    expected = F.linear(F.linear(data(2, 3, 2, 2).flatten(1), w1, b1), w2, b2)
    torch.testing.assert_close(run(store, data(2, 3, 2, 2)), expected)


def test_embedding_clamps_and_truncates() -> None:
    g = GraphBuilder()
    x = g.input("index", (None, None))
    table = g.values(4, 3)
    store = g.store(g.node("embedding", x, name="words", arrays={"weight": table}, num_embeddings=4, embedding_dim=3))
    index = torch.tensor([[-1.0, 0.0, 1.9], [3.0, 4.0, 100.0]])
    assert torch.equal(run(store, index), torch.from_numpy(table)[torch.tensor([[0, 0, 1], [3, 3, 3]])])
    source_of(store)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 5), (4, 6, 5, 5), (4, 6, 3, 3, 3)])
@pytest.mark.parametrize("known", [True, False])
def test_batch_norm_of_every_rank(shape: tuple[int, ...], known: bool) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, *shape[1:]) if known else None)
    g.channels[x] = 6
    store = g.store(g.bn(x, name="bn", eps=2e-5))
    roles = ("running_mean", "running_var", "weight", "bias")
    expected = F.batch_norm(data(*shape), *(torch.from_numpy(store[f"bn.{r}"]) for r in roles), eps=2e-5)
    torch.testing.assert_close(run(store, data(*shape)), expected)
    source = source_of(store)
    assert (f"nn.BatchNorm{max(1, len(shape) - 2)}d(6, eps=2e-5)" in source) is known
    assert ("class BatchNorm(" in source) is not known


def test_batch_norm_on_the_last_axis_with_a_fixed_scale() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 5, 6))
    g.channels[x] = 6
    store = g.store(g.bn(x, name="bn", axis=-1, scale=False))
    from neutral_to_torch.emission.build import build

    model = build(store)
    roles = ("running_mean", "running_var", "weight", "bias")
    arrays = (torch.from_numpy(store[f"bn.{r}"]) for r in roles)
    expected = F.batch_norm(data(2, 5, 6).movedim(-1, 1), *arrays).movedim(1, -1)
    torch.testing.assert_close(model(data(2, 5, 6)), expected)
    assert not model.bn.weight.requires_grad
    assert model.bn.bias.requires_grad
    source_of(store)


def test_batch_norm_trains_with_the_momentum_of_torch() -> None:
    from neutral_to_torch.emission.build import build

    g = GraphBuilder()
    x = g.input("data", (None, 3, 8, 8))
    x = g.bn(x, name="a", momentum=0.75)
    model = build(g.store(g.bn(x, name="b", use_global_stats=True))).train()
    assert model.a.momentum == 0.25
    before = model.b.running_mean.clone()
    mean = model.a.running_mean.clone()
    model(data(4, 3, 8, 8))
    assert torch.equal(model.b.running_mean, before)
    expected = 0.75 * mean + 0.25 * data(4, 3, 8, 8).mean((0, 2, 3))
    torch.testing.assert_close(model.a.running_mean, expected)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_layer_norm(axis: int) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 4, 5))
    arrays = {"weight": g.values(4 if axis == 1 else 5), "bias": g.values(4 if axis == 1 else 5)}
    store = g.store(g.node("layer_norm", x, name="norm", arrays=arrays, eps=1e-6, axis=axis))
    moved = data(2, 4, 5).movedim(axis, -1)
    expected = F.layer_norm(moved, moved.shape[-1:], *map(torch.from_numpy, arrays.values()), eps=1e-6)
    torch.testing.assert_close(run(store, data(2, 4, 5)), expected.movedim(-1, axis))
    source_of(store)


@pytest.mark.parametrize("known", [True, False])
def test_instance_and_group_norm(known: bool) -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 6, 5, 5) if known else None)
    first = {"weight": g.values(6), "bias": g.values(6)}
    second = {"weight": g.values(6), "bias": g.values(6)}
    x = g.node("instance_norm", x, name="a", arrays=first, eps=1e-3)
    store = g.store(g.node("group_norm", x, name="b", arrays=second, eps=1e-5, groups=3))
    expected = F.instance_norm(data(2, 6, 5, 5), None, None, *map(torch.from_numpy, first.values()), eps=1e-3)
    expected = F.group_norm(expected, 3, *map(torch.from_numpy, second.values()))
    torch.testing.assert_close(run(store, data(2, 6, 5, 5)), expected)
    source_of(store)


def test_prelu_and_softmax() -> None:
    g = GraphBuilder()
    x = g.node("prelu", g.input("data", (None, 6)), name="act", arrays={"weight": g.values(6)})
    store = g.store(g.node("softmax", x, name="prob", axis=-1))
    expected = F.prelu(data(2, 6), torch.from_numpy(store["act.weight"])).softmax(-1)
    torch.testing.assert_close(run(store, data(2, 6)), expected)
    source_of(store)


def test_parameters_are_values() -> None:
    g = GraphBuilder()
    x = g.input("data", (None, 3))
    shift = g.node("parameter", name="shift", arrays={"value": g.values(3)})
    table = g.node("parameter", name="steps", arrays={"value": np.arange(3)})
    store = g.store(g.add(g.add(x, shift), table))
    expected = data(2, 3) + torch.from_numpy(store["shift.value"]) + torch.arange(3)
    torch.testing.assert_close(run(store, data(2, 3)), expected)
    source = source_of(store)
    assert "self.shift = nn.Parameter(torch.empty(3))" in source
    assert 'self.register_buffer("steps", torch.empty(3, dtype=torch.int64))' in source


def test_unused_parts_of_a_parameter() -> None:
    from neutral_to_torch.emission.build import build

    g = GraphBuilder()
    table = g.node("parameter", name="table", arrays={"value": g.values(2, 4)})
    taken = g.node("take", table, g.input("index", (2,)), axis=0, out_of_range="clamp")
    part = g.node("split", table, axis=1, parts=4)
    store = g.store(taken, g.node("less_equal", g.input("x", (2, 1)), part, dtype=None), g.node("identity", taken))
    index, x = torch.tensor([1, 0]), data(2, 1)
    rows, less, _ = build(store)(index, x)
    weights = torch.from_numpy(store["table.value"])
    torch.testing.assert_close(rows, weights[index])
    assert torch.equal(less, (x <= weights[:, :1]).float())

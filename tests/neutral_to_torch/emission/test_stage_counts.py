"""The numbers of blocks in the stages of a model are an argument where every stage repeats its last block."""

from __future__ import annotations

import networks
from checks import check_style, torch
from graphs import GraphBuilder
from neutral.graph import Value
from neutral_to_torch.emission.build import build
from neutral_to_torch.emission.compose import compose


def basic_block(g: GraphBuilder, x: Value, out: int, stride: int = 1) -> Value:
    y = g.bn(g.conv(g.relu(g.bn(g.conv(x, out, 3, stride))), out, 3))
    shortcut = g.bn(g.conv(x, out, 1, stride)) if g.channels[x] != out else x
    return g.relu(g.add(y, shortcut))


def test_a_model_is_made_with_other_numbers_of_blocks() -> None:
    store = networks.resnet((2, 3, 1, 4))
    source = compose(store).source
    check_style(source)
    model = build(store)
    assert "layers: tuple[int, ...] = (2, 3, 4)" in source  # one block alone is no sequence
    smaller = type(model)(layers=(1, 2, 2)).eval()
    removed = {key.rpartition(".")[0] for key in set(model.state_dict()) - set(smaller.state_dict())}
    assert {".".join(key.split(".")[:2]) for key in removed} == {"stage1.1", "stage2.2", "stage4.2", "stage4.3"}
    assert smaller(torch.zeros(1, 3, 32, 32)).shape == model(torch.zeros(1, 3, 32, 32)).shape


def test_equal_blocks_from_the_first_on() -> None:
    source = compose(networks.resnet((2, 2, 2), width=8, bottleneck=False)).source
    assert "layers: tuple[int, ...] = (2, 2, 2)" in source
    assert source.count(" for _ in range(layers[") == 3


def test_no_argument_where_the_blocks_of_a_sequence_differ() -> None:
    assert "layers:" not in compose(networks.mobilenet_v2()).source
    assert "layers:" not in compose(networks.densenet()).source


def test_no_argument_for_one_stage_or_where_one_stage_has_other_layers() -> None:
    g = GraphBuilder()
    x = g.relu(g.bn(g.conv(g.input(), 8, 3)))
    for out in (12, 16, 20):
        for stride in (2, 1, 1):
            x = basic_block(g, x, out, stride if g.channels[x] != out else 1)
        x = g.node("tanh", x) if out == 16 else x
    assert "BasicBlock" in compose(g.store(x)).source
    assert "layers:" not in compose(g.store(x)).source

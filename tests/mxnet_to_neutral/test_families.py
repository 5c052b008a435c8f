"""Advice on the graph of parameters alone: the commands for published networks, from names and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Mapping, Tuple

import numpy as np
import pytest

import mxnet_to_neutral
from cli_cases import ndarray_list
from mxnet_to_neutral.families import GENERAL_ADVICE, IR_LAYERS, advise

Shapes = Mapping[str, Tuple[int, ...]]


def advice(folder: Path, shapes: Shapes, name: str = "m-0000.params") -> str:
    arrays = {key: np.zeros(shape, "<f4") for key, shape in shapes.items()}
    (folder / name).write_bytes(ndarray_list(arrays))
    with mxnet_to_neutral.read(folder / name) as store:
        return advise(store)


def norm(name: str, channels: int) -> Shapes:
    names = ("arg:{}_gamma", "arg:{}_beta", "aux:{}_moving_mean", "aux:{}_moving_var")
    return {pattern.format(name): (channels,) for pattern in names}


def ir_network(units: Iterable[int], parts: Iterable[str] = ("bn1", "bn2", "bn3", "sc")) -> dict[str, tuple[int, ...]]:
    shapes = {"arg:conv0_weight": (4, 3, 3, 3), "arg:relu0_gamma": (4,), **norm("bn0", 4)}
    for stage, count in enumerate(units, start=1):
        for unit in range(1, count + 1):
            for part in parts:
                shapes.update(norm(f"stage{stage}_unit{unit}_{part}", 4))
            for part in ("conv1", "conv2"):
                shapes[f"arg:stage{stage}_unit{unit}_{part}_weight"] = (4, 4, 3, 3)
    head = {"arg:pre_fc1_weight": (8, 4 * 49), "arg:pre_fc1_bias": (8,)}
    return {**shapes, **norm("bn1", 4), **head, **norm("fc1", 8)}


def without(shapes: Shapes, *beginnings: str) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in shapes.items() if not name[4:].startswith(beginnings)}


class TestInsightFace:
    """The settings of the configuration that the published Python file reads."""

    def test_an_ir_network(self, tmp_path: Path) -> None:
        assert advice(tmp_path, ir_network((3, 4, 14, 3)), "r 50.params") == (
            "these are the names of InsightFace's fresnet.py. Where MXNet is, with easydict and scikit-learn, in the "
            "folder recognition/arcface_mxnet of its repository: `cp sample_config.py config.py`, then `echo "
            "'config.num_layers = 50; config.net_se = 0; config.net_unit = 3; config.net_input = 1; "
            'config.emb_size = 8; config.net_act = "prelu"; config.net_output = "E"\' >> config.py`, then `python '
            "mxnet_capture.py export symbol/fresnet.py:get_symbol --params 'r 50.params' -o PREFIX "
            "--shape data=1,3,112,112`. Names and shapes do not show everything: prefer the symbol that was published "
            "with the parameters"
        )

    @pytest.mark.parametrize(("units", "layers"), [*IR_LAYERS.items(), ((1, 1, 1, 1), None)])
    def test_the_depth_is_that_of_the_units(self, units: tuple[int, ...], layers: int | None, tmp_path: Path) -> None:
        text = advice(tmp_path, ir_network(units))
        assert (f"config.num_layers = {layers};" in text) if layers else ("num_layers" not in text)

    def test_variants(self, tmp_path: Path) -> None:
        units = (2, 2, 2, 2)
        network = ir_network(units)
        bare = without(network, "pre_fc1", "fc1")
        dense = {"arg:fc1_weight": (8, 196), "arg:fc1_bias": (8,)}
        for shapes, setting in (
            (ir_network(units, ("bn1", "bn2", "sc")), "net_unit = 1"),
            (ir_network(units, ("bn1", "bn2")), "net_unit = 2"),
            ({**network, "arg:conv0_weight": (4, 3, 7, 7)}, "net_input = 0"),
            ({**network, **norm("bn_data", 3)}, "net_input = 2"),
            ({**network, "arg:stage1_unit1_se_conv1_weight": (1, 4, 1, 1)}, "net_se = 1"),
            (without(network, "relu0"), 'net_act = "relu"'),
            ({**network, "arg:pre_fc1_weight": (8, 4)}, 'net_output = "GAP"'),
            ({**network, "arg:convf_weight": (4, 1, 3, 3)}, 'net_output = "SFC"'),
            ({**network, **norm("bn6f", 4)}, 'net_output = "GNAP"'),
            (without(network, "bn1"), 'net_output = "J"'),
            ({**bare, **dense}, 'emb_size = 8; config.net_act = "prelu"; config.net_output = "F"'),
            ({**without(bare, "bn1"), **dense}, 'net_output = "H"'),
            (bare, 'net_input = 1; config.net_act = "prelu"\' >>'),
        ):
            assert f"config.{setting}" in advice(tmp_path, shapes)

    @pytest.mark.parametrize(("blocks", "first"), [((0, 4, 6, 2), 1), ((2, 8, 16, 4), 2)])
    def test_mobilefacenet(self, blocks: tuple[int, ...], first: int, tmp_path: Path) -> None:
        names = ["conv_1", "dconv_23_conv_sep", "conv_6sep", "conv_6dw7_7"]
        for stage, count in enumerate(blocks, start=2):
            names += [f"res_{stage}_block{i}_conv_{part}" for i in range(count) for part in ("sep", "dw", "proj")]
        shapes = {f"arg:{name}_conv2d_weight": (4, 4, 1, 1) for name in names}
        shapes.update({"arg:conv_1_relu_gamma": (4,), "arg:pre_fc1_weight": (6, 4), "arg:pre_fc1_bias": (6,)})
        text = advice(tmp_path, {**shapes, **norm("fc1", 6)})
        assert f"config.net_blocks = {[first, *blocks[1:]]}; config.emb_size = 6" in text
        assert 'net_act = "prelu"; config.net_output = "GDC"' in text
        assert "with easydict, in" in text and "export symbol/fmobilefacenet.py:get_symbol --params m-0000" in text


class TestZoos:
    """The command by the name of the network, where the file has one or shapes tell it."""

    @pytest.mark.parametrize(("cells", "units", "name"), [(12, 768, "bert_12_768_12"), (24, 1024, "bert_24_1024_16")])
    def test_bert(self, cells: int, units: int, name: str, tmp_path: Path) -> None:
        shapes = {f"encoder.transformer_cells.{i}.proj.weight": (2, 2) for i in range(cells)}
        shapes["word_embed.0.weight"] = (3, units)
        command = f"`mxnet_capture.py zoo {name} --params m-0000.params -o PREFIX --shape data0=1,8 --shape data1=1,8"
        text = advice(tmp_path, shapes)
        assert text.startswith(f"names and shapes are those of GluonNLP's {name}: where MXNet")
        assert f"{command} --shape data2=1`" in text
        assert "data2=1 --shape data3=1,1`" in advice(tmp_path, {**shapes, "decoder.0.weight": (2, 2)})
        assert advice(tmp_path, {**shapes, "word_embed.0.weight": (3, 5)}) == GENERAL_ADVICE

    def test_a_file_with_the_name_of_a_zoo(self, tmp_path: Path) -> None:
        shapes = {"features.0.weight": (4, 3, 3, 3), "output.weight": (10, 4), "output.bias": (10,)}
        name = "cifar_resnet20_v1-121e1579.params"
        command = f"`mxnet_capture.py zoo cifar_resnet20_v1 --params {name} -o PREFIX"
        text = advice(tmp_path, shapes, name)
        assert text.startswith("the file is called like cifar_resnet20_v1 of a model zoo: where MXNet")
        assert f"{command} --option classes=10`" in text
        assert f"{command}`" in advice(tmp_path, {**shapes, "output.weight": (1000, 4)}, name)
        assert advice(tmp_path, shapes) == GENERAL_ADVICE
        assert advice(tmp_path, {"0.weight": (4, 3)}, name) == GENERAL_ADVICE

"""Layers of the store: kinds, explicit attributes, canonical roles, layouts and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mxnet_to_neutral
import neutral
from neutral.errors import MismatchError
from neutral.store import Store
from neutral_to_mxnet import restore
from reader.checkpoints import SymbolBuilder, params_bytes, ramp, write_checkpoint


def round_trip(folder: Path, symbol: SymbolBuilder, arrays: dict[str, np.ndarray]) -> Store:
    """Read a checkpoint, save and open the store, and check that the checkpoint is restored byte for byte."""
    prefix = write_checkpoint(folder, symbol, arrays)
    with mxnet_to_neutral.read(prefix) as store:
        store.save(folder / "store.safetensors")
    opened = neutral.open(folder / "store.safetensors")
    restore(opened, folder / "back")
    for name in ("model-symbol.json", "model-0000.params"):
        assert (folder / "back" / name).read_bytes() == (folder / name).read_bytes()
    return opened


def single_node(operator: str, name: str, inputs: list[Any], **attributes: str) -> SymbolBuilder:
    symbol = SymbolBuilder()
    symbol.add(operator, name, inputs, **attributes)
    return symbol


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_convolution_states_every_default(rank: int, tmp_path: Path) -> None:
    kernel = (3,) * rank
    symbol = single_node("Convolution", "c", ["data", "c_weight", "c_bias"], kernel=str(kernel), num_filter="4")
    weight = ramp(4, 2, *kernel)
    store = round_trip(tmp_path, symbol, {"arg:c_weight": weight, "arg:c_bias": ramp(4)})
    layer = store.layers["c"]
    assert layer.kind == "convolution"
    assert layer.typed_by == "graph"
    assert layer.attributes == {
        "out_channels": 4,
        "kernel_size": kernel,
        "stride": (1,) * rank,
        "padding": (0,) * rank,
        "dilation": (1,) * rank,
        "groups": 1,
        "layout": "channels_first",
    }
    assert layer.tensors == {"weight": "c.weight", "bias": "c.bias"}
    np.testing.assert_array_equal(store["c.weight"], weight)


@pytest.mark.parametrize(("layout", "rank"), [("NHWC", 2), ("NDHWC", 3)])
def test_a_channels_last_kernel_is_transposed_and_restored(layout: str, rank: int, tmp_path: Path) -> None:
    kernel = (2, 3, 4)[:rank]
    symbol = single_node(
        "Convolution",
        "c",
        ["data", "c_weight"],
        kernel=str(kernel),
        num_filter="5",
        num_group="1",
        no_bias="True",
        layout=layout,
    )
    weight = ramp(5, *kernel, 3)
    store = round_trip(tmp_path, symbol, {"arg:c_weight": weight})
    assert store.layers["c"].attributes["layout"] == "channels_last"
    np.testing.assert_array_equal(store["c.weight"], np.moveaxis(weight, -1, 1))
    assert not any(key.startswith("source.") for key in store.tensors)


def test_a_deconvolution_has_no_bias_by_default(tmp_path: Path) -> None:
    symbol = single_node("Deconvolution", "d", ["data", "d_weight"], kernel="(2, 2)", num_filter="6", num_group="2")
    store = round_trip(tmp_path, symbol, {"arg:d_weight": ramp(4, 3, 2, 2)})
    layer = store.layers["d"]
    assert layer.kind == "transposed_convolution"
    assert set(layer.tensors) == {"weight"}
    assert layer.attributes["output_padding"] == (0, 0)
    assert layer.attributes["output_size"] is None


@pytest.mark.parametrize(("text", "trained"), [("True", False), ("False", True), (None, False)])
def test_fix_gamma_gives_ones_and_keeps_the_stored_array(text: str | None, trained: bool, tmp_path: Path) -> None:
    attributes = {} if text is None else {"fix_gamma": text}
    names = ["bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"]
    symbol = single_node("BatchNorm", "bn", ["data", *names], **attributes)
    gamma = np.array([0.5, 2.0, 3.0], np.float32)
    arrays = {"arg:bn_gamma": gamma, "arg:bn_beta": ramp(3)}
    arrays.update({"aux:bn_moving_mean": ramp(3), "aux:bn_moving_var": ramp(3)})
    store = round_trip(tmp_path, symbol, arrays)
    layer = store.layers["bn"]
    assert layer.attributes == {"eps": 1e-3, "momentum": 0.9, "axis": 1, "scale": trained, "use_global_stats": False}
    assert set(layer.tensors) == {"weight", "bias", "running_mean", "running_var"}
    np.testing.assert_array_equal(store["bn.weight"], gamma if trained else np.ones(3))
    if not trained:
        np.testing.assert_array_equal(store["source.arg:bn_gamma"], gamma)
        assert layer.source.origins["weight"].rule == "ones"


@pytest.mark.parametrize("name", ["BatchNorm_v1", "CuDNNBatchNorm", "_contrib_SyncBatchNorm"])
def test_aliases_of_batch_norm(name: str, tmp_path: Path) -> None:
    inputs = ["data", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"]
    arrays = {f"{'aux' if 'moving' in n else 'arg'}:{n}": ramp(2) for n in inputs[1:]}
    store = round_trip(tmp_path, single_node(name, "bn", inputs, eps="2e-5"), arrays)
    assert store.layers["bn"].kind == "batch_norm"
    assert store.layers["bn"].attributes["eps"] == 2e-5
    assert store.layers["bn"].source.operator == name


def test_a_packed_lstm_is_unpacked_by_layer_and_direction_and_restored(tmp_path: Path) -> None:
    inputs_size, hidden, gates = 3, 2, 4
    shapes = []
    for k in range(2):
        for _ in range(2):
            shapes += [(gates * hidden, 2 * hidden if k else inputs_size), (gates * hidden, hidden)]
    shapes += [(gates * hidden,)] * 8
    vector = ramp(sum(int(np.prod(shape)) for shape in shapes))
    symbol = single_node(
        "RNN",
        "lstm",
        ["data", "lstm_parameters", "state", "cell"],
        mode="lstm",
        state_size="2",
        num_layers="2",
        bidirectional="True",
        state_outputs="True",
    )
    store = round_trip(tmp_path, symbol, {"arg:lstm_parameters": vector})
    layer = store.layers["lstm"]
    assert layer.kind == "lstm"
    assert layer.attributes["num_layers"] == 2
    assert layer.attributes["bidirectional"] is True
    order = [f"weight_{m}_l{k}{d}" for k in range(2) for d in ("", "_reverse") for m in ("ih", "hh")]
    order += [f"bias_{m}_l{k}{d}" for k in range(2) for d in ("", "_reverse") for m in ("ih", "hh")]
    parts = np.split(vector, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    for role, part, shape in zip(order, parts, shapes):
        np.testing.assert_array_equal(store[f"lstm.{role}"], part.reshape(shape))
    assert not any(key.startswith("source.") for key in store.tensors)


@pytest.mark.parametrize(("mode", "kind", "gates"), [("gru", "gru", 3), ("rnn_tanh", "rnn", 1), ("rnn_relu", "rnn", 1)])
def test_gru_and_rnn_modes_of_the_fused_operator(mode: str, kind: str, gates: int, tmp_path: Path) -> None:
    size = gates * 4 * (3 + 4 + 2)
    symbol = single_node("RNN", "r", ["data", "r_parameters", "state"], mode=mode, state_size="4", num_layers="1")
    store = round_trip(tmp_path, symbol, {"arg:r_parameters": ramp(size)})
    assert store.layers["r"].kind == kind
    assert store["r.weight_ih_l0"].shape == (gates * 4, 3)


def test_a_projected_lstm(tmp_path: Path) -> None:
    hidden, projection, features = 4, 2, 3
    size = 16 * features + 16 * projection + projection * hidden + 32
    symbol = single_node(
        "RNN",
        "r",
        ["data", "r_parameters", "state", "cell"],
        mode="lstm",
        state_size="4",
        num_layers="1",
        projection_size="2",
    )
    store = round_trip(tmp_path, symbol, {"arg:r_parameters": ramp(size)})
    assert store["r.weight_hr_l0"].shape == (projection, hidden)
    assert store["r.weight_hh_l0"].shape == (4 * hidden, projection)


def test_a_fused_layer_of_separate_arrays(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    data = symbol.variable("data")
    names = ["lstm0_l0_i2h_weight", "lstm0_l0_h2h_weight", "lstm0_l0_i2h_bias", "lstm0_l0_h2h_bias"]
    flat = [symbol.add("Reshape", f"reshape{i}", [name], shape="(-1,)") for i, name in enumerate(names)]
    packed = symbol.add("_rnn_param_concat", "concat", flat, dim="0", num_args="4")
    symbol.add("RNN", "lstm0_rnn0", [data, packed, "h", "c"], mode="lstm", state_size="2", num_layers="1")
    shapes = {"arg:" + name: (8, 3) if "i2h_w" in name else (8, 2) if "h2h_w" in name else (8,) for name in names}
    store = round_trip(tmp_path, symbol, {name: ramp(*shape) for name, shape in shapes.items()})
    assert list(store.layers) == ["lstm0"]
    assert store.layers["lstm0"].tensors["weight_hh_l0"] == "lstm0.weight_hh_l0"
    assert store.layers["lstm0"].source.origins["bias_ih_l0"].arrays == ("arg:lstm0_l0_i2h_bias",)


@pytest.mark.parametrize(
    ("version", "stored_shape", "rule"), [("per group", (2,), "repeat 3"), ("per channel", (6,), "identity")]
)
def test_group_norm_is_per_channel(version: str, stored_shape: tuple[int], rule: str, tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    conv = symbol.add("Convolution", "c", ["data", "c_weight"], kernel="(1, 1)", num_filter="6", no_bias="1")
    symbol.add("GroupNorm", "gn", [conv, "gn_gamma", "gn_beta"], num_groups="2")
    arrays = {"arg:c_weight": ramp(6, 3, 1, 1), "arg:gn_gamma": ramp(*stored_shape), "arg:gn_beta": ramp(*stored_shape)}
    store = round_trip(tmp_path, symbol, arrays)
    np.testing.assert_array_equal(store["gn.weight"], ramp(*stored_shape).repeat(6 // stored_shape[0]))
    assert store.layers["gn"].source.origins["weight"].rule == rule


@pytest.mark.parametrize("shape", [(4,), (1,), (1, 4)])
def test_prelu_slopes_are_a_vector(shape: tuple[int, ...], tmp_path: Path) -> None:
    symbol = single_node("LeakyReLU", "relu", ["data", "relu_gamma"], act_type="prelu", slope="0.25")
    store = round_trip(tmp_path, symbol, {"arg:relu_gamma": ramp(*shape)})
    assert store.layers["relu"].kind == "prelu"
    assert store["relu.weight"].shape == (shape[-1],)


@pytest.mark.parametrize("modulated", [False, True])
def test_deformable_convolutions(modulated: bool, tmp_path: Path) -> None:
    name = "_contrib_ModulatedDeformableConvolution" if modulated else "_contrib_DeformableConvolution"
    inputs = ["data", "offset", *(["mask"] if modulated else []), "d_weight", "d_bias"]
    symbol = single_node(name, "d", inputs, kernel="(3, 3)", num_filter="4", num_deformable_group="2")
    store = round_trip(tmp_path, symbol, {"arg:d_weight": ramp(4, 2, 3, 3), "arg:d_bias": ramp(4)})
    attributes = store.layers["d"].attributes
    assert (attributes["modulated"], attributes["deformable_groups"]) == (modulated, 2)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_learned_upsampling_is_a_transposed_convolution(scale: int, tmp_path: Path) -> None:
    kernel = 2 * scale - scale % 2
    symbol = single_node(
        "UpSampling", "up", ["data", "up_weight"], scale=str(scale), sample_type="bilinear", num_filter="3"
    )
    store = round_trip(tmp_path, symbol, {"arg:up_weight": ramp(3, 1, kernel, kernel)})
    layer = store.layers["up"]
    assert layer.kind == "transposed_convolution"
    assert layer.attributes["groups"] == 3
    assert layer.attributes["stride"] == (scale, scale)


def test_a_tied_tensor_is_stored_once(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    weight = symbol.variable("embed_weight")
    embedded = symbol.add("Embedding", "embed", ["data", weight], input_dim="7", output_dim="3")
    symbol.add("FullyConnected", "decoder", [embedded, weight], num_hidden="7", no_bias="True", flatten="False")
    store = round_trip(tmp_path, symbol, {"arg:embed_weight": ramp(7, 3)})
    assert store.layers["embed"].tensors == store.layers["decoder"].tensors == {"weight": "embed.weight"}
    assert list(store.tensors) == ["embed.weight"]


def test_a_layer_that_is_applied_twice_is_one_layer(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    weight, bias = symbol.variable("fc_weight"), symbol.variable("fc_bias")
    first = symbol.add("FullyConnected", "t0", ["data", weight, bias], num_hidden="3")
    symbol.add("FullyConnected", "t1", [first, weight, bias], num_hidden="3")
    store = round_trip(tmp_path, symbol, {"arg:fc_weight": ramp(3, 3), "arg:fc_bias": ramp(3)})
    assert list(store.layers) == ["fc"]
    assert [node.layer for node in store.graph.nodes] == ["fc", "fc"]


def test_a_parameter_without_a_layer(tmp_path: Path) -> None:
    symbol = single_node("broadcast_mul", "scaled", ["data", "temperature"])
    store = round_trip(tmp_path, symbol, {"arg:temperature": ramp(1)})
    assert store.layers["temperature"].kind == "parameter"
    assert store.layers["temperature"].tensors == {"value": "temperature.value"}


def test_arrays_that_the_graph_does_not_use_are_kept_and_reported(tmp_path: Path) -> None:
    symbol = single_node("FullyConnected", "fc", ["data", "fc_weight"], num_hidden="2", no_bias="True")
    store = round_trip(tmp_path, symbol, {"arg:fc_weight": ramp(2, 3), "arg:old_head": ramp(5)})
    assert store.layers["old_head"].kind == "parameter"
    assert any("old_head" in note and "does not use" in note for note in store.notes)


def test_an_unknown_operator_is_opaque_and_its_tensors_are_kept(tmp_path: Path) -> None:
    symbol = single_node("MyOperator", "mine", ["data", "mine_weight"], power="2")
    store = round_trip(tmp_path, symbol, {"arg:mine_weight": ramp(2)})
    node = store.graph.nodes[-1]
    assert node.kind == "opaque"
    assert node.attributes["operator"] == "MyOperator"
    assert node.attributes["attributes"] == {"power": "2"}
    assert any("mine" in note and "opaque" in note for note in store.notes)


def test_an_attribute_that_no_rule_knows_makes_the_node_opaque(tmp_path: Path) -> None:
    symbol = single_node("FullyConnected", "fc", ["data", "fc_weight"], num_hidden="2", no_bias="1", binary="True")
    store = round_trip(tmp_path, symbol, {"arg:fc_weight": ramp(2, 3)})
    assert store.graph.nodes[-1].kind == "opaque"
    assert "binary" in store.graph.nodes[-1].attributes["reason"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"arg:fc_weight": ramp(3, 3), "arg:fc_bias": ramp(2)}, r"fc_weight' has shape \(3, 3\), expected \(2, any\)"),
        ({"arg:fc_weight": ramp(2, 3), "arg:fc_bias": ramp(3)}, r"fc_bias' has shape \(3,\), expected \(2\)"),
        ({"arg:fc_weight": ramp(2, 3)}, "array 'fc_bias', which is not there"),
        ({"arg:other_weight": ramp(2, 3)}, "none of its 1 arrays"),
    ],
)
def test_parameters_of_another_model_are_refused(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    symbol = single_node("FullyConnected", "fc", ["data", "fc_weight", "fc_bias"], num_hidden="2")
    prefix = write_checkpoint(tmp_path, symbol, arrays)
    with pytest.raises(MismatchError, match=message):
        mxnet_to_neutral.read(prefix)


def test_a_kernel_of_the_wrong_depth_is_refused(tmp_path: Path) -> None:
    symbol = SymbolBuilder()
    first = symbol.add("Convolution", "a", ["data", "a_weight"], kernel="(1, 1)", num_filter="4", no_bias="1")
    relu = symbol.add("Activation", "relu", [first], act_type="relu")
    symbol.add("Convolution", "b", [relu, "b_weight"], kernel="(1, 1)", num_filter="2", no_bias="1")
    prefix = write_checkpoint(tmp_path, symbol, {"arg:a_weight": ramp(4, 3, 1, 1), "arg:b_weight": ramp(2, 5, 1, 1)})
    with pytest.raises(MismatchError, match=r"b_weight' has shape \(2, 5, 1, 1\), expected \(2, 4, 1, 1\)"):
        mxnet_to_neutral.read(prefix)


NAMED = {
    "batch norm": ({"0.gamma": (3,), "0.beta": (3,), "0.running_mean": (3,), "0.running_var": (3,)}, "0", "batch_norm"),
    "convolution": ({"features.0.weight": (4, 3, 3, 3), "features.0.bias": (4,)}, "features.0", "convolution"),
    "linear": ({"dense0_weight": (4, 3), "dense0_bias": (4,)}, "dense0", "linear"),
    "embedding": ({"embedding0_weight": (9, 3)}, "embedding0", "embedding"),
    "prelu": ({"act.alpha": (4,)}, "act", "prelu"),
    "layer norm": ({"layernorm0_gamma": (4,), "layernorm0_beta": (4,)}, "layernorm0", "layer_norm"),
    "lstm": (
        {"0.l0_i2h_weight": (8, 3), "0.l0_h2h_weight": (8, 2), "0.l0_i2h_bias": (8,), "0.l0_h2h_bias": (8,)},
        "0",
        "lstm",
    ),
    "gru cell": ({"gru_i2h_weight": (6, 3), "gru_h2h_weight": (6, 2), "gru_i2h_bias": (6,)}, "gru", "gru_cell"),
    "unknown": ({"anchors": (1, 4)}, "anchors", "parameter"),
    "ambiguous": ({"norm_gamma": (4,), "norm_beta": (4,)}, "norm_gamma", "parameter"),
    "empty": ({"deconv0_weight": (2, 0, 3, 3), "deconv0_bias": (4,)}, "deconv0_weight", "parameter"),
    "no recurrent part": ({"lstm0_l0_i2r_weight": (2, 2)}, "lstm0_l0_i2r", "linear"),
    "two means": (
        {f"bn_{role}": (3,) for role in ("gamma", "beta", "moving_mean", "running_mean", "moving_var")},
        "bn_running_mean",
        "parameter",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_without_a_symbol_kinds_are_inferred_and_marked(case: str, tmp_path: Path) -> None:
    shapes, name, kind = NAMED[case]
    arrays = {array: ramp(*shape) for array, shape in shapes.items()}
    path = tmp_path / "net.params"
    path.write_bytes(params_bytes(arrays))
    store = mxnet_to_neutral.read(path)
    layer = store.layers[name]
    assert layer.kind == kind
    assert layer.typed_by == "names"
    assert sum(len(layer.tensors) for layer in store.layers.values()) == len(arrays)


def test_numbers_of_thousands_of_digits_in_names_are_names(tmp_path: Path) -> None:
    digits = "1" * 5000
    arrays = {f"lstm0_l{digits}_{role}_weight": ramp(8, width) for role, width in (("i2h", 3), ("h2h", 2))}
    (tmp_path / "a.params").write_bytes(params_bytes(arrays))
    layers = mxnet_to_neutral.read(tmp_path / "a.params").layers
    assert {name: layer.kind for name, layer in layers.items()} == {f"lstm0_l{digits}": "lstm_cell"}

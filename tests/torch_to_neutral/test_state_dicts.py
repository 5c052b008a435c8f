"""State dicts of PyTorch as stores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutral
import torch_to_neutral
from neutral.cli import main
from neutral.cli.sources import read_source
from neutral.errors import MatchError, SourceError, UnsupportedError, UsageError
from neutral.store.safetensors import write_tensors
from neutral.tensor import Tensor, from_numpy
from torch_to_neutral.inference import infer_layers
from torch_to_neutral.plugin import reader

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = pytest.importorskip("torch.nn", reason="PyTorch is not installed")


def network() -> Any:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 4, 3, bias=False),
            deconv=nn.ConvTranspose2d(4, 4, 2, groups=2),
            bn=nn.BatchNorm2d(4),
            relu=nn.PReLU(4),
            layernorm=nn.LayerNorm(5),
            group=nn.GroupNorm(2, 4),
            embed=nn.Embedding(7, 5),
            lstm=nn.LSTM(5, 3, 2, bidirectional=True, proj_size=2),
            cell=nn.GRUCell(5, 3),
            fc=nn.Linear(5, 2),
        )
    )


KINDS = {
    "conv": "convolution",
    "deconv": "transposed_convolution",
    "bn": "batch_norm",
    "bn.num_batches_tracked": "parameter",
    "relu": "prelu",
    "layernorm": "layer_norm",
    "group.weight": "parameter",
    "group.bias": "parameter",
    "embed": "embedding",
    "lstm": "lstm",
    "cell": "gru_cell",
    "fc": "linear",
}


@pytest.fixture(params=["plain.pth", "wrapped.pt", "tensors.safetensors"])
def saved(request: Any, tmp_path: Path) -> tuple[Any, Path]:
    module, path = network(), tmp_path / request.param
    state = module.state_dict()
    if path.suffix == ".safetensors":
        write_tensors({name: from_numpy(value.numpy()) for name, value in state.items()}, path, {"format": "pt"})
    else:
        torch.save({"epoch": 3, "state_dict": state} if path.stem == "wrapped" else state, path)
    return module, path


def test_types_come_from_names_and_shapes(saved: tuple[Any, Path]) -> None:
    store = torch_to_neutral.read(saved[1])
    assert {name: layer.kind for name, layer in store.layers.items()} == KINDS
    assert {layer.typed_by for layer in store.layers.values()} == {"names"}
    assert store.layers["lstm"].attributes == {
        "hidden_size": 3,
        "num_layers": 2,
        "bidirectional": True,
        "projection_size": 2,
    }
    assert any("kept as parameters: " in note and "group.weight" in note for note in store.notes)
    assert any("left out: epoch" in note for note in store.notes) == ("wrapped" in str(saved[1]))


def test_every_value_is_in_the_saved_store(saved: tuple[Any, Path], tmp_path: Path) -> None:
    module, path = saved
    torch_to_neutral.read(path).save(tmp_path / "store.h5" if path.suffix == ".pt" else tmp_path / "s.safetensors")
    with neutral.open(next(p for p in tmp_path.iterdir() if p.stem in ("store", "s"))) as store:
        arrays = {key[: -len(".value")] if key.endswith(".value") else key: store[key] for key in store.tensors}
        state = module.state_dict()
        assert set(arrays) == set(state)
        for name, value in state.items():
            np.testing.assert_array_equal(arrays[name], value.numpy())


def test_bfloat16_keeps_its_bits(tmp_path: Path) -> None:
    value = torch.tensor([1.0, -2.5, float("nan"), 3e38]).bfloat16()
    torch.save({"a": value}, tmp_path / "a.pth")
    tensor = torch_to_neutral.read(tmp_path / "a.pth").tensors["a.value"]
    assert tensor.dtype == "BF16"
    np.testing.assert_array_equal(tensor.numpy(), value.view(torch.int16).numpy().view(np.uint16))


def test_the_layout_in_memory_is_no_matter(tmp_path: Path) -> None:
    value = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)[::2]
    torch.save({"a": value}, tmp_path / "a.pth")
    np.testing.assert_array_equal(torch_to_neutral.read(tmp_path / "a.pth")["a.value"], value.numpy())


def test_a_pickle_with_code_is_never_run(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(SourceError, match=r"weights only .* Save module\.state_dict\(\) alone"):
        torch_to_neutral.read(tmp_path / "module.pth")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({}, SourceError, "there is no tensor"),
        ([1, 2], SourceError, "this holds a list"),
        ({"a": "b"}, SourceError, "there is no tensor"),
        ({"a": torch.zeros(2, 2).to_sparse()}, UnsupportedError, "a is torch.float32 in the layout"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, UnsupportedError, "a is torch.complex64"),
    ],
)
def test_invalid_state_dicts(tmp_path: Path, content: Any, error: type[Exception], message: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(error, match=message):
        torch_to_neutral.read(tmp_path / "a.pth")


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(SourceError, match="torch cannot load this"):
        torch_to_neutral.read(tmp_path / "a.pth")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.pth: there is no such file"):
        torch_to_neutral.read(tmp_path / "a.pth")


def test_a_pickle_without_torch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pth")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnsupportedError, match=r"pip install torch. Or save the state dict as \.safetensors"):
        torch_to_neutral.read(tmp_path / "a.pth")


def test_a_state_dict_without_untyped_tensors_has_no_note_of_them(tmp_path: Path) -> None:
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "plain.pth")
    torch.save({"fc": nn.Linear(3, 2).state_dict()}, tmp_path / "nested.pth")
    torch.save(nn.Sequential(nn.Linear(3, 2)).state_dict(), tmp_path / "typed.pth")
    assert torch_to_neutral.read(tmp_path / "typed.pth").notes == ("types inferred from names and shapes",)
    assert len(torch_to_neutral.read(tmp_path / "plain.pth").notes) == 2


@pytest.mark.parametrize(
    ("name", "shapes", "kind"),
    [
        ("conv", {"weight": (4, 3, 3, 3), "bias": (4,)}, "convolution"),
        ("conv", {"weight": (4, 3, 3, 3), "bias": (5,)}, None),
        ("deconv", {"weight": (4, 2, 3, 3), "bias": (6,)}, "transposed_convolution"),
        ("deconv", {"weight": (4, 2, 3, 3), "bias": (5,)}, None),
        ("deconv", {"weight": (4, 2, 3, 3), "bias": (4,)}, "transposed_convolution"),
        ("deconv", {"weight": (4, 1, 3, 3), "bias": (5,)}, "transposed_convolution"),
        ("deconv", {"weight": (1, 2, 3, 4, 5, 6)}, None),
        ("fc", {"weight": (4, 3), "bias": (3,)}, None),
        ("blocks", {"weight": (1, 2, 3, 4, 5, 6)}, None),
        ("scale", {"weight": (4,)}, None),
        ("norm", {"weight": (4,), "bias": (5,)}, None),
        ("layer_norm", {"weight": (4,), "bias": (5,)}, None),
        ("bn", {"running_mean": (4,), "running_var": (4,)}, "batch_norm"),
        ("bn", {"running_mean": (4,), "running_var": (4, 1)}, None),
        ("bn", {"num_batches_tracked": ()}, None),
        ("bn", {"running_mean": (4,), "running_var": (4,), "extra": (4,)}, None),
        ("cell", {"weight_ih": (8, 3), "weight_hh": (8, 2)}, "lstm_cell"),
        ("cell", {"weight_ih": (8, 3), "weight_hh": (7, 2)}, None),
        ("cell", {"weight_ih": (8,), "weight_hh": (8, 2)}, None),
        ("cell", {"weight_ih": (10, 3), "weight_hh": (10, 2)}, None),
        ("rnn", {"weight_ih_l0": (2, 3), "weight_hh_l0": (2, 2)}, "rnn"),
        ("rnn", {"weight_ih_l1": (2, 3), "weight_hh_l1": (2, 2)}, None),
        ("rnn", {"weight_ih_l0": (5, 3), "weight_hh_l0": (5, 2)}, None),
        ("rnn", {"weight_ih_l0": (8, 3), "weight_hh_l0": (8, 1), "weight_hr_l0": (1, 2)}, "lstm"),
        ("rnn", {"weight_ih_l0": (8, 3), "weight_hh_l0": (8, 1), "weight_hr_l0": (2,)}, None),
    ],
)
def test_shapes_that_fit_no_kind_leave_parameters(name: str, shapes: dict[str, Any], kind: str | None) -> None:
    layers, _ = infer_layers({f"{name}.{role}": Tensor("F32", shape, ()) for role, shape in shapes.items()})
    expected = {f"{name}.{role}": "parameter" for role in shapes} if kind is None else {name: kind}
    assert {layer.name: layer.kind for layer in layers.values()} == expected


@pytest.mark.parametrize(
    ("name", "shapes", "attributes"),
    [
        ("conv", {"weight": (4, 3, 5)}, {"out_channels": 4, "kernel_size": (5,)}),
        ("conv", {"weight": (4, 3, 5, 6, 7)}, {"out_channels": 4, "kernel_size": (5, 6, 7)}),
        ("deconv", {"weight": (4, 3, 5)}, {"kernel_size": (5,)}),
        ("deconv", {"weight": (4, 3, 5, 6, 7), "bias": (3,)}, {"kernel_size": (5, 6, 7)}),
        ("fc", {"weight": (4, 3)}, {"out_features": 4}),
        ("embed", {"weight": (7, 5)}, {"num_embeddings": 7, "embedding_dim": 5}),
        ("cell", {"weight_ih": (8, 3), "weight_hh": (8, 2)}, {"hidden_size": 2}),
        (
            "rnn",
            {"weight_ih_l0": (8, 3), "weight_hh_l0": (8, 2)},
            {"hidden_size": 2, "num_layers": 1, "bidirectional": False, "projection_size": 0},
        ),
    ],
)
def test_shapes_determine_attributes(name: str, shapes: dict[str, Any], attributes: dict[str, Any]) -> None:
    layers, _ = infer_layers({f"{name}.{role}": Tensor("F32", shape, ()) for role, shape in shapes.items()})
    assert layers[name].attributes == attributes


def test_which_files_the_reader_takes(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 9)
    tensors = {"fc.weight": from_numpy(np.zeros((2, 3), np.float32))}
    write_tensors(tensors, tmp_path / "weights.safetensors")
    torch_to_neutral.read(tmp_path / "weights.safetensors").save(tmp_path / "store.safetensors")
    taken = list(reader.find(str(tmp_path), sorted(path.name for path in tmp_path.iterdir())))
    assert taken == [("a.pth", ("a.pth",)), ("weights.safetensors", ("weights.safetensors",))]
    assert not reader.can_read(str(tmp_path / "missing.pth"))


def test_the_reader_takes_one_file_and_no_options(tmp_path: Path) -> None:
    write_tensors({"fc.weight": from_numpy(np.zeros((2, 3), np.float32))}, tmp_path / "a.safetensors")
    path = str(tmp_path / "a.safetensors")
    assert reader.read(path).layers["fc"].kind == "linear"
    for paths, options in (((path, path), {}), ((path,), {"epoch": 3})):
        with pytest.raises(UsageError, match="a state dict is one file, and has no epoch"):
            reader.read(*paths, **options)


def neutral_command(*words: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "neutral", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_line_takes_state_dicts_as_it_takes_checkpoints(saved: tuple[Any, Path], tmp_path: Path) -> None:
    store = tmp_path / "store.safetensors"
    done = neutral_command("export", saved[1], "-o", store)
    assert done.returncode == 0, done.stderr
    same = neutral_command("diff", store, saved[1])
    assert (same.returncode, same.stdout.split(":")[0]) == (0, "the same")
    document = json.loads(neutral_command("inspect", saved[1], "--json").stdout)
    assert {layer["name"]: layer["kind"] for layer in document["layers"]} == KINDS


def test_types_come_from_the_module_when_it_is_given(saved: tuple[Any, Path]) -> None:
    neutral_to_torch = pytest.importorskip("neutral_to_torch")
    module, path = saved
    store = neutral_to_torch.typed(torch_to_neutral.read(path), module)
    kinds = {name: layer.kind for name, layer in store.layers.items()}
    assert kinds["group"] == "group_norm" and kinds["layernorm"] == "layer_norm" and kinds["fc"] == "linear"
    assert {store.layers[name].typed_by for name in kinds if name != "bn.num_batches_tracked"} == {"user"}
    assert store.layers["deconv"].attributes["groups"] == 2 and store.layers["group"].attributes["groups"] == 2
    for name, value in module.state_dict().items():
        key = name if name in store.tensors else f"{name}.value"
        np.testing.assert_array_equal(store[key], value.numpy())
    store.save(path.parent / "typed.safetensors")
    with neutral.open(path.parent / "typed.safetensors") as again:
        assert {name: layer.kind for name, layer in again.layers.items()} == kinds


def test_a_module_of_another_state_dict_is_refused(saved: tuple[Any, Path]) -> None:
    neutral_to_torch = pytest.importorskip("neutral_to_torch")
    module, path = saved
    module.fc = nn.Linear(6, 2)
    del module.cell
    with pytest.raises(MatchError) as caught:
        neutral_to_torch.typed(torch_to_neutral.read(path), module)
    assert "fc.weight has shape (2, 5), the module's (2, 6)" in str(caught.value)
    assert "cell.weight_ih is not in the module" in str(caught.value)


def test_the_command_takes_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("from torch import nn\ndef net(): return nn.Sequential(nn.GroupNorm(2, 4))\n")
    torch.save(nn.Sequential(nn.GroupNorm(2, 4)).state_dict(), tmp_path / "mine.pth")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "mine.pth", "--into", "mine:net", "-o", "typed.safetensors"]) == 0
    with neutral.open("typed.safetensors") as store:
        assert store.layers["0"].kind == "group_norm"


def inner() -> Any:
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4), fc=nn.Linear(4, 2)))


@pytest.mark.parametrize(
    ("prefix", "extra"),
    [
        ("module.", {}),
        ("_orig_mod.", {}),
        ("module._orig_mod.", {"epoch": 3}),
        ("net.", {"pytorch-lightning_version": "2.2.0", "epoch": 3}),
        ("model._orig_mod.", {"pytorch-lightning_version": "2.2.0"}),
    ],
)
@pytest.mark.parametrize("name", ["w.pth", "last.ckpt", "checkpoint.pth.tar", "pytorch_model.bin"])
def test_the_names_of_wrappers_are_left_out(tmp_path: Path, name: str, prefix: str, extra: dict[str, Any]) -> None:
    expected = inner().state_dict()
    content = {prefix + key: value for key, value in expected.items()}
    torch.save({"state_dict": content, **extra} if extra else content, tmp_path / name)
    with read_source([str(tmp_path / name)], None) as store:
        assert list(store.layers) == ["conv", "bn", "bn.num_batches_tracked", "fc"]
        assert f"the names of all tensors begin with {prefix!r}, which is left out" in store.notes
        assert np.array_equal(store.tensors["fc.weight"].numpy(), expected["fc.weight"].numpy())


def test_names_that_not_all_tensors_have_are_kept(tmp_path: Path) -> None:
    content = {"net.fc.weight": torch.ones(2, 2), "loss.weight": torch.ones(2)}
    torch.save({"state_dict": content, "pytorch-lightning_version": "2.2.0"}, tmp_path / "last.ckpt")
    assert set(torch_to_neutral.read(tmp_path / "last.ckpt").layers) == {"net.fc", "loss.weight"}
    torch.save({"module.weight": torch.ones(2, 2), "scale": torch.ones(2)}, tmp_path / "own.pth")
    assert "module" in torch_to_neutral.read(tmp_path / "own.pth").layers
    torch.save({"state_dict": {"fc.weight": torch.ones(2, 2)}, "pytorch-lightning_version": "2"}, tmp_path / "one.ckpt")
    assert list(torch_to_neutral.read(tmp_path / "one.ckpt").layers) == ["fc"]


def test_files_of_old_torch_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    torch.save(inner().state_dict(), tmp_path / "old.model", _use_new_zipfile_serialization=False)
    assert reader.can_read(str(tmp_path / "old.model")) and not reader.can_read(str(tmp_path / "none"))


def test_a_file_that_cannot_be_opened_is_no_state_dict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "net.model")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("torch_to_neutral.plugin.open", refuse, raising=False)
    assert not reader.can_read(str(tmp_path / "net.model"))

"""GluonNLP's BERT into that of transformers: no mapping, whatever way attention is computed in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import mxnet_to_neutral
import neutral_to_torch
import torch_to_neutral
from graphs import GraphBuilder
from neutral.errors import MatchError
from neutral.store import Store, shards
from neutral.verification.golden import open_golden
from parity.architectures import declare_operators

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="not installed: transformers")


def bert(implementation: str = "eager", **changes: Any) -> Any:
    declare_operators()
    from transformers import BertConfig, BertModel

    sizes = {"vocab_size": 60, "hidden_size": 48, "num_attention_heads": 4, "intermediate_size": 96}
    more = {"num_hidden_layers": 3, "max_position_embeddings": 32, "type_vocab_size": 2, "layer_norm_eps": 1e-12}
    return BertModel(BertConfig(**{**sizes, **more, **changes}, attn_implementation=implementation)).eval()


def recorded(mxnet: Any, folder: Path, model: str) -> tuple[Any, Any, dict[str, torch.Tensor]]:
    """The store, the golden file, and its inputs as transformers take them."""
    if f"gluonnlp/{model}" not in mxnet.call("families:names"):
        pytest.skip("GluonNLP is not beside MXNet")
    prefix, path = str(folder / "model"), str(folder / "golden.safetensors")
    mxnet.call("families:make", name=f"gluonnlp/{model}", prefix=prefix, golden=path)
    golden = open_golden(path)
    words, kinds, *lengths = (torch.from_numpy(golden.array(item.key)) for item in golden.inputs)
    example = {"input_ids": words.long(), "token_type_ids": kinds.long()}
    if lengths:
        example["attention_mask"] = (torch.arange(words.shape[1]) < lengths[0][:, None]).long()
    return mxnet_to_neutral.read(prefix, 0), golden, example


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("model", ["bert", "bert_of_lengths"])
def test_bert(mxnet: Any, tmp_path: Path, model: str, implementation: str) -> None:
    store, golden, example = recorded(mxnet, tmp_path, model)
    module = bert(implementation)
    plan = neutral_to_torch.load_into(module, store, example=example)
    assert {pair.layer for pair in plan.pairs} == set(store.layers) and not plan.differences
    with torch.no_grad():
        outputs = module(**example)
    inside = example.get("attention_mask", torch.ones_like(example["input_ids"]))[..., None]
    states, pooled = (torch.from_numpy(golden.array(key)) for key in golden.outputs)
    torch.testing.assert_close(outputs.last_hidden_state * inside, states, rtol=0, atol=1e-5)
    torch.testing.assert_close(outputs.pooler_output, pooled, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"num_hidden_layers": 2}, "transformer2"),
        ({"num_hidden_layers": 4}, "encoder.layer."),
        ({"hidden_act": "relu"}, "positionwiseffn0_ffn_2"),
        ({"num_attention_heads": 2}, "_proj"),
        ({"intermediate_size": 80}, "ffn_1"),
    ],
)
def test_another_bert_is_refused(mxnet: Any, tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    store, _, example = recorded(mxnet, tmp_path, "bert")
    with pytest.raises(MatchError) as caught:
        neutral_to_torch.load_into(bert(**changes), store, example=example)
    assert problem in str(caught.value)


def test_another_epsilon_is_reported(mxnet: Any, tmp_path: Path) -> None:
    store, _, example = recorded(mxnet, tmp_path, "bert")
    with pytest.raises(MatchError, match=r"eps is 1e-12 in the store and 0.001 in the module"):
        neutral_to_torch.make_plan(bert(layer_norm_eps=1e-3), store, example=example)
    plan = neutral_to_torch.make_plan(bert(layer_norm_eps=1e-3), store, example=example, allow_attributes=["*"])
    assert {difference.attribute for _, difference in plan.differences} == {"eps"}


def test_shards_are_read_by_from_pretrained(tmp_path: Path) -> None:
    """The names and the index are those that transformers look for."""
    module = bert()
    save_file(module.state_dict(), tmp_path / "state.safetensors")
    module.config.save_pretrained(tmp_path / "model")
    with torch_to_neutral.read(tmp_path / "state.safetensors") as store:
        names = shards.write(store, str(tmp_path / "model" / "model.safetensors"), max_shard_size=100_000)
    assert len(names) > 3
    again = type(module).from_pretrained(tmp_path / "model")
    assert module.state_dict().keys() == again.state_dict().keys()
    for name, value in module.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)


class Mlp(torch.nn.Module):
    """GPT-2's, with one square matrix more."""

    def __init__(self) -> None:
        super().__init__()
        declare_operators()
        from transformers.pytorch_utils import Conv1D

        self.c_fc, self.c_mid, self.c_proj = Conv1D(12, 6), Conv1D(12, 12), Conv1D(6, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c_proj(torch.tanh(self.c_mid(torch.tanh(self.c_fc(x)))))


@pytest.mark.parametrize("names", [("c_fc", "c_mid", "c_proj"), ("a", "b", "c")])
@pytest.mark.parametrize("example", [torch.randn(2, 5, 6), torch.randn(1, 1, 6), None])
def test_the_matrices_of_conv1d_are_transposed(names: Any, example: Any) -> None:
    g = GraphBuilder()
    x = g.input(shape=(None, 5, 6))
    for name, (inputs, outputs) in zip(names, ((6, 12), (12, 12), (12, 6))):
        x = g.linear(x, outputs, features=inputs, flatten=False, name=name)
        x = x if name == names[-1] else g.node("tanh", x)
    store, module = g.store(x), Mlp()
    plan = neutral_to_torch.load_into(module, store, example=example)
    assert all(str(pair.layouts["weight"]) == "transposed" for pair in plan.pairs)
    numbers = torch.randn(3, 5, 6)
    with torch.no_grad():
        torch.testing.assert_close(module(numbers), neutral_to_torch.build(store)(numbers), rtol=1e-4, atol=1e-5)


def test_the_matrices_of_conv1d_are_transposed_without_a_graph() -> None:
    g, module = GraphBuilder(), Mlp()
    for name, shape in (("c_fc", (12, 6)), ("c_mid", (12, 12)), ("c_proj", (6, 12))):
        arrays = {"weight": g.values(*shape), "bias": g.values(shape[0])}
        g.layer(name, "linear", arrays, {"out_features": shape[0], "flatten": False})
    neutral_to_torch.load_into(module, Store(g.layers, g.tensors, None))
    np.testing.assert_array_equal(module.c_mid.weight.detach().numpy(), g.tensors["c_mid.weight"].numpy().T)


def test_a_module_of_conv1d_is_typed_in_the_catalogues_layout(tmp_path: Path) -> None:
    module = Mlp()
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    typed = neutral_to_torch.typed(torch_to_neutral.read(tmp_path / "weights.safetensors"), module)
    assert typed["c_fc.weight"].shape == (12, 6)
    np.testing.assert_array_equal(typed["c_mid.weight"], module.c_mid.weight.detach().numpy().T)

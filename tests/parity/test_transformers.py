"""GluonNLP's BERT into that of transformers: no mapping, whatever way attention is computed in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import mxnet_to_neutral
import neutral_to_torch
import torch_to_neutral
from neutral.errors import MatchError
from neutral.store import shards
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
        found = module(**example)
    inside = example.get("attention_mask", torch.ones_like(example["input_ids"]))[..., None]
    states, pooled = (torch.from_numpy(golden.array(key)) for key in golden.outputs)
    torch.testing.assert_close(found.last_hidden_state * inside, states, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.pooler_output, pooled, rtol=0, atol=1e-5)


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
    plan = neutral_to_torch.make_plan(bert(layer_norm_eps=1e-3), store, example=example)
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

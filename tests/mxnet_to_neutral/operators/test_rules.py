"""The interface of reader rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import numpy as np
import pytest

import mxnet_to_neutral
from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators import RULES, rule
from neutral.errors import MismatchError, NeutralError
from neutral.graph import Operand, Value
from neutral.store.check import check
from neutral.store.store import Store
from reader.checkpoints import SymbolBuilder, ramp, write_checkpoint


@pytest.fixture(autouse=True)
def own_rules() -> Iterator[None]:
    """Forget the rule that a test registers."""
    yield
    RULES.pop("tested", None)


def read(folder: Path, arrays: Mapping[str, np.ndarray], inputs: int = 2, **attributes: str) -> Store:
    """Read a symbol with one node, of the operator ``tested``."""
    symbol = SymbolBuilder()
    symbol.add("tested", "it", ["data", "it_weight"][:inputs], **attributes)
    return mxnet_to_neutral.read(write_checkpoint(folder, symbol, arrays))


def kinds(store: Store) -> list[str]:
    assert store.graph is not None
    return [node.kind for node in store.graph.nodes]


WEIGHT: Mapping[str, np.ndarray] = {"arg:it_weight": ramp(2, 3)}


def test_an_attribute_that_is_not_read_makes_the_node_opaque(tmp_path: Path) -> None:
    rule("tested")(lambda context: context.node("relu", context.input(0)))
    store = read(tmp_path, WEIGHT, alpha="1")
    assert kinds(store) == ["parameter", "opaque"]
    assert "not understood: alpha" in store.notes[-1]


def test_a_refusal_keeps_tensors_and_reason(tmp_path: Path) -> None:
    @rule("tested")
    def refusing(context: NodeContext) -> Operand:
        context.node("relu", context.input(0))
        context.refuse("it cannot be expressed")

    store = read(tmp_path, WEIGHT)
    assert kinds(store) == ["parameter", "opaque"]
    assert store.graph is not None and store.graph.nodes[-1].attributes["reason"] == "it cannot be expressed"
    np.testing.assert_array_equal(store.tensors["it_weight.value"].numpy(), ramp(2, 3))


def test_an_input_that_is_missing_is_a_refusal(tmp_path: Path) -> None:
    rule("tested")(lambda context: context.node("add", context.input(0), context.input(1)))
    assert kinds(read(tmp_path, {}, inputs=1)) == ["opaque"]


def test_a_role_of_another_shape_is_a_contradiction(tmp_path: Path) -> None:
    rule("tested")(linear_rule(lambda context: context.role(1, shape=(3, None))))
    with pytest.raises(MismatchError, match=r"'arg:it_weight' has shape \(2, 3\), expected \(3, any\)"):
        read(tmp_path, WEIGHT)


def test_a_role_without_its_array_is_a_contradiction(tmp_path: Path) -> None:
    rule("tested")(linear_rule(lambda context: context.role(1, shape=(2, None))))
    with pytest.raises(MismatchError, match=r"\(tested\) needs array 'it_weight', which is not there"):
        read(tmp_path, {"arg:data": ramp(4, 3)})


def linear_rule(weight: Callable[[NodeContext], Any]) -> Callable[[NodeContext], Operand]:
    """Return a rule of a linear layer without bias."""

    def linear(context: NodeContext) -> Operand:
        roles = {"weight": weight(context), "bias": None}
        return context.node("linear", context.input(0), roles=roles, out_features=2, flatten=False)

    return linear


def test_a_role_can_be_transposed(tmp_path: Path) -> None:
    rule("tested")(linear_rule(lambda context: context.role(1, axes=(1, 0))))
    tensor = read(tmp_path, {"arg:it_weight": ramp(3, 2)}).tensors["it.weight"]
    np.testing.assert_array_equal(tensor.numpy(), ramp(3, 2).T)


def test_a_node_that_a_store_cannot_express_is_opaque(tmp_path: Path) -> None:
    rule("tested")(linear_rule(lambda context: context.role(1, axes=(1, 0))))
    store = read(tmp_path, WEIGHT)
    assert kinds(store) == ["parameter", "opaque"]
    assert store.graph is not None
    assert store.graph.nodes[-1].attributes["reason"].startswith("a store cannot express it: ")
    np.testing.assert_array_equal(store.tensors["it_weight.value"].numpy(), ramp(2, 3))
    store.save(tmp_path / "x.safetensors")
    assert check(tmp_path / "x.safetensors", data=True).ok


def test_attributes_are_those_of_the_catalogue(tmp_path: Path) -> None:
    rule("tested")(lambda context: context.node("leaky_relu", context.input(0), slope=1.0))
    with pytest.raises(NeutralError, match="rule of tested: leaky_relu has no attribute 'slope'"):
        read(tmp_path, WEIGHT)


def test_an_operator_has_one_rule() -> None:
    with pytest.raises(NeutralError, match="'Convolution' has two rules"):
        rule("Convolution")(lambda context: context.input(0))


def test_notes_are_kept_once(tmp_path: Path) -> None:
    @rule("tested")
    def noting(context: NodeContext) -> Operand:
        context.note("remarkable")
        context.note("remarkable")
        return context.input(0)

    store = read(tmp_path, {}, inputs=1)
    assert store.notes.count("remarkable") == 1 and kinds(store) == ["identity"]


@pytest.mark.parametrize(("weight", "named"), [("kernels", ()), ("conv_weight", ("conv_weight",))])
def test_a_weight_without_an_array_can_be_an_input(tmp_path: Path, weight: str, named: tuple[str, ...]) -> None:
    """It is called unlike a parameter, or named as an input; otherwise it counts as missing."""
    symbol = SymbolBuilder()
    conv = symbol.add("Convolution", "conv", ["data", weight], kernel="(1, 1)", num_filter="2", no_bias="True")
    symbol.add("FullyConnected", "fc", [conv, "fc_weight"], num_hidden="3", no_bias="True")
    prefix = write_checkpoint(tmp_path, symbol, {"arg:fc_weight": ramp(3, 8)})
    if named:
        with pytest.raises(MismatchError, match=f"needs array '{weight}', which is not there"):
            mxnet_to_neutral.read(prefix)
    store = mxnet_to_neutral.read(prefix, inputs=named)
    assert store.graph is not None
    assert [item.name for item in store.graph.inputs] == ["data", weight]
    assert store.graph.nodes[0].computed == {"weight": Value(weight)}
    assert any(f"'{weight}' takes the place of a weight" in note for note in store.notes) == (not named)

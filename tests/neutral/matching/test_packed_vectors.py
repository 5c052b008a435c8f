"""Stored vectors that hold all weights and biases of a recurrent layer, in stores without a graph."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pytest

from neutral.errors import MatchError, UsageError
from neutral.graph import Graph, Layer
from neutral.matching import Network, Plan, make_plan
from neutral.matching.regroup import regroup_layers
from neutral.packed_rnn import locate_matrices, packed_matrices, packed_size
from neutral.store import Store
from neutral.tensor import FileRange, Tensor, from_numpy

GRU = {"hidden_size": 3, "num_layers": 1, "bidirectional": False}
GRU_SIZE = 9 * 5 + 9 * 3 + 9 + 9
NAME = "p[gru(hidden_size=3, num_layers=1)]"


class Module:
    """A module of recurrent layers with five features of input, of no framework: the description alone."""

    name = "Net"
    probe = None

    def __init__(self, *names: str, kind: str = "gru", **attributes: Any) -> None:
        layers, shapes = {}, {}
        for name in names:
            matrices = list(packed_matrices(kind, {**GRU, **attributes}))
            slices = locate_matrices(matrices, packed_size(matrices, 5)) or []
            keys = {item.role: f"{name}.{item.role}" for item in slices}
            layers[name] = Layer(name, kind, {**GRU, **attributes}, keys)
            shapes.update({keys[item.role]: item.shape for item in slices})
        self.network = Network(layers, shapes)

    def implied_attributes(self, layer: str) -> Mapping[str, Any]:
        return {}

    def can_set(self, layer: str, attribute: str, value: Any) -> bool:
        return False


def vectors(*names: str, shape: tuple[int, ...] = (GRU_SIZE,), graph: Graph | None = None) -> Store:
    layers = {name: Layer(name, "parameter", {}, {"value": name}, typed_by="names") for name in names}
    values = np.arange(prod(shape), dtype="float32").reshape(shape)
    return Store(layers, {name: from_numpy(values) for name in names}, graph)


def filled(plan: Plan) -> dict[str, str]:
    return {pair.layer: pair.module for pair in plan.pairs}


def test_weights_come_before_biases_and_slices_are_contiguous() -> None:
    store = regroup_layers(vectors("p"), [NAME])
    layer = store.layers[NAME]
    assert (layer.kind, layer.attributes) == ("gru", GRU)
    assert "p" not in store.layers and "p" not in store.tensors
    values = [store.tensors[key].numpy() for key in layer.tensors.values()]
    assert [array.shape for array in values] == [(9, 5), (9, 3), (9,), (9,)]
    np.testing.assert_array_equal(np.concatenate([array.ravel() for array in values]), np.arange(GRU_SIZE))


def test_slices_of_a_vector_in_a_file_are_ranges_of_it(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"head" + np.arange(GRU_SIZE, dtype="float32").tobytes())
    tensor = Tensor("F32", (GRU_SIZE,), (FileRange(str(path), 4, 4 * GRU_SIZE),))
    store = regroup_layers(Store(vectors("p").layers, {"p": tensor}), [NAME])
    bias = store.tensors[f"{NAME}.bias_hh_l0"]
    assert bias.content == (FileRange(str(path), 4 + 4 * 81, 4 * 9),)
    np.testing.assert_array_equal(bias.numpy(), np.arange(81, 90))


def test_the_order_is_layer_by_layer_and_forward_before_backward() -> None:
    attributes = {"hidden_size": 3, "num_layers": 2, "bidirectional": True, "projection_size": 2}
    roles = [role for role, _ in packed_matrices("lstm", attributes)]
    places = ("l0", "l0_reverse", "l1", "l1_reverse")
    assert roles == [
        *(f"weight_{matrix}_{place}" for place in places for matrix in ("ih", "hh", "hr")),
        *(f"bias_{matrix}_{place}" for place in places for matrix in ("ih", "hh")),
    ]


def test_a_mapping_leads_a_vector_to_a_layer_and_the_plan_repeats_it(tmp_path: Path) -> None:
    plan = make_plan(Module("left", "right"), vectors("a", "b"), {"a": "right", "b": "left"})
    names = {name: NAME.replace("p", name, 1) for name in "ab"}
    assert filled(plan) == {names["a"]: "right", names["b"]: "left"}
    plan.save(tmp_path / "plan.toml")
    assert filled(make_plan(Module("left", "right"), vectors("a", "b"), tmp_path / "plan.toml")) == filled(plan)


def test_a_pattern_may_stand_for_vectors_and_the_names_of_a_plan_may_be_written() -> None:
    pattern = make_plan(Module("layers.0", "layers.1"), vectors("0.p", "1.p"), {r"(\d)\.p": "layers.$1"})
    assert filled(pattern) == {f"{i}.{NAME}": f"layers.{i}" for i in range(2)}
    assert filled(make_plan(Module("net"), vectors("p"), {NAME: "net"})) == {NAME: "net"}


def test_one_vector_that_fits_one_layer_is_inferred_and_noted() -> None:
    plan = make_plan(Module("net"), vectors("p"))
    assert filled(plan) == {NAME: "net"}
    assert plan.notes == (f"stored {NAME} fills the module's net: inferred from the number of its elements alone",)


@pytest.mark.parametrize(
    ("stored", "modules"), [(("a",), ("left", "right")), (("a", "b"), ("net",)), (("a", "b"), ("left", "right"))]
)
def test_nothing_is_inferred_where_there_is_a_choice(stored: tuple[str, ...], modules: tuple[str, ...]) -> None:
    with pytest.raises(MatchError, match=r"0 of \d stored layers matched"):
        make_plan(Module(*modules), vectors(*stored))


def test_the_rest_is_inferred_where_a_mapping_leaves_no_choice() -> None:
    plan = make_plan(Module("left", "right"), vectors("a", "b"), {"a": "right"})
    assert filled(plan) == {NAME.replace("p", "a", 1): "right", NAME.replace("p", "b", 1): "left"}


def test_a_vector_of_another_size_is_refused_by_name() -> None:
    message = (
        "the mapping of 'p' to 'net' cannot be: p has 90 elements, and the weights and biases of the module's net "
        "have 132 in all (gru, input_size=5, hidden_size=4, num_layers=1)."
    )
    with pytest.raises(MatchError, match=re.escape(message)):
        make_plan(Module("net", hidden_size=4), vectors("p"), {"p": "net"})
    with pytest.raises(MatchError, match="0 of 1 stored layers matched"):
        make_plan(Module("net", hidden_size=4), vectors("p"))


def test_biases_that_the_module_lacks_have_to_be_zeros() -> None:
    module = Module("net")
    layer = module.network.layers["net"]
    weights = {role: key for role, key in layer.tensors.items() if role.startswith("weight")}
    module.network = Network({"net": layer._replace(tensors=weights)}, module.network.shapes)
    with pytest.raises(MatchError, match="has a bias_ih_l0 that is not all zeros, and the module's net has none"):
        make_plan(module, vectors("p"), {"p": "net"})


@pytest.mark.parametrize("sizes", ["hidden_size=7, num_layers=1", "hidden_size=3, num_layers=999999999999999999"])
def test_a_name_whose_sizes_do_not_add_up_is_refused(sizes: str) -> None:
    with pytest.raises(MatchError, match=r"cannot be: p has 90 elements, and no size of the input gives as many"):
        regroup_layers(vectors("p"), [f"p[gru({sizes})]"])


@pytest.mark.parametrize(
    "store", [vectors("p", shape=(9, 10)), vectors("p", graph=Graph((), (), ()))], ids=["a matrix", "with a graph"]
)
def test_other_parameters_stay_what_they_are(store: Store) -> None:
    assert list(regroup_layers(store, [NAME]).layers) == ["p"]
    with pytest.raises(MatchError, match="p is a parameter, the module's net is a gru"):
        make_plan(Module("net"), store, {"p": "net"})


def test_a_projection_belongs_to_lstm_alone() -> None:
    with pytest.raises(UsageError, match="which the store lacks"):
        make_plan(Module("net"), vectors("p"), {"p[gru(hidden_size=3, num_layers=1, projection_size=2)]": "net"})

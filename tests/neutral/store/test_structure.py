"""The structure check reports every contradiction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Tuple

import pytest

from neutral.edit import merge, slice_layers
from neutral.errors import StoreError
from neutral.graph import Graph, Input, Layer, Node, Value
from neutral.matching.planning import make_plan
from neutral.source import Piece
from neutral.store import SourceFile, Store
from neutral.store.check import check
from neutral.store.header import encode_header
from neutral.store.header_digest import write_header_digest
from neutral.store.header_parser import read_header
from neutral.store.structure import require_valid, structure_problems
from neutral_to_mxnet import write
from samples import in_memory, sample_store


def with_layer(store: Store, name: str = "fc", **changes: Any) -> Store:
    store.layers = {**store.layers, name: store.layers[name]._replace(**changes)}
    return store


def with_file(store: Store, number: int = 0, **changes: Any) -> Store:
    assert store.source is not None
    files = list(store.source.files)
    files[number] = replace(files[number], **changes)
    store.source = replace(store.source, files=tuple(files))
    return store


def with_node(store: Store, number: int = 0, **changes: Any) -> Store:
    assert store.graph is not None
    nodes = list(store.graph.nodes)
    nodes[number] = replace(nodes[number], **changes)
    store.graph = replace(store.graph, nodes=tuple(nodes))
    return store


def with_graph(store: Store, **changes: Any) -> Store:
    assert store.graph is not None
    store.graph = replace(store.graph, **changes)
    return store


def with_tensor(store: Store, key: str) -> Store:
    store.tensors = {**store.tensors, key: in_memory("U8", (1,), b"x")}
    return store


def with_digest(store: Store, key: str) -> Store:
    store.digests = {key: "0" * 64}
    return store


LINEAR: Mapping[str, Any] = {"out_features": 2, "flatten": True}

BROKEN: dict[str, tuple[Callable[[Store], Store], str]] = {
    "attribute missing": (
        lambda s: with_layer(s, attributes={"flatten": True}),
        "layer 'fc': linear needs attribute 'out_features'",
    ),
    "attribute unknown": (
        lambda s: with_layer(s, attributes={**LINEAR, "extra": 1}),
        "layer 'fc': linear has no attribute 'extra'",
    ),
    "attribute of another type": (
        lambda s: with_layer(s, attributes={"out_features": "2", "flatten": True}),
        "layer 'fc': linear: out_features='2' is not of type int",
    ),
    "role unknown": (
        lambda s: with_layer(s, "act", tensors={"weight": "act.weight", "slope": "act.weight"}),
        "layer 'act': prelu has no role 'slope'",
    ),
    "required role missing": (lambda s: with_layer(s, tensors={"bias": "fc.bias"}), "layer 'fc': it has no weight"),
    "tensor missing": (
        lambda s: with_layer(s, tensors={"weight": "fc.weight", "bias": "elsewhere"}),
        "layer 'fc': its 'bias' is the tensor 'elsewhere', which is not there",
    ),
    "tensor of nobody": (lambda s: with_tensor(s, "lost"), "tensor 'lost': no layer and no source file names it"),
    "digest of nothing": (lambda s: with_digest(s, "lost"), "digest of 'lost': there is no such tensor"),
    "node out of order": (
        lambda s: with_node(s, inputs=(Value("act"),)),
        "graph, node 'fc_fwd': 'act' is used before it is made",
    ),
    "output that a node lacks": (
        lambda s: with_node(s, 1, inputs=(Value("fc_fwd", 1),)),
        "graph, node 'act': output 1 of 'fc_fwd' is used, which has 1",
    ),
    "output of the graph that is not made": (
        lambda s: with_graph(s, outputs=(Value("nothing"),)),
        "graph, outputs: 'nothing' is used before it is made",
    ),
    "name twice": (lambda s: with_node(s, 1, name="fc_fwd"), "graph, node 'fc_fwd': its name is taken already"),
    "input twice": (
        lambda s: with_graph(s, inputs=(Input("data"), Input("data"))),
        "graph: two inputs are called 'data'",
    ),
    "layer of a node missing": (
        lambda s: with_node(s, layer="lost"),
        "graph, node 'fc_fwd': its layer 'lost' is not there",
    ),
    "attribute of a node": (
        lambda s: with_node(s, attributes={}),
        "graph, node 'fc_fwd': linear needs attribute 'flatten'",
    ),
    "too many inputs": (
        lambda s: with_node(s, inputs=(Value("data"), Value("data"))),
        "graph, node 'fc_fwd': linear takes the inputs input and it has 2",
    ),
    "too few inputs": (
        lambda s: with_node(s, inputs=()),
        "graph, node 'fc_fwd': linear takes the inputs input and it has 0",
    ),
    "computed role unknown": (
        lambda s: with_node(s, computed={"slope": Value("data")}),
        "graph, node 'fc_fwd': linear has no role 'slope'",
    ),
    "piece of a tensor that is not there": (
        lambda s: with_file(s, pieces=(Piece("lost"),)),
        "source file 'net-0000.params': its piece 'lost' is not among the tensors",
    ),
    "pieces that do not sum to the size": (
        lambda s: with_file(s, size=57),
        "source file 'net-0000.params': its parts are 48 bytes in all and the file had 57",
    ),
    "text of another size": (
        lambda s: with_file(s, 1, text="{}"),
        "source file 'net-symbol.json': its parts are 2 bytes in all and the file had 43",
    ),
    "skeleton of another size": (
        lambda s: with_file(s, skeleton=b"HEAD"),
        "source file 'net-0000.params': its pieces take 12 bytes of the skeleton, which has 4",
    ),
    "no permutation": (
        lambda s: with_file(s, pieces=(5, Piece("fc.weight", (1, 1)), 3, Piece("fc.bias"), Piece("act.weight"), 4)),
        "source file 'net-0000.params': [1, 1] is not a permutation of the axes of 'fc.weight'",
    ),
    "piece beyond its tensor": (
        lambda s: with_file(s, pieces=(Piece("fc.bias", start=4, nbytes=8),)),
        "source file 'net-0000.params': its piece ends after the 8 bytes of 'fc.bias'",
    ),
    "file name that is a path": (
        lambda s: with_file(s, name="../net.params"),
        "source file '../net.params': its name is a path",
    ),
    "file name twice": (
        lambda s: with_file(s, 1, name="net-0000.params"),
        "two source files have the same name",
    ),
}


NOT_STORABLE = {"attribute unknown", "digest of nothing"}
"""Cases that opening refuses already, or that saving drops."""


def test_a_sound_store_has_no_problems(tmp_path: Path) -> None:
    assert list(structure_problems(sample_store(tmp_path))) == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_contradiction_is_named(name: str, tmp_path: Path) -> None:
    change, problem = BROKEN[name]
    assert problem in list(structure_problems(change(sample_store(tmp_path))))


@pytest.mark.parametrize("name", [name for name in BROKEN if name not in NOT_STORABLE])
def test_the_check_of_a_file_finds_the_same(name: str, tmp_path: Path) -> None:
    change, problem = BROKEN[name]
    store = change(sample_store(tmp_path))
    store.save(tmp_path / "m.safetensors", digests=False)
    assert problem in check(tmp_path / "m.safetensors").problems


def test_a_kind_that_is_unknown_is_a_problem_of_the_store(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "m.safetensors")
    path = tmp_path / "m.safetensors"
    header = read_header(path)
    text = header.metadata["neutral"].replace('"prelu"', '"gelu9"')
    metadata = {"format": "pt", "neutral": text, "neutral.sha256": "0" * 64}
    changed = write_header_digest(encode_header(header.tensors, metadata))
    path.write_bytes(changed + path.read_bytes()[len(header.raw) :])
    (problem,) = check(path).problems
    assert str(path) in problem and "'gelu9' is not in the catalogue" in problem


def test_layers_known_by_names_may_be_incomplete(tmp_path: Path) -> None:
    store = with_layer(sample_store(tmp_path), typed_by="names", attributes={}, tensors={"bias": "fc.bias"})
    assert list(structure_problems(store)) == []  # the weight is still a piece of the source file


def test_roles_that_the_graph_computes_may_be_missing(tmp_path: Path) -> None:
    store = with_layer(sample_store(tmp_path), tensors={"bias": "fc.bias"})
    assert list(structure_problems(store)) == ["layer 'fc': it has no weight"]
    assert list(structure_problems(with_node(store, computed={"weight": Value("data")}))) == []


def test_a_store_of_a_symbol_alone_needs_no_tensors(tmp_path: Path) -> None:
    store = with_layer(with_layer(sample_store(tmp_path), tensors={}), "act", tensors={})
    assert store.source is not None
    parameters, symbol = store.source.files
    alone = Store(store.layers, {}, store.graph, replace(store.source, files=(symbol,)))
    assert list(structure_problems(alone)) == []
    alone.source = replace(store.source, files=(replace(parameters, pieces=(48,), skeleton=bytes(48), size=48), symbol))
    assert "layer 'fc': it has no weight" in list(structure_problems(alone))


def test_recurrent_layers_need_some_layer_of_a_numbered_role(tmp_path: Path) -> None:
    attributes = {
        "hidden_size": 1,
        "num_layers": 1,
        "bidirectional": False,
        "dropout": 0.0,
        "projection_size": 0,
        "clip_min": None,
        "clip_max": None,
        "clip_nan": False,
    }
    tensors = {"l.w": in_memory("F32", (4, 1), bytes(16))}
    layer = Layer("l", "lstm", attributes, {"weight_ih_l0": "l.w"})
    assert list(structure_problems(Store({"l": layer}, tensors))) == ["layer 'l': it has no weight_hh_l{k}"]


def test_a_source_file_of_an_empty_store_may_be_all_skeleton() -> None:
    from neutral.store import StoreSource

    file = SourceFile("x.params", "parameters", "x", 3, pieces=(3,), skeleton=b"abc")
    assert list(structure_problems(Store({}, {}, source=StoreSource("mxnet", None, (file,))))) == []


def test_a_sound_store_is_checked_once(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    require_valid(store)
    store.layers = {}
    require_valid(store)


def test_an_unsound_store_is_refused_with_its_first_problems(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    layers = {f"a{number}": Layer(f"a{number}", "linear", {}, {"weight": "none"}) for number in range(12)}
    store.layers = {**store.layers, **layers}
    with pytest.raises(StoreError) as caught:
        require_valid(store)
    lines = str(caught.value).split("\n")
    assert lines[1].startswith("  - layer 'a0': ")
    assert lines[10].startswith("  - layer 'a")
    assert lines[11].startswith("  and ")
    assert len(lines) == 13


def test_tensors_that_nothing_names_are_a_problem_of_the_file_alone(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    store.tensors = {**store.tensors, "t": in_memory("U8", (), b"a")}
    require_valid(store)
    assert list(structure_problems(store)) == ["tensor 't': no layer and no source file names it"]


@pytest.mark.parametrize(
    "use",
    [
        lambda store: make_plan(None, store),
        lambda store: slice_layers(store, ["fc"]),
        lambda store: merge([store]),
        lambda store: write(store, "model", like=store, dry_run=True),
    ],
    ids=["matching", "slice", "merge", "write"],
)
def test_whoever_uses_more_than_tensors_refuses_an_unsound_store(
    use: Callable[[Store], object], tmp_path: Path
) -> None:
    store = sample_store(tmp_path)
    layer = store.layers["fc"]
    store.layers = {**store.layers, "fc": layer._replace(attributes={**layer.attributes, "out_features": "many"})}
    with pytest.raises(StoreError, match=r"contradicts the catalogue .*\n  - layer 'fc': .*'many'"):
        use(store)


def test_the_cost_of_a_check_is_linear_in_layers_and_nodes() -> None:
    """A list that counts how often it is walked: a check of every layer must not walk the graph again."""

    class Walked(Tuple[Node, ...]):
        count = 0

        def __iter__(self) -> Iterator[Node]:
            Walked.count += 1
            return super().__iter__()

    attributes = {"out_features": 1, "flatten": False}
    layers = {f"fc{i}": Layer(f"fc{i}", "linear", attributes, {"weight": f"w{i}"}) for i in range(100)}
    nodes = Walked(Node(name, "linear", (Value("x"),), attributes, name) for name in layers)
    tensors = {f"w{i}": in_memory("U8", (1, 4), b"abcd") for i in range(100)}
    store = Store(layers, tensors, Graph((Input("x"),), nodes, (Value("fc9"),)))
    assert list(structure_problems(store)) == []
    assert Walked.count <= 3


def test_a_node_has_the_kind_of_its_layer(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    assert store.graph is not None
    first, *others = store.graph.nodes
    store.graph = replace(store.graph, nodes=(first, *(replace(node, layer="fc") for node in others)))
    assert "graph, node 'act': its layer 'fc' is a linear, not a prelu" in list(structure_problems(store))


def test_roles_that_a_subgraph_computes_are_present() -> None:
    linear = {"out_features": 2, "flatten": False}
    body = Graph((Input("w"),), (Node("n", "linear", (Value("w"),), linear, "fc", {"weight": Value("w")}),), ())
    loop = Node("loop", "opaque", (), {"operator": "o", "attributes": {}, "reason": "r", "body": body})
    store = Store({"fc": Layer("fc", "linear", linear, {})}, {}, Graph((), (loop,), ()))
    assert not any("it has no weight" in problem for problem in structure_problems(store))
    store.graph = None
    assert "layer 'fc': it has no weight" in list(structure_problems(store))

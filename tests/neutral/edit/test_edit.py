"""Stores made from stores: their values, the graph and source files that remain, and that they are sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

import neutral  # noqa: E402
from neutral.edit import cast, cast_errors, merge, slice_layers  # noqa: E402
from neutral.errors import UsageError  # noqa: E402
from neutral.graph import Layer  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.store.check import check  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from neutral.values import cast_to, numeric_values  # noqa: E402
from samples import sample_store  # noqa: E402


def saved(store: Store, path: Path) -> Store:
    """Save a store, check it and open it again."""
    store.save(path)
    assert check(path, data=True).problems == ()
    return neutral.open(path)


@pytest.mark.parametrize(("name", "code"), [("float16", "F16"), ("bfloat16", "BF16"), ("float64", "F64")])
def test_cast(name: str, code: str, tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.safetensors")
    with neutral.open(tmp_path / "a.safetensors") as store:
        result = saved(cast(store, name, keep=["act.*"]), tmp_path / "b.safetensors")
    assert {key: tensor.dtype for key, tensor in result.tensors.items()} == {
        "act.weight": "F32",
        "fc.bias": code,
        "fc.weight": code,
    }
    np.testing.assert_array_equal(numeric_values(result.tensors["fc.weight"]), [[1, 2, 3], [4, 5, 6]])
    assert result.layers == store.layers
    assert result.graph == store.graph
    assert [file.name for file in result.source.files] == ["net-symbol.json"]
    digest = store.source.files[0].sha256
    assert result.notes[-1] == (
        f"made from net-0000.params (parameters, 48 bytes, SHA-256 {digest}), which it cannot give back"
    )


def test_bfloat16_is_rounded_as_torch_rounds() -> None:
    torch = pytest.importorskip("torch")
    bits = np.random.default_rng(7).integers(0, 1 << 32, 100_000, dtype=np.uint64).astype(np.uint32)
    bits = np.concatenate([bits, np.array([0x7F800001, 0x7FFFFFFF, 0xFF800000, 0x7F7FFFFF, 0x00018000], np.uint32)])
    floats = bits.view(np.float32)
    expected = torch.from_numpy(floats.copy()).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    cast = cast_to(floats, "BF16")
    number = ~np.isnan(floats)
    np.testing.assert_array_equal(cast[number], expected[number])
    assert ((cast[~number] & 0x7F80) == 0x7F80).all()
    assert ((cast[~number] & 0x7F) != 0).all()


def test_cast_errors() -> None:
    array = np.array([1.0, 1 + 2**-11, 1e6, 1e-9, 0.0, np.nan, np.inf], np.float32)
    store = Store({"a": Layer("a", "parameter", {}, {"value": "a"})}, {"a": from_numpy(array)})
    (error,) = cast_errors(store, cast(store, "float16"))
    assert (error.elements, error.overflows, error.underflows, error.maximum) == (7, 1, 1, 2**-11)


def test_integers_are_not_cast() -> None:
    store = Store({"a": Layer("a", "parameter", {}, {"value": "a"})}, {"a": from_numpy(np.arange(3))})
    assert cast(store, "float16").tensors == store.tensors
    with pytest.raises(UsageError, match="cannot cast to int8"):
        cast(store, "int8")


def test_a_slice_by_name(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.safetensors")
    with neutral.open(tmp_path / "a.safetensors") as store:
        result = saved(slice_layers(store, ["f*"]), tmp_path / "b.safetensors")
    assert list(result.layers) == ["fc"]
    assert result.layers["fc"].source == store.layers["fc"].source
    assert set(result.digests) == {"fc.weight", "fc.bias"}
    assert result.graph is None
    assert any("net-0000.params" in note for note in result.notes)


def test_a_slice_of_the_graph(tmp_path: Path) -> None:
    result = saved(slice_layers(sample_store(tmp_path), [], output="fc_fwd"), tmp_path / "b.safetensors")
    assert list(result.layers) == ["fc"]
    assert [node.name for node in result.graph.nodes] == ["fc_fwd"]
    assert result.graph.outputs[0].node == "fc_fwd"


@pytest.mark.parametrize(("patterns", "output", "message"), [(["x*"], None, "x*"), ([], "nothing", "nothing")])
def test_a_slice_without_a_match(patterns: list[str], output: str | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message.replace("*", r"\*")):
        slice_layers(sample_store(tmp_path), patterns, output=output)


def test_slices_merged_are_all_layers(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    parts = [saved(slice_layers(store, [name]), tmp_path / f"{name}.safetensors") for name in ("fc", "act")]
    result = saved(merge(parts), tmp_path / "all.safetensors")
    assert [file.name for file in result.source.files] == ["net-symbol.json"]
    assert {name: layer.tensors for name, layer in result.layers.items()} == {
        name: layer.tensors for name, layer in store.layers.items()
    }
    for key in store.tensors:
        np.testing.assert_array_equal(result[key], store[key])


def test_a_source_file_of_the_same_name_and_other_content_is_noted(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    first, second = (slice_layers(store, [name]) for name in ("fc", "act"))
    (file,) = second.source.files
    second.source = replace(second.source, files=(replace(file, sha256="0" * 64),))
    merged = merge([first, second])
    assert [kept.sha256 for kept in merged.source.files] == [file.sha256]
    assert f"made from net-symbol.json (symbol, {file.size} bytes, SHA-256 {'0' * 64}), which it cannot give back" in (
        merged.notes
    )


def test_a_store_twice_needs_prefixes(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    copy = slice_layers(store, ["*"])
    copy.source = None
    with pytest.raises(UsageError, match="two of the stores have a layer 'fc'"):
        merge([store, copy])
    with pytest.raises(UsageError, match="1 prefixes were given for 2 stores"):
        merge([store, copy], prefixes=["a."])
    result = saved(merge([store, copy], prefixes=["a.", "b."]), tmp_path / "m.safetensors")
    assert list(result.layers) == ["a.fc", "a.act", "b.fc", "b.act"]
    assert [file.name for file in result.source.files] == ["net-0000.params", "net-symbol.json"]
    np.testing.assert_array_equal(result["b.fc.weight"], store["fc.weight"])


def test_a_graph_is_needed_to_cut() -> None:
    with pytest.raises(UsageError, match="it has no graph to cut at 'fc'"):
        slice_layers(Store({}, {}), [], output="fc")


def test_only_cast_tensors_have_errors(tmp_path: Path) -> None:
    store = sample_store(tmp_path)
    assert [error.key for error in cast_errors(store, cast(store, "float16", keep=["fc.*"]))] == ["act.weight"]


def test_cast_errors_are_those_of_all_blocks() -> None:
    array = np.random.default_rng(5).normal(size=3 * (1 << 18) + 5).astype(np.float32)
    array[[0, 1 << 18, -1]] = [1e6, 1e-9, 1 + 2**-11]
    store = Store({"a": Layer("a", "parameter", {}, {"value": "a"})}, {"a": from_numpy(array)})
    (error,) = cast_errors(store, cast(store, "float16"))
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16).astype(np.float64)
    counted = np.isfinite(rounded) & ((rounded != 0) | (array == 0))
    errors = np.abs(rounded - array)[counted]
    assert (error.overflows, error.underflows, error.maximum) == (1, (~counted).sum() - 1, errors.max())
    assert error.norm == pytest.approx(np.linalg.norm(errors) / np.linalg.norm(array[counted].astype(np.float64)))

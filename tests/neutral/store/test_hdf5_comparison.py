"""``check`` compares all that people see who browse an HDF5 store with its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

h5py = pytest.importorskip("h5py")

import numpy as np  # noqa: E402

import neutral  # noqa: E402
from neutral.graph import Layer  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.store.check import check  # noqa: E402
from neutral.store.hdf5.reading import remember_written  # noqa: E402
from neutral.tensor import from_numpy  # noqa: E402
from samples import sample_store  # noqa: E402

Change = Callable[[Any], object]


def set_attribute(place: str, name: str, value: Any) -> Change:
    return lambda file: file[place].attrs.__setitem__(name, value)


CHANGES: dict[str, tuple[Change, str]] = {
    "format": (set_attribute("/", "format", "other"), "'format' is 'other'"),
    "version": (set_attribute("/", "version", 2), "'version' is"),
    "further attribute of the file": (set_attribute("/", "note", "x"), "'note' is not in the manifest"),
    "further attribute of the layers": (set_attribute("layers", "note", "x"), "'note' is not in the manifest"),
    "further attribute of the manifest": (set_attribute("manifest", "note", "x"), "'note' is not in the manifest"),
    "kind": (set_attribute("layers/fc", "kind", "convolution"), "'kind' is 'convolution'"),
    "number": (set_attribute("layers/fc", "out_features", 3), "'out_features' is"),
    "type of a number": (set_attribute("layers/fc", "out_features", 2.0), "'out_features' is"),
    "number as a text": (set_attribute("layers/fc", "out_features", "2"), "'out_features' is"),
    "missing attribute": (lambda file: file["layers/fc"].attrs.__delitem__("flatten"), "'flatten' is missing"),
    "further attribute": (set_attribute("layers/fc", "more", 1), "'more' is not in the manifest"),
    "further attribute of a tensor": (set_attribute("layers/fc/weight", "unit", "m"), "'unit' is not in the manifest"),
    "compound attribute": (
        set_attribute("layers/fc", "kind", np.zeros((), [("a", "u1")])),
        "neither numbers nor a text",
    ),
    "large attribute": (set_attribute("layers/fc", "kind", np.zeros(8000)), "'kind' is"),
    "attribute of references": (
        lambda file: file["layers/fc"].attrs.create("kind", file["layers"].ref, dtype=h5py.ref_dtype),
        "neither numbers nor a text",
    ),
    "further group": (lambda file: file.create_group("more"), "'more' is not in the manifest"),
    "further layer": (lambda file: file.create_group("layers/more"), "'more' is not in the manifest"),
    "missing layer": (lambda file: file["layers"].__delitem__("act"), "'act' is missing"),
    "names exchanged": (
        lambda file: (file.move("layers/fc/weight", "layers/fc/w"), file.move("layers/fc/bias", "layers/fc/weight")),
        "'bias' is missing",
    ),
    "soft link at the top": (
        lambda file: file.__setitem__("more", h5py.SoftLink("/layers")),
        "'more' is not in the manifest",
    ),
    "tensor of no layer": (
        lambda file: file.create_dataset("tensors/x", data=np.zeros(3, "u1")).attrs.update(key="y", dtype="U8"),
        "whose place is another one",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("data", [False, True])
def test_a_change_is_a_problem(tmp_path: Path, name: str, data: bool) -> None:
    path = tmp_path / "a.h5"
    sample_store(tmp_path).save(path)
    change, expected = CHANGES[name]
    with h5py.File(path, "r+") as file:
        change(file)
    remember_written(str(path))
    assert any(expected in problem for problem in check(path, data=data).problems), check(path, data=data).problems


def test_a_copy_of_a_shared_tensor_is_a_problem(tmp_path: Path) -> None:
    shared = {"a.value": from_numpy(np.ones(3, np.float32))}
    layers = {name: Layer(name, "parameter", {}, {"value": "a.value"}) for name in ("a", "b")}
    Store(layers, shared).save(tmp_path / "a.h5")
    assert check(tmp_path / "a.h5", data=True).ok
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["layers/b/value"]
        file.copy("layers/a/value", "layers/b/value")
    assert "hard link" in check(tmp_path / "a.h5", data=True).problems[0]


def test_attributes_may_be_large(tmp_path: Path) -> None:
    layers = {"a": Layer("a", "opaque", {"operator": "x", "attributes": {}, "reason": "y" * 70_000}, {})}
    Store(layers, {}).save(tmp_path / "a.h5")
    assert check(tmp_path / "a.h5").problems == ()


def test_special_numbers_are_equal_to_themselves(tmp_path: Path) -> None:
    attributes = {"operator": "x", "attributes": {"a": [1, 2.5, None]}, "reason": "ü\n"}
    layers = {"a": Layer("a", "opaque", attributes, {}, typed_by="names")}
    Store(layers, {}).save(tmp_path / "a.h5")
    assert check(tmp_path / "a.h5").ok


def test_a_tensor_of_no_layer_is_compared_as_others_are(tmp_path: Path) -> None:
    Store({}, {"t": from_numpy(np.ones(3, np.float32))}).save(tmp_path / "a.h5")
    with neutral.open(tmp_path / "a.h5") as store:
        assert store.container_problems() == []
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.move("tensors/t", "tensors/u")
    remember_written(str(tmp_path / "a.h5"))
    with neutral.open(tmp_path / "a.h5") as store:
        assert store.container_problems() == ["/tensors/u: it is the tensor 't', whose place is another one"]

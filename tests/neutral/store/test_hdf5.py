"""The HDF5 twin: the same content, there and back to the same bytes; a hostile file is refused before data are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

h5py = pytest.importorskip("h5py")

import neutral  # noqa: E402
from neutral.dtypes import ITEM_SIZE  # noqa: E402
from neutral.errors import NeutralError, StoreError, UsageError  # noqa: E402
from neutral.graph import Layer  # noqa: E402
from neutral.store import Store, hdf5  # noqa: E402
from neutral.store.check import check  # noqa: E402
from neutral.store.hdf5.reading import remember_written  # noqa: E402
from neutral.tensor import Tensor  # noqa: E402
from samples import in_memory, sample_store  # noqa: E402

SHAPES = [(), (0,), (1,), (3,), (2, 0, 4), (2, 3, 4), (1, 1, 1, 5)]


def tensor(dtype: str, shape: tuple[int, ...]) -> Tensor:
    empty = Tensor(dtype, shape, ())
    data = bytes(i % 2 for i in range(empty.nbytes)) if dtype == "BOOL" else bytes(i % 251 for i in range(empty.nbytes))
    return in_memory(dtype, shape, data)


def every_sort() -> Store:
    """Make a store with every dtype and kind of shape, shared tensors, and names that look like HDF5 paths."""
    tensors = {
        f"{dtype}{len(shape)}{sum(shape)}.value": tensor(dtype, shape) for dtype in ITEM_SIZE for shape in SHAPES
    }
    tensors.update(
        {f"{name}.value": tensor("F32", (2,)) for name in ("", "a/b", ".", "..", "ü ñ", "100%", "x\ny", "z\0")}
    )
    layers = {key[: -len(".value")]: key for key in tensors}
    layers["tied"] = "a/b.value"
    tensors["source.arg:kept"] = tensor("I8", (7,))
    return Store({name: Layer(name, "parameter", {}, {"value": key}) for name, key in layers.items()}, tensors)


@pytest.mark.parametrize(
    "make", [lambda folder: sample_store(folder), lambda folder: every_sort()], ids=["sample", "sorts"]
)
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_there_and_back_gives_the_same_bytes(
    make: Callable[[Path], Store], compression: str | None, tmp_path: Path
) -> None:
    make(tmp_path).save(tmp_path / "a.safetensors")
    with neutral.open(tmp_path / "a.safetensors") as store:
        hdf5.write(store, str(tmp_path / "b.h5"), compression=compression)
    with neutral.open(tmp_path / "b.h5") as twin:
        twin.save(tmp_path / "c.safetensors")
    assert (tmp_path / "c.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_written_directly_it_has_all_digests(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.h5")
    report = check(tmp_path / "a.h5", data=True)
    assert report.problems == ()
    assert set(neutral.open(tmp_path / "a.h5").digests) == {"fc.weight", "fc.bias", "act.weight"}


def test_the_same_store_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        sample_store(tmp_path).save(tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_people_can_browse_it(tmp_path: Path) -> None:
    sample_store(tmp_path).save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["layers/fc"]
        assert (group.attrs["kind"], group.attrs["out_features"], group.attrs["flatten"]) == ("linear", 2, True)
        assert group["weight"].shape == (2, 3)
        assert group["weight"].fletcher32
        assert group["weight"].attrs["key"] == "fc.weight"


def test_attributes_that_hdf5_has_no_form_for_are_text(tmp_path: Path) -> None:
    attributes = {"operator": "a\0b", "attributes": {"x": "y" * 70_000}, "reason": ""}
    Store({"a": Layer("a", "opaque", attributes, {}, typed_by="names")}, {}).save(tmp_path / "a.h5")
    with neutral.open(tmp_path / "a.h5") as store:
        assert store.layers["a"].attributes == attributes
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["layers/a"].attrs["operator"] == "a\\x00b"


def test_a_shared_tensor_is_one_dataset(tmp_path: Path) -> None:
    shared = {"a.value": tensor("F32", (1000,))}
    Store({n: Layer(n, "parameter", {}, {"value": "a.value"}) for n in ("a", "b")}, shared).save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["layers/a/value"] == file["layers/b/value"]


def test_a_changed_bit_of_the_data_is_noticed(tmp_path: Path) -> None:
    values = bytes(range(200)) * 20
    Store({"a": Layer("a", "parameter", {}, {"value": "a.value"})}, {"a.value": in_memory("U8", (4000,), values)}).save(
        tmp_path / "a.h5"
    )
    damaged = bytearray((tmp_path / "a.h5").read_bytes())
    damaged[damaged.index(values) + 1234] ^= 4
    (tmp_path / "a.h5").write_bytes(damaged)
    assert found_unsound(tmp_path / "a.h5")


def replace(place: str, make: Callable[[Any], None]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[place]
        make(file)

    return change


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((2, 3), "<f4")
    layout[...] = h5py.VirtualSource("/etc/hostname", "x", (2, 3))
    file.create_virtual_dataset("layers/fc/weight", layout)
    file["layers/fc/weight"].attrs.update(key="fc.weight", dtype="F32")


def external(file: Any) -> None:
    dataset = file.create_dataset("layers/fc/weight", (2, 3), "<f4", external=[("/etc/passwd", 0, 24)])
    dataset.attrs.update(key="fc.weight", dtype="F32")


def claimed(file: Any) -> None:
    dataset = file.create_dataset("layers/fc/weight", (1 << 20, 1 << 20), "<f4", chunks=(1, 1 << 10))
    dataset.attrs.update(key="fc.weight", dtype="F32")


def virtual_manifest(file: Any) -> None:
    layout = h5py.VirtualLayout((2,), "u1")
    layout[...] = h5py.VirtualSource("/etc/hostname", "x", (2,))
    file.create_virtual_dataset("manifest", layout)


def unknown_filter(file: Any) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((2, 3))
    properties.set_filter(511, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((2, 3))
    h5py.h5d.create(file["layers/fc"].id, b"weight", h5py.h5t.IEEE_F32LE, space, properties)
    file["layers/fc/weight"].attrs.update(key="fc.weight", dtype="F32")


def region_references(file: Any) -> None:
    dataset = file.create_dataset("layers/fc/weight", (2,), h5py.regionref_dtype)
    dataset.attrs.update(key="fc.weight", dtype="F32")


def null_space(file: Any) -> None:
    dataset = file.create_dataset("layers/fc/weight", data=h5py.Empty("<f4"))
    dataset.attrs.update(key="fc.weight", dtype="F32")


def references(file: Any) -> None:
    dataset = file.create_dataset("layers/fc/weight", (2,), h5py.ref_dtype)
    dataset.attrs.update(key="fc.weight", dtype="F32")


HOSTILE: dict[str, Callable[[Any], None]] = {
    "soft link": replace("layers/fc/weight", lambda f: f.__setitem__("layers/fc/weight", h5py.SoftLink("/manifest"))),
    "external link": replace(
        "layers/fc/weight", lambda f: f.__setitem__("layers/fc/weight", h5py.ExternalLink("/etc/passwd", "/x"))
    ),
    "soft link for a layer": replace("layers/fc", lambda f: f.__setitem__("layers/fc", h5py.SoftLink("/layers/act"))),
    "soft link for the layers": lambda f: (f.move("layers", "x"), f.__setitem__("layers", h5py.SoftLink("/x"))),
    "soft link for the tensors": lambda f: (f.move("tensors", "x"), f.__setitem__("tensors", h5py.SoftLink("/x"))),
    "external link for the manifest": replace(
        "manifest", lambda f: f.__setitem__("manifest", h5py.ExternalLink("/etc/passwd", "/x"))
    ),
    "external link for a tensor of no layer": lambda f: f.__setitem__("tensors/x", h5py.ExternalLink("b.h5", "/x")),
    "virtual data": replace("layers/fc/weight", virtual),
    "external data": replace("layers/fc/weight", external),
    "more data than the file has": replace("layers/fc/weight", claimed),
    "references": replace("layers/fc/weight", references),
    "references to regions": replace("layers/fc/weight", region_references),
    "a virtual manifest": replace("manifest", virtual_manifest),
    "an unknown filter": replace("layers/fc/weight", unknown_filter),
    "no shape": replace("layers/fc/weight", null_space),
    "a key that is a reference": lambda f: f["layers/fc/weight"].attrs.create("key", f.ref, dtype=h5py.ref_dtype),
    "a key that is a number": lambda f: f["layers/fc/weight"].attrs.__setitem__("key", 3),
    "a link to a group of another layer": lambda f: f["layers/fc"].__setitem__("loop", f["layers/act"]),
    "a group for a dataset": replace("layers/fc/weight", lambda f: f.create_group("layers/fc/weight")),
    "a cycle": lambda f: f["layers/fc"].__setitem__("again", f["layers"]),
    "no key": lambda f: f["layers/fc/weight"].attrs.__delitem__("key"),
    "another dtype": lambda f: f["layers/fc/weight"].attrs.__setitem__("dtype", "F64"),
    "no manifest": lambda f: f.__delitem__("manifest"),
    "no layers": lambda f: f.__delitem__("layers"),
    "a manifest of noise": replace("manifest", lambda f: f.create_dataset("manifest", data=[1, 2, 3], dtype="u1")),
    "a manifest of numbers": replace("manifest", lambda f: f.create_dataset("manifest", data=[1.5])),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    sample_store(tmp_path).save(path)
    with h5py.File(path, "r+") as file:
        HOSTILE[case](file)
    with pytest.raises(StoreError, match=r"a\.h5"):
        neutral.open(path)


def test_truncation_anywhere_raises_a_neutral_error(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    sample_store(tmp_path).save(path)
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        remember_written(str(path))  # no process for each
        assert found_unsound(path), f"cut at byte {end}"


def found_unsound(path: Path) -> bool:
    try:
        return check(path, data=True).problems != ()
    except NeutralError:
        return True


def test_an_unknown_compression_is_named(tmp_path: Path) -> None:
    pytest.importorskip("hdf5plugin")
    with pytest.raises(UsageError, match="squeeze"):
        hdf5.write(sample_store(tmp_path), str(tmp_path / "a.h5"), compression="squeeze")
    assert not (tmp_path / "a.h5").exists()

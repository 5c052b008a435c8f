"""What an HDF5 file claims is compared with limits before memory is taken; data are read in whole chunks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

h5py = pytest.importorskip("h5py")

import numpy as np  # noqa: E402

import neutral  # noqa: E402
from hdf5_damage import write_compressed_manifest, write_large_chunk  # noqa: E402
from neutral import limits  # noqa: E402
from neutral.errors import StoreError  # noqa: E402
from neutral.graph import Layer  # noqa: E402
from neutral.store import Store  # noqa: E402
from neutral.store.hdf5.reading import remember_written  # noqa: E402
from neutral.store.hdf5.regions import largest_block, region_size, regions  # noqa: E402
from neutral.tensor import CHUNK, from_numpy  # noqa: E402
from samples import sample_store  # noqa: E402


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    sample_store(tmp_path).save(tmp_path / "a.h5")
    return tmp_path / "a.h5"


def test_a_manifest_of_gigabytes_is_refused(stored: Path) -> None:
    write_compressed_manifest(stored, 3 << 30)
    assert stored.stat().st_size < 4 << 20
    with pytest.raises(StoreError, match=r"manifest takes 3221225472 bytes.*NEUTRAL_LIMIT_MANIFEST_BYTES"):
        neutral.open(stored)


def test_the_limit_of_the_manifest_can_be_raised(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.MANIFEST_BYTES.variable, "100")
    with pytest.raises(StoreError, match="NEUTRAL_LIMIT_MANIFEST_BYTES"):
        neutral.open(stored)
    monkeypatch.setenv(limits.MANIFEST_BYTES.variable, "1MiB")
    neutral.open(stored).close()


def test_chunks_too_large_to_unpack_are_refused(stored: Path) -> None:
    write_large_chunk(stored, "layers/fc/weight", 1 << 29)
    with pytest.raises(StoreError, match=r"force 536870912 bytes.*NEUTRAL_LIMIT_HDF5_BLOCK_BYTES.*h5repack"):
        neutral.open(stored)


def test_tensors_that_unpack_to_far_more_than_the_file_has_are_refused(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_large_chunk(stored, "layers/fc/weight", 1 << 27)
    monkeypatch.setenv(limits.UNPACKED_BASE.variable, "1MiB")
    with pytest.raises(StoreError, match=r"tensors take 134\d+ bytes unpacked.*NEUTRAL_LIMIT_UNPACKED_"):
        neutral.open(stored)


@pytest.mark.parametrize("chunks", [None, (1, 1, 1), (3, 2, 5), (7, 5, 11), (2, 5, 11), (1, 3, 11), (1, 1, 4)])
@pytest.mark.parametrize("step", [CHUNK, 40, 8])
def test_any_chunks_are_read_in_order(
    tmp_path: Path, chunks: tuple[int, ...] | None, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neutral.store.hdf5.regions.CHUNK", step)
    values = np.arange(7 * 5 * 11, dtype=np.int32).reshape(7, 5, 11)
    layers = {"a": Layer("a", "parameter", {}, {"value": "a.value"})}
    path = tmp_path / "a.h5"
    Store(layers, {"a.value": from_numpy(values)}).save(path)
    with h5py.File(path, "r+") as file:
        del file["layers/a/value"]
        dataset = file["layers/a"].create_dataset("value", data=values, chunks=chunks)
        dataset.attrs.update(key="a.value", dtype="I32")
    remember_written(str(path))
    with neutral.open(path) as store:
        assert (store["a.value"] == values).all()


@pytest.mark.parametrize("shape", [(), (0, 3), (3, 0), (1,), (100,), (13, 7), (3, 4, 5), (2, 1, 6, 2)])
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
@pytest.mark.parametrize("step", [1, 24, 1 << 20])
def test_regions_cover_the_array_once_in_whole_chunks(
    shape: tuple[int, ...], chunk: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neutral.store.hdf5.regions.CHUNK", step)
    chunks = tuple(min(extent, chunk) or 1 for extent in shape)
    indices = np.arange(int(np.prod(shape))).reshape(shape)
    read = []
    for region in regions(shape, chunks, 4):
        part = indices[tuple(slice(start, stop) for start, stop in region)]
        assert part.size == region_size(region, shape)
        assert part.size * 4 <= max(largest_block(shape, chunks, 4), step)
        assert all(
            start % edge == 0 and (stop % edge == 0 or stop == extent)
            for (start, stop), edge, extent in zip(region, chunks, shape)
        )
        read += part.reshape(-1).tolist()
    assert read == list(range(indices.size))


def test_the_table_of_limits_is_complete() -> None:
    text = Path(__file__, "../../../../docs/limits.md").resolve().read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\S+) (\w+) \| (.*) \|$", text, re.MULTILINE)
    known = [limit for limit in vars(limits).values() if isinstance(limit, limits.Limit)]
    assert [(name, limits.parse_size(size), unit, meaning) for name, size, unit, meaning in rows] == [
        (limit.name, limit.default, limit.unit, limit.meaning) for limit in known
    ]

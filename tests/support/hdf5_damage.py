"""Damage HDF5 stores as a disk or a hostile writer would, for tests."""

from __future__ import annotations

import zlib
from pathlib import Path


def make_reading_hang(path: Path, text: bytes = b"neutral") -> None:
    """Flip the bit of a store that makes the HDF5 library read a text attribute for ever.

    Texts of attributes are in a heap, where the eight bytes before each are its length; with 1024 more, the library
    comes to empty space, from which it does not find out.
    """
    content = bytearray(path.read_bytes())
    content[content.index(text, content.index(b"GCOL")) - 7] ^= 4
    path.write_bytes(content)


def write_compressed_manifest(path: Path, size: int) -> None:
    """Replace the manifest by one of ``size`` spaces, a multiple of 1 MiB, that takes a thousandth of that."""
    import h5py

    chunk = 1 << 20
    packed = zlib.compress(b" " * chunk)
    with h5py.File(path, "r+") as file:
        del file["manifest"]
        manifest = file.create_dataset("manifest", (size,), "u1", chunks=(chunk,), compression="gzip")
        for start in range(0, size, chunk):
            manifest.id.write_direct_chunk((start,), packed)


def write_large_chunk(path: Path, place: str, size: int) -> None:
    """Replace a dataset by one of bytes in a single chunk of ``size`` bytes, most of which are not there."""
    import h5py

    with h5py.File(path, "r+") as file:
        key = file[place].attrs["key"]
        del file[place]
        dataset = file.create_dataset(place, (size,), "u1", chunks=(size,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(size >> 5)))
        dataset.attrs.update(key=key, dtype="U8")


def first_tensor(path: Path) -> str:
    """Return the place of the first tensor of the first layer that has one."""
    import h5py

    with h5py.File(path) as file:
        return next(f"layers/{layer}/{role}" for layer in file["layers"] for role in file["layers"][layer])

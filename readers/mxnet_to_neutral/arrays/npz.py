"""Parse the zip archive of .npy files that MXNet 2 writes under NumPy semantics, by ``npx.savez`` and as ``.params``.

A dense array is the member ``<name>.npy``. A sparse one is a folder: ``data``, ``indices``, ``shape``, ``format``
and, for csr, ``indptr``. The header of ``format.npy`` is malformed, so only its length is used; the storage type
follows it as ASCII text. Source: src/serialization/cnpy.cc.
"""

from __future__ import annotations

import struct

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.names import claim_name
from mxnet_to_neutral.arrays.npy import read_array, read_header
from mxnet_to_neutral.arrays.sparse import layout_problem
from mxnet_to_neutral.arrays.window import DAMAGED, Window
from mxnet_to_neutral.arrays.zip import Member, read_members
from mxnet_to_neutral.limits import MAX_NDIM
from neutral.errors import SourceError
from neutral.tensor import Tensor

ROW_SPARSE = frozenset(("data.npy", "indices.npy", "shape.npy", "format.npy"))
CSR = ROW_SPARSE | {"indptr.npy"}

MAX_FORMAT = len("row_sparse")


def parse_npz(window: Window) -> ArrayFile:
    """Parse an .npz archive.

    Args:
        window: A window on the whole file.

    Returns:
        The arrays in the order of the archive's directory.

    Raises:
        SourceError: A member is not an array: the archive is of another kind.
        FormatError: The archive or an array in it breaks its format.
    """
    members = read_members(window)
    folders: dict[str, dict[str, Member]] = {}
    for member in members:
        folder, base = _split(member.name)
        if base == "data.pkl":
            raise SourceError(f"{window.path}: is a PyTorch file (it holds {member.name!r}), not MXNet parameters.")
        if not base.endswith(".npy"):
            raise SourceError(
                f"{window.path}: is a zip archive with the member {member.name!r}; expected .npy arrays only. "
                "Unpack it first."
            )
        folders.setdefault(folder, {})[base] = member
    arrays: list[Array] = []
    taken: set[str] = set()
    for member in members:
        folder, base = _split(member.name)
        if folders[folder].keys() not in (ROW_SPARSE, CSR):
            array = _read_dense(window, member)
        elif base == "data.npy":
            array = _read_sparse(window, folder[:-1], folders[folder])
        else:  # another part of the sparse array
            continue
        claim_name(window, array.name, taken, member.offset)
        arrays.append(array)
    return ArrayFile(window.path, window.size, "npz", named=True, arrays=tuple(arrays), notes=())


def _split(name: str) -> tuple[str, str]:
    """Split a member's name into the folder, with its slash, and the base name."""
    cut = name.rfind("/") + 1
    return name[:cut], name[cut:]


def _read_dense(window: Window, member: Member) -> Array:
    data, fortran = _read_member(window, member)
    name = member.name[: -len(".npy")]
    return Array(name, data.dtype, data.shape, "dense", member.offset, data, fortran_order=fortran)


def _read_sparse(window: Window, name: str, folder: dict[str, Member]) -> Array:
    """Read the sparse array whose members, by base name, are ``folder``."""
    storage = _read_storage_type(window, folder["format.npy"])
    if (storage == "csr") != ("indptr.npy" in folder):
        parts_found = ", ".join(sorted(folder))
        raise window.error(f"a {storage} array of the parts {parts_found}.", DAMAGED, folder["format.npy"].offset)
    shape = _read_shape(window, folder["shape.npy"])
    parts: dict[str, Tensor] = {}
    for part in ("data", "indices", "indptr"):
        if f"{part}.npy" in folder:
            parts[part], fortran = _read_member(window, folder[f"{part}.npy"])
            if fortran:
                raise window.error("a sparse array in Fortran order, which MXNet cannot load.", DAMAGED)
    data, indices, indptr = parts["data"], parts["indices"], parts.get("indptr")
    offset = folder["data.npy"].offset
    window.subject = lambda: f"array {name!r}"
    window.check_extent(data.dtype, shape)
    problem = layout_problem(
        storage,
        shape,
        data.shape,
        (indices.dtype, indices.shape),
        (indptr.dtype, indptr.shape) if indptr else None,
    )
    if problem:
        raise window.error(problem, DAMAGED, offset)
    return Array(name, data.dtype, shape, storage, offset, data, indices, indptr)


def _read_member(window: Window, member: Member) -> tuple[Tensor, bool]:
    """Read the header of the array that is all of a member; return as :func:`read_array` does."""
    window.enter(member.start, member.end, lambda: f"member {member.name!r}")
    array, fortran = read_array(window)
    if window.remaining:
        raise window.error(f"{window.remaining} bytes follow the array.", DAMAGED)
    return array, fortran


def _read_storage_type(window: Window, member: Member) -> str:
    window.enter(member.start, member.end, lambda: f"member {member.name!r}")
    read_header(window)
    offset = window.position
    raw = window.read(min(window.remaining, MAX_FORMAT + 1), "the storage type")
    if raw not in (b"row_sparse", b"csr"):
        raise window.error(f"storage type {raw!r}; row_sparse or csr is expected.", DAMAGED, offset)
    return raw.decode()


def _read_shape(window: Window, member: Member) -> tuple[int, ...]:
    array, _ = _read_member(window, member)
    offset = array.only_range.offset
    if array.dtype != "I64" or len(array.shape) != 1 or not 1 <= array.size <= MAX_NDIM:
        problem = f"a shape given as {array.dtype} of shape {array.shape}; 1 to {MAX_NDIM} I64 are expected."
        raise window.error(problem, DAMAGED, offset)
    window.position = offset
    return window.unpack(struct.Struct(f"<{array.size}q"), "the shape")

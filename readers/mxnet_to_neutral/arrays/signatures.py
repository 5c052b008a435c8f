"""Identify a file by its first bytes: a parameter file, or another kind of file that is often given by mistake."""

from __future__ import annotations

import re

from mxnet_to_neutral.arrays.ndarray_list import LIST_MAGIC
from neutral.torch_zip import is_saved_by_torch

HEAD_SIZE = 512
"""Bytes of the beginning of a file that the functions of this module need."""

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")

_ARCHIVES = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")
STORAGE_ERROR = re.compile(rb"^(?:<\?xml[^>]*\?>)?\s*<Error(?:\s[^>]*)?>\s*<Code>(\w{1,64})", re.IGNORECASE)
"""The beginning of the document that S3 and compatible storages send instead of a file; the group is the code."""

_ACCESS = "Check the address and the permissions, and get the file again."

_PICKLE = re.compile(  # protocols 2 and later by their opcode; protocols 0 and 1 by a dict, list, tuple or global
    rb"\x80[\x02-\x05]|\(+[dl]p\d|\(*[}\]]q|\(*c(?:copy_reg|__builtin__|mxnet[\w.]*|numpy[\w.]*)\n"
)


def is_tar(head: bytes) -> bool:
    """Return whether a file begins as a tar archive does.

    Args:
        head: The first :data:`HEAD_SIZE` bytes of the file, or all bytes of a shorter one.

    Example:
        >>> is_tar(bytes(257) + b"ustar\\x0000")
        True
    """
    return head[257:262] == b"ustar"


def detect_format(head: bytes, size: int) -> str | None:
    """Detect the format of a parameter file.

    Args:
        head: The first :data:`HEAD_SIZE` bytes of the file, or all bytes of a shorter one.
        size: The size of the file in bytes.

    Returns:
        ``"ndarray-list"``, ``"npz"`` or ``"npy"``, also for a file cut within its magic; None for any other file.

    Example:
        >>> detect_format(b"PK\\x03\\x04", 4096)
        'npz'
    """
    if is_saved_by_torch(head) or _is_safetensors(head, size):  # whose header may begin like an NDArray list
        return None
    for magic, name in ((LIST_MAGIC, "ndarray-list"), (NPY_MAGIC, "npy"), *((zip_, "npz") for zip_ in ZIP_MAGICS)):
        if head and head[: len(magic)] == magic[: len(head)]:
            return name
    return None


def describe_foreign_file(head: bytes, size: int) -> str | None:
    """Describe a file that is not a parameter file, and how to get the right one.

    Args:
        head: The first :data:`HEAD_SIZE` bytes of the file, or all bytes of a shorter one.
        size: The size of the file in bytes.

    Returns:
        The rest of a sentence that begins with the file's name; None for an unknown kind of file.

    Example:
        >>> describe_foreign_file(b"\\x89HDF\\r\\n\\x1a\\n", 4096)
        'is an HDF5 file, not an MXNet parameter file.'
    """
    text = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    text = text.lstrip()
    if not size:
        return "is empty. The download or the copy failed: get it again."
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "is a Git LFS pointer, not the file it stands for. Run `git lfs pull` in its repository."
    for magic, name in _ARCHIVES:
        if head.startswith(magic):
            return f"is {name}, not a parameter file. Unpack it first."
    if is_tar(head):
        return "is a tar archive, not a parameter file. Unpack it first."
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "is an HDF5 file, not an MXNet parameter file."
    if is_saved_by_torch(head):
        return "is a PyTorch file, not an MXNet parameter file."
    if _is_safetensors(head, size):
        return "is a safetensors file, not an MXNet parameter file."
    if _PICKLE.match(head):
        return (
            "is a Python pickle, such as the optimizer states (.states) that MXNet saves. It can run any code and "
            "is never loaded. Give the .params file."
        )
    error = STORAGE_ERROR.search(text)
    if error is not None:
        return f"is an error message of S3 or a similar storage ({error.group(1).decode()}), not the file. {_ACCESS}"
    if text[:10].lower().startswith(_MARKUP):
        return "is an HTML page: the download failed. Get the file itself."
    if text.startswith((b"{", b"[")):
        return "is JSON, perhaps the symbol. Give the .params file as parameters and this as the symbol."
    return None


def _is_safetensors(head: bytes, size: int) -> bool:
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8

"""What a file is, by its first bytes: one of ours, or something that people take for one."""

from __future__ import annotations

import re

from mxnet_to_neutral.arrays.container import LIST_MAGIC
from mxnet_to_neutral.arrays.npy import NPY_MAGIC

HEAD = 512
"""The bytes that are enough to tell."""

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")

_ARCHIVES = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")
_PICKLE = re.compile(  # protocols 2 and up; then a dict, list or tuple, or a global, of 0 and 1
    rb"\x80[\x02-\x05]|\(+[dl]p\d|\(*[}\]]q|\(*c(?:copy_reg|__builtin__|mxnet[\w.]*|numpy[\w.]*)\n"
)


def file_format(head: bytes, size: int) -> str | None:
    """``ndarray-list``, ``npz`` or ``npy`` by the first :data:`HEAD` bytes of ``size``; None for all else."""
    if _is_safetensors(head, size):  # its header can be 0x112 bytes long
        return None
    for magic, name in ((LIST_MAGIC, "ndarray-list"), (NPY_MAGIC, "npy"), *((zip_, "npz") for zip_ in ZIP_MAGICS)):
        if head and head[: len(magic)] == magic[: len(head)]:
            return name
    return None


def foreign_kind(head: bytes, size: int) -> str | None:
    """What a file that is none of ours is, and what to do; None if it cannot be told."""
    text = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    text = text.lstrip()
    if not size:
        return "is empty. The download or the copy failed: get it again."
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "is a Git LFS pointer, not the file it stands for. Run `git lfs pull` in its repository."
    for magic, name in _ARCHIVES:
        if head.startswith(magic):
            return f"is {name}, not a parameter file. Unpack it first."
    if head[257:262] == b"ustar":
        return "is a tar archive, not a parameter file. Unpack it first."
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "is an HDF5 file, not an MXNet parameter file."
    if _is_safetensors(head, size):
        return "is a safetensors file, not an MXNet parameter file."
    if _PICKLE.match(head):
        return (
            "is a Python pickle, such as the optimizer states (.states) that MXNet saves. It can run any code and "
            "is never loaded. Give the .params file."
        )
    if text[:10].lower().startswith(_MARKUP):
        return "is an HTML page. The download failed: get the file itself."
    if text.startswith((b"{", b"[")):
        return "is JSON, perhaps the symbol. Give the .params file as parameters and this as the symbol."
    return None


def _is_safetensors(head: bytes, size: int) -> bool:
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8

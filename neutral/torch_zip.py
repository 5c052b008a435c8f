"""Know the zip archives that torch writes from those of NumPy and of MXNet, by their first bytes."""

from __future__ import annotations


def is_saved_by_torch(head: bytes) -> bool:
    """Return whether a file is a zip archive that begins with the pickle that ``torch.save`` writes first.

    Args:
        head: The first 512 bytes of the file.

    Example:
        >>> head = b"PK\\x03\\x04" + bytes(22) + b"\\x10\\0\\0\\0archive/data.pkl"
        >>> is_saved_by_torch(head), is_saved_by_torch(head[:30])
        (True, False)
    """
    name_end = 30 + int.from_bytes(head[26:28], "little")  # of the first member
    return head.startswith(b"PK\x03\x04") and head[30:name_end].endswith(b"data.pkl")

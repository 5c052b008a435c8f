"""The seal: the SHA-256 of a header or an index, which stands within it."""

from __future__ import annotations

import hashlib

KEY = "neutral.sha256"
DIGITS = 64
"""The length of a SHA-256 in hexadecimal."""

BLANK = "0" * DIGITS
"""What stands in the digest's place while it is made."""


def seal(raw: bytearray, mark: bytes) -> bytearray:
    """``raw``, which is changed, with its digest for the :data:`BLANK` after ``mark``."""
    start = raw.rindex(mark) + len(mark)
    raw[start : start + DIGITS] = hashlib.sha256(raw).hexdigest().encode()
    return raw


def is_sealed(raw: bytes, mark: bytes) -> bool:
    """Whether what stands after ``mark`` is the digest."""
    start = raw.rfind(mark) + len(mark)
    end = start + DIGITS
    blank = bytearray(raw)
    blank[start:end] = BLANK.encode()
    return hashlib.sha256(blank).hexdigest().encode() == raw[start:end]

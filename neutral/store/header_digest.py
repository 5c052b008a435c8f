"""Write and verify digests inside a header: the SHA-256 of the header itself, and digests that become known late.

The length of a header has to be final before its digests are known, so placeholders of the same length hold their
places and are overwritten in memory.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Sequence

KEY = "neutral.sha256"
"""The metadata key of the header's own digest."""

PLACEHOLDER = "0" * 64
"""The value of :data:`KEY` while the header is hashed: as many zeros as a SHA-256 has hexadecimal digits."""

COMPACT_PREFIX = f'"{KEY}":"'.encode()
"""The bytes before the digest in JSON without spaces, as in the header of a safetensors file."""

INDENTED_PREFIX = f'"{KEY}": "'.encode()
"""The bytes before the digest in indented JSON, as in the index of a sharded store."""


def write_header_digest(header: bytearray, prefix: bytes = COMPACT_PREFIX) -> bytearray:
    """Write the header's SHA-256 in place and return the header.

    Args:
        header: The whole header, with :data:`PLACEHOLDER` after ``prefix``.
        prefix: The bytes directly before the digest.

    Returns:
        The same ``header``.

    Example:
        >>> header = bytearray(COMPACT_PREFIX + PLACEHOLDER.encode() + b'"')
        >>> is_header_digest_valid(write_header_digest(header))
        True
    """
    start = header.index(prefix) + len(prefix)
    header[start : start + len(PLACEHOLDER)] = hashlib.sha256(header).hexdigest().encode()
    return header


def is_header_digest_valid(header: bytes, prefix: bytes = COMPACT_PREFIX) -> bool:
    """Return whether the digest after ``prefix`` is the header's SHA-256; see :func:`write_header_digest`.

    Args:
        header: The header as it is in the file.
        prefix: The bytes before the digest.

    Returns:
        False also if the digest is missing.

    Example:
        >>> header = bytearray(b"{" + COMPACT_PREFIX + PLACEHOLDER.encode() + b'"}')
        >>> signed = bytes(write_header_digest(header))
        >>> is_header_digest_valid(signed), is_header_digest_valid(signed + b" ")
        (True, False)
    """
    start = header.find(prefix) + len(prefix)
    end = start + len(PLACEHOLDER)
    unsigned = bytearray(header)
    unsigned[start:end] = PLACEHOLDER.encode()
    return hashlib.sha256(unsigned).hexdigest().encode() == header[start:end]


def random_placeholder() -> str:
    """Return a placeholder of the length of a SHA-256 that no header contains by chance.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> len(random_placeholder())
        64
    """
    return os.urandom(len(PLACEHOLDER) // 2).hex()


def fill_placeholders(header: bytearray, placeholder: str, digests: Sequence[str]) -> None:
    """Overwrite the occurrences of a placeholder in order.

    Args:
        header: The header, which is changed.
        placeholder: The text of every occurrence, from :func:`random_placeholder`.
        digests: One SHA-256 in hexadecimal for each occurrence.

    Example:
        >>> header = bytearray(b"a=" + b"?" * 64)
        >>> fill_placeholders(header, "?" * 64, ["f" * 64])
        >>> header == b"a=" + b"f" * 64
        True
    """
    places = [match.start() for match in re.finditer(re.escape(placeholder.encode()), header)]
    assert len(places) == len(digests)
    for start, digest in zip(places, digests):
        header[start : start + len(PLACEHOLDER)] = digest.encode()

"""Read the central directory of a zip archive with uncompressed members.

Python's ``zipfile`` reads the whole directory into memory, trusts its sizes and raises errors of many types on crafted
files; this module reads one entry at a time and checks that the members lie within the file and do not overlap.
MXNet writes local headers without sizes and checksums, and zero dates; this module reads none of these.
Source: PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mxnet_to_neutral.arrays.names import claim_name, decode_name
from mxnet_to_neutral.arrays.window import DAMAGED, TRUNCATED, Window
from mxnet_to_neutral.limits import BYTES_OF_AN_ARRAY
from neutral import limits

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_EXTRA = struct.Struct("<2H")
_U64 = struct.Struct("<Q")

_ENCRYPTED, _UTF8 = 1, 0x800
_IN_ZIP64_16, _IN_ZIP64_32 = 0xFFFF, 0xFFFFFFFF  # the value is in a zip64 structure
_MAX_COMMENT = 0xFFFF


@dataclass(frozen=True)
class Member:
    """A stored member.

    Args:
        name: The name in the directory.
        offset: The byte offset of the local header.
        start: The byte offset of the content.
        end: The byte offset behind the content.
    """

    name: str
    offset: int
    start: int
    end: int


@dataclass(frozen=True)
class _Entry:
    """An entry of the directory: the name before and after decoding, the content's size, the local header's offset."""

    raw_name: bytes
    name: str
    nbytes: int
    offset: int


def read_members(window: Window) -> list[Member]:
    """Read the members of an archive.

    Args:
        window: A window on the whole file.

    Returns:
        The members in the order of the directory.

    Raises:
        FormatError: The archive is damaged, or a member is compressed, encrypted or repeated.
    """
    count, start, end = _read_directory_end(window)
    if count > max(limits.ARRAY_COUNT.value, window.size // BYTES_OF_AN_ARRAY):
        problem = f"{count} members in a zip archive; expected at most {limits.ARRAY_COUNT.hint}."
        raise window.error(problem, DAMAGED, start)
    if count * _ENTRY.size > end - start:
        raise window.error(f"{count} members in a zip directory of {end - start} bytes.", DAMAGED, start)
    window.position = start
    taken: set[str] = set()
    entries = [_read_entry(window, taken) for _ in range(count)]
    if window.position != end:
        raise window.error(f"the zip directory ends here; it should end at byte {end}.", DAMAGED)
    members = [_locate_member(window, entry, start) for entry in entries]
    _check_overlap(window, members)
    return members


def _check_overlap(window: Window, members: list[Member]) -> None:
    """Refuse members that share bytes of the file."""
    previous = None
    for member in sorted(members, key=lambda member: member.offset):
        if previous and member.offset < previous.end:
            problem = f"the zip members {previous.name!r} and {member.name!r} overlap."
            raise window.error(problem, DAMAGED, member.offset)
        previous = member


def _read_directory_end(window: Window) -> tuple[int, int, int]:
    """Return the number of entries of the central directory, and the byte offsets of its start and end."""
    tail_start = window.position = max(0, window.size - _END.size - _MAX_COMMENT)
    tail = window.read(window.size - tail_start, "the zip directory")
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        offset = window.position = tail_start + at
        if window.remaining >= _END.size:
            _, disk, first, here, count, nbytes, start, comment = window.unpack(_END, "the zip directory")
            if window.remaining == comment:
                break
        at = tail.rfind(b"PK\x05\x06", 0, at)
    else:
        raise window.error("a zip archive without a directory at its end.", TRUNCATED, window.size)
    end = offset
    if _IN_ZIP64_16 in (here, count) or _IN_ZIP64_32 in (nbytes, start):
        end, disk, first, here, count, nbytes, start = _read_directory_end64(window, offset)
    if disk or first or here != count or start + nbytes != end:
        problem = f"a zip directory of {nbytes} bytes at byte {start}, which does not end where its end is recorded."
        raise window.error(problem, DAMAGED, offset)
    return count, start, end


def _read_directory_end64(window: Window, end: int) -> tuple[int, ...]:
    """Return the fields of the zip64 end of the directory; ``end`` is the byte offset behind its locator."""
    window.position = end - _LOCATOR64.size
    if window.position < 0:
        raise window.error("no zip64 locator before the end of the directory.", DAMAGED, end)
    magic, _, offset, _ = window.unpack(_LOCATOR64, "the zip64 locator")
    if magic != b"PK\x06\x07" or offset + _END64.size > end:
        raise window.error("no zip64 locator before the end of the directory.", DAMAGED, end - _LOCATOR64.size)
    window.position = offset
    magic, _, _, _, disk, first, here, count, nbytes, start = window.unpack(_END64, "the zip64 directory end")
    if magic != b"PK\x06\x06":
        raise window.error("no zip64 directory end at the offset in the locator.", DAMAGED, offset)
    return offset, disk, first, here, count, nbytes, start


def _read_entry(window: Window, taken: set[str]) -> _Entry:
    """Read the entry at the position of the window; add its name to ``taken``."""
    at = window.position
    fields = window.unpack(_ENTRY, "the zip directory")
    magic, _, _, flags, method, _, _, _, packed, nbytes, name_size, extra_size, comment, *_, offset = fields
    if magic != b"PK\x01\x02":
        raise window.error("no zip directory entry here.", DAMAGED, at)
    raw_name = window.read(name_size, "a member's name")
    name = decode_name(window, raw_name, "utf-8" if flags & _UTF8 else "cp437")
    extra = window.read(extra_size, "a directory entry")
    window.read(comment, "a directory entry")
    claim_name(window, name, taken, at)
    if flags & _ENCRYPTED:
        raise window.error(f"the member {name!r} is encrypted.", "Save the arrays again with numpy.savez.", at)
    if method:
        raise window.error(
            f"the member {name!r} is compressed (method {method}); MXNet writes arrays uncompressed.",
            "Load the file with numpy.load and save it with numpy.savez, not savez_compressed.",
            at,
        )
    if _IN_ZIP64_32 in (packed, nbytes, offset):
        packed, nbytes, offset = _resolve_zip64(window, extra, at, nbytes, packed, offset)
    if packed != nbytes:
        problem = f"the stored member {name!r} has {packed} bytes and announces {nbytes}."
        raise window.error(problem, DAMAGED, at)
    return _Entry(raw_name, name, nbytes, offset)


def _resolve_zip64(
    window: Window, extra: bytes, at: int, nbytes: int, packed: int, offset: int
) -> tuple[int, int, int]:
    """Return packed size, size and offset, with each 0xFFFFFFFF replaced from the zip64 field in ``extra``."""
    position = 0
    while position + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size
        if kind == 1:
            field = extra[position : position + size]
            wide = [value for (value,) in _U64.iter_unpack(field[: len(field) // 8 * 8])]
            nbytes, packed, offset = (
                wide.pop(0) if value == _IN_ZIP64_32 and wide else value for value in (nbytes, packed, offset)
            )
            return packed, nbytes, offset
        position += size
    raise window.error("a zip directory entry without the zip64 field it refers to.", DAMAGED, at)


def _locate_member(window: Window, entry: _Entry, limit: int) -> Member:
    """Read the local header of an entry; header and content have to end at the byte offset ``limit``."""
    window.position = entry.offset
    if entry.offset + _LOCAL.size > limit:
        raise window.error(f"the zip member {entry.name!r} begins outside the file's data.", DAMAGED)
    magic, *_, name_size, extra_size = window.unpack(_LOCAL, "a zip member's header")
    if magic != b"PK\x03\x04" or window.read(name_size, "a zip member's header") != entry.raw_name:
        problem = f"no local header of the zip member {entry.name!r} at the offset in the directory."
        raise window.error(problem, DAMAGED, entry.offset)
    start = window.position + extra_size
    if start + entry.nbytes > limit:
        problem = f"the zip member {entry.name!r} of {entry.nbytes} bytes reaches beyond the file's data."
        raise window.error(problem, DAMAGED, entry.offset)
    return Member(entry.name, entry.offset, start, start + entry.nbytes)

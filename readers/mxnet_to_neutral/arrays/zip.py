"""The members of a zip archive that are stored as they are, from its central directory.

Python's ``zipfile`` reads the whole directory into memory, trusts its sizes and raises errors of many sorts on
crafted files; this reads one entry at a time and checks that the members lie in the file and apart from each other.
MXNet leaves sizes and checksums out of the local headers and dates at zero; neither is looked at.
Source: PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mxnet_to_neutral.arrays.limits import DAMAGED, MAX_ARRAYS, TRUNCATED
from mxnet_to_neutral.arrays.names import claim_name, decode_name
from mxnet_to_neutral.arrays.window import Window

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_EXTRA = struct.Struct("<2H")
_U64 = struct.Struct("<Q")

_ENCRYPTED, _UTF8 = 1, 0x800
_NONE16, _NONE32 = 0xFFFF, 0xFFFFFFFF  # the value is in a zip64 structure
_MAX_COMMENT = 0xFFFF


@dataclass(frozen=True)
class Member:
    """A stored member: its local header at ``offset``, its bytes from ``start`` to ``end``."""

    name: str
    offset: int
    start: int
    end: int


@dataclass(frozen=True)
class _Entry:
    raw_name: bytes
    name: str
    nbytes: int
    offset: int


def read_members(window: Window) -> list[Member]:
    """The members in the order of the directory; FormatError for what is broken, compressed or encrypted."""
    count, start, end = _directory(window)
    if count > MAX_ARRAYS or count * _ENTRY.size > end - start:
        raise window.error(f"{count} members in a zip directory of {end - start} bytes.", DAMAGED, start)
    window.position = start
    taken: set[str] = set()
    entries = [_entry(window, taken) for _ in range(count)]
    if window.position != end:
        raise window.error(f"the zip directory ends here; it should end at byte {end}.", DAMAGED)
    members = [_member(window, entry, start) for entry in entries]
    previous = None
    for member in sorted(members, key=lambda member: member.offset):
        if previous and member.offset < previous.end:
            problem = f"the zip members {previous.name!r} and {member.name!r} overlap."
            raise window.error(problem, DAMAGED, member.offset)
        previous = member
    return members


def _directory(window: Window) -> tuple[int, int, int]:
    """The number of entries of the central directory, where it starts and where it ends."""
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
        raise window.error("a zip archive with no directory at its end.", TRUNCATED, window.size)
    end = offset
    if _NONE16 in (here, count) or _NONE32 in (nbytes, start):
        end, disk, first, here, count, nbytes, start = _directory64(window, offset)
    if disk or first or here != count or start + nbytes != end:
        problem = f"a zip directory of {nbytes} bytes at byte {start}, which does not end where its end is recorded."
        raise window.error(problem, DAMAGED, offset)
    return count, start, end


def _directory64(window: Window, end: int) -> tuple[int, ...]:
    window.position = end - _LOCATOR64.size
    if window.position < 0:
        raise window.error("no zip64 locator before the end of the directory.", DAMAGED, end)
    magic, _, offset, _ = window.unpack(_LOCATOR64, "the zip64 locator")
    if magic != b"PK\x06\x07" or offset + _END64.size > end:
        raise window.error("no zip64 locator before the end of the directory.", DAMAGED, end - _LOCATOR64.size)
    window.position = offset
    magic, _, _, _, disk, first, here, count, nbytes, start = window.unpack(_END64, "the zip64 directory end")
    if magic != b"PK\x06\x06":
        raise window.error("no zip64 directory end where the locator puts it.", DAMAGED, offset)
    return offset, disk, first, here, count, nbytes, start


def _entry(window: Window, taken: set[str]) -> _Entry:
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
    if _NONE32 in (packed, nbytes, offset):
        packed, nbytes, offset = _zip64(window, extra, at, nbytes, packed, offset)
    if packed != nbytes:
        problem = f"the stored member {name!r} has {packed} bytes and announces {nbytes}."
        raise window.error(problem, DAMAGED, at)
    return _Entry(raw_name, name, nbytes, offset)


def _zip64(window: Window, extra: bytes, at: int, nbytes: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The packed size, size and offset with those that are 0xFFFFFFFF taken from the entry's zip64 field."""
    position = 0
    while position + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size
        if kind == 1:
            field = extra[position : position + size]
            wide = [value for (value,) in _U64.iter_unpack(field[: len(field) // 8 * 8])]
            values = [wide.pop(0) if value == _NONE32 and wide else value for value in (nbytes, packed, offset)]
            return values[1], values[0], values[2]
        position += size
    raise window.error("a zip directory entry without the zip64 field it refers to.", DAMAGED, at)


def _member(window: Window, entry: _Entry, limit: int) -> Member:
    window.position = entry.offset
    if entry.offset + _LOCAL.size > limit:
        raise window.error(f"the zip member {entry.name!r} begins outside the file's data.", DAMAGED)
    magic, *_, name_size, extra_size = window.unpack(_LOCAL, "a zip member's header")
    if magic != b"PK\x03\x04" or window.read(name_size, "a zip member's header") != entry.raw_name:
        problem = f"the zip directory puts the member {entry.name!r} here; its header is not."
        raise window.error(problem, DAMAGED, entry.offset)
    start = window.position + extra_size
    if start + entry.nbytes > limit:
        problem = f"the zip member {entry.name!r} of {entry.nbytes} bytes reaches beyond the file's data."
        raise window.error(problem, DAMAGED, entry.offset)
    return Member(entry.name, entry.offset, start, start + entry.nbytes)

"""Mutations of bytes and of JSON documents, driven by a seeded generator."""

from __future__ import annotations

import pickle
import random
import struct
from typing import Any, Callable, Iterator

BOUNDARIES = (0, 1, 2, 7, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)

TEXTS = (
    "",
    "None",
    "-1",
    "0",
    "1",
    "(",
    "(0, 0)",
    "(1, 1)",
    "(2, 2)",
    "(-1, -1)",
    "(3,)",
    "()",
    "True",
    "nan",
    "inf",
    "1e400",
    "999999999999999999999",
    "2147483648",
    "float16",
    "int8",
    "relu",
    "lstm",
    "'\"\\",
    "'''\"\"\"",
    "\\\"+__import__('os').abort()+\\\"",
    "\u202e\x1b[2J\n\0",
    "../../x",
    "a,b->c",
    "ab->",
)
"""Texts that attributes, names and enumerations are replaced by."""

NUMBERS: tuple[Any, ...] = (0, 1, -1, 2, 3, 7, 255, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, None, True, False)


def mutate_bytes(data: bytes, generator: random.Random) -> bytes:
    """Return ``data`` with one to four mutations: flips, boundary integers, copies, deletions, truncation."""
    content = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        generator.choice(_BYTE_MUTATIONS)(content, generator)
    return bytes(content)


def _flip(content: bytearray, generator: random.Random) -> None:
    if content:
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)


def _overwrite_integer(content: bytearray, generator: random.Random) -> None:
    width, code = generator.choice(((1, "<B"), (2, "<H"), (4, "<I"), (8, "<Q")))
    if len(content) >= width:
        start = generator.randrange(len(content) - width + 1)
        value = generator.choice(BOUNDARIES) & (2 ** (8 * width) - 1)
        content[start : start + width] = struct.pack(code, value)


def _delete(content: bytearray, generator: random.Random) -> None:
    start = generator.randrange(len(content) + 1)
    del content[start : start + generator.choice((1, 4, 8, 64))]


def _duplicate(content: bytearray, generator: random.Random) -> None:
    start = generator.randrange(len(content) + 1)
    part = content[start : start + generator.choice((1, 8, 64, 512))]
    position = generator.randrange(len(content) + 1)
    content[position:position] = part


def _truncate(content: bytearray, generator: random.Random) -> None:
    del content[generator.randrange(len(content) + 1) :]


_BYTE_MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip,
    _overwrite_integer,
    _overwrite_integer,
    _delete,
    _duplicate,
    _truncate,
)


def mutate_document(document: Any, generator: random.Random) -> Any:
    """Return a copy of a JSON document with one to three places deleted, duplicated, exchanged or replaced."""
    mutated = _copy(document)
    for _ in range(generator.choice((1, 1, 2, 3))):
        places = list(_places(mutated))
        if not places:
            return mutated
        container, key = generator.choice(places)
        action = generator.random()
        if action < 0.12:
            del container[key]
        elif action < 0.24 and isinstance(container, list):
            container.insert(key, _copy(container[key]))
        elif action < 0.36 and isinstance(container, dict):
            container[generator.choice(TEXTS)] = container.pop(key)
        elif action < 0.5:
            other, place = generator.choice(places)
            container[key] = _copy(other[place])
        else:
            container[key] = _replacement(container[key], generator)
    return mutated


def _copy(document: Any) -> Any:
    """Return a deep copy, several times faster than ``copy.deepcopy`` makes it."""
    return pickle.loads(pickle.dumps(document, pickle.HIGHEST_PROTOCOL))


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a document."""
    stack: list[Any] = [document]
    while stack:
        container = stack.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in items:
            yield container, key
            if isinstance(value, (dict, list)):
                stack.append(value)


def _replacement(value: Any, generator: random.Random) -> Any:
    if isinstance(value, str) and generator.random() < 0.8:
        return generator.choice(TEXTS)
    if isinstance(value, (int, float)) and generator.random() < 0.8:
        return generator.choice(NUMBERS)
    return generator.choice((*TEXTS, *NUMBERS, [], {}, [[]], [0, 0, 0]))

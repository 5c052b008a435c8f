"""Digests that are computed beside the copying."""

from __future__ import annotations

import hashlib
from threading import Event
from typing import Iterator

import pytest

from neutral.store.digests import Digests, sha256


def test_a_stopped_digest_reads_no_more_of_its_stream() -> None:
    stopped = Event()
    read: list[int] = []

    def stream() -> Iterator[bytes]:
        for index in range(5):
            read.append(index)
            if index == 2:
                stopped.set()
            yield b"x"

    assert sha256(stream(), stopped) == hashlib.sha256(b"xx").hexdigest()
    assert read == [0, 1, 2]


def test_an_error_in_the_block_ends_the_thread_before_the_stream() -> None:
    started, read = Event(), []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            started.set()
            yield b"x"

    with pytest.raises(KeyError, match="copying"), Digests({}) as digests:
        digests.add("a", endless())
        started.wait()
        raise KeyError("copying")
    assert read and dict(digests) == {}


def test_the_error_of_a_stream_is_raised_at_the_end() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    with Digests({"known": "0" * 64}) as digests:
        digests.add("a", [b"x"])
        digests.add("b", broken())
        with pytest.raises(OSError, match="gone"):
            digests.finish()
    assert digests["known"] == "0" * 64

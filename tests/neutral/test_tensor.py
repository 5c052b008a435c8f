"""Content of tensors that has another size than dtype and shape require."""

from __future__ import annotations

import re

import pytest

from neutral.errors import SourceError
from neutral.tensor import Tensor

np = pytest.importorskip("numpy")


@pytest.mark.parametrize("chunks", [[], [b"abc"], [b"abcde"], [b"abcd", b"e"], [b"ab", b"cdef", b"g"]])
def test_content_of_another_size_is_an_error(chunks: list[bytes]) -> None:
    size = sum(map(len, chunks))
    with pytest.raises(SourceError, match=re.escape(f"a tensor of 4 bytes has {size} bytes of content")):
        Tensor("F32", (1,), lambda: chunks).numpy()


def test_a_tensor_is_read_into_memory_that_is_there() -> None:
    memory = bytearray(4)
    Tensor("U8", (2, 2), lambda: [b"a", b"bcd"]).read_into(memoryview(memory))
    assert memory == b"abcd"

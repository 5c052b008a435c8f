"""Values of tensors block by block."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neutral.errors import SourceError
from neutral.tensor import Tensor, from_numpy
from neutral.values import BLOCK, cast_tensor, cast_to, numeric_blocks, numeric_values

np = pytest.importorskip("numpy")


@pytest.mark.parametrize("code", ["F32", "BF16", "I64", "U8"])
@pytest.mark.parametrize("chunk", [1, 3, 8, 17, 1000])
def test_blocks_do_not_depend_on_the_chunks_of_the_content(code: str, chunk: int) -> None:
    dtype = {"F32": np.float32, "BF16": np.uint16, "I64": np.int64, "U8": np.uint8}[code]
    array = np.arange(37, dtype=dtype)
    content = array.tobytes()
    chunks = [content[start : start + chunk] for start in range(0, len(content), chunk)]
    blocks = list(numeric_blocks(Tensor(code, (37,), lambda: chunks), 8))
    assert [len(block) for block in blocks] == [8, 8, 8, 8, 5]
    np.testing.assert_array_equal(np.concatenate(blocks), numeric_values(from_numpy(array, code)))


@pytest.mark.parametrize("content", [b"", b"abc", b"abcdefghi"])
def test_content_of_another_size_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match=re.escape(f"8 bytes has {len(content)} bytes of content")):
        list(numeric_blocks(Tensor("F32", (2,), lambda: [content])))


def test_a_tensor_without_elements_has_no_blocks() -> None:
    assert list(numeric_blocks(from_numpy(np.zeros((0, 3), np.float32)))) == []
    assert cast_tensor(from_numpy(np.zeros((0, 3), np.float32)), "F16").numpy().shape == (0, 3)


@pytest.mark.parametrize("code", ["F16", "BF16", "F64"])
def test_a_cast_block_by_block_is_the_cast_of_the_whole(code: str) -> None:
    array = np.random.default_rng(3).normal(size=(2, BLOCK // 2 + 7)).astype(np.float32)
    array[0, :4] = [np.nan, np.inf, -np.inf, 1e-40]
    np.testing.assert_array_equal(cast_tensor(from_numpy(array), code).numpy(), cast_to(array, code))


def test_one_block_is_read_at_a_time() -> None:
    read: list[int] = []

    def content() -> Any:
        for index in range(4):
            read.append(index)
            yield bytes(4 * BLOCK)

    chunks = cast_tensor(Tensor("F32", (4 * BLOCK,), content), "F16").chunks()
    assert len(next(iter(chunks))) == 2 * BLOCK
    assert read == [0]

"""Hostile and damaged headers raise an error of Neutral at once, and never another exception."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neutral
from neutral.errors import NeutralError, SourceError, StoreError, UsageError
from neutral.store.check import check
from neutral.store.header import LIMIT, encode_header
from neutral.store.header_digest import write_header_digest
from neutral.store.header_parser import header_length, parse_header
from neutral.store.safetensors import read, read_tensors
from samples import in_memory, run_python, sample_store

GOOD = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}'


def file_with(folder: Path, header: str | bytes, data: bytes = bytes(9)) -> Path:
    text = header.encode() if isinstance(header, str) else header
    path = folder / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_a_good_header_is_read(tmp_path: Path) -> None:
    tensors = read_tensors(file_with(tmp_path, GOOD))
    assert {key: (tensor.dtype, tensor.shape) for key, tensor in tensors.items()} == {
        "a": ("F32", (2,)),
        "b": ("U8", ()),
    }


def test_the_data_of_a_tensor_are_behind_the_header(tmp_path: Path) -> None:
    tensors = read_tensors(file_with(tmp_path, GOOD, bytes(range(9))))
    assert [b"".join(tensor.chunks()) for tensor in tensors.values()] == [bytes(range(8)), b"\x08"]


@pytest.mark.parametrize("length", [0, 2, LIMIT])
def test_a_header_may_be_as_long_as_the_limit_and_as_the_file(length: int) -> None:
    assert header_length(length.to_bytes(8, "little"), length + 8, "x") == length
    assert header_length(length.to_bytes(8, "little") + b"{", length + 9, "x") == length


@pytest.mark.parametrize(
    ("head", "size", "message"),
    [
        (bytes(7), 7, "7 bytes are too few"),
        (b"", 0, "0 bytes are too few"),
        ((LIMIT + 1).to_bytes(8, "little"), LIMIT + 9, f"at most {LIMIT} are allowed"),
        ((1).to_bytes(8, "little"), 8, "only 0 follow"),
        ((3).to_bytes(8, "little"), 10, "only 2 follow"),
    ],
)
def test_a_length_beyond_the_limit_or_the_file_is_refused(head: bytes, size: int, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        header_length(head, size, "x")


def test_a_file_that_became_shorter_ends_within_its_header() -> None:
    with pytest.raises(StoreError, match="byte 10: the file ends within its header"):
        parse_header((3).to_bytes(8, "little") + b"{}", 11, "x")


def test_a_header_ends_with_spaces_alone(tmp_path: Path) -> None:
    for end in ("\n", " \n", "\t"):
        with pytest.raises(StoreError, match="does not end with a brace and spaces"):
            read_tensors(file_with(tmp_path, GOOD + end))


def test_a_shape_has_at_most_64_sizes(tmp_path: Path) -> None:
    shape = ",".join("1" * 64)
    assert read_tensors(file_with(tmp_path, GOOD.replace("[]", f"[{shape}]")))["b"].shape == (1,) * 64


def test_spaces_and_any_order_of_fields_are_allowed(tmp_path: Path) -> None:
    text = '{ "a" : {"data_offsets": [0, 9], "shape": [9], "dtype": "U8"} }   '
    assert read_tensors(file_with(tmp_path, text))["a"].shape == (9,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"b":', '"a":', "duplicate key 'a'"),
        ('"dtype":"U8"', '"dtype":"U8","dtype":"U8"', "duplicate key 'dtype'"),
        ('"dtype":"U8"', '"dtype":"U8","extra":1', "and no others"),
        ('"dtype":"U8",', "", "must have the fields"),
        ('"U8"', '"F8_E5M2"', "expected one of BOOL"),
        ('"U8"', "8", "expected one of BOOL"),
        ("[8,9]", "[7,8]", "without gap or overlap"),
        ("[8,9]", "[9,10]", "without gap or overlap"),
        ("[8,9]", "[9,8]", "expected begin and end"),
        ("[8,9]", "[8]", "expected begin and end"),
        ("[8,9]", "[8,true]", "expected begin and end"),
        ("[8,9]", "[8.0,9]", "not a whole number"),
        ("[8,9]", "[8,1e1]", "not a whole number"),
        ("[8,9]", "[-8,9]", "expected begin and end"),
        ("[8,9]", "[8," + "9" * 5000 + "]", "a number of 5000 digits"),
        ("[8,9]", "[8,NaN]", "not a whole number"),
        ("[8,9]", "[8,10]", "needs 1"),
        ("[0,8]", "[0,9223372036854775807]", "needs 8"),
        ('"shape":[2]', '"shape":[3]', "needs 12"),
        ('"shape":[2]', '"shape":[9223372036854775807,9223372036854775807]', "needs 3402"),
        ('"shape":[2]', '"shape":[-2]', "expected a list of at most"),
        ('"shape":[2]', '"shape":[false]', "expected a list of at most"),
        ('"shape":[2]', '"shape":[2' + ",1" * 64 + "]", "expected a list of at most"),
        ('"shape":[2]', '"shape":2', "expected a list of at most"),
        ('"b":{', '"b":[{', "damaged"),
        ("{", "[", "does not begin with a brace"),
        ("{", " {", "does not begin with a brace"),
        ("}}", "}}\n", "does not end with a brace and spaces"),
        ("}}", "}}\0", "does not end with a brace and spaces"),
        ("}}", "}}{}", "damaged"),
        ("}}", "}", "damaged"),
        ('"b"', '"\\ud800"', "cannot be encoded as UTF-8"),
        ('"b":{', '"__metadata__":{', "an object of texts"),
        ('"b":{', '"__metadata__":[],"b":{', "an object of texts"),
    ],
)
def test_violations_of_the_format_are_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in GOOD
    path = file_with(tmp_path, GOOD.replace(old, new) if old in ("}}",) else GOOD.replace(old, new, 1))
    with pytest.raises(StoreError) as caught:
        read_tensors(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_a_header_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="utf-8"):
        read_tensors(file_with(tmp_path, GOOD.encode().replace(b'"b"', b'"\xff"')))


@pytest.mark.parametrize("length", [0, 1, LIMIT, LIMIT + 1, 1 << 40, (1 << 64) - 1])
def test_an_impossible_length_is_refused_before_anything_is_read(length: int, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + GOOD.encode())
    with pytest.raises(StoreError):
        read_tensors(path)


@pytest.mark.parametrize("data", [bytes(8), bytes(10), b""])
def test_the_header_accounts_for_every_byte_of_the_file(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"describes a file of .* and it has|needs"):
        read_tensors(file_with(tmp_path, GOOD, data))


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":['])
def test_deep_nesting_is_an_error_not_a_crash(opening: str, tmp_path: Path) -> None:
    text = '{"a":' + opening * 1_000_000
    with pytest.raises(StoreError, match=r"damaged|does not end"):
        read_tensors(file_with(tmp_path, text + "}"))


def test_names_are_data(tmp_path: Path) -> None:
    """Names that look like paths or terminal commands are kept and have no effect."""
    names = ["../../etc/passwd", "/absolute", "new\nline", "\x1b[31mred", "nul\0", "", "é 😀"]
    text = encode_header({name: in_memory("U8", (0,), b"") for name in names})
    path = tmp_path / "x.safetensors"
    path.write_bytes(text)
    assert set(read_tensors(path)) == set(names)


@pytest.mark.parametrize("name", ["__metadata__", "half \ud800"])
def test_a_name_that_cannot_be_written_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        encode_header({name: in_memory("U8", (0,), b"")})


def test_anything_but_a_file_raises_source_error(tmp_path: Path) -> None:
    """A pipe is not opened, which would block."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent.safetensors", tmp_path, tmp_path / "pipe"):
        with pytest.raises(SourceError):
            read_tensors(path)
        with pytest.raises(SourceError):
            neutral.open(path)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 1 << 70)
    | st.floats()
    | st.sampled_from(["F32", "U8", "", "inf", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "dtype", "shape", "data_offsets", "__metadata__", "neutral"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(json_values, st.binary(max_size=16))
def test_any_json_as_header_is_success_or_a_neutral_error(document: Any, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = file_with(Path(folder), json.dumps(document), data)
        with contextlib.suppress(NeutralError):
            read_tensors(path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_store_with_mutated_manifest_is_success_or_a_neutral_error(data: st.DataObject) -> None:
    """The header gets its digest after the mutation, so that the manifest's own checks are met."""
    from neutral.store.header_parser import read_header

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "m.safetensors"
        sample_store(folder).save(path)
        header = read_header(path)
        manifest = json.loads(header.metadata["neutral"])
        target, key = data.draw(st.sampled_from(list(places(manifest))))
        target[key] = data.draw(json_values)
        text = json.dumps(manifest)
        changed = encode_header(header.tensors, {"format": "pt", "neutral": text, "neutral.sha256": "0" * 64})
        path.write_bytes(write_header_digest(changed) + path.read_bytes()[len(header.raw) :])
        with contextlib.suppress(NeutralError):
            read(str(path))
        assert isinstance(check(path, data=True).ok, bool)


def places(value: Any) -> Any:
    """Yield every (container, key) of a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from places(inner)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads its own size as Linux tells it")
def test_a_hostile_header_costs_no_memory(tmp_path: Path) -> None:
    """Shapes and lengths of exabytes are refused within 64 MiB of memory beyond the interpreter."""
    claims = [
        GOOD.replace("[2]", "[4611686018427387904]").replace("[0,8]", "[0,9223372036854775807]"),
        GOOD.replace("[8,9]", "[8,9223372036854775807]"),
    ]
    script = """
import resource, sys
from neutral.errors import StoreError
from neutral.store.safetensors import read_tensors
size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)
try:
    read_tensors(sys.argv[1])
except StoreError:
    print('refused')
"""
    for claim in claims:
        run = run_python(script, str(file_with(tmp_path, claim)))
        assert run.stdout == "refused\n", run.stderr

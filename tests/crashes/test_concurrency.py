"""Sixteen processes write one target at once. NEUTRAL_ROUNDS=100 runs as many rounds."""

from __future__ import annotations

import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import numpy as np

from cli_cases import linear_store, ndarray_list
from neutral import open as open_store
from neutral.errors import NeutralError
from neutral.fleet import archive
from neutral.store import Store, shards
from neutral.store.atomic import existing_files_kept
from neutral.store.check import check
from neutral.tensor import from_numpy
from pages import Page

ROUNDS = int(os.environ.get("NEUTRAL_ROUNDS", "2"))
WRITERS = 16


def model(offset: int) -> Store:
    store = linear_store()
    tensors = {key: from_numpy(store[key] + np.full((), offset, store[key].dtype)) for key in store.tensors}
    return Store(store.layers, tensors, store.graph, store.source)


def exit_codes(write: Callable[[int], None]) -> list[int]:
    """Call ``write`` with the numbers of the writers in a process each, all at once."""
    children = []
    for number in range(WRITERS):
        child = os.fork()
        if child == 0:
            code = 99
            try:
                write(number)
                code = 0
            except NeutralError as error:
                code = error.exit_code
            finally:
                os._exit(code)
        children.append(child)
    return sorted(os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children)


def test_a_set_of_shards_is_that_of_one_writer(tmp_path: Path) -> None:
    models = model(0), model(5)
    index = tmp_path / "m.safetensors.index.json"

    def write(number: int) -> None:
        shards.write(models[number % 2], str(tmp_path / "m.safetensors"), max_shard_size=(40, 24)[number % 2])

    for _ in range(ROUNDS):
        assert exit_codes(write) == [0] * WRITERS
        assert check(index, data=True).problems == ()
        names = {*json.loads(index.read_text())["weight_map"].values(), index.name}
        assert {path.name for path in tmp_path.iterdir()} == names


def test_a_catalogue_has_what_all_writers_added(tmp_path: Path) -> None:
    """Every writer archives another model of the same name."""
    out = tmp_path / "archive"
    values: set[float] = set()
    for turn in range(ROUNDS):
        first = turn * WRITERS
        values |= set(map(float, range(first, first + WRITERS)))
        for number in range(WRITERS):
            source = tmp_path / "sources" / str(first + number)
            source.mkdir(parents=True)
            content = ndarray_list({"dense0_weight": np.full((2, 2), first + number, "<f4")})
            (source / "model.params").write_bytes(content)

        def write(number: int, first: int = first) -> None:
            with ThreadPoolExecutor(1) as executor:
                archive([str(tmp_path / "sources" / str(first + number))], out, executor=executor)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # each waits for others, and says so
            assert exit_codes(write) == [0] * WRITERS
        entries = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
        assert [entry["status"] for entry in entries] == ["converted"] * len(values)
        assert {first_element(out / entry["store"]) for entry in entries} == values
        page = Page((out / "index.html").read_text())
        assert [item["name"] for item in page.document["entries"]] == [entry["name"] for entry in entries]
        assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]


def first_element(path: Path) -> float:
    with open_store(path) as store:
        return float(next(iter(store.tensors.values())).numpy().flat[0])


def test_exactly_one_writer_creates_a_file(tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"

    def write(number: int) -> None:
        with existing_files_kept():
            model(number).save(target)

    for _ in range(ROUNDS):
        assert exit_codes(write) == [0] + [8] * (WRITERS - 1)
        assert check(target, data=True).ok
        target.unlink()
        assert list(tmp_path.iterdir()) == []

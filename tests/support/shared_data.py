"""Where the folder of real data is: ``shared/data`` beside the project, or NEUTRAL_TEST_DATA."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]

HOW = (
    "{folder} does not exist. Name a folder of checkpoints in NEUTRAL_TEST_DATA; CONTRIBUTING.md describes its layout "
    "and where to get some. tests/mxnet_to_neutral/test_releases.py tests small files of the same kinds without it"
)
"""The reason of skipped tests."""


def shared_data_folder() -> Path:
    return Path(os.environ.get("NEUTRAL_TEST_DATA", ROOT.parent / "shared" / "data"))


def reason_to_skip() -> str:
    """Say where a folder of real data comes from."""
    return HOW.format(folder=shared_data_folder())


def checkpoint_pairs() -> Iterator[tuple[Path, Path]]:
    """Yield the files (symbol, parameters) of each checkpoint that has both."""
    folder = shared_data_folder()
    if not folder.is_dir():
        return
    for symbol in sorted((folder / "versions").glob("[0-9]*/*-symbol.json")):
        for params in sorted(symbol.parent.glob(symbol.name[: -len("-symbol.json")] + "-0*.params")):
            yield symbol, params
    with open(folder / "real" / "MANIFEST.tsv", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            params = folder / "real" / row["file"]
            symbol = params.parent / (row["symbol"] or "none").split("!")[-1]
            if row["kind"] == "params" and symbol.is_file():
                yield symbol, params

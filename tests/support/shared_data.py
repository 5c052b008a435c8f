"""Where the folder of real data is: ``shared/data`` beside the project, or NEUTRAL_TEST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

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

"""The wheel that is published: what it contains, and that two builds give the same bytes."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import neutral

pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "neutral": ROOT / "neutral",
    "mxnet_to_neutral": ROOT / "readers" / "mxnet_to_neutral",
    "torch_to_neutral": ROOT / "readers" / "torch_to_neutral",
    "neutral_to_torch": ROOT / "writers" / "neutral_to_torch",
    "neutral_to_mxnet": ROOT / "writers" / "neutral_to_mxnet",
    "neutral_to_onnx": ROOT / "writers" / "neutral_to_onnx",
}
RUN_TIME = {"numpy", "shtab", "tomli", "tomli-w"}


def copy_project(folder: Path) -> Path:
    """Copy what a build needs, and tests and caches besides, which it must leave out."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "shared", "data", "*.egg-info"))
    shutil.copy(ROOT / ".gitignore", folder)
    return folder


def build(project: Path, target: Path, umask: int) -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    script = f"import os; os.umask({umask}); from hatchling.cli import hatchling; hatchling()"
    command = [sys.executable, "-c", script, "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return build(copy_project(folder / "project"), folder / "dist", 0o022)


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    pages = ROOT / "neutral" / "page"
    assets = [*(pages / "assets").iterdir(), *(pages / "vendor").iterdir()]
    assert {"page.css", "graph.js", "dagre.min.js", "dagre.LICENSE"} <= {file.name for file in assets}
    expected = {"mxnet_capture.py", *(f"neutral/{file.relative_to(ROOT / 'neutral').as_posix()}" for file in assets)}
    for name, folder in PACKAGES.items():
        assert (folder / "py.typed").exists()
        files = [*folder.rglob("*.py"), folder / "py.typed"]
        expected |= {f"{name}/{file.relative_to(folder).as_posix()}" for file in files}
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert set(names) - metadata == expected
    assert len(names) == len(set(names))
    assert {name.partition("/")[2] for name in metadata} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_wheel_names_its_command_licence_and_requirements(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {name.partition("/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        points = configparser.ConfigParser()
        points.read_string(archive.read(texts["entry_points.txt"]).decode())
        metadata = Parser().parsestr(archive.read(texts["METADATA"]).decode())
        assert archive.read(texts["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()
    assert {section: dict(points[section]) for section in points.sections()} == {
        "console_scripts": {"neutral": "neutral.cli:main", metadata["Name"]: "neutral.cli:main"}
    }, "uvx and pipx run look for the program that has the name of the package"
    assert (metadata["Name"], metadata["License"]) == ("neutral-weights", "Apache-2.0")
    needed = [text for text in metadata.get_all("Requires-Dist") or [] if "extra ==" not in text]
    assert {text.partition(";")[0].partition(">")[0].strip() for text in needed} == RUN_TIME


def test_one_wheel_is_for_every_platform(wheel: Path) -> None:
    version = neutral.__version__
    assert wheel.name == f"neutral_weights-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"neutral_weights-{version}.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: true" in text and "Tag: py3-none-any" in text


def test_two_builds_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "another folder")
    for path in project.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = build(project, tmp_path / "dist", 0o077)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()

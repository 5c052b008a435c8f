"""A folder for a model hub."""

from __future__ import annotations

import hashlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import mxnet_to_neutral
import neutral
import neutral_to_torch
from neutral.cli import main
from neutral.errors import TargetError, UsageError
from neutral_to_torch.emission.hub import imported_packages

SHAPES = Path(__file__).resolve().parents[3] / "examples" / "shapes"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    with mxnet_to_neutral.read(SHAPES) as store:
        store.save(tmp_path / "store.safetensors")
    return tmp_path / "store.safetensors"


def test_the_folder_is_all_that_is_needed(stored: Path, tmp_path: Path) -> None:
    assert main(["emit", str(stored), "-o", str(tmp_path / "hub"), "--hub-layout"]) == 0
    folder = tmp_path / "hub"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.py",
        "model.safetensors",
    ]
    config = json.loads((folder / "config.json").read_text())
    model = runpy.run_path(str(folder / "model.py"))[config["architectures"][0]]().eval()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    assert [item["name"] for item in config["inputs"]] == ["data"]
    data = load_file(SHAPES / "golden.safetensors")["inputs.data"]
    with torch.no_grad(), neutral.open(stored) as store:
        torch.testing.assert_close(model(data), neutral_to_torch.build(store)(data))
        files = store.source.files
    assert config["source"]["files"] == [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in files]


def test_large_weights_become_shards_and_the_card_loads_them(stored: Path, tmp_path: Path) -> None:
    command = ["emit", str(stored), "-o", str(tmp_path / "hub"), "--hub-layout", "--max-shard-size", "20kB"]
    assert main(command) == 0
    names = {path.name for path in (tmp_path / "hub").iterdir()}
    assert {"model-00001-of-00002.safetensors", "model.safetensors.index.json"} < names
    assert "model.safetensors" not in names
    card = (tmp_path / "hub" / "README.md").read_text()
    for name in names - {"README.md"}:
        digest = hashlib.sha256((tmp_path / "hub" / name).read_bytes()).hexdigest()
        assert name == "config.json" or f"| {digest} |" in card, name
    code = card.split("```python\n")[1].split("```")[0]
    code += f"print(model(load_file({str(SHAPES / 'golden.safetensors')!r})['inputs.data']).tolist())"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "hub", capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    source = (tmp_path / "hub" / "model.py").read_text()
    assert "README.md shows how to load" in source and "load_file" not in source
    data = load_file(SHAPES / "golden.safetensors")["inputs.data"]
    with torch.no_grad(), neutral.open(stored) as store:
        torch.testing.assert_close(torch.tensor(json.loads(run.stdout)), neutral_to_torch.build(store)(data))
    assert main(["emit", str(stored), "-o", str(tmp_path / "m.py"), "--max-shard-size", "20kB"]) == 2


def test_the_card_says_what_the_manifest_says(stored: Path, tmp_path: Path) -> None:
    with neutral.open(stored) as store:
        neutral_to_torch.write_hub(store, tmp_path / "hub")
        card = (tmp_path / "hub" / "README.md").read_text()
        for file in store.source.files:
            assert f"| `{file.name}` | {file.size:,} | {file.sha256} |" in card
        convolutions = [layer for layer in store.layers.values() if layer.kind == "convolution"]
        count = sum(store.tensors[key].size for layer in convolutions for key in layer.tensors.values())
    assert f"| convolution | {len(convolutions)} | {count:,} |" in card
    assert "Converted from mxnet" in card


def test_the_card_says_what_is_needed_and_what_is_unknown(stored: Path, tmp_path: Path) -> None:
    with neutral.open(stored) as store:
        neutral_to_torch.write_hub(store, tmp_path / "hub")
    card = (tmp_path / "hub" / "README.md").read_text()
    assert "`model.py` imports torch;" in card and "`pip install torch safetensors`" in card
    assert "license: unknown" in card.split("---")[1] and "The licence of the weights is unknown" in card
    for name in ("model.py", "model.safetensors"):
        content = (tmp_path / "hub" / name).read_bytes()
        assert f"| `{name}` | {len(content):,} | {hashlib.sha256(content).hexdigest()} |" in card
    source = (tmp_path / "hub" / "model.py").read_text()
    assert imported_packages(source) == ["torch"]
    assert imported_packages(source + "import torchvision.ops as ops\n") == ["torch", "torchvision"]


def test_a_name_that_no_class_can_have_is_refused_before_anything_is_written(stored: Path, tmp_path: Path) -> None:
    for name in ("1abc", "class", "nn", "super", "a b"):
        for more in ([], ["--dry-run"]):
            for words in (["-o", str(tmp_path / "m.py")], ["-o", str(tmp_path / "hub"), "--hub-layout"]):
                assert main(["emit", str(stored), *words, "--class-name", name, *more]) == 2
    with neutral.open(stored) as store, pytest.raises(UsageError, match="invalid class name '1abc'"):
        neutral_to_torch.build(store, class_name="1abc")
    assert list(tmp_path.iterdir()) == [stored]


def test_what_stands_there_is_left_alone(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "mine.txt").write_text("mine")
    with neutral.open(stored) as store, pytest.raises(TargetError, match="not an empty folder"):
        neutral_to_torch.write_hub(store, tmp_path / "hub")
    assert [path.name for path in (tmp_path / "hub").iterdir()] == ["mine.txt"]


def test_a_failure_leaves_nothing(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutral_to_torch.emission.hub._card", lambda *_: 1 / 0)
    before = set(tmp_path.iterdir())
    with neutral.open(stored) as store, pytest.raises(ZeroDivisionError):
        neutral_to_torch.write_hub(store, tmp_path / "hub")
    assert set(tmp_path.iterdir()) == before


def test_a_dry_run_writes_nothing(stored: Path, tmp_path: Path) -> None:
    assert main(["emit", str(stored), "-o", str(tmp_path / "hub"), "--hub-layout", "--dry-run"]) == 0
    assert not (tmp_path / "hub").exists()

"""The quickstart says in one message what a machine lacks; its whole run is the first command of ``.ci/run``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "examples" / "quickstart.py"
OFFLINE = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the files of the project that the quickstart reads first."""
    (tmp_path / "examples").mkdir()
    shutil.copy(QUICKSTART, tmp_path / "examples")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def start(python: str, clone: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the quickstart of a clone, after statements that take something away."""
    run = f"import runpy; runpy.run_path({str(clone / 'examples' / 'quickstart.py')!r}, run_name='__main__')"
    return subprocess.run([python, "-c", f"{before}\n{run}"], env=OFFLINE, capture_output=True, text=True)


def test_without_an_index_the_message_says_so(clone: Path) -> None:
    done = start(sys.executable, clone)
    assert done.returncode == 1
    assert "PyTorch is downloaded: 0.2 GB" in done.stdout
    assert "could not be installed: pip ended with code 1" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_broken_environment_of_its_own_is_made_again(clone: Path) -> None:
    scripts = clone / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python").symlink_to(clone / "no-such-python")
    (clone / ".venv" / "created-by-neutral-quickstart").touch()
    done = start(sys.executable, clone)
    assert "pip ended with code 1" in done.stderr
    assert (scripts / "python").exists()


def test_an_environment_of_the_user_is_left_alone(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "notes").write_text("mine")
    done = start(sys.executable, clone)
    assert done.returncode == 1
    assert "this script did not create it" in done.stderr
    assert [path.name for path in (clone / ".venv").iterdir()] == ["notes"]


def test_without_venv_the_message_says_what_to_install(clone: Path) -> None:
    done = start(sys.executable, clone, "import sys; sys.modules['ensurepip'] = None")
    assert done.returncode == 1
    assert "install python3-venv first" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_clone_that_cannot_be_written_uses_the_cache(clone: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = f"import os; os.environ['XDG_CACHE_HOME'] = {str(cache)!r}; os.access = lambda *_: False"
    done = start(sys.executable, clone, before)
    assert f"setting up {cache / 'neutral-quickstart' / '.venv'}" in done.stdout
    assert not (clone / ".venv").exists()


PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
OLD = [str(path) for version in ("2.7", "3.6", "3.7", "3.8") for path in PYENV.glob(f"{version}.*/bin/python")]


@pytest.mark.skipif(not OLD, reason="pyenv has no Python older than 3.9 on this machine")
def test_old_pythons_are_told_which_one_is_needed() -> None:
    for python in OLD:
        done = subprocess.run([python, str(QUICKSTART)], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("PyTorch needs Python 3.9 or newer; this is ")

"""Every check of the project, each in an environment of its own: ``nox`` runs them all.

What needs real MXNet (1.9.1: Python 3.8 to 3.11) makes its environment with the first fitting Python it finds; where
there is none, the sessions say so and the rest runs without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
TESTING = ("pytest", "hypothesis", "jsonschema", "tqdm")
ARCHITECTURES = ("torchvision==0.28.0", "timm==1.0.31")
"""Networks by others. They would bring another torch along, and only their modules in plain torch are used."""
ARCHITECTURES_NEED = ("pillow", "pyyaml", "huggingface_hub", "transformers")
FLEETS = ("s3fs", "moto[server]", "pyarrow", "distributed", "hdf5plugin")
THREADS = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False


def find_python(*versions: str) -> str | None:
    """The first interpreter of these versions that really runs: on the PATH, or installed by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
        for candidate in filter(None, candidates):
            run = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True)
            if run.returncode == 0:
                return str(candidate)
    return None


MXNET_PYTHON = find_python("3.8", "3.9", "3.10", "3.11")
TORCH_PYTHON = find_python("3.11", "3.12", "3.13", "3.10", "3.9") or sys.executable


def mxnet_environment(session: nox.Session, name: str, *packages: str) -> str | None:
    """The Python of an environment with MXNet, made if need be; None, said in one line, where it cannot be."""
    if MXNET_PYTHON is None:
        session.warn(f"SKIPPED what needs {packages[0]}: there is no Python 3.8, 3.9, 3.10 or 3.11 on this machine")
        return None
    folder = ROOT / ".nox" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        session.run(MXNET_PYTHON, "-m", "venv", "--clear", str(folder), external=True)
        install = [str(python), "-m", "pip", "install", "-q"]
        session.run(*install, "-U", "pip", "wheel", external=True)
        session.run(*install, *packages, "-e", str(ROOT), external=True)
        (folder / "ready").touch()
    return str(python)


def mxnet_1(session: nox.Session) -> str | None:
    python = mxnet_environment(
        session, "mxnet", "mxnet==1.9.1", "numpy==1.23.5", "gluoncv==0.10.5.post0", "scipy", *TESTING
    )
    if python is not None:  # its tokenizer is compiled when it is installed: where that fails, its tests are skipped
        command = ("-m", "pip", "install", "-q", "gluonnlp==0.10.0", "numpy==1.23.5")
        session.run(python, *command, external=True, success_codes=[0, 1])
    return python


def mxnet_2(session: nox.Session) -> str | None:
    return mxnet_environment(session, "mxnet2", "mxnet==2.0.0b1", "numpy==1.23.5")


@nox.session(python=TORCH_PYTHON)
def lint(session: nox.Session) -> None:
    """Format, lint and types."""
    session.install("-c", "constraints.txt", "ruff", "mypy", "numpy", "-e", ".[torch,hdf5]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")


@nox.session(python=TORCH_PYTHON)
def writer(session: nox.Session) -> None:
    """The side with torch: containers, matching, emitting, verifying, and the whole path against real MXNet."""
    session.install(
        "-c", "constraints.txt", *TESTING, "ruff", "onnx", "onnxscript", "onnxruntime", *ARCHITECTURES_NEED, *FLEETS
    )
    session.install("--no-deps", *ARCHITECTURES)
    session.install("-c", "constraints.txt", "-e", ".[torch,hdf5]")
    pythons = {"NEUTRAL_MXNET_PYTHON": mxnet_1(session), "NEUTRAL_MXNET2_PYTHON": mxnet_2(session)}
    found = {name: python for name, python in pythons.items() if python}
    session.run("pytest", *session.posargs, env={**THREADS, **found})


@nox.session(python=False)
def reader(session: nox.Session) -> None:
    """The side with MXNet, without torch, on the oldest Python."""
    python = mxnet_1(session)
    if python is not None:
        folders = ("tests/mxnet_to_neutral", "tests/mxnet_capture", "tests/neutral", "tests/test_architecture.py")
        session.run(python, "-m", "pytest", *folders, *session.posargs, external=True, env=THREADS)

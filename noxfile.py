"""Sessions of all checks, each in its own environment: ``nox`` runs them all.

Tests that need real MXNet (1.9.1: Python 3.8 to 3.11) run in an environment made with the first suitable Python that is
found; without one, the sessions print a warning and skip those tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import nox

ROOT = Path(__file__).parent
LOCK, MXNET_LOCK = "constraints.txt", "constraints-mxnet.txt"
"""Exact versions of everything that the sessions install; ``nox -s lock`` writes them."""

BUILDING = ("hatchling", "editables")
LINTING, TYPING = ("ruff",), ("mypy",)
TESTING = ("pytest", "hypothesis", "jsonschema", "safetensors")
MEASURING = ("pytest-cov", "pytest-xdist")
ARCHITECTURES = ("torchvision==0.28.0", "timm==1.0.31")
"""Networks of other projects, installed without dependencies: only their modules in plain torch are used."""
ARCHITECTURES_REQUIREMENTS = ("pillow", "pyyaml", "huggingface_hub", "transformers")
FLEETS = ("s3fs", "moto[server]", "pyarrow", "distributed", "hdf5plugin")
ONNX = ("onnx", "onnxscript", "onnxruntime", "onnxslim")
DOCUMENTING = ("mkdocs-material", "mkdocstrings[python]", "ruff")
WRITING = (*BUILDING, *TESTING, *MEASURING, "ruff", *ONNX, *ARCHITECTURES_REQUIREMENTS, *FLEETS)
MXNET_1 = ("mxnet==1.9.1", "numpy==1.23.5", "gluoncv==0.10.5.post0", "scipy", *TESTING, "pytest-xdist")
MXNET_2 = ("mxnet==2.0.0b1", "numpy==1.23.5")
TOKENIZER = ("gluonnlp==0.10.0", "numpy==1.23.5")
"""Compiled on installation: if that fails, its tests are skipped."""

PARSERS = (
    "*/mxnet_to_neutral/arrays/*",
    "*/mxnet_to_neutral/files/*",
    "*/mxnet_to_neutral/symbol/*",
    "*/torch_to_neutral/*",
    "*/neutral/manifest/*",
    "*/neutral/matching/plan.py",
    "*/neutral/matching/plan_entries.py",
    "*/neutral/matching/plan_file.py",
    "*/neutral/strict_json.py",
)
"""Code that reads files of strangers: each of its branches is tested."""

FLOORS = {",".join(PARSERS): 100, "*/neutral/store/*": 100}
"""Branch coverage in percent of what reads and writes files; the floor of the whole is in ``pyproject.toml``."""

PARALLEL = ("-n", "2", "--dist", "loadfile")
THREADS = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}

UNMEASURED_TESTS = (
    "tests/attacks",
    "tests/fuzz",
    "tests/crashes/test_crashes.py",
    "tests/parity/test_architectures.py",
    "tests/parity/test_real_graphs.py",
    "tests/parity/test_transformers.py",
    "tests/parity/test_zoo.py",
)
"""Tests with limits of CPU time, and tests of whole networks: measuring coverage would double their time."""

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False


def find_python(*versions: str) -> str | None:
    """Return the first interpreter of these versions, on the PATH or installed by pyenv, that can make environments."""
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
    """Return the Python of an environment with MXNet, creating it if necessary; warn and return None without one."""
    if MXNET_PYTHON is None:
        session.warn(f"SKIPPED tests that need {packages[0]}: no Python 3.8, 3.9, 3.10 or 3.11 on this machine")
        return None
    folder = ROOT / ".nox" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        session.run(MXNET_PYTHON, "-m", "venv", "--clear", str(folder), external=True)
        install = [str(python), "-m", "pip", "install", "-q", "-c", MXNET_LOCK]
        session.run(*install, "-U", "pip", "wheel", *BUILDING, external=True)
        session.run(*install, *packages, external=True)
        session.run(*install, "--no-build-isolation", "-e", str(ROOT), external=True)
        (folder / "ready").touch()
    return str(python)


def mxnet_1(session: nox.Session) -> str | None:
    python = mxnet_environment(session, "mxnet", *MXNET_1)
    if python is not None:
        command = ("-m", "pip", "install", "-q", "-c", MXNET_LOCK, *TOKENIZER)
        session.run(python, *command, external=True, success_codes=[0, 1])
        session.run(python, ".ci/lock.py", "check", MXNET_LOCK, *MXNET_1, *TOKENIZER, external=True)
    return python


def mxnet_2(session: nox.Session) -> str | None:
    python = mxnet_environment(session, "mxnet2", *MXNET_2)
    if python is not None:
        session.run(python, ".ci/lock.py", "check", MXNET_LOCK, *MXNET_2, external=True)
    return python


def install_locked(session: nox.Session, *packages: str) -> None:
    """Install packages and the project with the locked versions; only Python 3.11 and newer have all of them."""
    session.install("-c", LOCK, *packages, *BUILDING)
    session.install("-c", LOCK, "--no-build-isolation", "-e", ".[torch,hdf5]")
    check_lock(session)


def check_lock(session: nox.Session) -> None:
    """Compare what is installed with the lock, which has all packages for Python 3.11 and newer."""
    if is_locked(session):
        session.run("python", ".ci/lock.py", "check", LOCK, *ARCHITECTURES)
    else:
        session.warn("UNLOCKED: this Python is older than 3.11, and packages have the newest version for it")


@lru_cache(maxsize=None)
def is_locked(session: nox.Session) -> bool:
    """Return whether the session's Python is one that the lock is made for."""
    locked = session.run("python", "-c", "import sys; print(sys.version_info >= (3, 11))", silent=True)
    return str(locked).strip() == "True"


@nox.session(python=TORCH_PYTHON)
def lint(session: nox.Session) -> None:
    """Check format, lint and generated documents, in an environment without torch."""
    session.install("-c", LOCK, *LINTING, *BUILDING)
    session.install("-c", LOCK, "--no-build-isolation", "-e", ".")
    check_lock(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("python", "docs/make_operators.py", "--check")


@nox.session(python=TORCH_PYTHON)
def docs(session: nox.Session) -> None:
    """Build the documentation as a site in ``build/site``; a warning, or anything from another server, is an error."""
    session.install("-c", LOCK, *DOCUMENTING)
    check_lock(session)
    session.run("mkdocs", "build", "--quiet", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(python=TORCH_PYTHON)
def writer(session: nox.Session) -> None:
    """Check types, run all tests and doctests with torch and against real MXNet, and measure branch coverage."""
    if is_locked(session):
        session.install("--no-deps", *ARCHITECTURES)
        install_locked(session, *WRITING, *TYPING)
    else:
        session.warn("SKIPPED mypy: the annotations of NumPy and torch for this Python are not the ones of the lock")
        session.warn("SKIPPED tests of ONNX and of other projects' networks: this Python is too old for their packages")
        install_locked(session, *(package for package in WRITING if package not in ONNX))
    pythons = {"NEUTRAL_MXNET_PYTHON": mxnet_1(session), "NEUTRAL_MXNET2_PYTHON": mxnet_2(session)}
    available = {name: python for name, python in pythons.items() if python}
    environment = {**THREADS, **available}
    if session.posargs:
        session.run("pytest", *session.posargs, env=environment)
        return
    if is_locked(session):
        session.run("mypy")
    measured = [f"--ignore={path}" for path in UNMEASURED_TESTS]
    least: tuple[str, ...] = ()
    if available != pythons or not is_locked(session):  # what tests against MXNet or of ONNX cover is not run
        least = ("--cov-fail-under=0",)
    if not is_locked(session):
        measured.append("--ignore=writers/neutral_to_onnx")  # its modules import ONNX
    session.run("pytest", *PARALLEL, *measured, "--cov", "--cov-report=term", *least, env=environment)
    if is_locked(session):  # older versions of Python have no tomllib, and do not trace every ``continue``
        for include, floor in FLOORS.items():
            session.run("coverage", "report", f"--include={include}", f"--fail-under={floor}")
    session.run("pytest", *PARALLEL, *UNMEASURED_TESTS, env=environment)


@nox.session(python=False)
def reader(session: nox.Session) -> None:
    """Run the tests and doctests that need no torch on the oldest Python, in the environment with MXNet."""
    python = mxnet_1(session)
    if python is not None:
        tests = (
            "tests/mxnet_to_neutral",
            "tests/mxnet_capture",
            "tests/neutral",
            "tests/neutral_to_mxnet",
            "tests/test_architecture.py",
        )
        doctests = ("neutral", "readers/mxnet_to_neutral")
        parallel = () if session.posargs else PARALLEL
        session.run(python, "-m", "pytest", *parallel, *tests, *doctests, *session.posargs, external=True, env=THREADS)


@nox.session(python=TORCH_PYTHON, default=False)
def benchmarks(session: nox.Session) -> None:
    """Run the benchmarks, or those named (``-- emit match``); with ``--page``, write docs/benchmarks.md."""
    install_locked(session, *ONNX)
    environment = {**THREADS, "PYTHONPATH": "tests/support"}
    session.run("python", "benchmarks/run.py", *session.posargs, env=environment)


@nox.session(python=TORCH_PYTHON, default=False)
def mutation(session: nox.Session) -> None:
    """Change the parsers one place at a time, and print the changes that their tests do not notice."""
    install_locked(session, *WRITING)
    environment = {**THREADS, "PYTHONPATH": "tests/support"}
    session.run("python", "tests/mutation/mutate_parsers.py", *session.posargs, env=environment)


@nox.session(python=TORCH_PYTHON, default=False)
def lock(session: nox.Session) -> None:
    """Resolve all that the other sessions install, and write the newest versions into the constraints."""
    needed = ("nox", "pre-commit", *LINTING, *TYPING, *DOCUMENTING, *WRITING, "-e", ".[torch,hdf5]")
    session.run("python", ".ci/lock.py", "write", LOCK, *needed)
    if MXNET_PYTHON is not None:
        folder = session.create_tmp()
        session.run(MXNET_PYTHON, "-m", "venv", "--clear", folder, external=True)
        python = str(Path(folder) / "bin" / "python")
        session.run(python, "-m", "pip", "install", "-q", "-U", "pip", external=True)
        needed = ("pip", "wheel", *BUILDING, *MXNET_1, TOKENIZER[0], "-e", ".")
        session.run(python, ".ci/lock.py", "write", MXNET_LOCK, *needed, external=True)

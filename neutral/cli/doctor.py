"""Check the installation: versions, optional packages and how to install them, readers, writers, temporary files.

The exit code is 1 if something is broken; a missing optional package is not.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
from typing import Any, Iterator, Mapping

from neutral import __version__
from neutral.cli.console import Console, Report, byte_size
from neutral.errors import NeutralError
from neutral.text import table_lines

PACKAGES = (
    ("numpy", "", "everything but `inspect` of a store"),
    ("torch", "torch", "load, emit and verify PyTorch modules"),
    ("safetensors", "torch", "emitted source loads its weights"),
    ("onnx", "onnx", "write ONNX files"),
    ("onnxruntime", "onnx", "verify ONNX files"),
    ("h5py", "hdf5", "stores as HDF5"),
    ("fsspec", "cloud", "URLs of buckets"),
    ("distributed", "distributed", "archive on a cluster"),
    ("pyarrow", "catalogue", "the catalogue of an archive as Parquet"),
    ("rich", "progress", "progress bars with more in them"),
)
"""Distributions, the extra that installs each (empty: required), and its use."""

SCARCE = 1 << 30
"""Bytes that are free below which a note says so."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``neutral doctor``: none.

    Args:
        parser: The parser of the verb.
    """


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Check the installation; nothing of the optional packages is imported unless a reader or writer does.

    Args:
        arguments: The parsed arguments of :func:`add_arguments`.
        console: The output.

    Returns:
        The state of the installation, with exit code 1 if a part of it is broken.
    """
    from neutral import plugins

    packages = [_package(*entry) for entry in PACKAGES]
    readers, writers = (_plugins(group) for group in (plugins.READERS, plugins.WRITERS))
    temporary = _temporary()
    problems = [f"{item['name']} is not installed: {item['install']}" for item in packages if item["broken"]]
    problems += [f"{item['name']}: {item['problem']}" for item in (*readers, *writers) if item["broken"]]
    problems += [temporary["problem"]] if temporary["problem"] else []
    document = {
        "neutral": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": [_without(item, "broken") for item in packages],
        "readers": [_without(item, "broken") for item in readers],
        "writers": [_without(item, "broken") for item in writers],
        "temporary": temporary,
        "problems": problems,
        "ok": not problems,
    }
    return Report(document, _lines(document, console.width), NeutralError.exit_code if problems else 0)


def _package(name: str, extra: str, use: str) -> dict[str, Any]:
    from importlib import metadata

    try:
        version: str | None = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = None
    return {
        "name": name,
        "version": version,
        "use": use,
        "install": None if version else f"pip install {name}",
        "broken": not version and not extra,
    }


def _plugins(group: str) -> list[dict[str, Any]]:
    """Return each plug-in with its problem: it cannot be imported, or its framework is not installed."""
    from neutral import plugins

    rows = []
    for name in plugins.names(group):
        problem, broken = None, False
        try:
            getattr(plugins.load(group, name), "require_installed", lambda: None)()
        except plugins.PluginError as error:
            problem, broken = str(error), True
        except NeutralError as error:
            problem = str(error)
        rows.append({"name": name, "problem": problem, "broken": broken})
    return rows


def _temporary() -> dict[str, Any]:
    """Return the folder of temporary files, whether it can be written, and its free space."""
    from neutral.scratch import ScratchFolder

    folder, problem, free = None, None, None
    try:
        folder = tempfile.gettempdir()
        with ScratchFolder() as scratch, open(os.path.join(scratch, "probe"), "wb") as file:
            file.write(b"neutral")
        free = shutil.disk_usage(folder).free
    except (OSError, NeutralError) as error:
        problem = f"temporary files cannot be written: {error}; set TMPDIR to a folder that can be written"
    return {"folder": folder, "free": free, "problem": problem}


def _without(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


def _lines(document: Mapping[str, Any], width: int | None) -> Iterator[str]:
    yield f"neutral {document['neutral']}, Python {document['python']}, {document['platform']}"
    yield ""
    packages = [
        (item["name"], item["version"] or "missing", item["use"], item["install"] or "")
        for item in document["packages"]
    ]
    yield from table_lines(("package", "version", "used for", "install with"), lambda: packages, width=width)
    yield ""
    for kind in ("readers", "writers"):
        names = (item["name"] + (f" ({item['problem']})" if item["problem"] else "") for item in document[kind])
        yield f"{kind}: {', '.join(names) or 'none'}"
    temporary = document["temporary"]
    if temporary["free"] is not None:
        scarce = ": scarce, since archives are unpacked there" if temporary["free"] < SCARCE else ""
        yield f"temporary files: {temporary['folder']}, {byte_size(temporary['free'])} free{scarce}"
    yield ""
    yield from (f"problem: {problem}" for problem in document["problems"])
    yield "everything that is required works" if document["ok"] else "something is broken"

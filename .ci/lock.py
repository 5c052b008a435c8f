"""Write and check the constraints: the exact version of every package that a session of ``nox`` installs.

    lock.py write FILE REQUIREMENT...   resolve the requirements, and write the versions below FILE's line of dashes
    lock.py check FILE REQUIREMENT...   list the packages of this environment that FILE lacks; with CI set, fail

A requirement ``NAME==VERSION`` states its version itself. Lines above the dashes are chosen by hand, and stay.
Versions without hashes: an index may serve torch as a wheel of its own (``+cpu``), whose hash no other index has.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

MARKER = "# ---- resolved by nox -s lock ----"
PROJECT = "neutral-weights"
EXEMPT = re.compile(r"pip|setuptools|wheel|(nvidia|cuda)-.*|triton")
"""Packages that make the environment, and those that torch's own requirements state exactly, on machines with CUDA."""


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> set[tuple[str, str]]:
    """Return the names and versions of the lines ``name==version; marker``."""
    matches = [re.match(r"([\w.-]+)(?:\[.*\])?==([^;\s]+)", line) for line in lines]
    return {(normalized(match[1]), match[2].partition("+")[0]) for match in matches if match}


def write(path: Path, requirements: list[str]) -> None:
    head = path.read_text().partition(MARKER)[0]
    chosen = path.with_suffix(".chosen.txt")
    chosen.write_text(head)
    try:
        options = ["--dry-run", "--ignore-installed", "--quiet", "--report", "-", "-c", str(chosen)]
        command = [sys.executable, "-m", "pip", "install", *options, *requirements]
        report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    finally:
        chosen.unlink()
    version = ".".join(map(str, sys.version_info[:2]))
    chosen_for_this = [line for line in head.splitlines() if "python_version <" not in line]
    stated = {PROJECT, *(name for name, _ in pins([*requirements, *chosen_for_this]))}
    resolved = {normalized(item["metadata"]["name"]): item["metadata"]["version"] for item in report["install"]}
    lines = [
        f'{name}=={release.partition("+")[0]}; python_version >= "{version}"'
        for name, release in sorted(resolved.items())
        if name not in stated and not (EXEMPT.fullmatch(name) and name not in requirements)
    ]
    path.write_text("\n".join([head + MARKER, *lines, ""]))


def check(path: Path, requirements: list[str]) -> None:
    locked = pins([*path.read_text().splitlines(), *requirements])
    command = [sys.executable, "-m", "pip", "list", "--format", "json", "--exclude-editable"]
    installed = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    problems = []
    for item in installed:
        name, version = normalized(item["name"]), item["version"].partition("+")[0]
        if not EXEMPT.fullmatch(name) and (name, version) not in locked:
            problems.append(f"{name}=={version} is installed, which is not in {path}")
    if problems:
        print(*problems, "Run nox -s lock, or remove .nox if its environments are old.", sep="\n")
        sys.exit(1 if os.environ.get("CI") else 0)


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3:])

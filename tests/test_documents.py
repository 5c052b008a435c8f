"""Generated documents are up to date; links, paths and module names in documents and docstrings exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from module_graph import PACKAGES, module_files

ROOT = Path(__file__).resolve().parents[1]


def test_the_operators_document_is_made_from_this_code() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_operators.py"), "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_no_operator_of_real_models_is_missing(shared_data: Path) -> None:
    """Each is in the document: with a rule, refused with a reason, or as another name of such a one."""
    listed = (shared_data.parent / "OPS.txt").read_text(encoding="utf-8").splitlines()
    names = {line.split()[0].replace("_contrib_isnan", "isnan") for line in listed if line[:1] not in ("", "#")}
    document = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8").partition("## MXNet's operators")[2]
    assert len(names) == 233 and names <= set(re.findall(r"`(\w+)`", document))


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_links_between_documents_lead_somewhere() -> None:
    for path in documents():
        prose = re.sub(r"^```python\n.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_paths_in_documents_exist() -> None:
    missing = []
    for path in documents():
        for name in re.findall(
            r"`((?:neutral|readers|writers|tests|examples|docs|zoo|benchmarks)/[\w/.-]*)`", _text(path)
        ):
            if not (ROOT / name).exists():
                missing.append(f"{path.name}: {name}")
    assert missing == []


def test_every_guarantee_has_a_test_that_exists() -> None:
    """A row names tests (``file::function``, a file or a folder) or a program of the repository."""
    rows = re.findall(r"^\| (?!promise)([^-|].*?) \| (.*) \|$", _text(ROOT / "docs" / "guarantees.md"), re.MULTILINE)
    assert len(rows) > 25
    for promise, evidence in rows:
        shown = re.findall(r"`(?:python )?([\w./-]+\.py|tests/\w+)(?:::(\w+))?[^`]*`", evidence)
        assert shown, f"nothing shows: {promise}"
        assert len(shown) == evidence.count("`") // 2, f"of {promise!r}, something is neither a test nor a program"
        for path, function in shown:
            assert (ROOT / path).exists(), f"{promise}: {path} does not exist"
            assert not function or f"def {function}(" in _text(ROOT / path), f"{promise}: {path} lacks {function}"


def test_modules_named_in_documents_and_docstrings_exist() -> None:
    """A dotted name is a module, or a module and a name that its source contains."""
    files = module_files()
    sources = [*(path for path in documents() if path.name != "CHANGELOG.md"), *files.values(), ROOT / "pyproject.toml"]
    missing = []
    for path in sources:
        for name in set(re.findall(rf"`~?((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\(\))?`", _text(path))):
            module, rest = name, ""
            while module not in files:
                module, _, rest = module.rpartition(".")
            if rest and rest not in NOT_MODULES and not re.search(rf"\b{rest}\b", _text(files[module])):
                missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []


NOT_MODULES = {"readers", "writers", "commands", "sha256", "digests", "files", "source"}
"""The last words of entry-point groups and metadata keys."""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")

"""What ``mkdocs.yml`` needs beside its settings: pages from the root of the project, links, and a check of the site.

The documents link to files of the repository, which are not on the site: such a link becomes its text. Documents of
the root (``CHANGELOG.md`` …) become pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

PAGES = {ROOT / f"{name}.md": f"{name.lower()}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")}

SHIM, SHIM_FILE = "https://unpkg.com/iframe-worker/shim", "iframe-worker.min.js"

FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:\s]+)(#[^)]*)?\)")
EXTERNAL = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'>\s]+""")
IMPORTED = re.compile(r"""@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?(?:https?:)?//""")


def on_files(files: Files, config: Any) -> Files:
    for path, name in PAGES.items():
        files.append(File.generated(config, name, content=path.read_text(encoding="utf-8")))
    script = (DOCS / "site" / SHIM_FILE).read_text(encoding="utf-8")
    files.append(File.generated(config, f"assets/{SHIM_FILE}", content=script))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    origins = {name: path for path, name in PAGES.items()}
    origin = origins.get(page.file.src_uri, DOCS / page.file.src_uri)
    here = (DOCS / page.file.src_uri).parent
    parts = FENCES.split(markdown)
    return "".join(
        part if index % 2 else LINK.sub(lambda m: _link(m, origin, here), part) for index, part in enumerate(parts)
    )


def _link(match: re.Match[str], origin: Path, here: Path) -> str:
    text, target, anchor = match[1], match[2], match[3] or ""
    path = Path(os.path.normpath(origin.parent / target))
    if path in PAGES or path == ROOT / "README.md":
        path = DOCS / PAGES.get(path, "index.md")
    elif DOCS not in path.parents:
        return text if path.exists() else match[0]
    elif path.suffix == ".py":
        return text
    return f"[{text}]({os.path.relpath(path, here)}{anchor})"


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Take the theme's one script of another server from the site itself: browsers lack workers for local files."""
    return output.replace(SHIM, os.path.relpath(f"assets/{SHIM_FILE}", Path(page.file.dest_uri).parent))


def on_post_template(output_content: str, **_: Any) -> str:
    """Do the same for pages that are not documents: that of missing pages."""
    return output_content.replace(SHIM, f"assets/{SHIM_FILE}")


def on_post_build(config: Any) -> None:
    """Refuse a site that asks another server for anything."""
    problems = []
    for path in Path(config["site_dir"]).rglob("*"):
        pattern = {".html": EXTERNAL, ".css": IMPORTED}.get(path.suffix)
        for match in pattern.finditer(path.read_text(encoding="utf-8")) if pattern else ():
            if 'rel="canonical"' not in match[0]:
                problems.append(f"{path.name}: {match[0]}")
    if problems:
        raise PluginError("the site needs a network:\n" + "\n".join(problems))

"""Put a document, the scripts and the style into one HTML file."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Mapping, Sequence

from neutral.text import printable

MARK = '<meta name="generator" content="Neutral">'
"""A mark in every page, so that a page may be replaced by another one."""

ASSETS = Path(__file__).parent / "assets"
VENDOR = Path(__file__).parent / "vendor"

SCRIPTS = {
    "network": ("elements", "format", "tables", "charts", "model", "layout", "graph", "details", "network"),
    "catalogue": ("elements", "format", "tables", "catalogue"),
}
"""The scripts of each kind of page, in order; the last one starts."""


def render_page(kind: str, title: str, document: Mapping[str, Any]) -> str:
    """Return a complete page.

    Args:
        kind: ``network``, also for a verification alone, or ``catalogue``.
        title: The title of the page.
        document: The data to show: texts, numbers, lists and tables by name. Numbers that are not finite become text.

    Returns:
        HTML that needs no other file, and that lets a browser fetch and run nothing but the scripts in it.

    Example:
        >>> page = render_page("catalogue", "</title>", {"entries": [{"name": "<script>"}]})
        >>> "<title>&lt;/title&gt;</title>" in page, r'"name":"\\u003cscript>"' in page
        (True, True)
    """
    style = _asset("page.css")
    scripts = ["\n".join(_asset(f"{name}.js") for name in SCRIPTS[kind])]
    if kind == "network":
        scripts.insert(0, (VENDOR / "dagre.min.js").read_text(encoding="utf-8"))
    return Template(_asset("page.html")).substitute(
        mark=MARK,
        title=escape(printable(title)).encode("ascii", "xmlcharrefreplace").decode(),
        policy=_policy(style, scripts),
        style=style,
        body=_asset(f"{kind}.html"),
        data=_json(document),
        licence=(VENDOR / "dagre.LICENSE").read_text(encoding="utf-8"),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Return a content security policy that allows the page's own style and scripts, by their digests, alone."""
    hashes = " ".join(f"'{_digest(text)}'" for text in scripts)
    return f"default-src 'none'; style-src '{_digest(style)}'; script-src {hashes}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _json(document: Any) -> str:
    """Return JSON in ASCII without ``<``, so that no text can end the element or begin a comment."""
    text = json.dumps(_plain(document), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

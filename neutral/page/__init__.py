"""Self-contained HTML pages: a network as a graph, a verification, the catalogue of an archive.

A page is one file that works offline. Names and values of files are a JSON document in it; scripts of this package, and
`dagre`, which lays out the graph, show it as text. The page allows nothing else to run or to be fetched.
"""

from __future__ import annotations

from neutral.page.network import network_document
from neutral.page.rendering import MARK, render_page

__all__ = ["MARK", "network_document", "render_page"]

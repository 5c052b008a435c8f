"""The parts of an HTML page: its document, its scripts and its policy."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A parsed page.

    Attributes:
        elements: Every element with its attributes, in order.
        texts: The text of every element of a kind, in order, by tag.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    @property
    def document(self) -> dict[str, Any]:
        """The data that the page shows."""
        ((number, _),) = [
            (number, attributes)
            for number, attributes in enumerate(item for tag, item in self.elements if tag == "script")
            if attributes.get("id") == "document"
        ]
        document: dict[str, Any] = json.loads(self.texts["script"][number])
        return document

    @property
    def scripts(self) -> list[str]:
        """The scripts that run."""
        kinds = [attributes.get("type") for tag, attributes in self.elements if tag == "script"]
        return [text for kind, text in zip(kinds, self.texts["script"]) if kind is None]

    @property
    def policy(self) -> dict[str, list[str]]:
        """The sources that the content security policy allows, by directive."""
        (content,) = [
            attributes["content"] or ""
            for tag, attributes in self.elements
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return {words[0]: words[1:] for words in map(str.split, content.split(";"))}

"""Makes a plain text from HTML, for a template that replaces only the HTML of a mail: both parts say the same."""

import textwrap
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

_HIDDEN: Final = frozenset({"head", "style", "script", "title"})
_BREAKS: Final = frozenset({"br", "p", "div", "tr", "table", "h1", "h2", "h3", "h4", "li", "ul", "ol", "blockquote"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote"})
_VOID: Final = frozenset({"br", "img", "meta", "link", "hr", "input"})
_WIDTH: Final = 72


def text_of_html(html: str) -> str:
    """Returns what a reader sees, with the address after each link; images by their `alt`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._text: list[str] = []
        self._link: str | None = None
        # The open elements, and how many of them are hidden.
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in _VOID:
            style = (attributes.get("style") or "").replace(" ", "")
            is_hidden = tag in _HIDDEN or "display:none" in style or attributes.get("aria-hidden") == "true"
            self._open.append((tag, is_hidden))
        self._break(tag)
        if tag == "a":
            self._link = attributes.get("href")
        elif tag == "img" and attributes.get("alt"):
            self._add(attributes["alt"] or "")
        elif tag == "td":
            self._add(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self._add(f" ({self._link})")
            self._link = None
        self._break(tag)
        if any(name == tag for name, _ in self._open):
            while self._open and self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._add(" ".join(data.split(" ")).replace("\n", " "))

    def _break(self, tag: str) -> None:
        if tag in _BREAKS:
            self._add("\n\n" if tag in _PARAGRAPHS else "\n")

    def _add(self, text: str) -> None:
        if not any(is_hidden for _, is_hidden in self._open):
            self._text.append(text)

    def text(self) -> str:
        """Returns the text, wrapped, with at most one empty line in a row."""
        lines: list[str] = []
        for line in "".join(self._text).replace("\u200b", "").replace("\u00a0", " ").split("\n"):
            words = " ".join(line.split())
            if words or (lines and lines[-1]):
                lines += textwrap.wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
        return "\n".join(lines).strip()

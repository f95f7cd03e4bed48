"""Finds out how a file's bytes become text.

The order is: byte order mark, UTF-8, UTF-16 without a mark, another script, Windows-1252. Detectors guess wrongly
between the code pages of Latin script (a few accents look alike in all of them), so Windows-1252, which spreadsheets
write, is taken for these. A detector decides only whether the text is in another script. The person can always say it.
"""

import codecs
import re
from typing import Final

import charset_normalizer

SAMPLE_BYTES: Final = 256 * 1024

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK: Final = "cp1252"
# Encodings that a file without a byte order mark can't have, and the usual one for such a file.
_NEED_A_MARK: Final = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN_LETTER: Final = re.compile(r"[A-Za-zÀ-ɏ]")


def detect_encoding(head: bytes, *, is_utf8: bool) -> str:
    """Return the encoding of a file that begins with these bytes; `is_utf8`: whether all of it can be UTF-8."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if (wide := _wide_encoding(head)) is not None:
        return wide
    return "utf-8" if is_utf8 else _other_script(head) or _FALLBACK


def is_encoding(name: str) -> bool:
    """Return whether this is the name of an encoding of text, which can be read whatever bytes come."""
    try:
        # Codecs such as base64 don't decode bytes to text.
        b"ab".decode(name, "replace")
        if codecs.lookup(name).name not in _NEED_A_MARK:
            codecs.getincrementaldecoder(name)("replace").decode(bytes(range(256)), final=True)
    except (LookupError, ValueError):
        return False
    return True


def chosen_encoding(name: str, head: bytes) -> str:
    """Return how to read a file that begins with these bytes and has this encoding, as a person says."""
    needed = _NEED_A_MARK.get(codecs.lookup(name).name)
    if needed is None or any(head.startswith(mark) for mark, _ in _MARKS):
        return name
    return _wide_encoding(head) or needed


class Utf8Check:
    """Checks whether bytes that arrive in parts are UTF-8; a few broken characters in a file of UTF-8 are allowed."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._broken = self._others = 0

    def add(self, part: bytes) -> None:
        """Take the next part."""
        if part.isascii() and not self._decoder.getstate()[0]:
            return
        text = self._decoder.decode(part)
        if not text.isascii():
            broken = sum(1 for character in text if "\udc80" <= character <= "\udcff")
            self._broken += broken
            self._others += sum(1 for character in text if character > "\x7f") - broken

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8, or most beyond ASCII are: other encodings look like it by chance only."""
        return self._broken == 0 or self._others > self._broken


def _wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 in its byte order if every second byte of most characters is zero."""
    if len(head) < 4 or b"\0" not in head:
        return None
    sample = head[: 4096 - 4096 % 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > len(sample) * 0.35 and even < len(sample) * 0.05:
        return "utf-16-le"
    if even > len(sample) * 0.35 and odd < len(sample) * 0.05:
        return "utf-16-be"
    return None


def _other_script(head: bytes) -> str | None:
    """Return an encoding of another script than Latin, if one fits: no word mixes its letters with Latin ones."""
    best = charset_normalizer.from_bytes(head[: 64 * 1024]).best()
    if best is None:
        return None
    words = [word for word in _WORD.findall(str(best)) if not word.isascii()]
    if not words or any(_LATIN_LETTER.search(word) for word in words):
        return None
    return best.encoding

"""The languages of messages: choice by the attendee's locale, and their texts from gettext catalogues.

The English text is the message id. `locale/LANGUAGE.po` beside this file holds the translations. Tags such as `<a>`
mark a part of a sentence, and `{name}` a value.
"""

import gettext
import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from showup.destinations.lines import one_line

LANGUAGES: Final = ("en", "de", "fr", "es", "pt", "nl", "it")
"""The languages that are offered: only complete ones (a test compares each with the sources)."""

PSEUDO: Final = "en-XA"
"""A test language: English with accents and 40 % more letters, to see what a long translation does to a layout."""

CATALOGUES: Final = Path(__file__).with_name("locale")

_CODE: Final = re.compile(r"(\{\w*\}|</?\w+>)")
_TAGGED: Final = re.compile(r"<(\w+)>(.*?)</\1>")
_ACCENTS: Final = str.maketrans("aceinouyACEINOUY", "áçéíñóúýÁÇÉÍÑÓÚÝ")


class Wording:
    """The texts of one language. Values are never parsed: a value may contain braces and tags."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogue = _catalogue(language)

    def say(self, message: str, **values: object) -> str:
        """Returns the text with its values."""
        return self._catalogue.gettext(message).format_map(values)

    def say_tagged(self, message: str, **values: object) -> tuple[tuple[str, str | None], ...]:
        """Returns the text in parts, each with its tag: `Or <a>pick</a>` is `("Or ", None), ("pick", "a")`."""
        parts: list[tuple[str, str | None]] = []
        end, text = 0, self._catalogue.gettext(message)
        for found in _TAGGED.finditer(text):
            parts += [(text[end : found.start()], None), (found[2], found[1])]
            end = found.end()
        parts.append((text[end:], None))
        return tuple((part.format_map(values), tag) for part, tag in parts if part)

    def say_count(self, one: str, many: str, count: int, **values: object) -> str:
        """Returns the text for this number, which the text can show as `{count}`."""
        return self._catalogue.ngettext(one, many, count).format_map({"count": count, **values})


@cache
def wording(language: str) -> Wording:
    """Returns the texts of an offered language, or of the test language."""
    return Wording(language)


def choose_language(*wanted: str | None) -> str:
    """Returns the first of these locales that is offered, itself or as its base language; else English."""
    for locale in wanted:
        tag = one_line(locale or "").replace("_", "-")
        if tag == PSEUDO:
            return PSEUDO
        base = tag.partition("-")[0].lower()
        if base in LANGUAGES:
            return base
    return "en"


def _catalogue(language: str) -> gettext.NullTranslations:
    if language == PSEUDO:
        return _Pseudo()
    if language == "en":
        return gettext.NullTranslations()
    # Only a mail in another language needs Babel's readers.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class _Pseudo(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        parts = _CODE.split(message)
        length = sum(len(part) for part in parts[::2])
        parts[::2] = [part.translate(_ACCENTS) for part in parts[::2]]
        return "".join(parts) + "~" * round(length * 0.4)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

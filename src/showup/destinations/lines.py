"""Makes text from outside fit for one line."""

import re
import unicodedata

# Control characters, bidirectional overrides and lone surrogates: none of them belongs in a name.
_REMOVED_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# These join or separate letters within words and emoji.
_MARK = re.compile(r"\$[A-Z]{2,10}\$")
_JOINERS = frozenset("\u200c\u200d")


def one_line(text: str) -> str:
    """Returns the text without line breaks, control characters and extra spaces."""
    if not text.isprintable():
        text = "".join(_clean_character(letter) for letter in text)
    return " ".join(text.split())


def truncate(text: str, longest: int) -> str:
    """Returns at most `longest` characters, with an ellipsis where text was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def without_marks(text: str) -> str:
    """Returns the text without marks that programs leave in it, such as Cal.com's `$RCH$` in a reason."""
    return " ".join(_MARK.sub(" ", text).split())


def _clean_character(letter: str) -> str:
    if letter.isspace():
        return " "
    return "" if unicodedata.category(letter) in _REMOVED_CATEGORIES and letter not in _JOINERS else letter

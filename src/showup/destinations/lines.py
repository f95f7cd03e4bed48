"""Text from outside, made fit for one line."""

import unicodedata

# Controls, what turns the direction of writing around, and halves of characters: none of them belongs to a name.
_UNWANTED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# They join or part letters within words and emoji.
_JOINERS = frozenset("\u200c\u200d")


def one_line(text: str) -> str:
    """The text without line ends, controls and needless blanks."""
    if not text.isprintable():
        text = "".join(_seen(letter) for letter in text)
    return " ".join(text.split())


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, with an ellipsis where some were left out."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _seen(letter: str) -> str:
    if letter.isspace():
        return " "
    return "" if unicodedata.category(letter) in _UNWANTED and letter not in _JOINERS else letter

"""Words as they are compared: in ASCII, in lower case, without signs."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from anyascii import anyascii

MAX_LENGTH: Final = 200
"""How many characters of a name are compared."""

MAX_KEY: Final = 80
"""Length of a key: two of them fit into an entry of an index."""

_SIGN: Final = re.compile(r"[^a-z0-9]+")
_CAPITAL_INSIDE: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text. Initials in a row are one word, so that `K.K.` is `kk`."""
    plain = text[:MAX_LENGTH].replace("'", "")
    if not plain.isascii():
        normal = unicodedata.normalize("NFKC", plain).replace("'", "").replace("’", "")
        plain = " ".join(_ascii(word) for word in normal.split())
    words = _SIGN.sub(" ", plain.lower()).split()
    return _joined_initials(words) if any(len(word) == 1 for word in words) else tuple(words)


def folded(word: str) -> str:
    """Return what spellings of one name have in common: `mueller` and `muller` (for Müller) are one.

    An umlaut, ø or å may be written as two letters where a keyboard lacks it.
    """
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _ascii(word: str) -> str:
    letters = "".join(one for one in word if unicodedata.category(one)[0] not in "SC")
    plain = anyascii(letters).replace("'", "").replace("`", "")
    # Chinese and Korean syllables, which it writes as `ZhangWei`.
    return _CAPITAL_INSIDE.sub(" ", plain) if any(unicodedata.category(one) == "Lo" for one in letters) else plain


def _joined_initials(words: list[str]) -> tuple[str, ...]:
    joined: list[str] = []
    previous_is_initial = False
    for word in words:
        is_initial = len(word) == 1 and word.isalpha()
        if is_initial and previous_is_initial:
            joined[-1] += word
        else:
            joined.append(word)
        previous_is_initial = is_initial
    return tuple(joined)

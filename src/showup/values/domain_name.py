"""Domain names, such as `example.com`: one spelling for each, in ASCII, in lower case and without a final dot.

A name with other letters has two spellings, `münchen.example` and `xn--mnchen-3ya.example` (IDNA). Showup stores,
compares and sends the second one, which every mail server knows, and shows the letters to people.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Final

from msgspec import Meta
from pydantic import AfterValidator, Field

from showup.values.invalid_value import InvalidValue

_MAX_LENGTH: Final = 253
_MAX_LABEL_LENGTH: Final = 63
# Not only letters, digits and hyphens: mail is delivered to names such as `my_shop.example` too.
LABEL_PATTERN: Final = rf"[a-z0-9_-]{{1,{_MAX_LABEL_LENGTH}}}"
_DOMAIN: Final = re.compile(rf"(?:{LABEL_PATTERN}\.)+{LABEL_PATTERN}")
_PREFIX: Final = "xn--"
# Japanese mixes these scripts in one word (UTS 39, "Highly Restrictive"); other mixtures only imitate another name.
_JAPANESE: Final = frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"))

_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))
# Letters, digits, accents and emoji; not joiners, which can't be seen.
_VISIBLE: Final = frozenset(("Ll", "Lo", "Lm", "Mn", "Mc", "Nd", "So", "Pd"))


def normalize_domain(text: str) -> str:
    """Return the name's one spelling; text that is no name is only put in lower case.

    IDNA 2008 with the mapping of UTS 46, so that fullwidth letters and the full stops of East Asia are read too.
    """
    name = text.strip().lower().rstrip(".")
    return name if name.isascii() and _PREFIX not in name else _normalize_letters(name)


def display_domain(domain: str) -> str:
    """Return the name in its own letters, as people write it; labels that imitate other names stay in ASCII."""
    return _display_letters(domain) if _PREFIX in domain else domain


def is_domain(name: str) -> bool:
    """Return whether a normalized name is a domain of at least two labels."""
    return len(name) <= _MAX_LENGTH and _DOMAIN.fullmatch(name) is not None


def parse_domain(text: str) -> str:
    """Return the domain in its one spelling. Raises InvalidValue."""
    domain = normalize_domain(text)
    if not is_domain(domain):
        raise InvalidValue("a domain such as example.com")
    return domain


@lru_cache(maxsize=4_096)
def _normalize_letters(name: str) -> str:
    # Few addresses need the tables of this library, which take time and memory to load.
    import idna

    if len(name) > _MAX_LENGTH:
        return name
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    except UnicodeError:
        return name
    labels = [_ascii_label(label) for label in mapped.rstrip(".").split(".")]
    return name if None in labels else ".".join(label for label in labels if label is not None)


def _ascii_label(label: str) -> str | None:
    """Return the label in ASCII; None if no name can contain it."""
    import idna

    if label.isascii() and not label.startswith(_PREFIX):
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except UnicodeError:
        pass
    if label.isascii():
        # Not from letters, but a name that a server may have.
        return label
    if len(label) > _MAX_LABEL_LENGTH or any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in label):
        # With letters of both directions, its order on the screen would not be the one of the name.
        return None
    # Registries sell names with emoji, which IDNA 2008 does not allow: they are encoded like others.
    encoded = _PREFIX + label.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= _MAX_LABEL_LENGTH else None


@lru_cache(maxsize=4_096)
def _display_letters(domain: str) -> str:
    shown = ".".join(_letters_of(label) for label in domain.split("."))
    return shown if normalize_domain(shown) == domain else domain


def _letters_of(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    try:
        letters = label.removeprefix(_PREFIX).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in letters if letter.isalpha()}
    is_one_script = len(scripts) <= 1 or scripts <= _JAPANESE
    is_visible = all(unicodedata.category(letter) in _VISIBLE for letter in letters)
    return letters if is_one_script and is_visible and normalize_domain(letters) == label else label


DomainName = Annotated[str, Meta(max_length=_MAX_LENGTH), Field(max_length=_MAX_LENGTH), AfterValidator(parse_domain)]

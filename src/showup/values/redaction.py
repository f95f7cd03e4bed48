"""Replaces what identifies one person in texts and JSON values: addresses, phone numbers and names. Pure.

Equal values stay equal and others stay different, so what was matched by them still matches.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from msgspec import Struct

from showup.values.email_address import email_spellings, match_key

FIRST_NAME: Final = "Erased"
_SHORTEST_NAME: Final = 2
_PSEUDONYM: Final = re.compile(r"erased-[0-9a-f]+(?:\+\d+)?@")
_BEFORE_ADDRESS: Final = r"(?<![\w.+\-])"
_AFTER_ADDRESS: Final = r"(?![\w\-]|\.\w)"
# A word of an address, a domain or a path is no name.
_BEFORE_WORD: Final = r"(?<![\w@./+\-])"
_AFTER_WORD: Final = r"(?![\w@/]|[.+\-]\w)"


class Pseudonym(Struct, frozen=True, kw_only=True):
    """What stands for a person after their erasure: an address for each of theirs, and a name."""

    addresses: Mapping[str, str]
    name: str

    @property
    def last_name(self) -> str:
        """Returns the second word of the name; the first is FIRST_NAME."""
        return self.name.removeprefix(f"{FIRST_NAME} ")


def make_pseudonym(emails: Iterable[str], token: str) -> Pseudonym:
    """Returns a pseudonym for these normalized addresses. `token`: random hexadecimal digits.

    Each address keeps its domain, which says which company the person belongs to. Addresses of one mailbox stay that.
    """
    addresses: dict[str, str] = {}
    mailboxes: dict[str, list[str]] = {}
    for email in sorted(set(emails)):
        mailboxes.setdefault(match_key(email), []).append(email)
    for number, spellings in enumerate(mailboxes.values()):
        local = f"erased-{token}{number or ''}"
        for place, email in enumerate(spellings):
            addresses[email] = f"{local}{f'+{place}' if place else ''}@{email.rpartition('@')[2]}"
    return Pseudonym(addresses=addresses, name=f"{FIRST_NAME} {token}")


def is_pseudonym(email: str) -> bool:
    """Returns whether the address stands for one that was erased."""
    return _PSEUDONYM.match(email) is not None


class Redactor:
    """Replaces a person's addresses, names and phone numbers."""

    def __init__(self, pseudonym: Pseudonym, *, names: Iterable[str] = (), phones: Iterable[str] = ()) -> None:
        """`names` are full names as they were written somewhere; single words of them are found too."""
        self.pseudonym = pseudonym
        self.names = frozenset(name for one in names if len(name := " ".join(one.split())) >= _SHORTEST_NAME)
        self.phones = frozenset(one for one in phones if one)
        self._addresses = {
            spelling.lower(): replacement
            for email, replacement in pseudonym.addresses.items()
            for spelling in email_spellings(email)
        }
        self._encoded = {
            form.lower(): replacement for one, replacement in self._addresses.items() for form in _encoded_forms(one)
        }
        self._address_pattern = _pattern(self._addresses, _BEFORE_ADDRESS, _AFTER_ADDRESS)
        self._encoded_pattern = _pattern(self._encoded)
        full_names = [one for one in self.names if " " in one]
        encoded_names = [form for one in full_names for form in _encoded_forms(one)]
        self._name_pattern = _pattern([*full_names, *encoded_names], r"(?<!\w)", r"(?!\w)")
        words = {word for name in self.names for word in name.split() if len(word) >= _SHORTEST_NAME}
        self._word_pattern = _pattern(filter(_is_word, words), _BEFORE_WORD, _AFTER_WORD, flags=0)
        self._phone_pattern = _pattern(self.phones, r"(?<!\d)", r"(?!\d)")

    def with_names(self, names: Iterable[str], phones: Iterable[str]) -> "Redactor":
        """Returns a redactor that knows these names and phone numbers too."""
        new_names, new_phones = self.names.union(names), self.phones.union(phones)
        if (new_names, new_phones) == (self.names, self.phones):
            return self
        return Redactor(self.pseudonym, names=new_names, phones=new_phones)

    def replacement_of(self, email: str) -> str | None:
        """Returns the address that stands for this one; None for somebody else's."""
        return self._addresses.get(email.strip().lower())

    def text(self, text: str, *, words: bool = True) -> str:
        """Returns the text without the person. `words`: single words of the names count too."""
        text = _substitute(self._address_pattern, text, lambda found: self._addresses[found.group().lower()])
        text = _substitute(self._encoded_pattern, text, lambda found: quote(self._encoded[found.group().lower()]))
        text = _substitute(self._name_pattern, text, lambda _: self.pseudonym.name)
        text = _substitute(self._phone_pattern, text, lambda _: "")
        return _substitute(self._word_pattern, text, lambda _: FIRST_NAME) if words else text

    def json(self, value: Any, *, words: bool = True) -> Any:
        """Returns the JSON value with all its texts and keys redacted."""
        match value:
            case str():
                return self.text(value, words=words)
            case dict():
                return {self.text(str(key), words=False): self.json(item, words=words) for key, item in value.items()}
            case list():
                return [self.json(item, words=words) for item in value]
            case _:
                return value

    def search_terms(self, *, with_names: bool) -> list[str]:
        """Returns texts in lower case of which at least one is in each text that names the person."""
        names = [one.lower() for one in self.names if " " in one] if with_names else []
        escaped = [one.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00") for one in names]
        return sorted({*self._addresses, *self._encoded, *names, *escaped, *self.phones})


def _encoded_forms(text: str) -> set[str]:
    """Returns the text as addresses of pages contain it, if that differs."""
    return {quote(text), quote(text, safe=""), quote_plus(text)} - {text}


def _is_word(text: str) -> bool:
    return text[0].isalpha()


def _pattern(
    texts: Iterable[str], before: str = "", after: str = "", *, flags: int = re.IGNORECASE
) -> re.Pattern[str] | None:
    longest_first = sorted(set(texts), key=lambda one: (-len(one), one))
    if not longest_first:
        return None
    joined = "|".join(re.escape(one).replace(r"\ ", r"\s+") for one in longest_first)
    return re.compile(f"{before}(?:{joined}){after}", flags)


def _substitute(pattern: re.Pattern[str] | None, text: str, replace: Any) -> str:
    return text if pattern is None else pattern.sub(replace, text)

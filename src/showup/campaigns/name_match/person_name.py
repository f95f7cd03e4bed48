"""Reads the names of people, as lists of leads have them and as people type them into a booking form."""

import re
from functools import cache, lru_cache
from typing import Final

from msgspec import Struct
from nicknames import NickNamer

from showup.campaigns.name_match.words import MAX_KEY, folded, words_of

# Titles, degrees and forms of address. Those that are names too (`Ma`, `Do`, `Ba`) are left out.
_TITLE_WORDS: Final = """
    dr drs prof professor mr mrs ms miss mx sir dame herr frau mme mlle monsieur madame sr jr ii iii iv esq phd
    dphil md dds dvm jd llm mba msc bsc meng beng cpa cfa pmp pe rn dipl ing mag dott dottssa ir ra rabbi rev hon
"""
_TITLES: Final = frozenset(_TITLE_WORDS.split())
# What follows is no name: `Ann Lee | Acme`, `Ann Lee (she/her)`, `Ann Lee from Acme`.
_REST: Final = re.compile(r"(?:[|•·@\[{/]|\s[-–—:]\s|\bfrom\s).*|\([^()]*\)|\"[^\"]*\"", re.DOTALL | re.IGNORECASE)
_MAX_WORDS: Final = 6
_DIGITS: Final = re.compile(r"\d+")


class ComparedName(Struct, frozen=True):
    """A name in words, and its keys, which are the same for `Xiao-Ming` and `Xiaoming`. Unknown parts are empty.

    `first_key` is the first given name, without those in the middle.
    """

    forenames: tuple[str, ...]
    family: tuple[str, ...]
    forenames_key: str
    first_key: str
    family_key: str


def person_name(forenames: tuple[str, ...], family: tuple[str, ...]) -> ComparedName:
    """Return the name with these words."""
    forenames, family = forenames[:_MAX_WORDS], family[:_MAX_WORDS]
    return ComparedName(forenames, family, key_of(forenames), key_of(forenames[:1]), key_of(family))


def key_of(words: tuple[str, ...]) -> str:
    """Return the key of a name with these words."""
    return folded("".join(words))[:MAX_KEY]


NO_NAME: Final = ComparedName((), (), "", "", "")


@lru_cache(maxsize=8_192)
def lead_name(first: str | None, last: str | None, full: str | None) -> ComparedName:
    """Return the name of a lead; a full name counts only where its parts are not known."""
    forenames, family = _parts(first, last)
    if full and not (forenames and family):
        return next(iter(readings(full)), NO_NAME)
    return person_name(forenames, family)


def lead_name_keys(first: str | None, last: str | None, full: str | None) -> tuple[str, str]:
    """Return only the keys of the family name and the first given name: an import needs no more."""
    forenames, family = _parts(first, last)
    if full and not (forenames and family):
        name = lead_name(first, last, full)
        return name.family_key, name.first_key
    return key_of(family[:_MAX_WORDS]), key_of(forenames[:1])


def _parts(first: str | None, last: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _without_titles(words_of(first or "")), _without_titles(words_of(last or ""))


@lru_cache(maxsize=4_096)
def readings(typed: str) -> tuple[ComparedName, ...]:
    """Return the ways to read a full name, the likeliest first: which words are the given ones, in which order."""
    text = _REST.sub(" ", typed).strip() or typed
    if "," in text:
        family, _, forenames = text.partition(",")
        after = tuple(word for word in words_of(forenames) if word not in _TITLES)
        if after:
            return (person_name(after, _without_titles(words_of(family))),)
        text = family
    words = _without_titles(words_of(text))[:_MAX_WORDS]
    if len(words) < 2:
        # The only word may be either.
        return (person_name(words, ()), person_name((), words)) if words else ()
    usual = [person_name(words[:cut], words[cut:]) for cut in range(len(words) - 1, 0, -1)]
    return (*usual, *(person_name(words[cut:], words[:cut]) for cut in range(1, len(words))))


@lru_cache(maxsize=16_384)
def are_nicknames(one: str, other: str) -> bool:
    """Return whether one of the names is short for the other, or both are short for a third. Source: `nicknames`."""
    known = _short_names()
    return other in known.get(one, ()) or one in known.get(other, ()) or not _long(one).isdisjoint(_long(other))


def nicknames_and_long_names(name: str) -> frozenset[str]:
    """Return the names that may stand for this one, itself included."""
    return frozenset((name, *_short_names().get(name, ()), *_long(name)))


def is_common(name: str) -> bool:
    """Return whether a given name is one of those that have short forms, or a short form: these are common ones."""
    return name in _short_names() or bool(_long(name))


def words_of_mailbox(local_part: str) -> tuple[str, ...]:
    """Return the words in the part of an address before the @."""
    return tuple(word for word in words_of(_DIGITS.sub(" ", local_part.replace("_", " "))) if word)


def _without_titles(words: tuple[str, ...]) -> tuple[str, ...]:
    if _TITLES.isdisjoint(words):
        return words
    return tuple(word for word in words if word not in _TITLES) or words


@cache
def _namer() -> NickNamer:
    return NickNamer()


@cache
def _short_names() -> dict[str, set[str]]:
    return _namer().nickname_lookup


@lru_cache(maxsize=16_384)
def _long(name: str) -> frozenset[str]:
    return frozenset(_namer().canonicals_of(name))

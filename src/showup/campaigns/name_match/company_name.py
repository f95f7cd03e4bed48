"""Reads the names of companies: without legal forms, by words, as an acronym, and as the name of their domain."""

from functools import cache, lru_cache
from typing import Final

from cleanco.termdata import terms_by_country, terms_by_type
from msgspec import Struct

from showup.campaigns.name_match.words import MAX_KEY, folded, words_of

# Beside the legal forms: words that people add or leave out.
_COMMON_ENDINGS: Final = (
    "group",
    "holding",
    "holdings",
    "the",
    "of",
    "and",
    "kabushiki",
    "kaisha",
    "co",
    "spa",
    "se",
    "pty",
    "pte",
    "pvt",
    "proprietary",
    "bv",
    "oyj",
    "kk",
)
# Words that say what a company does: two companies that share one are no more alike than others.
_GENERAL_WORDS: Final = """
    technology technologies tech systems sys services service solutions consulting international intl global
    industries industrial ind university univ institute research laboratories labs lab electronics electric software
    digital media partners capital ventures management marketing design engineering manufacturing mfg energy health
    medical pharmaceuticals pharma foods development enterprises enterprise products bank insurance agency studio
    studios american national general united first new north south east west
"""
_GENERAL: Final = frozenset(_GENERAL_WORDS.split())
_ABBREVIATIONS: Final = {
    "intl": "international",
    "tech": "technologies",
    "technology": "technologies",
    "mfg": "manufacturing",
    "svcs": "services",
    "service": "services",
    "univ": "university",
    "sys": "systems",
    "system": "systems",
    "ind": "industries",
    "elec": "electric",
    "labs": "laboratories",
    "lab": "laboratories",
    "nth": "north",
    "sth": "south",
    "mt": "mount",
    "st": "saint",
    "pharma": "pharmaceuticals",
    "mgmt": "management",
}


class ComparedCompany(Struct, frozen=True):
    """A company's name. `words` are without legal forms; `key` is all of them as one word.

    `own_words` are those that few other companies have.
    """

    words: tuple[str, ...]
    key: str
    acronym: str
    own_words: frozenset[str]


NO_COMPANY: Final = ComparedCompany((), "", "", frozenset())


@lru_cache(maxsize=8_192)
def company_name(text: str) -> ComparedCompany:
    """Return a company's name, given its name or its website."""
    if (site := _website(text)) is not None:
        return of_domain(site)
    words = _core(words_of(text))
    plain = _plain(words)
    own = frozenset(plain) - _GENERAL or frozenset(plain)
    return ComparedCompany(plain, _key(plain), "".join(word[0] for word in words), own)


def company_key(text: str) -> str:
    """Return only the key of the name: an import needs no more of a million companies."""
    site = _website(text)
    return _key(_plain(_core(words_of(text)))) if site is None else of_domain(site).key


def _website(text: str) -> str | None:
    name = text.strip().lower()
    if "." not in name or " " in name:
        return None
    site = name.removeprefix("https://").removeprefix("http://").removeprefix("www.").partition("/")[0]
    labels = site.split(".")
    is_host = len(labels) > 1 and all(labels) and "".join(labels[:-1]).replace("-", "").isalnum()
    return site if is_host and len(labels[-1]) > 1 else None


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folded(_ABBREVIATIONS.get(word, word)) for word in words)


def _key(plain: tuple[str, ...]) -> str:
    return "".join(plain)[:MAX_KEY]


@lru_cache(maxsize=8_192)
def of_domain(domain: str) -> ComparedCompany:
    """Return the company that a domain names (`mail.acme.co.uk` → `acme`); no list of suffixes is asked."""
    labels = domain.split(".")
    has_short_suffix = len(labels) > 2 and len(labels[-2]) <= 3
    label = folded("".join(words_of(labels[-3] if has_short_suffix else labels[-2] if len(labels) > 1 else "")))[
        :MAX_KEY
    ]
    return ComparedCompany((label,), label, "", frozenset((label,))) if label else NO_COMPANY


def _core(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without the legal forms at both ends."""
    forms, longest, edges = _forms()
    rest, is_changed = words, True
    while is_changed and (rest[-1:] in edges or rest[:1] in edges):
        is_changed = False
        for length in range(min(longest, len(rest) - 1), 0, -1):
            if rest[-length:] in forms:
                rest, is_changed = rest[:-length], True
                break
            if rest[:length] in forms:
                rest, is_changed = rest[length:], True
                break
    return tuple(word for word in rest if word not in ("the", "of", "and")) or rest


@cache
def _forms() -> tuple[frozenset[tuple[str, ...]], int, frozenset[tuple[str, ...]]]:
    """Return the legal forms in words, how many words the longest has, and their outer words. Source: `cleanco`."""
    terms = [term for source in (terms_by_type, terms_by_country) for found in source.values() for term in found]
    forms = frozenset(found for term in (*terms, *_COMMON_ENDINGS) if (found := words_of(term)))
    edges = frozenset(word for form in forms for word in (form[:1], form[-1:]))
    return forms, max(len(form) for form in forms), edges

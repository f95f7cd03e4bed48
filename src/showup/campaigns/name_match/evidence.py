"""Weighs what an attendee and a lead have in common, in bits of evidence for one person behind both.

Each comparison adds log2(m / u): how probable its result is for one person (m), against two people (u). Agreement on a
rare name therefore counts more than on a common one. Source: Fellegi and Sunter, "A Theory for Record Linkage", 1969;
the weights by frequency: Winkler, "Frequency-based matching in the Fellegi-Sunter model", 1989. m is estimated on the
seeds 1 to 5 of benchmarks/lead_matching.py, u is the name's share of the list of leads.
"""

from collections.abc import Mapping
from math import log2
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from rapidfuzz.distance import OSA

from showup.campaigns.name_match.company_name import ComparedCompany
from showup.campaigns.name_match.person_name import ComparedName, are_nicknames, is_common

Level: TypeAlias = Literal[
    "same", "short", "initial", "part", "slip", "mailbox", "acronym", "domain", "unknown", "other"
]
"""How two values compare: equal; short for the other; its initial; a part of it; one slip of the keyboard apart; as the
address says; its acronym; as the domain says; unknown on one side; different."""


class NameCounts(Struct, frozen=True, kw_only=True):
    """How many leads of the list share a name, by key: the family name, the full name (family, given), the company.

    They have the names that the attendee gave; other names of leads, which are only similar to these, are not counted.
    """

    families: Mapping[str, int]
    people: Mapping[tuple[str, str], int]
    companies: Mapping[str, int]


class LeadFeatures(Struct, frozen=True, kw_only=True):
    """A lead as it is compared. `domain` is that of its address; the labels are its names as they were imported."""

    email: str
    label: str
    company_label: str
    name: ComparedName
    company: ComparedCompany
    domain: str


class AttendeeFeatures(Struct, frozen=True, kw_only=True):
    """An attendee as they are compared. The labels are the names as they typed them.

    `domain` is that of their company, None for a personal address. `mailbox` are the words before the @.
    """

    label: str
    company_label: str
    readings: tuple[ComparedName, ...]
    company: ComparedCompany
    domain: str | None
    domain_company: ComparedCompany
    mailbox: tuple[str, ...]


class LeadComparison(Struct, frozen=True, kw_only=True):
    """The result: how each part compares, and the bits of all together.

    `by_domain`: the company compares so by the domain of the attendee's address, not by the name that they gave.
    """

    forenames: Level
    family: Level
    company: Level
    by_domain: bool
    bits: float


# log2(m) of each level, and in it the larger u of a looser comparison.
_FORENAME: Final[Mapping[Level, float]] = {"same": -0.5, "short": -3.0, "slip": -4.0, "part": -3.0, "mailbox": -1.5}
_FAMILY: Final[Mapping[Level, float]] = {"same": -0.5, "slip": -3.5, "part": -3.0, "mailbox": -1.5}
_COMPANY: Final[Mapping[Level, float]] = {
    "same": -0.5, "domain": -0.5, "slip": -2.0, "part": -2.5, "acronym": -4.5,
}  # fmt: skip
_INITIAL: Final = 2.5
_OTHER_FORENAME: Final = -5.0
_OTHER_FAMILY: Final = -5.0
_OTHER_COMPANY: Final = -3.0
_OTHER_DOMAIN: Final = -1.0
_REVERSED: Final = -2.0
_SAME_MIDDLE: Final = 1.5
_OTHER_MIDDLE: Final = -4.0

# The prior is 1 / size of the list, and the family name's share is count / size: the size cancels, the counts remain.
# So the bits of a pair depend only on leads that share a name with it, and a later import changes no other pair.
_REFERENCE: Final = 12.0
_COMMON_FORENAME: Final = 2.0**-6
_RARE_FORENAME: Final = 2.0**-9
# Names that are only similar are not counted: they are taken for less rare than most.
_UNCOUNTED: Final = 8
# As many leads of a family name as the share of a given name among all people counts for.
_FORENAME_WEIGHT: Final = 32


def compare(attendee: AttendeeFeatures, lead: LeadFeatures, counts: NameCounts) -> LeadComparison:
    """Return how the attendee and the lead compare, in the reading of the name that fits best."""
    company, by_domain, company_bits = _compare_companies(attendee, lead, counts)
    rarity = _reference_rarity(counts.families.get(lead.name.family_key, _UNCOUNTED))
    best: tuple[Level, Level, float] = ("unknown", "unknown", 0.0)
    for place, reading in enumerate(attendee.readings):
        found = _compare_names(attendee.mailbox, reading, lead.name, rarity, counts)
        is_reversed = place >= len(attendee.readings) // 2 and len(attendee.readings) > 1
        bits = found[2] + (_REVERSED if is_reversed else 0.0)
        if place == 0 or bits > best[2]:
            best = (found[0], found[1], bits)
    return LeadComparison(
        forenames=best[0],
        family=best[1],
        company=company,
        by_domain=by_domain,
        bits=best[2] + company_bits - _REFERENCE,
    )


def _reference_rarity(count: int) -> float:
    return _REFERENCE - log2(count + 1)


def _compare_names(
    mailbox: tuple[str, ...], typed: ComparedName, known: ComparedName, rarity: float, counts: NameCounts
) -> tuple[Level, Level, float]:
    family = _family_level(mailbox, typed, known)
    forenames = _forename_level(mailbox, typed, known)
    bits = 0.0
    if family == "other":
        bits += _OTHER_FAMILY
    elif family != "unknown":
        bits += rarity + _FAMILY[family]
    if forenames == "other":
        bits += _OTHER_FORENAME
    elif forenames == "initial":
        bits += _INITIAL
    elif forenames != "unknown":
        bits += _FORENAME[forenames] + _forename_rarity(known, family, counts)
        if len(typed.forenames) > 1 and len(known.forenames) > 1:
            bits += _middle_bits(typed.forenames[1:], known.forenames[1:])
    return forenames, family, bits


def _forename_rarity(known: ComparedName, family: Level, counts: NameCounts) -> float:
    share = _COMMON_FORENAME if is_common(known.first_key) else _RARE_FORENAME
    if family in ("other", "unknown"):
        return -log2(share)
    of_family = counts.families.get(known.family_key, _UNCOUNTED) - 1
    of_both = counts.people.get((known.family_key, known.first_key), 1) - 1
    return log2((of_family + _FORENAME_WEIGHT) / (of_both + _FORENAME_WEIGHT * share))


def _family_level(mailbox: tuple[str, ...], typed: ComparedName, known: ComparedName) -> Level:
    key = known.family_key
    if not key:
        return "unknown"
    if not typed.family_key:
        return "mailbox" if len(key) > 2 and key in mailbox else "unknown"
    if typed.family_key == key:
        return "same"
    if (len(typed.family) > 1 or len(known.family) > 1) and any(
        len(word) > 2 for word in {*typed.family} & {*known.family}
    ):
        return "part"
    return "slip" if _is_slip(typed.family_key, key) else "other"


def _is_slip(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < 4 else 1 if shorter < 8 else 2
    return allowed > 0 and OSA.distance(one, other, score_cutoff=allowed) <= allowed


def _forename_level(mailbox: tuple[str, ...], typed: ComparedName, known: ComparedName) -> Level:
    first = known.first_key
    if not first:
        return "unknown"
    is_named = len(first) > 2 and first in mailbox
    if not typed.first_key:
        return "mailbox" if is_named else "unknown"
    level = _compare_forenames(typed, known)
    return "mailbox" if level == "initial" and is_named else level


def _compare_forenames(typed: ComparedName, known: ComparedName) -> Level:
    first, known_first = typed.first_key, known.first_key
    if (first == known_first and len(first) > 1) or typed.forenames_key == known.forenames_key:
        return "same"
    if len(first) == 1 or len(known_first) == 1:
        return "initial" if first[0] == known_first[0] else "other"
    if typed.forenames_key == _initials(known.forenames) or known.forenames_key == _initials(typed.forenames):
        return "initial"
    if are_nicknames(first, known_first):
        return "short"
    if _is_slip(first, known_first) or _is_slip(typed.forenames_key, known.forenames_key):
        return "slip"
    if (len(first) > 2 and known_first.startswith(first)) or (len(known_first) > 2 and first.startswith(known_first)):
        return "part"
    return "part" if any(len(word) > 2 for word in {*typed.forenames} & {*known.forenames}) else "other"


def _initials(words: tuple[str, ...]) -> str:
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _middle_bits(typed: tuple[str, ...], known: tuple[str, ...]) -> float:
    one, other = "".join(word[0] for word in typed), "".join(word[0] for word in known)
    return _SAME_MIDDLE if one.startswith(other) or other.startswith(one) else _OTHER_MIDDLE


def _compare_companies(attendee: AttendeeFeatures, lead: LeadFeatures, counts: NameCounts) -> tuple[Level, bool, float]:
    level: Level = "unknown"
    by_domain, best = False, _OTHER_DOMAIN if attendee.domain is not None else 0.0
    rarity = _reference_rarity(counts.companies.get(lead.company.key, _UNCOUNTED))
    if attendee.company.key and lead.company.key:
        level, best = "other", _OTHER_COMPANY
    found: list[tuple[Level, bool]] = [
        (_company_level(company, lead.company), company is attendee.domain_company)
        for company in (attendee.company, attendee.domain_company)
        if company.key and lead.company.key
    ]
    if attendee.domain is not None and attendee.domain == lead.domain:
        found.append(("domain", True))
    for one, is_by_domain in found:
        if one != "other" and rarity + _COMPANY[one] > best:
            level, by_domain, best = one, is_by_domain, rarity + _COMPANY[one]
    return level, by_domain, best


def _company_level(one: ComparedCompany, other: ComparedCompany) -> Level:
    if one.key == other.key:
        return "same"
    shorter, longer = (one, other) if len(one.key) <= len(other.key) else (other, one)
    if len(shorter.key) > 5 and _is_slip(one.key, other.key):
        return "slip"
    if shorter.key == longer.acronym and len(longer.acronym) > 2:
        return "acronym"
    if len(shorter.key) > 3 and longer.key.startswith(shorter.key):
        return "part"
    return "part" if one.own_words & other.own_words else "other"

"""Decides from names and companies which lead an attendee is: surely one, or a few for review. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from showup.campaigns.name_match.evidence import LeadComparison, LeadFeatures, Level

SURE_BITS: Final = 7.0
"""From here on, one person is at least 128 times as probable as two: set on the seeds 1 to 5 of the benchmark."""
_UNIQUE_BITS: Final = 5.0
"""By how much the first must exceed the second: 32 times as probable."""
_LEAST_BITS: Final = -12.0
MAX_SUGGESTIONS: Final = 5
MAX_SCORE: Final = 0.96
_MIN_SCORE: Final = 0.01

# An initial or an unknown part is no agreement that decides by itself, and people of one name work at many companies.
_SURE_NAMES: Final[frozenset[Level]] = frozenset(("same", "short", "slip", "part", "mailbox"))
# Two of these at once are too many: a relative of a similar name at the company next door.
_LOOSE: Final[frozenset[Level]] = frozenset(("slip", "part", "acronym"))
_SURE_COMPANIES: Final[frozenset[Level]] = frozenset(("same", "domain", "slip", "part", "acronym"))


class ComparedLead(Struct, frozen=True, kw_only=True):
    """A lead and how it compares with the attendee."""

    lead: LeadFeatures
    comparison: LeadComparison


class MatchDecision(Struct, frozen=True, kw_only=True):
    """The lead that the attendee surely is, and those that a person should see, the likeliest first."""

    match: ComparedLead | None
    suggestions: Sequence[ComparedLead]


def decide(compared: Iterable[ComparedLead], *, may_match: bool, sure_bits: float = SURE_BITS) -> MatchDecision:
    """Return what follows from these comparisons. `may_match`: the attendee's address allows a match (CA2)."""
    ranked = sorted(compared, key=lambda one: (-one.comparison.bits, one.lead.email))
    suggestions = [one for one in ranked[:MAX_SUGGESTIONS] if one.comparison.bits >= _LEAST_BITS]
    is_sure = may_match and bool(ranked) and _is_sure(ranked[0].comparison, ranked[1:2], sure_bits)
    return MatchDecision(match=ranked[0] if is_sure else None, suggestions=suggestions)


def scores(compared: Sequence[ComparedLead]) -> list[float]:
    """Return for each lead how probable it is that the attendee is this one, none of the others and not no lead.

    From 0.01 to MAX_SCORE, which is below the score of any match by address.
    """
    odds = [2.0**one.comparison.bits for one in compared]
    total = 1.0 + sum(odds)
    return [max(_MIN_SCORE, round(MAX_SCORE * one / total, 2)) for one in odds]


def _is_sure(first: LeadComparison, second: Sequence[ComparedLead], sure_bits: float) -> bool:
    return (
        first.bits >= sure_bits
        and all(first.bits - one.comparison.bits >= _UNIQUE_BITS for one in second)
        and {first.forenames, first.family} <= _SURE_NAMES
        and first.company in _SURE_COMPANIES
        and sum(level in _LOOSE for level in (first.forenames, first.family, first.company)) <= 1
    )

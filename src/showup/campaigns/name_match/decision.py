"""Decides from names and companies which lead an attendee is: one that is surely the same person, or a few to review."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from showup.campaigns.name_match.evidence import Comparison, LeadFeatures, Level

SURE_BITS: Final = 7.0
"""From here on, one person is at least 128 times as probable as two: set on the seeds 1 to 5 of the benchmark."""
_UNIQUE_BITS: Final = 5.0
"""By how much the first must exceed the second: 32 times as probable."""
_LEAST_BITS: Final = -12.0
MAX_SUGGESTIONS: Final = 5

# An initial or an unknown part is no agreement that decides by itself, and people of one name work at many companies.
_SURE_NAMES: Final[frozenset[Level]] = frozenset(("same", "short", "slip", "part", "mailbox"))
_SURE_COMPANIES: Final[frozenset[Level]] = frozenset(("same", "domain", "slip", "part", "acronym"))


class ComparedLead(Struct, frozen=True, kw_only=True):
    """A lead and how it compares with the attendee."""

    lead: LeadFeatures
    comparison: Comparison


class Decision(Struct, frozen=True, kw_only=True):
    """The lead that the attendee surely is, and those that a person should see, the likeliest first."""

    match: ComparedLead | None
    suggestions: Sequence[ComparedLead]


def decide(compared: Iterable[ComparedLead], *, may_match: bool) -> Decision:
    """Return what follows from these comparisons. `may_match`: the attendee's address allows a match (CA2)."""
    ranked = sorted(compared, key=lambda one: (-one.comparison.bits, one.lead.email))
    suggestions = [one for one in ranked[:MAX_SUGGESTIONS] if one.comparison.bits >= _LEAST_BITS]
    is_sure = may_match and bool(ranked) and _is_sure(ranked[0].comparison, ranked[1:2])
    return Decision(match=ranked[0] if is_sure else None, suggestions=suggestions)


def probability(comparison: Comparison, others: Iterable[Comparison] = ()) -> float:
    """Return how probable it is that the attendee is this lead, and neither one of the others nor no lead at all."""
    odds = 2.0**comparison.bits
    return odds / (1.0 + odds + sum(2.0**one.bits for one in others))


def _is_sure(first: Comparison, second: Sequence[ComparedLead]) -> bool:
    return (
        first.bits >= SURE_BITS
        and all(first.bits - one.comparison.bits >= _UNIQUE_BITS for one in second)
        and {first.given, first.family} <= _SURE_NAMES
        and first.company in _SURE_COMPANIES
    )

"""Decides which lead an attendee is, and which campaign brought them (CA2). Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

from msgspec import Struct

from showup.values.email_address import match_key

Method: TypeAlias = Literal["email", "normalized_email", "other_email", "merged_person", "manual"]
"""How an attendee was found to be a lead: by the address; by the address without tag and dots; by a further address of
the lead; by an address of a person who was merged with the attendee; by hand."""

SCORES: Final[dict[Method, float]] = {
    "email": 1.0,
    "normalized_email": 0.99,
    "other_email": 0.98,
    "merged_person": 0.97,
    "manual": 1.0,
}
"""How sure each method is, from 0 to 1. They are an order, and above what names and companies alone can reach."""

MatchState: TypeAlias = Literal["matched", "undone", "withdrawn"]


class FoundMatch(Struct, frozen=True, kw_only=True):
    """An attendee is a lead of a campaign. `evidence`: what was compared, and why this campaign."""

    attendee: str
    lead: str
    campaign_id: int
    method: Method
    score: float
    evidence: dict[str, str]


class Match(FoundMatch, frozen=True, kw_only=True):
    """A match in a booking's history, and the event that last changed it.

    `undone`: a person undid it, and it is not made again by itself. `withdrawn`: its evidence is gone.
    """

    state: MatchState
    event_id: UUID
    actor: str
    at: datetime


class Membership(Struct, frozen=True, kw_only=True):
    """A lead in a campaign, with what decides between campaigns."""

    campaign_id: int
    campaign_name: str
    sent: int | None = None
    last_sent_at: datetime | None = None
    interested: bool | None = None
    interested_at: datetime | None = None


class LeadCandidate(Struct, frozen=True, kw_only=True):
    """A lead that an attendee may be."""

    email: str
    other_emails: Sequence[str]
    memberships: Sequence[Membership]


class AttendeeSeat(Struct, frozen=True, kw_only=True):
    """An attendee of a booking. `merged_names` are the other addresses of the same person, whom people merged."""

    email: str
    booked_at: datetime
    merged_names: frozenset[str] = frozenset()


def match_id(booking_id: UUID, attendee: str, lead: str) -> UUID:
    """Return the id of a match; it is the same in every rebuild."""
    return uuid5(booking_id, f"match:{attendee}:{lead}")


def find_match(
    seat: AttendeeSeat, candidates: Iterable[LeadCandidate], undone: Iterable[str] = ()
) -> FoundMatch | None:
    """Return the lead that the attendee surely is; None if there is none. `undone` are leads that a person ruled out.

    The surest method wins. Among leads that it finds, the one whose campaign comes first by `_rank` wins.
    """
    ruled_out = frozenset(undone)
    found = [
        (SCORES[method], *_rank(membership, seat.booked_at), _reversed(one.email), one, method, membership)
        for one in candidates
        if one.email not in ruled_out and (method := _method(seat, one)) is not None
        for membership in one.memberships
    ]
    if not found:
        return None
    *_, candidate, method, membership = max(found, key=lambda row: row[:-3])
    return FoundMatch(
        attendee=seat.email,
        lead=candidate.email,
        campaign_id=membership.campaign_id,
        method=method,
        score=SCORES[method],
        evidence={"address": _address_evidence(seat, candidate, method), "campaign": _why(membership, seat.booked_at)},
    )


def campaign_of(memberships: Sequence[Membership], booked_at: datetime) -> tuple[int, str]:
    """Return the campaign that brought a booking of this lead, and why."""
    best = max(memberships, key=lambda one: _rank(one, booked_at))
    return best.campaign_id, _why(best, booked_at)


def _method(seat: AttendeeSeat, candidate: LeadCandidate) -> Method | None:
    if candidate.email == seat.email:
        return "email"
    if match_key(candidate.email) == match_key(seat.email):
        return "normalized_email"
    if _overlap({seat.email}, candidate.other_emails):
        return "other_email"
    if _overlap(seat.merged_names, (candidate.email, *candidate.other_emails)):
        return "merged_person"
    return None


def _overlap(emails: Iterable[str], others: Iterable[str]) -> bool:
    return not {match_key(one) for one in emails}.isdisjoint(match_key(one) for one in others)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _rank(membership: Membership, booked_at: datetime) -> tuple[int, datetime, tuple[int, ...]]:
    """Return a sort key: the latest campaign that found the lead interested before the booking, else the latest mail.

    An interest without a time comes after those with one. A mail after the booking can't have brought it, so it comes
    after those before it. A campaign's name decides what is left, so that the order of imports does not.
    """
    level, at = 0, _NEVER
    interested_at, sent_at = membership.interested_at, membership.last_sent_at
    if membership.interested and interested_at is not None and interested_at <= booked_at:
        level, at = 5, interested_at
    elif membership.interested and interested_at is None:
        level = 4
    elif sent_at is not None and sent_at <= booked_at:
        level, at = 3, sent_at
    elif membership.sent and sent_at is None:
        level = 2
    elif sent_at is not None:
        level, at = 1, sent_at
    return level, at, _reversed(membership.campaign_name)


def _reversed(text: str) -> tuple[int, ...]:
    """Return a sort key under which the first in alphabetical order is the greatest."""
    return (*(-ord(character) for character in text), 1)


def _why(membership: Membership, booked_at: datetime) -> str:
    level, at, _ = _rank(membership, booked_at)
    name = membership.campaign_name
    match level:
        case 5:
            return f"{name} found the lead interested on {at:%Y-%m-%d}, before the booking"
        case 4:
            return f"{name} found the lead interested"
        case 3:
            return f"{name} wrote to the lead on {at:%Y-%m-%d}, before the booking"
        case 2:
            return f"{name} wrote to the lead"
        case 1:
            return f"{name} wrote to the lead on {at:%Y-%m-%d}"
        case _:
            return f"the lead is in {name}"


def _address_evidence(seat: AttendeeSeat, candidate: LeadCandidate, method: Method) -> str:
    match method:
        case "email":
            return f"{seat.email} is the lead's address"
        case "normalized_email":
            return f"{seat.email} and {candidate.email} are the same mailbox"
        case "other_email":
            return f"{seat.email} is a further address of {candidate.email}"
        case _:
            names = ", ".join(sorted(seat.merged_names))
            return f"{seat.email} was merged with {names}, an address of the lead {candidate.email}"

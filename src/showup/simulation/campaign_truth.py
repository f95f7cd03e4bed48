"""What the API must say of a run's campaigns: which lead each attendee is, and how many leads reached each step."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from showup.simulation.campaigns import SimulatedLead
from showup.simulation.compare import TruthDifference
from showup.simulation.truth import BookingTruth

Seat: TypeAlias = tuple[str, str]
"""The uid of a booking, and the address of an attendee in lower case."""


@dataclass(frozen=True, slots=True)
class FoundLead:
    """A lead by its address, and the name of the campaign that is said to have brought the booking."""

    email: str
    campaign: str


@dataclass(frozen=True, slots=True)
class FoundMatches:
    """`linked`: attendees with a lead. `suggested`: those without one, with the leads that they may be."""

    linked: Mapping[Seat, FoundLead]
    suggested: Mapping[Seat, frozenset[str]]


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """Attendees who are leads, and how many of them are linked to their lead; the others are to be suggested."""

    linked: int
    leads: int


@dataclass(frozen=True, slots=True)
class FunnelTruth:
    """The funnel of a campaign: mails, then people."""

    sent: int
    delivered: int
    replied: int
    interested: int
    booked: int
    showed: int


def find_match_differences(
    leads: Sequence[SimulatedLead], bookings: Mapping[str, BookingTruth], found: FoundMatches
) -> Iterator[TruthDifference]:
    """Yields each attendee who is linked to a wrong lead, or not linked although the address says who it is.

    A lead who books under an address that nobody knows may stay without a link, but must then be suggested.
    """
    expected = {one.attendee: one for one in leads if one.attendee is not None and one.brings_bookings}
    ours = {one.email.lower() for one in leads}
    for seat, linked in sorted(found.linked.items()):
        lead = expected.get(seat[1])
        # A lead of an earlier run with the same seed has the same name and the same company.
        if linked.email in ours and (lead is None or lead.email.lower() != linked.email):
            yield _difference(seat, "lead", lead.email.lower() if lead is not None else "none", linked.email)
        elif lead is not None and linked.email in ours and lead.campaign != linked.campaign:
            yield _difference(seat, "campaign", lead.campaign, linked.campaign)
    for uid, booking in sorted(bookings.items()):
        for attendee in booking.attendees.keys() & expected.keys():
            if (uid, attendee) not in found.linked:
                yield from _unlinked_difference((uid, attendee), expected[attendee], found)


def _unlinked_difference(seat: Seat, lead: SimulatedLead, found: FoundMatches) -> Iterator[TruthDifference]:
    if lead.address != "other":
        yield _difference(seat, "lead", lead.email.lower(), "none")
    elif seat in found.suggested and lead.email not in found.suggested[seat]:
        suggested = ", ".join(sorted(found.suggested[seat])) or "none"
        yield _difference(seat, "candidates", lead.email, suggested)


def count_matches(
    leads: Sequence[SimulatedLead], bookings: Mapping[str, BookingTruth], found: FoundMatches
) -> MatchCounts:
    """Counts the attendees of bookings who are leads, and those that are linked to the right one."""
    expected = {one.attendee: one.email.lower() for one in leads if one.attendee is not None}
    seats = [
        (uid, attendee) for uid, booking in bookings.items() for attendee in booking.attendees.keys() & expected.keys()
    ]
    linked = [seat for seat in seats if seat in found.linked and found.linked[seat].email == expected[seat[1]]]
    return MatchCounts(len(linked), len(seats))


def expected_funnels(
    leads: Sequence[SimulatedLead], bookings: Mapping[str, BookingTruth], found: FoundMatches
) -> dict[str, FunnelTruth]:
    """Returns the funnel of each campaign, by name.

    A lead who books under an address that nobody knows counts as booked where the link was found.
    """
    by_campaign: dict[str, list[SimulatedLead]] = defaultdict(list)
    for lead in leads:
        by_campaign[lead.campaign].append(lead)
    return {
        campaign: FunnelTruth(
            sent=sum(one.sent for one in members),
            delivered=sum(one.sent - one.is_bounced for one in members),
            replied=sum(one.replied_at is not None for one in members),
            interested=sum(one.interested_at is not None for one in members),
            booked=sum(bool(_seats(one, bookings, found)) for one in members),
            showed=sum(any(_seats(one, bookings, found)) for one in members),
        )
        for campaign, members in by_campaign.items()
    }


def find_funnel_differences(
    expected: Mapping[str, FunnelTruth], found: Mapping[str, FunnelTruth]
) -> Iterator[TruthDifference]:
    """Yields each step of each campaign that differs."""
    for campaign in sorted(expected):
        if campaign not in found:
            yield TruthDifference("funnel", campaign, "", "there", "missing")
            continue
        steps = asdict(found[campaign])
        for step, count in asdict(expected[campaign]).items():
            if steps[step] != count:
                yield TruthDifference("funnel", campaign, step, str(count), str(steps[step]))


def _seats(lead: SimulatedLead, bookings: Mapping[str, BookingTruth], found: FoundMatches) -> list[bool]:
    """Returns whether the lead showed, for each booking that counts: accepted, or held."""
    if lead.attendee is None or not lead.brings_bookings:
        return []
    return [
        booking.attendees[lead.attendee] is True
        for uid, booking in bookings.items()
        if lead.attendee in booking.attendees
        and (booking.status == "ACCEPTED" or booking.attendees[lead.attendee])
        and (lead.address != "other" or (uid, lead.attendee) in found.linked)
    ]


def _difference(seat: Seat, field: str, expected: str, found: str) -> TruthDifference:
    return TruthDifference("match", f"{seat[0]} {seat[1]}", field, expected, found)

"""Decides which seats of a booking count in the funnel, and for what (CA4, CA5)."""

from collections.abc import Iterable, Mapping

from showup.bookings.booking import Attendee, Booking
from showup.campaigns.funnel import SEAT_OUTCOMES, FunnelSeat, SeatOutcome
from showup.campaigns.match import Match
from showup.values.email_address import match_key


def funnel_seats(booking: Booking, matches: Iterable[Match], people: Mapping[str, str]) -> list[FunnelSeat]:
    """Return the seats that count: those of the attendees who are matched to a lead, and those of all other guests.

    `people` are the merged people by mailbox, as `Identities.people_by_mailbox` returns them.
    """
    matched = {one.attendee: one for one in matches if one.state == "matched"}
    seats = []
    for attendee in booking.attendees:
        if attendee.is_guest and _counts(booking, attendee):
            match = matched.get(attendee.key)
            lead = None if match is None else match.lead
            person = attendee.email or attendee.phone if lead is None else people.get(match_key(lead), lead)
            seats.append(
                FunnelSeat(
                    attendee=attendee.key,
                    lead=lead,
                    person=person,
                    campaign_id=None if match is None else match.campaign_id,
                    booked_at=attendee.joined_at or booking.booked_at,
                    start_time=booking.start_time,
                    over_at=booking.end_time or booking.start_time,
                    outcome=SEAT_OUTCOMES[_outcome(booking, attendee)],
                    reported=attendee.evidence == "reported",
                    simulated=booking.simulated,
                    organizer_email=booking.organizer_email,
                )
            )
    return seats


def _counts(booking: Booking, attendee: Attendee) -> bool:
    """Return whether a seat counts: it is accepted, or it was held before it was cancelled."""
    return attendee.attended is True or (booking.status == "ACCEPTED" and attendee.left_at is None)


def _outcome(booking: Booking, attendee: Attendee) -> SeatOutcome:
    if attendee.attended:
        return "showed_reported" if attendee.evidence == "reported" else "showed_assumed"
    if attendee.attended is False:
        return "no_show"
    return "host_absent" if booking.host_absent else "open"

"""Compares Cal.com's absence marks with the marks it reported; marks that people set in Showup are left alone."""

from collections.abc import Sequence

from showup.bookings.booking import Booking
from showup.events import booking as events
from showup.events.envelope import BookingRecord
from showup.sources.calcom.api_values import ApiBooking
from showup.values.email_address import email_domain, normalize_email
from showup.values.redaction import is_pseudonym


def find_absences(ours: Booking, records: Sequence[BookingRecord], theirs: ApiBooking) -> tuple[tuple[str, bool], ...]:
    """Returns by address each mark that was set (True) or removed (False) without an event.

    A guest without a mark means nothing, unless the guest was marked before. `records` is in source order.
    """
    reported = _reported_absences(records)
    absent_keys = {one.key for one in ours.attendees if one.attended is False}
    known_keys = {one.key for one in ours.attendees}
    erased_domains = {email_domain(key) for key in known_keys if is_pseudonym(key)}
    is_detected = any(isinstance(one.event, events.GuestsMissed) for one in records)
    found: dict[str, bool] = {}
    for attendee in theirs.attendees:
        email = normalize_email(attendee.email)
        if not email or attendee.absent is None or attendee.absent == reported.get(email, False):
            continue
        if email not in known_keys and email_domain(email) in erased_domains:
            # Cal.com still names somebody who was erased here.
            continue
        if not (attendee.absent and is_detected and email in absent_keys):
            found[email] = attendee.absent
    return tuple(found.items())


def _reported_absences(records: Sequence[BookingRecord]) -> dict[str, bool]:
    reported: dict[str, bool] = {}
    for record in records:
        if not isinstance(record.event, events.AttendanceReported | events.MeetingEnded):
            continue
        for one in record.event.booking.attendees:
            if one.email is not None and (one.attended is not None or one.no_show):
                reported[one.email] = not one.attended
    return reported

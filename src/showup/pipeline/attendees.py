"""Update a booking's attendees from the details that sources report."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.companies.company import key_of_domain
from showup.events.details import AttendeeDetails, BookingDetails
from showup.pipeline.assignments import Assignments
from showup.pipeline.rules import Rules
from showup.values.email_address import display_email


def merge_attendees(booking: Booking, details: BookingDetails, at: datetime, rules: Rules) -> Booking:
    """Return the booking with the attendees listed in `details`.

    A guest list is complete: an attendee who is missing from it has left. For a booking with seats, each body lists one
    seat, so a missing attendee has not left. A list that may include team members adds no new attendees.
    """
    hosts = booking.hosts | details.hosts
    own_domains = rules.own_domains(hosts)
    known = {attendee.key: attendee for attendee in booking.attendees}
    listed = {one.key: one for one in details.attendees}
    if details.attendees_are_guests and not (booking.seated or details.seated) and listed:
        order = [*listed, *(key for key in known if key not in listed)]
    elif details.attendees_are_guests or not known:
        order = [*known, *(key for key in listed if key not in known)]
    else:
        order = list(known)
    is_seated = booking.seated or details.seated
    joined_at = at if known and is_seated else None
    is_complete_list = details.attendees_are_guests and bool(listed) and not (booking.seated or details.seated)
    attendees = tuple(
        _classify_attendee(
            _merge_attendee(
                known.get(key) or _new_attendee(listed[key], joined_at),
                listed.get(key),
                at if is_complete_list else None,
            ),
            hosts,
            own_domains,
            rules,
        )
        for key in order
    )
    return replace(booking, attendees=attendees, hosts=hosts, seated=booking.seated or details.seated)


def rejoin_seats(booking: Booking, details: BookingDetails, at: datetime) -> Booking:
    """Return the booking with the seats of the listed attendees restored, booked again at that time."""
    listed = _attendee_keys(details)
    attendees = tuple(
        replace(one, left_at=None, joined_at=at, rejoin_count=one.rejoin_count + 1, confirmed_at=None)
        if one.key in listed and one.left_at is not None
        else one
        for one in booking.attendees
    )
    return replace(booking, attendees=attendees)


def leave_seats(booking: Booking, details: BookingDetails, at: datetime) -> Booking:
    """Return the booking after the listed attendees gave up their seats."""
    return _mark_left(booking, _attendee_keys(details), at)


def vacate_seats(booking: Booking, at: datetime) -> Booking:
    """Return the cancelled booking with all seats vacated, ready for an attendee to take a seat again."""
    booking = replace(booking, cancellation_reason=None, cancelled_by=None, reschedule_requested=False)
    return _mark_left(booking, {one.key for one in booking.attendees}, at)


def _mark_left(booking: Booking, leaving: Collection[str], at: datetime) -> Booking:
    attendees = tuple(
        replace(one, left_at=at) if one.key in leaving and one.left_at is None else one for one in booking.attendees
    )
    return replace(booking, attendees=attendees)


def _attendee_keys(details: BookingDetails) -> set[str]:
    return {one.key for one in details.attendees}


def clear_attendance(booking: Booking) -> Booking:
    """Return the booking with its attendance reset, because attendees can still come at the new time."""
    attendees = tuple(replace(one, attended=None, evidence=None) for one in booking.attendees)
    return replace(booking, attendees=attendees, absent_hosts=frozenset(), host_absent=False, outcome=None)


def clear_confirmations(booking: Booking) -> Booking:
    """Return the booking whose attendees have not said yet whether they come: a yes applies to one time only."""
    return replace(booking, attendees=tuple(replace(one, confirmed_at=None) for one in booking.attendees))


def _new_attendee(details: AttendeeDetails, joined_at: datetime | None) -> Attendee:
    return Attendee(
        email=details.email,
        name=details.name,
        time_zone=details.time_zone,
        phone=details.phone,
        seat_uid=details.seat_uid,
        first_name=details.first_name,
        locale=details.locale,
        joined_at=joined_at,
    )


def _merge_attendee(known: Attendee, details: AttendeeDetails | None, left_at: datetime | None) -> Attendee:
    """Merge one attendee. `left_at` is when an attendee missing from a complete list left; None for a partial list."""
    if details is None:
        return replace(known, left_at=left_at) if known.left_at is None and left_at is not None else known
    return replace(
        known,
        name=details.name or known.name,
        time_zone=details.time_zone or known.time_zone,
        phone=details.phone or known.phone,
        seat_uid=details.seat_uid or known.seat_uid,
        first_name=details.first_name or known.first_name,
        locale=details.locale or known.locale,
        left_at=None if left_at is not None else known.left_at,
    )


def _classify_attendee(
    attendee: Attendee, hosts: frozenset[str], own_domains: frozenset[str], rules: Rules
) -> Attendee:
    email = attendee.email
    if email is None or email in hosts or rules.is_team(email):
        return replace(attendee, is_person=False, company_key=None)
    domain = rules.company_domain(email)
    if domain in own_domains:
        return replace(attendee, is_person=False, company_key=None)
    own_company = None if domain is None else key_of_domain(domain)
    return replace(attendee, is_person=True, company_key=attendee.assigned_company or own_company)


def own_side_reason(attendee: Attendee, hosts: frozenset[str], rules: Rules) -> str | None:
    """Return why the attendee belongs to the team; None for a prospect, and without an email address."""
    email = attendee.email
    if email is None or attendee.is_person:
        return None
    if email in hosts:
        return f"{display_email(email)} hosts the meeting"
    if rules.is_team(email):
        return f"{display_email(email)} is on the team"
    return f"{display_email(email)} has an address at the domain of the meeting's host"


def assign_companies(before: Booking | None, after: Booking, at: datetime, assignments: Assignments) -> Booking:
    """Return the booking with the companies that people assigned the attendees to who joined with this event."""
    known = set() if before is None else {one.key for one in before.attendees}
    attendees = tuple(one if one.key in known else _assigned(one, at, assignments) for one in after.attendees)
    return after if attendees == after.attendees else replace(after, attendees=attendees)


def _assigned(attendee: Attendee, at: datetime, assignments: Assignments) -> Attendee:
    if attendee.email is None or not attendee.is_person:
        return attendee
    company = assignments.company_of(attendee.email, attendee.company_key, at)
    if company is None or company == attendee.company_key:
        return attendee
    return replace(attendee, company_key=company, assigned_company=company)

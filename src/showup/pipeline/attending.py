"""Who attends a booking: the list as it grows, shrinks and is corrected by what sources see."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.events import AttendeeSeen, BookingSeen
from showup.pipeline.rules import Rules


def with_attendees(booking: Booking, seen: BookingSeen, at: datetime, rules: Rules) -> Booking:
    """The booking with the attendees that `seen` lists.

    A list of guests is the whole list, so whoever it no longer names has left. Of a booking with seats each body
    lists one seat, so nobody has. A list that may hold our own side adds nobody to those who are known.
    """
    hosts = booking.hosts | seen.hosts
    known = {attendee.key: attendee for attendee in booking.attendees}
    listed = {one.email or one.phone or one.name or "": one for one in seen.attendees}
    if seen.attendees_are_guests and not (booking.seated or seen.seated) and listed:
        order = [*listed, *(key for key in known if key not in listed)]
    elif seen.attendees_are_guests or not known:
        order = [*known, *(key for key in listed if key not in known)]
    else:
        order = list(known)
    whole_list = seen.attendees_are_guests and bool(listed) and not (booking.seated or seen.seated)
    attendees = tuple(
        _classified(_merged(known.get(key), listed.get(key), at if whole_list else None), hosts, rules) for key in order
    )
    return replace(booking, attendees=attendees, hosts=hosts, seated=booking.seated or seen.seated)


def rejoined(booking: Booking, seen: BookingSeen) -> Booking:
    """The booking in which the listed attendees have their seats (again)."""
    listed = _listed(seen)
    attendees = tuple(
        replace(one, left_at=None, returns=one.returns + 1) if one.key in listed and one.left_at is not None else one
        for one in booking.attendees
    )
    return replace(booking, attendees=attendees)


def departed(booking: Booking, seen: BookingSeen, at: datetime) -> Booking:
    """The booking after the listed attendees gave back their seats."""
    return _without(booking, _listed(seen), at)


def vacated(booking: Booking, at: datetime) -> Booking:
    """A booking that was called off, as whoever takes a seat in it again finds it: nobody kept theirs."""
    booking = replace(booking, cancellation_reason=None, cancelled_by=None, reschedule_requested=False)
    return _without(booking, {one.key for one in booking.attendees}, at)


def _without(booking: Booking, leaving: Collection[str], at: datetime) -> Booking:
    attendees = tuple(
        replace(one, left_at=at) if one.key in leaving and one.left_at is None else one for one in booking.attendees
    )
    return replace(booking, attendees=attendees)


def _listed(seen: BookingSeen) -> set[str]:
    return {one.email or one.phone or one.name or "" for one in seen.attendees}


def unmarked(booking: Booking) -> Booking:
    """The booking with its attendance open: another time is another chance to come."""
    attendees = tuple(replace(one, attended=None, evidence=None) for one in booking.attendees)
    return replace(booking, attendees=attendees, host_absent=False, outcome=None)


def _merged(known: Attendee | None, seen: AttendeeSeen | None, left_at: datetime | None) -> Attendee:
    """`left_at` is when somebody left whom a whole list does not name; None where the list is not whole."""
    if known is None:
        assert seen is not None, "an attendee comes from one of the two lists"
        return Attendee(
            email=seen.email,
            name=seen.name,
            time_zone=seen.time_zone,
            phone=seen.phone,
            seat_uid=seen.seat_uid,
        )
    if seen is None:
        return replace(known, left_at=left_at) if known.left_at is None and left_at is not None else known
    return replace(
        known,
        name=seen.name or known.name,
        time_zone=seen.time_zone or known.time_zone,
        phone=seen.phone or known.phone,
        seat_uid=seen.seat_uid or known.seat_uid,
        left_at=None if left_at is not None else known.left_at,
    )


def _classified(attendee: Attendee, hosts: frozenset[str], rules: Rules) -> Attendee:
    email = attendee.email
    is_person = email is not None and email not in hosts and not rules.is_team(email)
    domain = rules.company_domain(email) if is_person and email is not None else None
    return replace(attendee, is_person=is_person, company_domain=domain)

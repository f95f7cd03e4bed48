"""The details of a booking as a source reports them, and the base of all booking events.

`None` in a field means "the source did not say", never "there is none".
"""

from datetime import datetime

from msgspec import Struct

from showup.bookings.booking import BookingSource, LocationKind, Status, attendee_key


class AttendeeDetails(Struct, frozen=True, kw_only=True):
    """One attendee as a source listed them; `email` is lower case, or None for an attendee known by phone only."""

    email: str | None
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    seat_uid: str | None = None
    # The first name and the language (`pt-BR`) that the attendee booked with.
    first_name: str | None = None
    locale: str | None = None
    no_show: bool | None = None
    attended: bool | None = None

    @property
    def key(self) -> str:
        """Return the key of the same attendee in a booking, as `Attendee.key`."""
        return attendee_key(self.email, self.phone, self.name)


class BookingDetails(Struct, frozen=True, kw_only=True):
    """A booking as a source reported it; every field may be missing, and a missing field changes nothing."""

    uid: str | None = None
    calcom_booking_id: str | None = None
    # The status that the source reports, whatever the kind of the event.
    status: Status | None = None
    # The same for all dates of a series that was booked at once.
    series_uid: str | None = None
    title: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    # When the booking was made, according to the source (only MEETING_* bodies carry it).
    booked_at: datetime | None = None
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    organizer_username: str | None = None
    # The organizer and the co-hosts: they are never prospects of this booking.
    hosts: frozenset[str] = frozenset()
    attendees: tuple[AttendeeDetails, ...] = ()
    # False if the list of attendees may include team members or omit attendees, as in MEETING_* bodies.
    attendees_are_guests: bool = True
    seated: bool = False
    event_type: str | None = None
    event_type_title: str | None = None
    calcom_event_type_id: str | None = None
    team_id: int | None = None
    location: str | None = None
    location_kind: LocationKind | None = None
    meeting_url: str | None = None
    notes: str | None = None
    answers: dict[str, str] = {}
    company_answer: str | None = None
    # Where the booking came from, such as the newsletter whose link was followed.
    source: BookingSource | None = None
    ical_uid: str | None = None
    ical_sequence: int | None = None
    booker_url: str | None = None
    # Choices of the event type: what attendees may see and do, and where their replies go (empty: nowhere else).
    organizer_email_hidden: bool | None = None
    reply_to: str | None = None
    rescheduling_disabled: bool | None = None
    cancelling_disabled: bool | None = None
    # The pages of a platform that embeds Cal.com; empty for a page that it does not have.
    platform_reschedule_url: str | None = None
    platform_cancel_url: str | None = None
    platform_booking_url: str | None = None
    # Whether a calendar connected to Cal.com invites the attendee itself.
    calendar_invites: bool | None = None
    price: int | None = None
    currency: str | None = None


class ReplacedBooking(Struct, frozen=True, kw_only=True):
    """The booking that a newer one replaced: its uid, its number and its times."""

    uid: str | None
    calcom_booking_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class BookingEvent(Struct, frozen=True, kw_only=True):
    """The base of all booking events: the booking they are about."""

    booking: BookingDetails

"""A booking's current state: frozen values identified by natural keys (emails, domains, uids), without database ids."""

from datetime import datetime
from functools import cached_property
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from showup.values.phone_number import e164

Status: TypeAlias = Literal["ACCEPTED", "PENDING", "CANCELLED", "REJECTED"]
Evidence: TypeAlias = Literal["assumed", "reported"]
LocationKind: TypeAlias = Literal[
    "online", "organizer_place", "attendee_place", "organizer_calls", "attendee_calls", "other"
]
"""Where a meeting takes place: online, at the organizer's or the attendee's place, or by phone.

`organizer_calls`: the organizer calls the attendee, at the attendee's `phone`. `attendee_calls`: the attendee calls the
number in `location`. At `organizer_place` and `attendee_place`, `location` is the address, if one is known. `other`:
somewhere else, as `location` says, or by phone where nobody said who calls.
"""

MeetingOutcome: TypeAlias = Literal["showed", "no_show", "host_absent", "rescheduled"]


UNKNOWN_SOURCE: Final = "unknown"
"""The source of a booking of which nobody said where it came from."""

CAMPAIGN_SOURCE: Final = "campaign"
"""The source of a booking with an attendee who is a lead of a campaign, whatever else the booking says."""


def effective_source(reported: "BookingSource | None", *, is_matched: bool) -> str:
    """Return the source by which bookings are grouped (CA10)."""
    if is_matched:
        return CAMPAIGN_SOURCE
    return UNKNOWN_SOURCE if reported is None else reported.name


class BookingSource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a booking came from, as the booking itself says (CA10).

    `name` is in lower case. `kind`: it is from UTM parameters, a referrer, or the booker's answer to a question.
    The other fields are the other UTM parameters and the referrer as given.
    """

    name: str
    kind: Literal["utm", "referrer", "answer"]
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    referrer: str | None = None


def attendee_key(email: str | None, phone: str | None, name: str | None) -> str:
    """Return what identifies an attendee in a booking: the email, else the phone number, else the name.

    One event has the number as typed, another as Cal.com wrote it into an address: E.164 is the same for both.
    """
    return email or e164(phone) or phone or name or ""


class Attendee(Struct, frozen=True, kw_only=True):
    """One attendee of one booking, in the order in which they joined.

    `is_person`: an external attendee with an email address: not the organizer, not a teammate, not a generated address
    for a phone number. `company_key` is the attendee's company: `assigned_company`, which a person assigned them to, or
    else that of the address; None for a personal domain. `left_at`: the seat was given up, or a newer list omits the
    attendee. `rejoin_count`: how often they took a seat again. `joined_at`: when they took a seat in a
    booking that others had made before; None for those with whom it began. `confirmed_at`: when they said that they
    will come at the meeting's current time. `company_answer` is the company that they named when they booked.
    """

    email: str | None
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    seat_uid: str | None = None
    first_name: str | None = None
    locale: str | None = None
    company_answer: str | None = None
    is_person: bool = False
    company_key: str | None = None
    assigned_company: str | None = None
    attended: bool | None = None
    evidence: Evidence | None = None
    joined_at: datetime | None = None
    confirmed_at: datetime | None = None
    left_at: datetime | None = None
    rejoin_count: int = 0

    @property
    def key(self) -> str:
        """Return the key that distinguishes this attendee from others of the same booking."""
        return attendee_key(self.email, self.phone, self.name)

    @property
    def is_guest(self) -> bool:
        """Return whether the attendee is neither the organizer nor a teammate: these always have an address."""
        return self.is_person or self.email is None


class BookingUid(Struct, frozen=True, kw_only=True):
    """A current or previous uid of the booking, with the times it had then."""

    uid: str | None
    calcom_booking_id: str | None
    start_time: datetime | None
    end_time: datetime | None
    since: datetime | None


# `dict` enables cached properties: a replay reads them dozens of times for each booking.
class Booking(Struct, frozen=True, kw_only=True, dict=True):
    """One meeting, through all its uids. `version` counts its changes of time, from 1."""

    uid: str | None
    calcom_booking_id: str | None
    status: Status
    start_time: datetime
    end_time: datetime | None
    booked_at: datetime
    title: str = ""
    attendees: tuple[Attendee, ...] = ()
    hosts: frozenset[str] = frozenset()
    # The organizer's co-hosts, as the newest event that lists them says, and the hosts who did not come.
    co_hosts: frozenset[str] = frozenset()
    absent_hosts: frozenset[str] = frozenset()
    host_absent: bool = False
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    organizer_username: str | None = None
    event_type: str | None = None
    event_type_title: str | None = None
    calcom_event_type_id: str | None = None
    team_id: int | None = None
    location: str | None = None
    location_kind: LocationKind | None = None
    meeting_url: str | None = None
    notes: str | None = None
    answers: dict[str, str] = {}
    source: BookingSource | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    rejection_reason: str | None = None
    # Cal.com lists it as cancelled, and no event said so yet: the cancellation, if it arrives, applies as usual (F13).
    is_end_unreported: bool = False
    reschedule_requested: bool = False
    reschedule_reason: str | None = None
    rescheduled_by: str | None = None
    reschedule_count: int = 0
    ical_uid: str | None = None
    ical_sequence: int | None = None
    booker_url: str | None = None
    # What attendees may see and do, as `BookingDetails` describes it.
    organizer_email_hidden: bool = False
    reply_to: str | None = None
    rescheduling_disabled: bool = False
    cancelling_disabled: bool = False
    platform_reschedule_url: str | None = None
    platform_cancel_url: str | None = None
    platform_booking_url: str | None = None
    calendar_invites: bool = False
    series_uid: str | None = None
    seated: bool = False
    paid: bool | None = None
    price: int | None = None
    currency: str | None = None
    recording_url: str | None = None
    transcript_url: str | None = None
    # The outcome and next step that a witness reported.
    outcome: MeetingOutcome | None = None
    outcome_notes: str | None = None
    next_step: str | None = None
    # The key of the company to which a person attached the booking, whatever its attendees' domains are.
    attached_to: str | None = None
    uids: tuple[BookingUid, ...] = ()
    simulated: bool = False
    version: int = 1

    @property
    def is_live(self) -> bool:
        """Return whether the meeting is to take place: accepted, and not cancelled."""
        return self.status == "ACCEPTED"

    @cached_property
    def seats(self) -> tuple[Attendee, ...]:
        """Return the attendees who still have a seat."""
        return tuple(attendee for attendee in self.attendees if attendee.left_at is None)

    @cached_property
    def _ranked_attendees(self) -> tuple[Attendee, ...]:
        # With seats, the first booker stays the booker after giving up the seat; a corrected list changes the booker.
        return self.attendees if self.seated else (*self.seats, *self.attendees)

    @cached_property
    def booker(self) -> Attendee | None:
        """Return the first attendee who is a person."""
        return next((one for one in self._ranked_attendees if one.is_person), None)

    @cached_property
    def company_attendee(self) -> Attendee | None:
        """Return the first attendee who has a company; the deal belongs to that company."""
        return next((one for one in self._ranked_attendees if one.company_key is not None), None)

    @cached_property
    def contact(self) -> Attendee | None:
        """Return the person whom lists name: the booker; with seats, the first who kept a seat (M02)."""
        return next((one for one in self.seats if one.is_person), self.booker)

    @cached_property
    def contact_company(self) -> str | None:
        """Return the key of the company that lists name; with seats, of the first who kept a seat and has one."""
        found = next((one for one in self.seats if one.company_key is not None), self.company_attendee)
        return None if found is None else found.company_key

    @cached_property
    def primary_attendee(self) -> Attendee | None:
        """Return the attendee whose attendance counts: the booker; with seats, the first who kept a seat."""
        # An attendee known by phone only cannot get mail, but can still attend the meeting.
        return next((one for one in self.seats if one.is_guest), self.booker)

    @property
    def attended(self) -> bool | None:
        """Return whether the booker came (with seats: the first who kept one); None while unknown."""
        return self.primary_attendee.attended if self.primary_attendee is not None else None

    @property
    def evidence(self) -> Evidence | None:
        """Return the evidence for `attended`."""
        return self.primary_attendee.evidence if self.primary_attendee is not None else None

    def has_had_uid(self, uid: str | None) -> bool:
        """Return whether the booking ever had this uid."""
        return uid is not None and any(entry.uid == uid for entry in self.uids)
